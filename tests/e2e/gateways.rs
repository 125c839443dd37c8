//! `deploy/collector`: two agents send to two gateways, which bring each trace together in one Collector of the second tier.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use wirespan_tests::network::{CLIENT, Namespace, Network, SERVER};

use crate::harness::agent::granted;
use crate::harness::parts::part;
use crate::harness::process::{Owned, eventually, free_port};
use crate::harness::prometheus::Scrape;
use crate::harness::promql::{Prometheus, deployed};
use crate::harness::servers::{self, Server, curl, which};
use crate::harness::{Agent, Folder, run, skipped};
use crate::hosts::written;

/// Collectors of one host must not have their own metrics at one port.
const NO_METRICS: &str = "service:\n  telemetry: {metrics: {level: none}}\n";
/// What a trace is about: every second one of them fails at one of the two services.
const TRACES: u16 = 40;
/// The trace that takes long, at one service only.
const SLOW: u16 = 1000;

/// A Collector with files of `deploy/collector`.
struct Collector {
    process: Owned,
    folder: Folder,
}

impl Collector {
    /// Runs `command`, which names the program, with these files and some changes to them.
    fn start(mut command: Command, files: &[&str], changes: &str, variables: &[(&str, &str)]) -> Self {
        let folder = Folder::new();
        for file in files {
            command.arg("--config").arg(deployed("collector").join(file));
        }
        command.arg("--config").arg(folder.write("changes.yaml", changes));
        command.envs(variables.iter().copied());
        command.stdout(folder.output("stdout")).stderr(folder.output("stderr"));
        let mut collector = Self { process: Owned::start(&mut command, Signal::TERM), folder };
        eventually("the Collector is ready", || {
            assert!(!collector.process.has_ended(), "{}", collector.log());
            collector.log().contains("Everything is ready")
        });
        collector
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("stderr")).unwrap()
    }

    /// How many spans of servers it wrote of each trace.
    fn servers(&self) -> BTreeMap<String, usize> {
        let mut traces = BTreeMap::new();
        for span in written(&self.log()).iter().filter(|span| span.get("Kind") == Some(&"Server")) {
            *traces.entry(span["Trace ID"].to_owned()).or_default() += 1;
        }
        traces
    }
}

/// The second tier, on a host where the gateway finds it by a name: what it keeps it writes in detail.
fn sampler(inside: &Namespace, program: &Path, port: u16) -> Collector {
    inside.etc("hosts", &format!("127.0.0.1 localhost\n{CLIENT} samplers\n{SERVER} samplers\n"));
    inside.etc("nsswitch.conf", "hosts: files\n");
    let at = format!("0.0.0.0:{port}");
    let variables = [("OTLP_GRPC", &*at), ("DECISION_WAIT", "5s"), ("SHARE_PERCENT", "0")];
    let detailed = "exporters: {debug: {verbosity: detailed}}";
    let changes = format!("{detailed}\n{NO_METRICS}  pipelines: {{traces: {{exporters: [debug]}}}}\n");
    Collector::start(inside.command(program.to_str().unwrap()), &["sampling.yaml"], &changes, &variables)
}

/// A host: a service, the agent that watches it, and the gateway that this sends to.
struct Host<'a> {
    inside: &'a Namespace,
    service: Server,
    agent: Agent,
    /// Where its gateway takes OTLP over HTTP.
    port: u16,
    /// Where the agent can be scraped.
    metrics: u16,
    _gateway: Collector,
}

impl<'a> Host<'a> {
    fn start(inside: &'a Namespace, program: &Path, samplers: u16, remote_write: Option<u16>) -> Self {
        let [grpc, http] = [free_port(), free_port()];
        let [at_grpc, at_http] = [grpc, http].map(|port| format!("127.0.0.1:{port}"));
        let samplers = samplers.to_string();
        let remote = format!("http://127.0.0.1:{}/api/v1/write", remote_write.unwrap_or(1));
        let variables = [
            ("OTLP_GRPC", &*at_grpc),
            ("OTLP_HTTP", &*at_http),
            ("SAMPLERS", "samplers"),
            ("SAMPLERS_PORT", &samplers),
            ("REMOTE_WRITE", &remote),
            ("COLLECTOR", "one"),
        ];
        let files = ["gateway.yaml", "metrics.yaml", "span-metrics.yaml"];
        let (files, more) = match remote_write {
            Some(_) => (&files[..], "connectors: {spanmetrics: {metrics_flush_interval: 500ms}}\n"),
            None => (&files[..1], ""),
        };
        let changes = format!("{more}{NO_METRICS}");
        let gateway = Collector::start(inside.command(program.to_str().unwrap()), files, &changes, &variables);
        inside.inside(|| {
            let service = servers::program("odd_server.py", &[]);
            let (signals, path) =
                if remote_write.is_some() { ("ENDPOINT", "") } else { ("TRACES_ENDPOINT", "/v1/traces") };
            let variables = [
                (&*format!("OTEL_EXPORTER_OTLP_{signals}"), format!("http://{at_http}{path}")),
                ("OTEL_BSP_SCHEDULE_DELAY", "200".to_owned()),
                ("OTEL_METRIC_EXPORT_INTERVAL", "500".to_owned()),
            ];
            let select = [format!("pid={}", service.pid())];
            let metrics = free_port();
            let listen = format!("127.0.0.1:{metrics}");
            let more = ["--output", "none", "--prometheus-listen", &listen];
            let agent = Agent::start_with("run", granted()[0], &select, &more, &variables);
            Self { inside, service, agent, port: http, metrics, _gateway: gateway }
        })
    }

