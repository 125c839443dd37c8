use super::*;
use crate::describe::testing::{exchange, get, listed, span, tcp, unix, wire};
use crate::describe::value::Status;
use crate::exchange::{Ending, Exchange};

fn full() -> RedisExchange {
    RedisExchange { command: "GET".into(), text: "GET user:7".into(), database: Some(0), ..RedisExchange::default() }
}

fn ended(redis: RedisExchange, ending: Ending) -> Exchange {
    Exchange { ending, ..exchange(redis) }
}

fn answered(redis: RedisExchange) -> Exchange {
    ended(redis, Ending::Answered)
}

#[test]
fn a_client_span_whole() {
    let span = span(&answered(full()), &tcp(Kind::Client, 6379));
    assert_eq!((span.kind, &*span.name, &span.status), (Kind::Client, "GET", &Status::Unset));
    assert_eq!(
        listed(&span),
        [
            r#"db.namespace="0""#,
            r#"db.operation.name="GET""#,
            r#"db.query.text="GET user:7""#,
            r#"db.system.name="redis""#,
            r#"network.peer.address="10.0.0.1""#,
            "network.peer.port=6379",
            r#"server.address="10.0.0.1""#,
        ]
    );
}

#[test]
fn kinds_ports_and_databases() {
    let server = span(&answered(RedisExchange { database: Some(5), ..full() }), &tcp(Kind::Server, 6380));
    assert_eq!(
        (server.kind, get(&server, "server.port"), get(&server, "db.namespace")),
        (Kind::Server, "6380".into(), "5".into())
    );
    assert_eq!(span(&answered(full()), &wire(6379)).kind, Kind::Client);
    let unknown = span(&answered(RedisExchange { database: None, ..full() }), &unix("/run/redis.sock"));
    assert_eq!(
        (get(&unknown, "db.namespace"), get(&unknown, "network.peer.address")),
        ("-".into(), "/run/redis.sock".into())
    );
    assert_eq!((get(&unknown, "network.transport"), get(&unknown, "server.port")), ("unix".into(), "-".into()));
}

#[test]
fn groups_show_in_the_name() {
    for (group, name) in [
        (Group::Single, "CLIENT SETNAME"),
        (Group::Pipeline, "PIPELINE CLIENT SETNAME"),
        (Group::Transaction, "MULTI CLIENT SETNAME"),
    ] {
        let redis = RedisExchange { command: "CLIENT SETNAME".into(), group, batch_size: Some(20), ..full() };
        let span = span(&answered(redis), &tcp(Kind::Client, 6379));
        assert_eq!((&*span.name, get(&span, "db.operation.name")), (name, "CLIENT SETNAME".into()));
        assert_eq!(get(&span, "db.operation.batch.size"), "20");
    }
    let one = span(&answered(RedisExchange { batch_size: Some(1), ..full() }), &tcp(Kind::Client, 6379));
    assert_eq!(get(&one, "db.operation.batch.size"), "-");
}

#[test]
fn errors() {
    let cases = [
        (Some("WRONGTYPE"), Ending::Answered, "WRONGTYPE"),
        (Some("MOVED"), Ending::Closed, "MOVED"),
        (None, Ending::Answered, "-"),
        (None, Ending::Reset, "connection_reset"),
        (None, Ending::Unanswered, "timeout"),
    ];
    for (prefix, ending, error) in cases {
        let span =
            span(&ended(RedisExchange { error: prefix.map(Into::into), ..full() }, ending), &tcp(Kind::Client, 1));
        assert_eq!(get(&span, "error.type"), error);
        assert_eq!(get(&span, "db.response.status_code"), prefix.unwrap_or("-"));
        assert_eq!(matches!(span.status, Status::Error(_)), error != "-");
    }
}

#[test]
fn scripts_and_commands_without_text() {
    let redis = RedisExchange { command: "EVALSHA".into(), stored_procedure: Some("abc123".into()), ..full() };
    assert_eq!(get(&span(&answered(redis), &tcp(Kind::Client, 1)), "db.stored_procedure.name"), "abc123");
    let silent = span(&answered(RedisExchange { text: "".into(), ..full() }), &tcp(Kind::Client, 1));
    assert_eq!(get(&silent, "db.query.text"), "-");
}
