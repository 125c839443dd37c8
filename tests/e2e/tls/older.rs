//! Connections that were open before the agent came: requests on them are told from then on, at both ends.

use std::process::Command;

use rustix::process::Signal;
use serde_json::json;
use wirespan_tests::spans::Spans;

use crate::harness::certificates::Authority;
use crate::harness::postgres::Postgres;
use crate::harness::process::{Owned, eventually};
use crate::harness::{Agent, Folder, servers, workload};

/// Requests after the agent came.
const COUNT: usize = 6;

/// Runs a client with a gate, at which the agent comes, and sees that what it probes for a while is gone at the end; what it tells.
#[track_caller]
fn traced(port: u16, arguments: impl FnOnce(&mut Command)) -> Spans {
    let gates = Folder::new();
    let mut client = workload("older.py");
    arguments(&mut client);
    let mut client = Owned::start(client.arg(COUNT.to_string()).env("GATES", gates.path()), Signal::TERM);
    eventually("the client is at its gate", || gates.join("gate.ready").exists());
    let mut agent = Agent::run("sockets", &[format!("port={port}")], &["--tls", "--log-level", "debug"]);
    let before = probes(agent.pid());
    gates.write("gate.open", "");
    let mut most = before;
    eventually("the client is done", || {
        most = most.max(probes(agent.pid()));
        gates.join("end.ready").exists()
    });
    assert!(most > before, "no session was looked for: {}", agent.stderr());
    // All connections are decided, so nothing is probed that runs at each call, though they go on.
    eventually("the probes are gone", || probes(agent.pid()) == before);
    gates.write("end.open", "");
    assert!(client.wait().success());
    let spans = agent.finish();
    println!("{}", agent.stderr());
    spans
}

/// How many places in programs an agent probes.
fn probes(agent: u32) -> usize {
    let entries = std::fs::read_dir(format!("/proc/{agent}/fdinfo")).unwrap().flatten();
    let texts = entries.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    texts.filter(|text| text.contains("link_type:\tperf")).count()
}

/// A client that keeps its connection to nginx.
#[test]
fn http() {
    let authority = Authority::new();
    let identity = authority.sign();
    let server = servers::nginx_tls_with("127.0.0.1", &identity, "1.3", "keepalive_timeout 65;");
    let spans = traced(server.port, |client| {
        client.args(["https", &server.port.to_string()]).arg(authority.certificate());
    });
    for kind in ["CLIENT", "SERVER"] {
        let told = spans.pick(|span| span.kind == kind);
        assert_eq!(told.len(), COUNT, "{kind} {:?}", spans.names());
        for span in told.iter() {
            span.failed(false).has(&json!({ "http.request.method": "GET", "http.response.status_code": 200 }));
        }
    }
    // The first one is told when the second has shown the secrets, a second later: by then its ends do not wait for one another.
    let parents = spans.pick(|span| span.kind == "SERVER" && span.parent.is_some());
    assert!(parents.len() >= COUNT - 1, "{} of both ends are one request", parents.len());
}

/// A client of libpq that keeps its connection to PostgreSQL.
#[test]
fn postgres() {
    let server = Postgres::start();
    server.serve_tls();
    let dsn = server.dsn();
    let spans = traced(server.port, |client| {
        client.args(["postgres", &dsn]);
    });
    for kind in ["CLIENT", "SERVER"] {
        let told = spans.pick(|span| span.kind == kind);
        assert_eq!(told.len(), COUNT, "{kind} {:?}", spans.names());
    }
}