    /// A request of a trace; after its head nothing is sent for a while.
    fn ask(&self, trace: u16, path: &str, pause: Duration) {
        self.inside.inside(|| {
            let mut stream = TcpStream::connect(("127.0.0.1", self.service.port)).unwrap();
            let head = format!("POST {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: 2\r\n");
            write!(stream, "{head}traceparent: 00-{}-00000000000000aa-01\r\n\r\n", id(trace)).unwrap();
            sleep(pause);
            stream.write_all(b"ok").unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap();
        });
    }
}

/// A span of somebody else.
const OTHERS: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"other"}}]},
"scopeSpans":[{"spans":[{"traceId":"00000000000000000000000000000001","spanId":"0000000000000001","name":"work","kind":2,
"startTimeUnixNano":"1795246369000000000","endTimeUnixNano":"1795246369100000000"}]}]}]}"#;

fn id(trace: u16) -> String {
    format!("abcdef00{trace:024x}")
}

/// A series' labels, without those that Prometheus and the exporter add, and those whose spelling differs (`1`, `1.0`).
fn series(mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels.retain(|key, _| !["job", "instance", "le"].contains(&&**key));
    labels
}

/// By gateways and samplers; and metrics arrive as a scrape has them.
#[test]
fn each_trace_is_judged_in_one_place() {
    let Some(program) = part("otelcol/otelcol") else {
        return skipped("test part otelcol is missing");
    };
    let Some(prometheus) = which("prometheus") else {
        return skipped("prometheus is missing");
    };
    let network = match Network::new(Duration::from_millis(1)) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    let prometheus = network.client.inside(|| Prometheus::with_rules(prometheus, None, &[]));
    let port = free_port();
    // Before those who look for them: a connection that is refused is tried again later than the decision waits.
    let samplers = [&network.client, &network.server].map(|inside| sampler(inside, &program, port));
    let first = Host::start(&network.client, &program, port, Some(prometheus.port));
    let second = Host::start(&network.server, &program, port, None);
    for trace in 0..TRACES {
        first.ask(trace, "/", Duration::ZERO);
        second.ask(trace, if trace % 2 == 0 { "/" } else { "/status/503" }, Duration::ZERO);
    }
    second.ask(SLOW, "/", Duration::from_millis(1300));
    let mut curl = network.client.command("curl");
    curl.args(["-sf", "--noproxy", "*", "-H", "Content-Type: application/json", "-d", OTHERS]);
    run(curl.arg(format!("http://127.0.0.1:{}/v1/traces", first.port)));
    let scraped = network.client.inside(|| Scrape::of(first.metrics, "text/plain"));
    let mut hosts = [first, second];
    for host in &mut hosts {
        host.agent.stop();
        println!("{}", host.agent.stderr());
    }
    let kept = || samplers.each_ref().map(Collector::servers);
    let expected = usize::from(TRACES / 2) + 1;
    eventually("what is bad is kept", || kept().iter().map(BTreeMap::len).sum::<usize>() >= expected);
    let kept = kept();
    println!("{kept:#?}");
    for trace in (0..TRACES).chain([SLOW]) {
        let spans = match trace {
            SLOW => 1,
            trace if trace % 2 == 1 => 2,
            _ => 0,
        };
        let found: Vec<usize> = kept.iter().filter_map(|kept| kept.get(&id(trace)).copied()).collect();
        assert_eq!(found, if spans == 0 { vec![] } else { vec![spans] }, "{}", id(trace));
    }
    assert!(kept.iter().all(|kept| !kept.is_empty()), "one of them did all the work");
    let numbers = |query: &str| network.client.inside(|| prometheus.numbers(query)).unwrap();
    let count =
        "sum(http_server_request_duration_seconds_count{service_name=\"odd_server\",service_instance_id!=\"\"})";
    eventually("the metrics are written", || numbers(count) == [f64::from(TRACES)]);
    let answer = network.client.inside(|| prometheus.ask("query", "{job!=\"\"}"));
    let written = answer["data"]["result"].as_array().unwrap().iter().map(|series| {
        let labels = series["metric"].as_object().unwrap().iter();
        labels.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned())).collect::<BTreeMap<_, _>>()
    });
    let written: BTreeSet<_> = written.map(series).collect();
    for sample in scraped.samples.into_iter().filter(|sample| sample.name != "target_info") {
        let mut labels = sample.labels;
        labels.insert("__name__".to_owned(), sample.name);
        let scraped = series(labels);
        assert!(written.contains(&scraped), "a scrape has {scraped:?}, written was {written:#?}");
    }
    let queue_full = "wirespan_export_items_total{service_name=\"wirespan\",exporter=\"otlp\",outcome=\"queue_full\"}";
    assert_eq!(numbers(queue_full), [0.0]);
    let spans = "sum by (service_name) (traces_span_metrics_calls_total)";
    eventually("spans of others are counted", || numbers(spans) == [1.0]);
}

