//! What the tests of both databases ask of spans.

use serde_json::Value;
use wirespan_tests::spans::Spans;

/// Both sides tell the same operations with the same outcome, the server's within the client's.
#[track_caller]
pub fn pair(spans: &Spans) -> (Spans, Spans) {
    let (servers, clients) = (spans.servers(), spans.clients());
    // Of several at a time, the longest within the shortest is the one.
    let mut left: Vec<_> = servers.iter().collect();
    left.sort_by_key(|server| std::cmp::Reverse(server.duration()));
    let mut shortest_first: Vec<_> = clients.iter().collect();
    shortest_first.sort_by_key(|client| client.duration());
    for client in shortest_first {
        let same = left.iter().position(|server| {
            let told = |key: &str| server.text(key) == client.text(key);
            told("db.query.text") && told("error.type") && server.name == client.name && client.encloses(server)
        });
        match same {
            Some(place) => _ = left.remove(place),
            None => panic!("no server span within {client:#?}\nof {left:#?}"),
        }
    }
    assert!(left.is_empty(), "servers without client: {left:#?}");
    (servers, clients)
}

/// `error.type` by operation, null for success.
pub fn errors(spans: &Spans) -> Vec<Value> {
    spans.iter().map(|span| span.attributes.get("error.type").cloned().unwrap_or(Value::Null)).collect()
}
