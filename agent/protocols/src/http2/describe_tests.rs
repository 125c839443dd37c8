use super::*;
use crate::describe::testing::{self, exchange, get, listed, span, tcp};
use crate::describe::value::Status;
use crate::exchange::Ending;

fn request() -> Http2Exchange {
    Http2Exchange {
        method: "GET".into(),
        target: "/a?b=c".into(),
        scheme: "https".into(),
        host: Some("shop.example".into()),
        status: Some(200),
        request_body: Some(0),
        response_body: Some(7),
        ..Http2Exchange::default()
    }
}

fn call(status: Option<u32>) -> Http2Exchange {
    let call = Call {
        status,
        message: "sold out".into(),
        timeout_ns: Some(1_500_000_000),
        request_messages: Some(1),
        response_messages: None,
    };
    Http2Exchange {
        method: "POST".into(),
        target: "/shop.Cart/Add".into(),
        host: Some("shop.example".into()),
        status: Some(200),
        call: Some(call.into()),
        ..Http2Exchange::default()
    }
}

#[test]
fn a_request() {
    let span = span(&exchange(request()), &tcp(Kind::Server, 443));
    assert_eq!(span.name, "GET");
    let expected = [
        "client.address=\"10.0.0.2\"",
        "http.request.body.size=0",
        "http.request.method=\"GET\"",
        "http.response.body.size=7",
        "http.response.status_code=200",
        "network.peer.address=\"10.0.0.2\"",
        "network.peer.port=50000",
        "network.protocol.version=\"2\"",
        "server.address=\"shop.example\"",
        "server.port=443",
        "url.path=\"/a\"",
        "url.query=\"b=c\"",
        "url.scheme=\"https\"",
    ];
    assert_eq!(listed(&span), expected);
    let client = testing::span(&exchange(request()), &tcp(Kind::Client, 443));
    assert_eq!(get(&client, "url.full"), "https://shop.example/a?b=c");
}

#[test]
fn a_path_that_is_not_known_is_none() {
    let unknown = Http2Exchange { target: String::new(), target_truncated: true, ..request() };
    let span = span(&exchange(unknown), &tcp(Kind::Server, 80));
    assert_eq!((get(&span, "url.path"), get(&span, "wirespan.url.truncated")), ("-".to_owned(), "true".to_owned()));
}

#[test]
fn a_stream_that_was_reset() {
    for (code, name) in [(8, "cancel"), (7, "refused_stream"), (99, "_OTHER")] {
        let reset = Http2Exchange { status: None, reset: Some(code), ..request() };
        let mut exchange = exchange(reset);
        exchange.ending = Ending::Reset;
        assert_eq!(get(&span(&exchange, &tcp(Kind::Client, 80)), "error.type"), name);
    }
}

#[test]
fn a_call() {
    let span = span(&exchange(call(Some(0))), &tcp(Kind::Client, 8080));
    assert_eq!((&*span.name, span.status.clone()), ("shop.Cart/Add", Status::Unset));
    let expected = [
        "network.peer.address=\"10.0.0.1\"",
        "network.peer.port=8080",
        "network.protocol.version=\"2\"",
        "rpc.method=\"shop.Cart/Add\"",
        "rpc.response.status_code=\"OK\"",
        "rpc.system.name=\"grpc\"",
        "server.address=\"shop.example\"",
        "server.port=8080",
        "wirespan.rpc.request.messages=1",
        "wirespan.rpc.timeout=1.5",
    ];
    assert_eq!(listed(&span), expected);
}

/// Which codes are errors is up to the side.
#[test]
fn statuses() {
    let error = |status, kind| get(&span(&exchange(call(Some(status))), &tcp(kind, 80)), "error.type");
    for (status, name, is_servers) in [
        (1, "CANCELLED", false),
        (2, "UNKNOWN", true),
        (5, "NOT_FOUND", false),
        (13, "INTERNAL", true),
        (16, "UNAUTHENTICATED", false),
        (77, "UNKNOWN", true),
    ] {
        assert_eq!(error(status, Kind::Client), name);
        assert_eq!(error(status, Kind::Server), if is_servers { name } else { "-" });
    }
    let failed = span(&exchange(call(Some(14))), &tcp(Kind::Server, 80));
    assert_eq!(failed.status, Status::Error("sold out".into()));
    // Nothing but a proxy's answer.
    let refused = Http2Exchange { status: Some(503), ..call(None) };
    assert_eq!(get(&span(&exchange(refused), &tcp(Kind::Server, 80)), "error.type"), "503");
}

#[test]
fn a_method_that_is_not_there() {
    let server = span(&exchange(call(Some(12))), &tcp(Kind::Server, 80));
    assert_eq!((&*server.name, get(&server, "rpc.method")), ("grpc", "_OTHER".to_owned()));
    assert_eq!(get(&server, "rpc.method_original"), "shop.Cart/Add");
    assert_eq!(get(&span(&exchange(call(Some(12))), &tcp(Kind::Client, 80)), "rpc.method"), "shop.Cart/Add");
    let call = call(None);
    let Family::Rpc(rpc) = call.family() else { panic!("no call") };
    assert_eq!(rpc.method_label(Kind::Server), Some("shop.Cart/Add"));
    let unanswered = Http2Exchange { status: None, ..call };
    let Family::Rpc(rpc) = unanswered.family() else { panic!("no call") };
    assert_eq!(rpc.method_label(Kind::Server), Some("_OTHER"));
}

#[test]
fn exports_of_telemetry() {
    let export = |target: &str| Http2Exchange { target: target.into(), ..call(Some(0)) }.exports();
    assert_eq!(export("/opentelemetry.proto.collector.trace.v1.TraceService/Export"), Some(Signal::Traces));
    assert_eq!(export("/shop.Cart/Add"), None);
}
