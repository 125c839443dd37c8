//! HTTP/1.0 and 1.1.

mod calls;
mod framing;
mod order;
mod sockets;
mod trouble;

use serde_json::{Value, json};
use wirespan_tests::spans::Spans;

use crate::harness::servers::{self, Server};
use crate::harness::{Folder, process, run, trace, workload};

/// Runs a case of `http_client.py` against `odd_server.py`, both traced: server spans, client spans.
#[track_caller]
fn case(name: &str, count: usize) -> (Spans, Spans) {
    case_with(name, count, &[])
}

#[track_caller]
fn case_with(name: &str, count: usize, server: &[&str]) -> (Spans, Spans) {
    let server = servers::program("odd_server.py", server);
    let (spans, ()) = trace(&server.select_port(), || {
        run(workload("http_client.py").args([name, &server.port.to_string()]));
    });
    pair(&spans, count)
}

/// As many server spans as client spans, in order, each pair of the same request, the server's within the client's.
#[track_caller]
fn pair(spans: &Spans, count: usize) -> (Spans, Spans) {
    let (servers, clients) = (spans.servers().count(count), spans.clients().count(count));
    for (server, client) in servers.iter().zip(clients.iter()) {
        let (path, url) = (server.text("url.path"), client.text("url.full"));
        assert!(url.contains(&path), "{path} and {url}");
        assert!(client.encloses(server), "nesting of {path}: {client:#?} {server:#?}");
    }
    (servers, clients)
}

/// A client that comes to a gate before the agents do and passes it under their eyes.
#[track_caller]
fn gated(name: &str, server: &Server) -> Spans {
    let gates = Folder::new();
    let mut client = workload("http_client.py");
    client.args([name, &server.port.to_string()]).env("GATES", gates.path());
    let mut client = process::Owned::start(&mut client, rustix::process::Signal::TERM);
    process::eventually("the client is at its gate", || gates.join("gate.ready").exists());
    let (spans, ()) = trace(&server.select_port(), || {
        gates.write("gate.open", "");
        assert!(client.wait().success());
    });
    spans
}

fn numbers(spans: &Spans, key: &str) -> Vec<Value> {
    spans.iter().map(|span| span.attributes.get(key).cloned().unwrap_or(Value::Null)).collect()
}

/// Every attribute of a server's and of a client's span, and nothing else.
#[test]
fn attribute_by_attribute() {
    let server = servers::program("odd_server.py", &[]);
    let port = server.port;
    let (spans, ()) = trace(&server.select_port(), || {
        run(workload("http_client.py").args(["query", &port.to_string()]));
    });
    let (servers, clients) = pair(&spans, 1);
    let client_port = servers.only().attributes["network.peer.port"].clone();
    servers.only().failed(false).has_only(&json!({
        "http.request.method": "GET",
        "http.route": "/q",
        "wirespan.route.source": "heuristic",
        "url.path": "/q",
        "url.query": "user=7&Signature=REDACTED&x=1",
        "url.scheme": "http",
        "server.address": "odd.test",
        "client.address": "127.0.0.1",
        "network.peer.address": "127.0.0.1",
        "network.peer.port": client_port,
        "network.protocol.version": "1.1",
        "user_agent.original": "probe/1",
        "http.response.status_code": 200,
        "http.request.body.size": 0,
        "http.response.body.size": 7,
        "wirespan.connection.reused": false,
    }));
    clients.only().failed(false).has_only(&json!({
        "http.request.method": "GET",
        "url.full": format!("http://odd.test:{port}/q?user=7&Signature=REDACTED&x=1"),
        "server.address": "odd.test",
        "server.port": port,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": port,
        "network.protocol.version": "1.1",
        "http.response.status_code": 200,
        "http.request.body.size": 0,
        "http.response.body.size": 7,
        "wirespan.connection.reused": false,
    }));
    assert!(clients.only().attributes["wirespan.connection.setup.duration"].is_f64());
    assert_eq!((servers.names(), clients.names()), (vec!["GET /q"], vec!["GET"]));
    for span in spans.iter() {
        let program = if span.kind == "SERVER" { "odd_server" } else { "http_client" };
        assert_eq!(span.resource["service.name"], program, "{span:#?}");
        assert!(span.resource["telemetry.sdk.language"].is_string(), "{span:#?}");
        assert!(span.resource.contains_key("host.name"), "{span:#?}");
        assert_ne!(span.trace_id, "0".repeat(32));
    }
    assert_eq!(servers.only().resource["process.pid"], server.pid(), "one resource per process");
    assert_ne!(clients.only().resource["process.pid"], server.pid());
}

#[test]
fn a_traceparent_that_a_client_makes_up_is_its_span_and_the_parent_of_the_server_span() {
    let (servers, clients) = case("trace_parent", 1);
    for span in [servers.only(), clients.only()] {
        assert_eq!(span.trace_id, "0af7651916cd43dd8448eb211c80319c");
    }
    assert_eq!((&*clients.only().span_id, &clients.only().parent), ("b7ad6b7169203331", &None));
    assert_eq!(servers.only().parent, Some(clients.only().span_id.clone()));
}

#[test]
fn status_codes_and_their_errors() {
    let (servers, clients) = case("statuses", 6);
    let codes = [200, 301, 404, 418, 500, 503];
    for (n, code) in codes.into_iter().enumerate() {
        servers[n].failed(code >= 500).has(&json!({ "http.response.status_code": code }));
        clients[n].failed(code >= 400).has(&json!({ "http.response.status_code": code }));
        for span in [&servers[n], &clients[n]] {
            let expected = if span.error { json!(code.to_string()) } else { Value::Null };
            span.has(&json!({ "error.type": expected }));
        }
    }
}

#[test]
fn methods_that_nobody_heard_of() {
    let (servers, _) = case("methods", 6);
    assert_eq!(servers.names(), ["HTTP /pot", "HTTP /pot", "HTTP /pot", "HTTP /pot", "PATCH /pot", "OPTIONS /pot"]);
    let originals = ["BREW", "PURGE", "M-SEARCH", "PROPFIND"];
    for (span, original) in servers.iter().zip(originals) {
        span.has(&json!({ "http.request.method": "_OTHER", "http.request.method_original": original }));
    }
    servers[4].has(&json!({ "http.request.method": "PATCH", "http.request.method_original": null }));
}
