//! Peers that break off.

use serde_json::json;

use super::{case, pair};
use crate::harness::agent::granted;
use crate::harness::{Agent, Folder, process, run, servers, trace, workload};

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

/// What is under way when the agent ends has no end that could be told: it is counted, at both ends.
#[test]
fn requests_under_way_at_the_end_are_counted() {
    let server = servers::program("odd_server.py", &[]);
    for backend in granted() {
        let gates = Folder::new();
        let mut agent = Agent::run(backend, &server.select_port(), &[]);
        let mut client = workload("http_client.py");
        client.args(["hang", &server.port.to_string()]).env("GATES", gates.path());
        let client = process::Owned::start(&mut client, rustix::process::Signal::TERM);
        process::eventually("the requests are sent", || gates.join("gate.ready").exists());
        // The server is to have read them.
        std::thread::sleep(std::time::Duration::from_millis(300));
        let spans = agent.finish();
        drop(client);
        let (servers, _) = pair(&spans.requests(), 1);
        assert_eq!(servers.texts("url.path"), ["/before"], "{backend}");
        assert_eq!(agent.told("under_way"), 4, "{backend}: {}", agent.stderr());
    }
}
