//! Metrics: every request in them, in a form that Prometheus accepts.

use std::collections::BTreeMap;

use super::{OPEN_METRICS, promtool, scrape_until};
use crate::harness::agent::granted;
use crate::harness::process::free_port;
use crate::harness::prometheus::{Sample, Scrape};
use crate::harness::servers::{curl, program};
use crate::harness::{Agent, skipped};

#[test]
fn prometheus_sees_every_request() {
    for backend in granted() {
        let server = program("odd_server.py", &[]);
        let port = free_port();
        let listen = format!("127.0.0.1:{port}");
        let mut agent = Agent::run(backend, &server.select_port(), &["--prometheus-listen", &listen]);
        for number in 0..20 {
            curl(server.port, &format!("/n/{number}"), &[]);
        }
        let ok = |sample: &Sample| sample.label("http_response_status_code") == "200";
        let plain = scrape_until(port, |scrape| scrape.sum("http_server_request_duration_seconds_count", ok) >= 20.0);
        for (metric, label, value, expected) in [
            ("http_server_request_duration_seconds_count", "http_request_method", "GET", 20.0),
            ("http_client_request_duration_seconds_count", "server_port", &*server.port.to_string(), 20.0),
            ("http_server_request_duration_seconds_bucket", "le", "+Inf", 20.0),
            ("traces_service_graph_request_total", "client", "curl", 20.0),
            ("wirespan_tcp_connections_opened_total", "wirespan_role", "client", 20.0),
            ("wirespan_capture_left_out_total", "reason", "ring_full", 0.0),
        ] {
            let sum = plain.sum(metric, |sample| sample.label(label) == value);
            assert_eq!(sum, expected, "{backend}: {metric} {label}={value} in\n{}", plain.text);
        }
        // Those of a scraper count too until its process is known not to be selected.
        let exchanges = plain.sum("wirespan_exchanges_total", |sample| sample.label("protocol") == "http");
        assert!(exchanges >= 40.0, "{}", plain.text);
        let open = Scrape::of(port, OPEN_METRICS).text;
        assert!(open.ends_with("# EOF\n"));
        let exemplars: Vec<&str> =
            open.lines().filter_map(|line| line.split_once(" # {trace_id=\"")).map(|(_, rest)| &rest[..32]).collect();
        assert!(!exemplars.is_empty(), "{open}");
        match promtool(&plain.text) {
            Some((status, said)) => {
                assert!(status == Some(0) && said.is_empty(), "promtool: {said}\n{}", plain.text);
            }
            None => skipped("promtool is missing"),
        }
        let spans = agent.finish();
        assert_eq!(spans.servers().len() + spans.clients().len(), 40, "{backend}");
        for id in exemplars {
            assert!(agent.raw().contains(id), "the exemplar {id} is a span");
        }
    }
}

/// What is sampled away is measured all the same, and the sums of the lines are those of the requests.
#[test]
fn lines_tell_what_sampling_left_out() {
    let server = program("odd_server.py", &[]);
    let variables = [
        ("OTEL_TRACES_SAMPLER", "always_off".to_owned()),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta".to_owned()),
        ("OTEL_METRIC_EXPORT_INTERVAL", "300".to_owned()),
    ];
    let mut agent = Agent::start_with("run", "syscalls", &server.select_port(), &[], &variables);
    for number in 0..10 {
        curl(server.port, &format!("/n/{number}"), &[]);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(agent.finish().len(), 0);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut lines = 0;
    for line in agent.raw().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        lines += usize::from(line["resourceMetrics"].is_array());
        for group in line["resourceMetrics"].as_array().unwrap() {
            for metric in group["scopeMetrics"][0]["metrics"].as_array().unwrap() {
                for point in metric["histogram"]["dataPoints"].as_array().into_iter().flatten() {
                    let count: u64 = point["count"].as_str().unwrap().parse().unwrap();
                    *counts.entry(metric["name"].as_str().unwrap().to_owned()).or_default() += count;
                }
            }
        }
    }
    assert!(lines >= 3, "{lines} collections");
    assert_eq!((counts["http.server.request.duration"], counts["http.client.request.duration"]), (10, 10));
}
