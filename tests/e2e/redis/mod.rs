//! Redis.

mod commands;
mod pipelines;
mod sockets;

use serde_json::Value;
use wirespan_tests::spans::Spans;

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

/// Both sides tell the same commands with the same outcome, the server's within the client's.
#[track_caller]
fn pair(spans: &Spans) -> (Spans, Spans) {
    let (servers, clients) = (spans.servers(), spans.clients());
    let mut left: Vec<_> = servers.iter().collect();
    for client in clients.iter() {
        let same = left.iter().position(|server| {
            let told = |key: &str| server.text(key) == client.text(key);
            told("db.query.text") && told("error.type") && server.name == client.name && client.encloses(server)
        });
        match same {
            Some(place) => _ = left.remove(place),
            None => panic!("no server span within {client:#?}\nof {left:#?}"),
        }
    }
    assert!(left.is_empty(), "servers without client: {left:#?}");
    (servers, clients)
}

fn operations(spans: &Spans) -> Vec<String> {
    spans.texts("db.operation.name")
}

/// `error.type` by command, null for success.
fn errors(spans: &Spans) -> Vec<Value> {
    spans.iter().map(|span| span.attributes.get("error.type").cloned().unwrap_or(Value::Null)).collect()
}
