//! Where messages end.

use serde_json::{Value, json};

use super::{case, numbers};
use crate::harness::{run, servers, trace, workload};

#[test]
fn bodies_of_every_kind() {
    let (servers, clients) = case("bodies", 6);
    assert_eq!(
        servers.names(),
        ["HEAD /head", "GET /empty", "GET /not-modified", "GET /hints", "POST /post", "PUT /chunked"]
    );
    let codes = [200, 204, 304, 200, 200, 200].map(Value::from);
    for spans in [&servers, &clients] {
        assert_eq!(numbers(spans, "http.response.status_code"), codes);
        assert_eq!(numbers(spans, "http.request.body.size"), [0, 0, 0, 0, 5000, 3701].map(Value::from));
        assert_eq!(numbers(spans, "http.response.body.size"), [0, 0, 0, 2, 10, 10].map(Value::from));
    }
    // It ends with the final response, not with the early hints.
    servers[3].took(30..200);
}

#[test]
fn a_body_that_waits_for_100_continue() {
    let (servers, clients) = case("expect", 1);
    for span in [servers.only(), clients.only()] {
        span.took(60..400).has(&json!({ "http.request.body.size": 10, "http.response.status_code": 200 }));
    }
}

#[test]
fn upgrade_and_connect_leave_http() {
    let server = servers::program("odd_server.py", &[]);
    let (spans, ()) = trace(&server.select_port(), || {
        run(workload("http_client.py").args(["leave", &server.port.to_string()]));
    });
    let servers = spans.servers().count(2);
    assert_eq!(numbers(&servers, "http.response.status_code"), [101, 200].map(Value::from));
    assert_eq!(servers.names(), ["GET /upgrade", "CONNECT"]);
    assert!(servers.iter().all(|span| !span.error));
    // After CONNECT the client speaks to somebody else, of which the proxy is no server.
    let clients = spans.clients().count(3);
    assert_eq!(numbers(&clients, "http.response.status_code"), [101, 200, 500].map(Value::from));
    assert_eq!(clients.names(), ["GET", "CONNECT", "GET"]);
}

#[test]
fn a_response_of_http_1_0_ends_with_its_connection() {
    let (servers, clients) = case("old", 1);
    for span in [servers.only(), clients.only()] {
        let expected = json!({ "network.protocol.version": "1.0", "http.response.body.size": 13 });
        span.failed(false).took(45..300).has(&expected);
    }
}

#[test]
fn headers_longer_than_what_is_captured() {
    let (servers, clients) = case("long_headers", 2);
    for span in [&servers[0], &clients[0]] {
        span.failed(false).has(&json!({ "http.request.method": "POST", "http.response.status_code": 200 }));
    }
    servers[0].has(&json!({ "url.path": "/long", "http.response.body.size": 8 }));
    servers[1].has(&json!({ "url.path": "/after" }));
}

#[test]
fn messages_in_many_buffers_of_one_call() {
    let (servers, clients) = case("vectored", 2);
    servers[0].has(&json!({ "url.path": "/vectored/path", "http.request.body.size": 100 }));
    for span in [&servers[1], &clients[1]] {
        span.has(&json!({ "http.response.status_code": 201, "http.response.body.size": 6 }));
    }
}

#[test]
fn megabytes_by_partial_writes() {
    let (servers, clients) = case("big", 3);
    for spans in [&servers, &clients] {
        assert_eq!(numbers(spans, "http.request.body.size"), [3_000_000, 0, 0].map(Value::from));
        assert_eq!(numbers(spans, "http.response.body.size"), [13, 2_000_000, 7].map(Value::from));
    }
}
