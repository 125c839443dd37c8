//! Redis.

mod commands;
mod large;
mod pipelines;
mod sockets;

use wirespan_tests::spans::Spans;

use crate::harness::databases::{errors, pair};
use crate::harness::servers::{self, Server};
use crate::harness::{run, trace, workload};

/// What drivers say on their own.
const SETUP: [&str; 4] = ["CLIENT", "HELLO", "SELECT", "INFO"];

/// Runs a case of `redis_client.py` against a Redis of its own, both traced: server spans, client spans. What the driver
/// does to set a connection up is left out.
#[track_caller]
fn case(name: &str) -> (Spans, Spans) {
    let server = servers::redis();
    traced(&server, name)
}

#[track_caller]
fn traced(server: &Server, name: &str) -> (Spans, Spans) {
    let (spans, ()) = trace(&server.select_port(), || {
        run(workload("redis_client.py").args([name, &server.port.to_string()]));
    });
    pair(&spans.pick(|span| !SETUP.contains(&operation(&span.text("db.operation.name")))))
}

/// The command without its subcommand.
fn operation(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
}

fn operations(spans: &Spans) -> Vec<String> {
    spans.texts("db.operation.name")
}
