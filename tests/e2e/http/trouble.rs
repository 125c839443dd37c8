//! Peers that break off.

use serde_json::json;

use super::case;

#[test]
fn servers_that_break_off() {
    let (servers, clients) = case("rude", 3);
    assert_eq!(clients.texts("error.type"), ["connection_reset", "connection_closed", "connection_closed"]);
    assert!(servers.iter().chain(clients.iter()).all(|span| span.error));
    clients[0].took(45..400).has(&json!({ "http.response.status_code": 200 }));
    clients[2].has(&json!({ "http.response.status_code": null, "url.full": clients[2].text("url.full") }));
}

#[test]
fn a_client_that_breaks_off() {
    let (servers, clients) = case("rude_client", 1);
    for span in [servers.only(), clients.only()] {
        span.failed(true).took(100..700);
    }
    servers.only().has(&json!({ "error.type": "connection_reset" }));
}
