//! Connections that were open before the agent came: requests on them are told from then on, at both ends.

use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use wirespan_tests::spans::Spans;

use crate::harness::agent::wirespan;
use crate::harness::certificates::Authority;
use crate::harness::postgres::Postgres;
use crate::harness::process::{Owned, eventually};
use crate::harness::{Agent, Folder, servers, workload};

/// Requests after the agent came.
const COUNT: usize = 6;

/// Runs a client with a gate, at which the agent comes; what it then tells, and which probes of sessions it has at the end.
fn traced(port: u16, arguments: impl FnOnce(&mut Command)) -> Spans {
    let gates = Folder::new();
    let mut client = workload("older.py");
    arguments(&mut client);
    let mut client = Owned::start(client.arg(COUNT.to_string()).env("GATES", gates.path()), Signal::TERM);
    eventually("the client is at its gate", || gates.join("gate.ready").exists());
    let mut agent = Agent::run("sockets", &[format!("port={port}")], &["--tls", "--log-level", "debug"]);
    gates.write("gate.open", "");
    eventually("the client is done", || gates.join("end.ready").exists());
    // All connections are decided, so nothing is probed that runs at each call.
    let mut left = Vec::new();
    for _ in 0..50 {
        left = sessions(agent.pid());
        if left.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    gates.write("end.open", "");
    assert!(client.wait().success());
    let spans = agent.finish();
    println!("{}", agent.stderr());
    assert!(left.is_empty(), "probed: {left:?}");
    spans
}

/// The programs of sessions among those that an agent has attached.
fn sessions(agent: u32) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{agent}/fdinfo")).unwrap().flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        if text.contains("link_type:\tperf") {
            found.push(text);
        }
    }
    found
}

/// A client that keeps its connection to nginx.
#[test]
fn http() {
    let authority = Authority::new();
    let identity = authority.sign();
    let server = servers::nginx_both("127.0.0.1", &identity);
    let spans = traced(server.tls_port, |client| {
        client.args(["https", &server.tls_port.to_string()]).arg(authority.certificate());
    });
    for kind in ["CLIENT", "SERVER"] {
        let told = spans.pick(|span| span.kind == kind);
        let asked: Vec<Value> = told.iter().map(|span| span.attributes["url.query"].clone()).collect();
        assert_eq!(told.len(), COUNT, "{kind} {asked:?}");
    }
}
