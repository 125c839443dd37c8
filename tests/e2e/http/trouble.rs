//! Peers that break off.

use serde_json::json;

use super::case;
use crate::harness::{run, servers, trace, workload};

#[test]
fn servers_that_break_off() {
    let (servers, clients) = case("rude", 3);
    assert_eq!(clients.texts("error.type"), ["connection_reset", "connection_closed", "connection_closed"]);
    assert!(servers.iter().chain(clients.iter()).all(|span| span.error));
    clients[0].took(45..400).has(&json!({ "http.response.status_code": 200 }));
    clients[2].has(&json!({ "http.response.status_code": null, "url.full": clients[2].text("url.full") }));
}

/// Each side tells the end that it sees: the client's own comes before the server notices.
#[test]
fn a_client_that_breaks_off() {
    let server = servers::program("odd_server.py", &[]);
    let (spans, ()) = trace(&server.select_port(), || {
        run(workload("http_client.py").args(["rude_client", &server.port.to_string()]));
    });
    for spans in [spans.servers(), spans.clients()] {
        spans.only().failed(true).took(100..700).has(&json!({ "error.type": "connection_reset" }));
    }
}
