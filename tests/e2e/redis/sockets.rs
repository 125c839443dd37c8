//! Kinds of sockets, connections from before the agent, connections that break.

use rustix::process::Signal;
use serde_json::json;

use super::{case, operation, operations, pair};
use crate::harness::{Folder, process, run, servers, trace, workload};

#[test]
fn unix_sockets() {
    let server = servers::redis();
    let path = server.folder.join("redis.sock").display().to_string();
    let mark = format!("test-{}", server.port);
    let select = vec![format!("port={}", server.port), format!("env.WIRESPAN_E2E={mark}")];
    let (spans, ()) = trace(&select, || {
        let mut client = workload("redis_client.py");
        run(client.args(["unix", &server.port.to_string(), &path]).env("WIRESPAN_E2E", &mark));
    });
    let (servers, clients) = pair(&spans.pick(|span| operation(&span.text("db.operation.name")) != "CLIENT"));
    for spans in [&servers, &clients] {
        assert_eq!(operations(spans), ["SET", "GET"]);
        for span in spans.iter() {
            span.has(&json!({ "network.transport": "unix", "server.address": path, "network.peer.port": null }));
        }
    }
}

#[test]
fn a_connection_from_before_the_agent() {
    let server = servers::redis();
    let gates = Folder::new();
    let mut client = workload("redis_client.py");
    client.args(["early", &server.port.to_string()]).env("GATES", gates.path());
    let mut client = process::Owned::start(&mut client, Signal::TERM);
    process::eventually("the client is at its gate", || gates.join("gate.ready").exists());
    let (spans, ()) = trace(&server.select_port(), || {
        gates.write("gate.open", "");
        assert!(client.wait().success());
    });
    let (servers, clients) = pair(&spans);
    for spans in [&servers, &clients] {
        assert_eq!(spans.texts("db.query.text"), ["GET after", "GET later"]);
        // Which database was selected before is not known.
        spans[0].failed(false).has(&json!({ "db.namespace": null }));
    }
}

#[test]
fn a_client_that_goes_while_it_waits() {
    let server = servers::redis();
    let (spans, ()) = trace(&server.select_port(), || {
        run(workload("redis_client.py").args(["gone", &server.port.to_string()]));
    });
    for spans in [spans.servers(), spans.clients()] {
        let span = spans.only().failed(true).took(180..1500);
        assert!(span.text("error.type").starts_with("connection_"), "{span:#?}");
    }
}

#[test]
fn a_server_that_ends_a_waiting_connection() {
    let (servers, clients) = case("killed");
    for spans in [&servers, &clients] {
        let failed = spans.pick(|span| span.name == "BLPOP");
        failed.only().failed(true).took(180..2000).has(&json!({ "error.type": "connection_closed" }));
    }
}
