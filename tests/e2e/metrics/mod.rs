//! Metrics as Prometheus and a Collector take them.

mod counted;

use std::process::Command;

use crate::harness::process::{eventually, free_port};
use crate::harness::prometheus::Scrape;
use crate::harness::promql::Prometheus;
use crate::harness::servers::which;
use crate::harness::{Agent, Folder, run, servers, skipped, workload};

const PLAIN: &str = "text/plain";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0";
/// Requests of `http_client.py many`.
const MANY: f64 = 200.0;

/// An agent with an end point, and its port.
fn agent(selectors: &[String], variables: &[(&str, String)]) -> (Agent, u16) {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let more = ["--output", "none", "--prometheus-listen", &listen];
    (Agent::start_with("run", "sockets", selectors, &more, variables), port)
}

/// Scrapes until it holds.
#[track_caller]
fn scrape_until(port: u16, holds: impl Fn(&Scrape) -> bool) -> Scrape {
    let mut last = Scrape::of(port, PLAIN);
    eventually("the metrics are there", || {
        last = Scrape::of(port, PLAIN);
        holds(&last)
    });
    last
}

/// Every request is counted on both sides, whatever becomes of its span.
#[test]
fn requests_are_counted_before_sampling() {
    let server = servers::program("odd_server.py", &[]);
    let (mut agent, port) = agent(&server.select_port(), &[("OTEL_TRACES_SAMPLER", "always_off".to_owned())]);
    run(workload("http_client.py").args(["many", &server.port.to_string()]));
    let count =
        |scrape: &Scrape, side: &str| scrape.sum(&format!("http_{side}_request_duration_seconds_count"), |_| true);
    let scrape = scrape_until(port, |scrape| count(scrape, "server") >= MANY && count(scrape, "client") >= MANY);
    agent.stop();
    println!("{}", scrape.text);
    assert_eq!((count(&scrape, "server"), count(&scrape, "client")), (MANY, MANY));
    for sample in scrape.all("http_server_request_duration_seconds_count") {
        assert_eq!((sample.label("http_request_method"), sample.label("url_scheme")), ("GET", "http"));
    }
    assert_eq!(scrape.sum("wirespan_spans_total", |_| true), 0.0);
    let graph = |sample: &crate::harness::prometheus::Sample| sample.label("connection_type").is_empty();
    assert_eq!(scrape.sum("traces_service_graph_request_total", graph), MANY);
}

/// What is served is what promtool and a scraper of either format expect.
#[test]
fn exposition() {
    let server = servers::program("odd_server.py", &[]);
    let (mut agent, port) = agent(&server.select_port(), &[]);
    run(workload("http_client.py").args(["statuses", &server.port.to_string()]));
    let found = |scrape: &Scrape| scrape.sum("http_client_request_duration_seconds_count", |_| true) >= 6.0;
    let plain = scrape_until(port, found);
    let open = Scrape::of(port, OPEN_METRICS);
    agent.stop();
    assert!(open.text.ends_with("# EOF\n"));
    assert!(open.text.contains("# {trace_id=\""), "exemplars: {}", open.text);
    assert!(!plain.text.contains("# {"), "the plain format has no exemplars");
    let errors = |sample: &crate::harness::prometheus::Sample| sample.label("error_type") == "503";
    assert_eq!(plain.sum("http_server_request_duration_seconds_count", errors), 1.0);
    let Some((status, said)) = promtool(&plain.text) else {
        return skipped("promtool is missing");
    };
    println!("{said}");
    // 3: what its linter would name otherwise. The names are OpenTelemetry's.
    assert!(matches!(status, Some(0 | 3)), "{said}\n{}", plain.text);
    assert!(!said.contains("error while linting"), "{said}");
}

/// How `promtool check metrics` ends, and what it says; `None` where it is missing.
fn promtool(text: &str) -> Option<(Option<i32>, String)> {
    let folder = Folder::new();
    let mut check = Command::new(which("promtool")?);
    let file = std::fs::File::open(folder.write("metrics", text)).unwrap();
    let output = check.args(["check", "metrics"]).stdin(file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    Some((output.status.code(), said))
}

/// A real Prometheus scrapes, and finds exemplars by the requests' trace ids.
#[test]
fn prometheus() {
    let Some(program) = which("prometheus") else {
        return skipped("prometheus is missing");
    };
    let server = servers::program("odd_server.py", &[]);
    let (mut agent, port) = agent(&server.select_port(), &[]);
    let prometheus = Prometheus::start(program, port);
    run(workload("http_client.py").args(["many", &server.port.to_string()]));
    let query = "sum(http_server_request_duration_seconds_count)";
    eventually("Prometheus has scraped it", || {
        let answer = prometheus.ask("query", query);
        answer["data"]["result"][0]["value"][1].as_str() == Some("200")
    });
    // Without `honor_labels`: nothing of ours had to be renamed.
    let series = prometheus.ask("query", "http_server_request_duration_seconds_count");
    let labels = &series["data"]["result"][0]["metric"];
    assert_eq!(labels["job"], "wirespan", "{series:#}");
    assert!(labels["service_name"].is_string() && labels["exported_job"].is_null(), "{series:#}");
    let exemplars = prometheus.ask("query_exemplars", "http_server_request_duration_seconds_bucket");
    let trace = &exemplars["data"][0]["exemplars"][0]["labels"]["trace_id"];
    assert!(trace.as_str().is_some_and(|id| id.len() == 32), "{exemplars:#}");
    agent.stop();
}

/// More statements than there may be series: sums stay right, and what went over is told.
#[test]
fn too_many_statements() {
    let server = crate::harness::postgres::Postgres::start();
    let (mut agent, port) = agent(&[format!("port={}", server.port)], &[]);
    let sql: String = (0..2500).map(|n| format!("CREATE TEMP TABLE t{n} (a int);\n")).collect();
    let folder = Folder::new();
    let script = folder.write("script.sql", sql);
    run(Command::new("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &server.dsn(), "-f"]).arg(script));
    let name = "db_client_operation_duration_seconds_count";
    let scrape = scrape_until(port, |scrape| scrape.sum(name, |_| true) >= 2500.0);
    agent.stop();
    let over = |sample: &crate::harness::prometheus::Sample| sample.label("otel_metric_overflow") == "true";
    let (series, over_sum) = (scrape.all(name).count(), scrape.sum(name, over));
    assert!((1990..=2001).contains(&series), "{series} series");
    assert!(over_sum >= 499.0, "{over_sum} went over");
    assert!(scrape.sum("wirespan_metrics_overflows_total", |_| true) >= over_sum);
    // What comes with its start: a handful.
    let sum = scrape.sum(name, |_| true);
    assert!((2500.0..2510.0).contains(&sum), "{sum}");
}
