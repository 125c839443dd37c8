//! Which response belongs to which request, and when each began and ended.

use serde_json::json;

use super::{case, gated, pair};
use crate::harness::servers;

#[test]
fn three_pipelined_requests_in_one_write() {
    let (servers, _) = case("pipelined_one_write", 3);
    // The three begin with the same byte's arrival; each ends with its own response.
    let mut servers: Vec<_> = servers.iter().collect();
    servers.sort_by_key(|span| span.end);
    let paths: Vec<_> = servers.iter().map(|span| span.text("url.path")).collect();
    assert_eq!(paths, ["/one", "/slow", "/three"]);
    servers[0].took(0..80);
    servers[1].took(100..400);
    servers[2].took(100..400);
    for span in servers {
        span.failed(false).has(&json!({ "http.response.status_code": 200 }));
    }
}

#[test]
fn three_pipelined_requests_in_three_writes() {
    let (servers, clients) = case("pipelined_writes", 3);
    for (n, (server, client)) in servers.iter().zip(clients.iter()).enumerate() {
        server.has(&json!({ "url.query": (n + 1).to_string(), "http.response.body.size": 4 }));
        // Sent 10 ms apart, answered 100 ms apart.
        client.took(75 + 75 * n as u64..500 + 100 * n as u64);
    }
    assert!(clients[0].start < clients[1].start && clients[0].end < clients[1].end);
}

#[test]
fn a_chunked_response_lasts_as_long_as_its_chunks() {
    let (servers, clients) = case("chunks", 1);
    for span in [servers.only(), clients.only()] {
        span.took(600..1200).has(&json!({ "http.response.body.size": 60, "http.response.status_code": 200 }));
    }
}

#[test]
fn a_first_request_ends_with_its_own_response() {
    let (servers, clients) = case("idle", 2);
    for span in servers.iter().chain(clients.iter()) {
        span.took(0..200);
    }
    let between = servers[1].start - servers[0].end;
    assert!(between > 350_000_000, "{between} ns");
}

#[test]
fn a_request_line_in_eight_writes() {
    let (servers, clients) = case("split_line", 1);
    let span = servers.only();
    span.has(&json!({ "url.path": "/split/line", "url.query": "a=1", "server.address": "odd.test" }));
    // From its first byte on.
    span.took(120..600);
    clients.only().took(120..600);
}

#[test]
fn a_receive_that_waited_when_the_agent_came() {
    let server = servers::program("odd_server.py", &[]);
    let (servers, clients) = pair(&gated("early", &server), 2);
    assert_eq!(servers.texts("url.path"), ["/after", "/later"]);
    for span in servers.iter().chain(clients.iter()) {
        span.failed(false).took(0..200).has(&json!({ "http.response.status_code": 200 }));
    }
}

/// Every write of an upload that began before the agent looks like a request.
#[test]
fn an_upload_that_was_joined_midway_has_no_requests_in_it() {
    let server = servers::program("odd_server.py", &[]);
    let spans = gated("upload", &server);
    assert!(spans.iter().all(|span| !format!("{span:?}").contains("secret")), "{spans:#?}");
    let (servers, clients) = pair(&spans, 2);
    assert_eq!(servers.texts("url.path"), ["/after", "/later"]);
    for span in servers.iter().chain(clients.iter()) {
        span.failed(false).took(0..200).has(&json!({ "http.response.status_code": 200 }));
    }
}

#[test]
fn a_response_whose_request_was_not_seen_is_no_span() {
    let server = servers::program("odd_server.py", &[]);
    let (servers, _) = pair(&gated("half", &server), 1);
    assert_eq!(servers.texts("url.path"), ["/whole"]);
}

#[test]
fn two_hundred_requests_on_four_connections() {
    let (servers, clients) = case("many", 200);
    let expected: Vec<_> = (0..200).map(|n| format!("/n/{n}")).collect();
    assert_eq!(servers.texts("url.path"), expected);
    assert!(clients.iter().all(|span| !span.error));
}
