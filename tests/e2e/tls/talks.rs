//! What is more than a question and an answer, over TLS with HTTP/1.1 and HTTP/2: events of a server, WebSockets, and calls of gRPC-Web.

use std::time::Duration;

use serde_json::json;
use wirespan_tests::span::Span;
use wirespan_tests::spans::Spans;

use crate::harness::certificates::Authority;
use crate::harness::servers;
use crate::harness::{Agent, run, workload};

/// How long events go on, at least.
const EVENTS: Duration = Duration::from_millis(190);

/// One agent for a client that does all of it, first with nobody looking at what is told: a program that nobody has seen before is searched
/// while it makes its first handshakes.
fn talk(version: &str) -> Spans {
    let authority = Authority::new();
    let identity = authority.sign();
    let files = [&identity.certificate, &identity.key].map(|path| path.display().to_string());
    let server = servers::program("talks.js", &[&files[0], &files[1]]);
    let ask = || drop(run(workload("talks.js").args(["ask", &server.port.to_string(), version])));
    let mut agent = Agent::run("sockets", &server.select_port(), &["--tls"]);
    ask();
    std::thread::sleep(super::drivers::LOOKED_AT);
    let from = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    ask();
    let spans = agent.finish();
    println!("HTTP/{version}: {}", agent.stderr());
    spans.requests().pick(|span| u128::from(span.start) > from)
}

#[track_caller]
fn check(version: &str, socket: (&str, u16, u64)) {
    let spans = talk(version);
    // Frames of a WebSocket look like requests here, and are none.
    assert_eq!(spans.len(), 2 * 5, "{:?}", spans.names());
    assert!(spans.iter().all(|span| span.kind == "CLIENT" || span.parent.is_some()), "{spans:?}");
    let protocol = if version == "1" { "1.1" } else { "2" };
    for kind in ["CLIENT", "SERVER"] {
        let of_path = |path: &str| {
            let has = |key: &str, span: &Span| {
                span.attributes.get(key).and_then(|text| text.as_str()).is_some_and(|text| text.ends_with(path))
            };
            spans.pick(|span| span.kind == kind && (has("url.path", span) || has("url.full", span)))
        };
        let events = of_path("/events");
        let size = json!({ "http.response.status_code": 200, "http.response.body.size": 105, "network.protocol.version": protocol });
        events.only().failed(false).has(&size);
        assert!(events.only().duration() >= EVENTS, "{kind}: {:?}", events.only().duration());
        let (method, status, size) = socket;
        let expected = json!({ "http.request.method": method, "http.response.status_code": status, "http.response.body.size": size });
        of_path("/socket").only().failed(false).has(&expected);
        let calls = |name: &str| spans.pick(|span| span.kind == kind && span.name == name);
        for call in calls("shop.Orders/Get").count(2).iter() {
            let expected = json!({ "rpc.response.status_code": "OK", "wirespan.rpc.request.messages": 1, "wirespan.rpc.response.messages": 1 });
            call.failed(false).has(&expected).has(&json!({ "network.protocol.version": protocol }));
        }
        let missing = json!({ "rpc.response.status_code": "NOT_FOUND", "wirespan.rpc.response.messages": 0 });
        calls("shop.Orders/Missing").only().failed(kind == "CLIENT").has(&missing);
    }
}

/// After the upgrade the connection is not followed.
#[test]
fn over_http1() {
    check("1", ("GET", 101, 0));
}

/// A WebSocket is a stream, and its frames are the bodies of both sides.
#[test]
fn over_http2() {
    check("2", ("CONNECT", 200, 150));
}
