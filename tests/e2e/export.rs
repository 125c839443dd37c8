//! A real OpenTelemetry Collector takes what is exported, over both transports.

use std::process::Command;

use rustix::process::Signal;
use wirespan_tests::registered;

use crate::harness::parts::part;
use crate::harness::process::{Owned, eventually, free_port, listening};
use crate::harness::{Agent, Folder, run, servers, skipped, workload};

/// A Collector that writes what it receives, in detail, to its standard error.
struct Collector {
    process: Owned,
    folder: Folder,
    http: u16,
    grpc: u16,
}

impl Collector {
    fn start(program: &std::path::Path) -> Self {
        let (folder, http, grpc) = (Folder::new(), free_port(), free_port());
        let config = format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: 127.0.0.1:{http}}}, grpc: {{endpoint: 127.0.0.1:{grpc}}}}}}}}}
exporters: {{debug: {{verbosity: detailed}}}}
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [debug]}}
    metrics: {{receivers: [otlp], exporters: [debug]}}
    logs: {{receivers: [otlp], exporters: [debug]}}
  telemetry: {{metrics: {{level: none}}}}
"
        );
        let config = folder.write("config.yaml", config);
        let mut command = Command::new(program);
        command.arg("--config").arg(config).stdout(folder.output("stdout")).stderr(folder.output("stderr"));
        let collector = Self { process: Owned::start(&mut command, Signal::TERM), folder, http, grpc };
        listening(http);
        listening(grpc);
        collector
    }

    fn received(&self) -> String {
        std::fs::read_to_string(self.folder.join("stderr")).unwrap()
    }
}

/// Every span that an agent made has been taken.
#[track_caller]
fn exported_all(agent: &Agent) {
    let (made, taken) = (agent.told("wirespan: spans"), agent.told("otlp: exported"));
    assert!(made > 0 && made == taken, "{}", agent.stderr());
}

#[test]
fn a_collector_over_both_transports() {
    let Some(program) = part("otelcol/otelcol") else {
        return skipped("test part otelcol is missing");
    };
    let mut collector = Collector::start(&program);
    let server = servers::program("odd_server.py", &[]);
    let transports = [("http/protobuf", collector.http, "gzip"), ("grpc", collector.grpc, "none")];
    for (protocol, port, compression) in transports {
        let endpoint = format!("http://127.0.0.1:{port}");
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", compression.to_owned()),
        ];
        let none = ["--output", "none"];
        let mut agent = Agent::start_with("run", "syscalls", &server.select_port(), &none, &variables);
        let path = format!("/by/{}", protocol.replace('/', "-"));
        servers::curl(server.port, &path, &[]);
        run(workload("http_client.py").args(["many", &server.port.to_string()]));
        // The end flushes what waits.
        agent.stop();
        exported_all(&agent);
        assert!(agent.told("otlp-metrics: exported") > 10, "{}", agent.stderr());
        eventually("the collector has it", || collector.received().contains(&format!("url.path: Str({path})")));
    }
    let received = collector.received();
    assert_eq!(received.matches("Kind           : Server").count(), 402);
    assert_eq!(received.matches("Kind           : Client").count(), 402);
    for part in [
        "service.name: Str(odd_server)",
        "Name           : GET",
        "http.response.status_code: Int(200)",
        "Resource SchemaURL: ",
        "-> Name: http.server.request.duration",
        "-> Name: traces_service_graph_request_total",
        "-> DataType: Histogram",
        "AggregationTemporality: Cumulative",
        "service.name: Str(wirespan)",
    ] {
        assert!(received.contains(part), "{part}");
    }
    registered::received(&received);
    collector.process.stop();
}

/// A Collector that is away costs spans, not the agent; when it comes, it gets what waits.
#[test]
fn a_collector_that_comes_late() {
    let Some(program) = part("otelcol/otelcol") else {
        return skipped("test part otelcol is missing");
    };
    let collector = Collector::start(&program);
    let (http, folder) = (collector.http, collector.folder.join("config.yaml"));
    let config = std::fs::read_to_string(&folder).unwrap();
    drop(collector);
    let server = servers::program("odd_server.py", &[]);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{http}")),
        ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
    ];
    let none = ["--output", "none"];
    let mut agent = Agent::start_with("run", "syscalls", &server.select_port(), &none, &variables);
    servers::curl(server.port, "/early", &[]);
    std::thread::sleep(std::time::Duration::from_millis(400));
    let folder = Folder::new();
    let mut command = Command::new(program);
    command.arg("--config").arg(folder.write("config.yaml", config));
    command.stdout(folder.output("stdout")).stderr(folder.output("stderr"));
    let _late = Owned::start(&mut command, Signal::TERM);
    listening(http);
    servers::curl(server.port, "/late", &[]);
    let received = || std::fs::read_to_string(folder.join("stderr")).unwrap();
    eventually("both have come", || {
        let told = received();
        told.contains("Str(/early)") && told.contains("Str(/late)")
    });
    agent.stop();
    exported_all(&agent);
}

/// Metrics of requests and connections, over both transports.
#[test]
fn a_collector_takes_metrics() {
    let Some(program) = part("otelcol/otelcol") else {
        return skipped("test part otelcol is missing");
    };
    for (protocol, is_grpc) in [("http/protobuf", false), ("grpc", true)] {
        let mut collector = Collector::start(&program);
        let server = servers::program("odd_server.py", &[]);
        let endpoint = format!("http://127.0.0.1:{}", if is_grpc { collector.grpc } else { collector.http });
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
            ("OTEL_METRIC_EXPORT_INTERVAL", "500".to_owned()),
        ];
        let none = ["--output", "none"];
        let mut agent = Agent::start_with("run", "sockets", &server.select_port(), &none, &variables);
        run(workload("http_client.py").args(["many", &server.port.to_string()]));
        agent.stop();
        println!("{}", agent.stderr());
        let names = [
            "http.server.request.duration",
            "http.client.request.duration",
            "wirespan.tcp.connect.duration",
            "wirespan.tcp.connections.opened",
            "traces_service_graph_request_total",
            "process.cpu.time",
        ];
        for name in names {
            let line = format!("-> Name: {name}\n");
            eventually(name, || collector.received().contains(&line));
        }
        let received = collector.received();
        assert!(received.contains("AggregationTemporality: Cumulative"));
        // The last export tells of all.
        assert!(received.contains("Count: 200\n"), "{protocol}");
        registered::received(&received);
        collector.process.stop();
    }
}
