//! Simple queries, and what is said about a statement.

use serde_json::{Value, json};

use super::{case, errors, pair, select, server, texts};
use crate::harness::{Agent, run, workload};

/// Every attribute of a server's and of a client's span, and nothing else.
#[test]
fn attribute_by_attribute() {
    let server = server();
    let mut expected = json!({
        "db.system.name": "postgresql",
        "db.namespace": "shop",
        "db.query.text": "SELECT id, note FROM orders WHERE id = ? AND note = ? AND price < ?",
        "db.query.summary": "SELECT orders",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": server.port,
        "wirespan.connection.reused": false,
    });
    let (spans, ()) = crate::harness::trace(&select(&server), || {
        run(workload("pg2.py").args(["attributes", &server.dsn()]));
    });
    let (servers, clients) = pair(&spans);
    clients.only().failed(false).has_only(&expected);
    expected["network.peer.port"] = servers.only().attributes["network.peer.port"].clone();
    servers.only().failed(false).has_only(&expected);
    assert_eq!(servers.only().resource["service.name"], "postgres");
    assert_eq!(servers.names(), ["SELECT orders"]);
    let port = servers.only().attributes["network.peer.port"].as_i64().unwrap();
    assert!(port != i64::from(server.port) && port > 1023);
}

#[test]
fn begin_and_commit() {
    let (_, clients) = case("pg2.py", "transaction");
    assert_eq!(clients.names(), ["BEGIN", "INSERT orders", "COMMIT", "BEGIN", "UPDATE orders", "ROLLBACK"]);
    assert_eq!(clients.texts("db.query.text")[1], "INSERT INTO orders (id, note) VALUES (?, ?)");
}

#[test]
fn summaries_name_what_is_done() {
    let (_, clients) = case("pg2.py", "summaries");
    let names = ["DELETE orders SELECT", "select orders items", "INSERT items SELECT orders"];
    assert_eq!(clients.names()[..3], names);
    assert!(clients[3].name.starts_with("create"), "{}", clients[3].name);
}

#[test]
fn a_query_of_four_kilobytes() {
    let (servers, _) = case("pg2.py", "long_query");
    assert_eq!(servers.names(), ["SELECT orders", "SELECT items"]);
    let text = &texts(&servers)[0];
    assert!(text.starts_with("SELECT count(*) FROM orders WHERE note <> ? AND id NOT IN ("), "{text}");
    assert!(!text.contains("lll") && !text.contains("10001"), "{text}");
}

#[test]
fn rows_that_come_for_half_a_second() {
    let (servers, clients) = case("pg2.py", "streamed");
    for span in [servers.only(), clients.only()] {
        span.failed(false).took(500..1200);
    }
}

#[test]
fn several_statements_in_one_query() {
    let (servers, clients) = case("pg2.py", "several");
    for spans in [&servers, &clients] {
        assert_eq!(spans.names(), ["SELECT", "INSERT items", "SELECT orders"]);
    }
}

#[test]
fn an_error_ends_the_rest_of_its_query() {
    let (servers, clients) = case("pg2.py", "several_failing");
    for spans in [&servers, &clients] {
        assert_eq!(texts(spans), ["SELECT ? FROM orders", "SELECT ?/?", "SELECT ? FROM orders"]);
        assert_eq!(errors(spans), [Value::Null, "22012".into(), Value::Null]);
    }
}

#[test]
fn errors_are_sqlstates_and_notices_are_none() {
    let (servers, _) = case("pg2.py", "errors");
    let states = ["42P01", "42601", "22012", "23505"];
    assert_eq!(errors(&servers)[..4], states.map(Value::from));
    for (span, state) in servers.iter().zip(states) {
        span.failed(true).has(&json!({ "db.response.status_code": state }));
    }
    assert_eq!(servers.len(), 5);
    servers[4].failed(false);
}

#[test]
fn copies_in_and_out() {
    let (servers, clients) = case("pg2.py", "copies");
    for spans in [&servers, &clients] {
        assert_eq!(spans.len(), 4);
        assert_eq!(errors(spans), [Value::Null, Value::Null, "22P02".into(), Value::Null]);
        assert!(spans.names()[..3].iter().all(|name| name.starts_with("COPY")), "{:?}", spans.names());
    }
}

#[test]
fn notifications_belong_to_no_statement() {
    let (servers, _) = case("pg2.py", "notify");
    assert_eq!(servers.names(), ["LISTEN", "NOTIFY", "SELECT orders"]);
    assert!(!texts(&servers).concat().contains("hidden"));
}

#[test]
fn function_calls() {
    let (servers, clients) = case("pg2.py", "functions");
    assert!(servers.len() >= 4 && servers.len() == clients.len(), "{:?}", servers.names());
    assert!(servers.iter().all(|span| !span.error));
    assert_eq!(servers.names().first(), Some(&"BEGIN"));
    assert_eq!(servers.names().last(), Some(&"COMMIT"));
}

#[test]
fn a_replication_connection_is_left_alone() {
    let (servers, _) = case("pg2.py", "replication");
    let names = servers.names();
    assert!(names.ends_with(&["INSERT items", "SELECT orders"]), "{names:?}");
    assert!(servers.iter().all(|span| !span.error && span.duration().as_millis() < 200), "{servers:#?}");
}

#[test]
fn results_of_megabytes() {
    let (servers, clients) = case("pg2.py", "large");
    for spans in [&servers, &clients] {
        assert_eq!(spans.names(), ["SELECT", "SELECT orders"]);
        assert!(spans[0].end <= spans[1].start);
    }
}

#[test]
fn counts_of_rows_on_request() {
    let server = server();
    let folder = crate::harness::Folder::new();
    let config = folder.write("wirespan.yaml", "file_format: \"1.0\"\nwirespan:\n  returned_rows: true\n");
    let mut agent = Agent::run("syscalls", &select(&server), &["--config", config.to_str().unwrap()]);
    run(workload("pg2.py").args(["large", &server.dsn()]));
    let spans = agent.finish();
    for spans in [spans.servers(), spans.clients()] {
        assert_eq!(spans.texts("db.response.returned_rows"), ["6000", "2"]);
    }
}
