//! What the agent tells of itself: spans of its own work, and how it is.

use crate::harness::agent::granted;
use crate::harness::process::{eventually, free_port};
use crate::harness::servers::{self, curl};
use crate::harness::{Agent, Folder, run};

/// Each piece of work is told, with its parent, and the delivery of these spans makes none for ever.
#[test]
fn its_own_work_as_spans() {
    let folder = Folder::new();
    let config = "file_format: \"1.0\"\nwirespan:\n  telemetry:\n    spans: true\n";
    let config = folder.write("own.yaml", config);
    let server = servers::program("odd_server.py", &[]);
    let mut agent = Agent::run(granted()[0], &server.select_port(), &["--config", config.to_str().unwrap()]);
    (0..5).for_each(|_| drop(curl(server.port, "/", &[])));
    eventually("a delivery of requests is told", || agent.raw().contains("\"name\":\"export\""));
    let all = agent.finish();
    let own = all.pick(|span| span.resource["service.name"] == "wirespan");
    let named = |name: &str| own.pick(|span| span.name == name);
    let start = named("start").only().clone();
    for name in ["load", "attach", "scan"] {
        let part = named(name).only().clone();
        assert_eq!((part.parent.as_ref(), &part.trace_id), (Some(&start.span_id), &start.trace_id), "{name}");
        assert!(start.encloses(&part), "{name}");
    }
    assert!(named("scan").only().attributes["wirespan.scan.processes"].as_i64().unwrap() > 1);
    let drains = named("drain");
    assert!(drains.iter().all(|span| span.attributes["wirespan.drain.events"].as_i64().unwrap() > 0));
    assert!(!drains.is_empty() && own.iter().all(|span| span.kind == "INTERNAL"));
    let exports = named("export");
    assert!(exports.len() <= drains.len() + 1, "{} deliveries of {} drains", exports.len(), drains.len());
    assert!(exports.iter().all(|span| span.text("wirespan.exporter") == "otlp-json" && !span.error));
}

/// `/livez` and `/readyz` answer while it starts, and while it traces.
#[test]
fn how_it_is() {
    let (server, port) = (servers::program("odd_server.py", &[]), free_port());
    let listen = format!("127.0.0.1:{port}");
    let more = ["--output", "none", "--prometheus-listen", &listen];
    let agent = Agent::run(granted()[0], &server.select_port(), &more);
    let status = |path: &str| {
        let mut command = std::process::Command::new("curl");
        command.args(["-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}"]);
        run(command.arg(format!("http://{listen}{path}")))
    };
    eventually("it is ready", || status("/readyz") == "200");
    assert_eq!((curl(port, "/livez", &[]), status("/livez")), ("ok\n".to_owned(), "200".to_owned()));
    drop(agent);
}