/// Each way to put the files together is valid, and starts without complaints.
#[test]
fn every_configuration_starts() {
    let Some(program) = part("otelcol/otelcol") else {
        return skipped("test part otelcol is missing");
    };
    let [grpc, http] = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
    let variables = [
        ("OTLP_GRPC", &*grpc),
        ("OTLP_HTTP", &*http),
        ("BACKEND", "http://127.0.0.1:9"),
        ("SAMPLERS", "localhost"),
        ("REMOTE_WRITE", "http://127.0.0.1:9/api/v1/write"),
        ("COLLECTOR", "one"),
        ("TEMPO", "127.0.0.1:9"),
        ("JAEGER", "127.0.0.1:9"),
        ("ELASTIC", "http://127.0.0.1:9"),
        ("ELASTIC_API_KEY", "key"),
    ];
    for files in [
        &["calls.yaml"][..],
        &["gateway.yaml", "metrics.yaml"],
        &["gateway.yaml", "metrics.yaml", "span-metrics.yaml"],
        &["sampling.yaml", "to-tempo.yaml"],
        &["sampling.yaml", "to-jaeger.yaml"],
        &["sampling.yaml", "metrics.yaml", "to-elastic.yaml"],
    ] {
        let mut validate = Command::new(&program);
        validate.arg("validate").envs(variables);
        for file in files {
            validate.arg("--config").arg(deployed("collector").join(file));
        }
        run(&mut validate);
        let mut collector = Collector::start(Command::new(&program), files, NO_METRICS, &variables);
        collector.process.stop();
        // That nobody is there to send to is no fault of theirs.
        let log = collector.log();
        let complaints = log.lines().filter(|line| ["\twarn\t", "\terror\t"].iter().any(|level| line.contains(level)));
        let complaints: Vec<&str> = complaints.filter(|line| !line.contains("createTransport")).collect();
        assert!(complaints.is_empty(), "{files:?}: {complaints:#?}");
    }
}

/// A gateway that has no memory left refuses everything: the agent waits, tries again, then drops and counts; the service does not
/// notice, and metrics go on.
#[test]
fn a_gateway_that_is_too_small() {
    let Some(program) = part("otelcol/otelcol") else {
        return skipped("test part otelcol is missing");
    };
    let [grpc, http, metrics] = [free_port(), free_port(), free_port()];
    let [at_grpc, at_http] = [grpc, http].map(|port| format!("127.0.0.1:{port}"));
    let variables = [("OTLP_GRPC", &*at_grpc), ("OTLP_HTTP", &*at_http), ("SAMPLERS", "localhost")];
    let full = "processors: {memory_limiter: {check_interval: 100ms, limit_mib: 1}}";
    let changes = format!("{full}\n{NO_METRICS}");
    let gateway = Collector::start(Command::new(&program), &["gateway.yaml"], &changes, &variables);
    let service = servers::program("odd_server.py", &[]);
    let listen = format!("127.0.0.1:{metrics}");
    let variables = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("http://{at_http}/v1/traces")),
        ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
        ("OTEL_BSP_EXPORT_TIMEOUT", "2000".to_owned()),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "1024".to_owned()),
        ("WIRESPAN_PROMETHEUS_LISTEN", listen),
    ];
    let none = ["--output", "none"];
    let mut agent = Agent::start_with("run", granted()[0], &[format!("pid={}", service.pid())], &none, &variables);
    let count = 3000;
    let statuses = curl(service.port, &format!("/r[1-{count}]"), &["-o", "/dev/null", "-w", "%{http_code}\n"]);
    assert_eq!(statuses.matches("200").count(), count, "the service has answered everything");
    let scrape = || Scrape::of(metrics, "text/plain");
    let items = |outcome: &str| {
        scrape().sum("wirespan_export_items_total", |one| {
            one.label("exporter") == "otlp" && one.label("outcome") == outcome
        })
    };
    eventually("batches are given up, and others find no room", || {
        items("export_failed") > 0.0 && items("queue_full") > 0.0
    });
    let served = |scrape: &Scrape| scrape.sum("http_server_request_duration_seconds_count", |_| true);
    assert_eq!(served(&scrape()), count as f64, "metrics count what is dropped, too");
    agent.stop();
    println!("{}\n{}", agent.stderr(), gateway.log());
    assert!(gateway.log().contains("refused") || agent.stderr().contains("503"), "it was the gateway that refused");
    let told = |outcome: &str| agent.told(&format!("otlp: {outcome}"));
    assert_eq!(told("exported"), 0);
    assert!(agent.told("wirespan: spans") >= count as u64);
}
