//! HTTP/2, in plain text and over TLS, and gRPC on it.

use std::collections::HashMap;
use std::process::Command;

use serde_json::{Value, json};
use wirespan_tests::span::Span;
use wirespan_tests::spans::Spans;

use crate::harness::certificates::Authority;
use crate::harness::servers::{self, nginx_both, which};
use crate::harness::{Agent, run, skipped, workload};

/// Requests of a run.
const COUNT: usize = 400;

#[test]
fn every_stream_is_told_at_both_ends_in_plain_text() {
    streams(false);
}

#[test]
fn every_stream_is_told_at_both_ends_over_tls() {
    streams(true);
}

/// Many streams a connection, by nghttp2's own load.
#[track_caller]
fn streams(is_encrypted: bool) {
    if which("h2load").is_none() {
        return skipped("h2load is missing");
    }
    let authority = Authority::new();
    let server = nginx_both("127.0.0.1", &authority.sign());
    let (scheme, port) = if is_encrypted { ("https", server.tls_port) } else { ("http", server.h2c_port) };
    for streams in [1, 2, 16, 100] {
        let mut agent = Agent::run("sockets", &[format!("port={port}")], &["--tls"]);
        let mut h2load = Command::new("h2load");
        h2load.args(["-n", &COUNT.to_string(), "-c", "2", "-m", &streams.to_string()]);
        let said = run(h2load.arg(format!("{scheme}://127.0.0.1:{port}/?m={streams}")));
        assert!(said.contains(&format!("{COUNT} succeeded")), "{said}");
        let spans = agent.finish();
        println!("{}", agent.stderr());
        let of = |kind: &str| spans.pick(|span| span.kind == kind);
        for (kind, spans) in [("CLIENT", of("CLIENT")), ("SERVER", of("SERVER"))] {
            assert_eq!(spans.len(), COUNT, "{kind}, {streams} streams");
            for span in spans.iter() {
                let version = json!({ "network.protocol.version": "2", "http.response.status_code": 200, "http.response.body.size": 6 });
                span.failed(false).has(&version);
            }
        }
        linked(&spans, &format!("{streams} streams"));
    }
}

/// Each server's span is the child of a client's that was told, of the same call.
#[track_caller]
fn linked(spans: &Spans, case: &str) {
    let clients: HashMap<_, _> =
        spans.iter().filter(|span| span.kind == "CLIENT").map(|span| (&span.span_id, span)).collect();
    for server in spans.iter().filter(|span| span.kind == "SERVER") {
        let parent = server.parent.as_ref().and_then(|parent| clients.get(parent));
        assert_eq!(parent.map(|client| whom(client)), Some(whom(server)), "{case}: {server:?}");
    }
}

/// What is called, as both ends tell it.
fn whom(span: &Span) -> Option<&Value> {
    span.attributes.get("rpc.method").or_else(|| span.attributes.get("http.request.method"))
}

/// Bodies that are longer than what is copied.
#[test]
fn long_bodies() {
    let authority = Authority::new();
    let server = nginx_both("127.0.0.1", &authority.sign());
    let ports = format!("port in ({},{})", server.tls_port, server.h2c_port);
    let mut agent = Agent::run("sockets", &[ports], &["--tls"]);
    for (url, option) in [
        (format!("https://127.0.0.1:{}", server.tls_port), "--http2"),
        (format!("http://127.0.0.1:{}", server.h2c_port), "--http2-prior-knowledge"),
    ] {
        for path in ["/big", "/", "/status/404"] {
            let mut curl = Command::new("curl");
            curl.args(["-s", "-o", "/dev/null", "--noproxy", "*", "--max-time", "20", option, "--cacert"]);
            run(curl.arg(authority.certificate()).arg(format!("{url}{path}")));
        }
    }
    let spans = agent.finish();
    println!("{}", agent.stderr());
    for kind in ["CLIENT", "SERVER"] {
        let told = spans.pick(|span| span.kind == kind);
        let sizes: Vec<_> = told.iter().map(|span| span.attributes.get("http.response.body.size").cloned()).collect();
        assert_eq!(told.len(), 6, "{kind}: {sizes:?} {:?}", told.names());
        let big = sizes.iter().flatten().filter(|size| **size == 3_000_000).count();
        assert_eq!(big, 2, "{kind}: {sizes:?}");
    }
}

/// A server and a client of Python's `grpcio`: unary calls, a stream, failures, a deadline.
#[test]
fn grpc_of_python() {
    let (spans, ()) = grpc();
    let named = |kind: &str, name: &str| spans.pick(|span| span.kind == kind && span.name == name);
    for kind in ["CLIENT", "SERVER"] {
        let unary = named(kind, "shop.Orders/Get").count(20);
        for span in unary.iter() {
            span.failed(false).has(&json!({ "rpc.system.name": "grpc", "rpc.method": "shop.Orders/Get", "rpc.response.status_code": "OK" }));
        }
        let missing = named(kind, "shop.Orders/Missing");
        // The server has answered as it is meant to; its client did not get what it asked for.
        missing.only().failed(kind == "CLIENT").has(&json!({ "rpc.response.status_code": "NOT_FOUND" }));
        named(kind, "shop.Orders/Broken").only().failed(true).has(&json!({ "rpc.response.status_code": "INTERNAL" }));
        named(kind, "shop.Orders/List").only().failed(false);
    }
    linked(&spans, "grpcio");
}

#[track_caller]
fn grpc() -> (Spans, ()) {
    let server = servers::program("grpc_shop.py", &["serve"]);
    let mut agent = Agent::run("sockets", &server.select_port(), &[]);
    run(workload("grpc_shop.py").args([&server.port.to_string(), "ask"]));
    let spans = agent.finish();
    println!("{}", agent.stderr());
    (spans, ())
}
