//! Single commands and their replies.

use serde_json::{Value, json};

use super::{case, errors, operations, pair, traced};
use crate::harness::{Agent, agent, run, servers, trace, workload};

/// Every attribute of a server's and of a client's span, and nothing else.
#[test]
fn attribute_by_attribute() {
    let server = servers::redis();
    let (servers, clients) = traced(&server, "attributes");
    assert_eq!(operations(&servers), ["SET", "GET", "GET"]);
    assert_eq!(clients.names(), ["SET", "GET", "GET"]);
    let mut expected = json!({
        "db.system.name": "redis",
        "db.operation.name": "SET",
        "db.namespace": "3",
        "db.query.text": "SET user:1 ?",
        "server.address": "127.0.0.1",
        "server.port": server.port,
        "network.peer.address": "127.0.0.1",
        "network.peer.port": server.port,
        "wirespan.connection.reused": false,
    });
    clients[0].failed(false).has_only(&expected);
    expected["network.peer.port"] = servers[0].attributes["network.peer.port"].clone();
    servers[0].failed(false).has_only(&expected);
    // Nil is no error.
    clients[2].failed(false).has(&json!({ "db.query.text": "GET nothing" }));
    // Debian's redis-server is a link to another program: it is known by the name that it was started by.
    assert_eq!(servers[0].resource["service.name"], "redis-server");
}

#[test]
fn error_replies_of_any_prefix() {
    let (servers, clients) = case("errors");
    let prefixes = [Value::Null, "WRONGTYPE".into(), "ERR".into(), "NOSCRIPT".into(), "ERR".into()];
    for spans in [&servers, &clients] {
        assert_eq!(errors(spans)[..5], prefixes);
        assert_eq!(errors(spans)[5..], ["MYOWN", "ODD1"].map(Value::from));
        for span in spans.iter().filter(|span| span.error) {
            span.has(&json!({ "db.response.status_code": span.text("error.type") }));
        }
    }
}

/// Neither in spans nor in anything else that is written.
#[test]
fn passwords_are_never_told() {
    let server = servers::redis();
    for backend in agent::granted() {
        for output in ["otlp-json", "console"] {
            let mut agent = Agent::run(backend, &server.select_port(), &["--output", output, "--log-level", "debug"]);
            run(workload("redis_client.py").args(["secrets", &server.port.to_string()]));
            agent.stop();
            let told = agent.stdout() + &agent.stderr();
            assert!(told.contains("AUTH") && told.contains("ACL"), "{told}");
            assert!(!told.contains("hush"), "{told}");
        }
    }
}

#[test]
fn a_blocking_command_lasts_until_its_reply() {
    let (servers, clients) = case("blocking");
    for spans in [&servers, &clients] {
        spans.pick(|span| span.name == "BLPOP").only().failed(false).took(350..1500);
        spans.pick(|span| span.name == "RPUSH").only().took(0..300);
    }
}

#[test]
fn messages_are_not_replies() {
    let (servers, clients) = case("messages");
    for spans in [&servers, &clients] {
        let count = |name: &str| spans.pick(|span| span.name == name).len();
        assert_eq!((count("SUBSCRIBE"), count("PUBLISH"), count("UNSUBSCRIBE")), (2, 10, 2), "{:?}", spans.names());
        assert_eq!((count("MONITOR"), count("GET")), (1, 1));
        assert!(spans.iter().all(|span| !span.error && span.duration().as_millis() < 500));
    }
}

#[test]
fn the_third_version_of_the_protocol() {
    let (servers, clients) = case("third");
    for spans in [&servers, &clients] {
        assert_eq!(operations(spans), ["HSET", "HGETALL", "GET", "GET", "SET", "GET"]);
        assert!(spans.iter().all(|span| !span.error));
    }
}

#[test]
fn inline_commands() {
    let (servers, clients) = case("inline");
    for spans in [&servers, &clients] {
        let mut names = operations(spans);
        names.sort();
        assert_eq!(names, ["GET", "PING", "PING", "SET"]);
    }
}

#[test]
fn values_of_megabytes() {
    let (servers, clients) = case("large");
    for spans in [&servers, &clients] {
        assert_eq!(spans.texts("db.query.text"), ["SET large ?", "GET large", "GET after"]);
        assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start));
    }
}

#[test]
fn scripts_and_functions() {
    let (servers, _) = case("scripts");
    let names = operations(&servers);
    for name in ["EVAL", "EVALSHA", "FCALL"] {
        assert!(names.iter().any(|there| there == name), "{names:?}");
    }
    let fcall = servers.pick(|span| span.name == "FCALL");
    fcall.only().has(&json!({ "db.stored_procedure.name": "mine" }));
    assert!(!servers.texts("db.query.text").concat().contains("hidden"));
}

#[test]
fn the_database_that_was_selected() {
    let server = servers::redis();
    let (spans, ()) = trace(&server.select_port(), || {
        run(workload("redis_client.py").args(["select", &server.port.to_string()]));
    });
    let spans = spans.pick(|span| !span.name.starts_with("CLIENT"));
    let (servers, clients) = pair(&spans);
    for spans in [&servers, &clients] {
        assert_eq!(operations(spans), ["SELECT", "GET", "SELECT"]);
        spans[1].has(&json!({ "db.namespace": "5" }));
        spans[2].failed(true).has(&json!({ "error.type": "ERR" }));
    }
}
