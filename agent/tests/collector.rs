//! A real OpenTelemetry Collector takes what is exported, over both transports, plain and compressed.
//!
//! Runs when `WIRESPAN_TEST_COLLECTOR` names the binary that `tests/collector/build` makes; says that it is skipped otherwise.

use std::collections::HashMap;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::{Duration, Instant};

use wirespan::config::otlp::{Signal, of_signal, settings};
use wirespan::export::otlp::OtlpSink;
use wirespan::export::otlp::metrics::{MetricsSink, WAITING};
use wirespan::export::worker::Exporter;
use wirespan::metrics::catalog::Metric;
use wirespan::metrics::label::Text;
use wirespan::metrics::settings::{Reading, Settings};
use wirespan::metrics::snapshot::{Exemplar, Snapshot};
use wirespan::metrics::store::Store;
use wirespan::trace::clock::Clock;
use wirespan::trace::span::{Kind, Resource, Span, Status, Value};

struct Collector(Child);

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::unwrap_used, reason = "a test without a port cannot go on")]
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn span(resource: &Arc<Resource>, id: u8) -> Span {
    Span {
        trace_id: [id; 16],
        span_id: [id; 8],
        parent: Some([0x77; 8]),
        trace_state: None,
        kind: Kind::Server,
        name: format!("GET /probe-{id}").into(),
        start_unix_ns: 1_795_246_367_123_456_789,
        end_unix_ns: 1_795_246_367_135_856_789,
        answered_unix_ns: None,
        thread: 0,
        attributes: vec![
            ("url.path", Value::Text("/żółw".into())),
            ("http.response.status_code", Value::Int(503)),
            ("test.list", Value::List(["one".into(), "two".into()].into())),
        ],
        status: Status::Error("upstream went away".into()),
        links: Vec::new(),
        resource: Arc::clone(resource),
    }
}

/// A histogram, explicit or exponential, with an exemplar, and a counter.
fn snapshot(resource: &Arc<Resource>, exponential: bool) -> Snapshot {
    let mut store = Store::new(Settings { exponential, ..Settings::default() }, Arc::clone(resource));
    let labels = [("http.route", Text::Str("/probe")), ("http.response.status_code", Text::Int(200))];
    let mut key = store.key(resource, &labels);
    let exemplar = Exemplar { trace_id: [0xee; 16], span_id: [0xdd; 8], value: 0.3, at_ns: 2_000 };
    store.record(Metric::HttpServerDuration, &mut key, 0.3, 2_000, Some(exemplar));
    store.record(Metric::TcpIo, &mut key, 12_345.0, 2_000, None);
    let mut clock = Clock::default();
    clock.set_offset(1_795_246_367_123_456_789);
    store.collect(3_000, clock, Reading::Cumulative)
}

#[test]
fn a_real_collector_takes_every_transport() {
    let Some(binary) = std::env::var_os("WIRESPAN_TEST_COLLECTOR") else {
        eprintln!("skipped: WIRESPAN_TEST_COLLECTOR is not set (see tests/collector/build)");
        return;
    };
    let (http, grpc) = (free_port(), free_port());
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/collector/config.yaml");
    let log = std::env::temp_dir().join(format!("wirespan-collector-{}.log", std::process::id()));
    let _collector = Collector(
        Command::new(binary)
            .arg("--config")
            .arg(config)
            .env("COLLECTOR_HTTP_PORT", http.to_string())
            .env("COLLECTOR_GRPC_PORT", grpc.to_string())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap(),
    );
    let text = || std::fs::read_to_string(&log).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while [http, grpc].iter().any(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()) {
        assert!(Instant::now() < deadline, "the collector does not listen:\n{}", text());
        std::thread::sleep(Duration::from_millis(50));
    }
    let resource = Arc::new(Resource {
        service_name: "shop".into(),
        attributes: vec![("service.name".into(), Value::Static("shop")), ("process.pid".into(), Value::Int(4711))],
        ..Resource::default()
    });
    let ways = [("http/protobuf", "none"), ("http/protobuf", "gzip"), ("grpc", "none"), ("grpc", "gzip")];
    for (id, (protocol, compression)) in (1..).zip(ways) {
        let port = if protocol == "grpc" { grpc } else { http };
        let variables = HashMap::from([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{port}")),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", compression.to_owned()),
        ]);
        let settings = settings(&|name| variables.get(name).cloned(), None).unwrap();
        let reporter = Box::new(|notice| eprintln!("{notice:?}"));
        let sink = OtlpSink::new(&settings.otlp.unwrap(), settings.batch, reporter).unwrap();
        let mut exporter = Exporter::spawn("otlp", sink, settings.batch.into()).unwrap();
        exporter.offer(vec![span(&resource, id)]);
        let counts = exporter.shutdown(std::time::Instant::now() + Duration::from_secs(10));
        assert_eq!((counts.exported, counts.lost().map(|(_, lost)| lost)), (1, [0; 4]), "{protocol} {compression}");
    }
    for (protocol, port, exponential) in [("http/protobuf", http, false), ("grpc", grpc, true)] {
        let variables = HashMap::from([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{port}")),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", protocol.to_owned()),
        ]);
        let (otlp, _) = of_signal(&|name| variables.get(name).cloned(), Signal::Metrics, false).unwrap();
        let reporter = Box::new(|notice| eprintln!("{notice:?}"));
        let sink = MetricsSink::new(&otlp.unwrap(), Duration::from_secs(5), reporter).unwrap();
        let mut exporter = Exporter::spawn("otlp-metrics", sink, WAITING).unwrap();
        exporter.offer(vec![Arc::new(snapshot(&resource, exponential))]);
        let counts = exporter.shutdown(std::time::Instant::now() + Duration::from_secs(10));
        assert_eq!((counts.exported, counts.lost().map(|(_, lost)| lost)), (2, [0; 4]), "{protocol}");
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while !(text().contains("ExponentialHistogram") && text().contains("GET /probe-4")) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = text();
    for expected in [
        "GET /probe-1",
        "GET /probe-2",
        "GET /probe-3",
        "GET /probe-4",
        "service.name: Str(shop)",
        "process.pid: Int(4711)",
        "InstrumentationScope wirespan ",
        "https://opentelemetry.io/schemas/1.44.0",
        "01010101010101010101010101010101",
        "Kind           : Server",
        "Start time     : 2026-11-21 07:32:47.123456789",
        "Status code    : Error",
        "Status message : upstream went away",
        "url.path: Str(/żółw)",
        "http.response.status_code: Int(503)",
        "-> Name: http.server.request.duration",
        "-> DataType: Histogram",
        "-> DataType: ExponentialHistogram",
        "AggregationTemporality: Cumulative",
        "http.route: Str(/probe)",
        "-> Trace ID: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
        "-> Span ID: dddddddddddddddd",
        "Value: 12345",
        "IsMonotonic: true",
        r#"test.list: Slice(["one","two"])"#,
    ] {
        assert!(text.contains(expected), "{expected:?} is missing in:\n{text}");
    }
    let _ = std::fs::remove_file(log);
}
