use super::*;
use crate::describe::options::Options;
use crate::describe::testing::{exchange, get, listed, span, span_with, tcp, unix, wire};
use crate::describe::value::Status;
use crate::exchange::{Ending, Exchange};

fn full() -> PostgresExchange {
    PostgresExchange {
        user: Some("app".into()),
        database: Some("shop".into()),
        text: Some("SELECT * FROM orders WHERE id = $1".into()),
        summary: Some("SELECT orders".into()),
        command: Some("SELECT".into()),
        prepared: true,
        rows: Some(3),
        ..PostgresExchange::default()
    }
}

fn ended(postgres: PostgresExchange, ending: Ending) -> Exchange {
    Exchange { ending, ..exchange(postgres) }
}

fn answered(postgres: PostgresExchange) -> Exchange {
    ended(postgres, Ending::Answered)
}

#[test]
fn a_client_span_whole() {
    let span = span(&answered(full()), &tcp(Kind::Client, 5432));
    assert_eq!((span.kind, &*span.name, &span.status), (Kind::Client, "SELECT orders", &Status::Unset));
    assert_eq!(
        listed(&span),
        [
            r#"db.namespace="shop""#,
            r#"db.query.summary="SELECT orders""#,
            r#"db.query.text="SELECT * FROM orders WHERE id = $1""#,
            r#"db.system.name="postgresql""#,
            r#"network.peer.address="10.0.0.1""#,
            "network.peer.port=5432",
            r#"server.address="10.0.0.1""#,
        ]
    );
}

#[test]
fn the_backend_process_is_a_server() {
    let span = span(&answered(full()), &tcp(Kind::Server, 5433));
    assert_eq!(span.kind, Kind::Server);
    assert_eq!((get(&span, "server.address"), get(&span, "server.port")), ("10.0.0.1".into(), "5433".into()));
    assert_eq!(
        (get(&span, "network.peer.address"), get(&span, "network.peer.port")),
        ("10.0.0.2".into(), "50000".into())
    );
}

#[test]
fn on_the_wire_a_call_is_the_clients() {
    let facts = wire(5432);
    let span = span(&answered(full()), &facts);
    assert_eq!((span.kind, get(&span, "network.peer.port")), (Kind::Client, "5432".into()));
}

#[test]
fn over_a_unix_socket() {
    let span = span(&answered(full()), &unix("/run/postgresql/.s.PGSQL.5432"));
    assert_eq!(get(&span, "network.peer.address"), "/run/postgresql/.s.PGSQL.5432");
    assert_eq!(get(&span, "server.address"), "/run/postgresql/.s.PGSQL.5432");
    assert_eq!((get(&span, "server.port"), get(&span, "network.transport")), ("-".into(), "unix".into()));
}

#[test]
fn a_text_that_was_never_seen_is_said_to_be_unknown() {
    let unseen = PostgresExchange { text: None, summary: None, database: None, ..full() };
    let known_tag = span(&answered(unseen.clone()), &tcp(Kind::Client, 5432));
    assert_eq!(known_tag.name, "SELECT 10.0.0.1:5432");
    assert_eq!(get(&known_tag, "db.operation.name"), "SELECT");
    assert_eq!(get(&known_tag, "wirespan.db.statement.unknown"), "true");
    for absent in ["db.query.text", "db.query.summary", "db.namespace"] {
        assert_eq!(get(&known_tag, absent), "-");
    }
    let in_shop =
        span(&answered(PostgresExchange { database: full().database, ..unseen.clone() }), &tcp(Kind::Client, 1));
    assert_eq!(in_shop.name, "SELECT shop");
    let no_tag = span(&answered(PostgresExchange { command: None, ..unseen }), &tcp(Kind::Client, 5432));
    assert_eq!((&*no_tag.name, get(&no_tag, "db.operation.name")), ("postgresql", "-".into()));
    assert_eq!(get(&span(&answered(full()), &tcp(Kind::Client, 1)), "wirespan.db.statement.unknown"), "-");
}

#[test]
fn a_long_text_says_that_it_goes_on() {
    let span = span(&answered(PostgresExchange { text_truncated: true, ..full() }), &tcp(Kind::Client, 1));
    assert_eq!(get(&span, "wirespan.db.statement.truncated"), "true");
}

#[test]
fn failures_are_sqlstates_above_warnings() {
    let cases = [
        // SQLSTATE, severity, ending → error.type, description
        (Some("23505"), "ERROR", Ending::Answered, "23505", ""),
        (Some("02000"), "ERROR", Ending::Answered, "02000", ""),
        (Some("XX000"), "PANIC", Ending::Answered, "XX000", "PANIC"),
        (Some("57P01"), "FATAL", Ending::Closed, "57P01", "FATAL"),
        (Some("01000"), "WARNING", Ending::Answered, "-", ""),
        (Some("00000"), "LOG", Ending::Answered, "-", ""),
        (None, "", Ending::Answered, "-", ""),
        (None, "", Ending::Reset, "connection_reset", ""),
        (None, "", Ending::Closed, "connection_closed", ""),
        (None, "", Ending::Unanswered, "timeout", ""),
    ];
    for (state, severity, ending, error, description) in cases {
        for role in [Kind::Client, Kind::Server] {
            let postgres =
                PostgresExchange { sqlstate: state.map(Into::into), severity: Some(severity.into()), ..full() };
            let span = span(&ended(postgres, ending), &tcp(role, 5432));
            assert_eq!(get(&span, "error.type"), error, "{state:?}");
            assert_eq!(get(&span, "db.response.status_code"), state.unwrap_or("-"));
            let expected = if error == "-" { Status::Unset } else { Status::Error(description.into()) };
            assert_eq!(span.status, expected, "{state:?}");
        }
    }
}

#[test]
fn batches() {
    for (size, shown) in [(None, "-"), (Some(1), "-"), (Some(20), "20")] {
        let span = span(&answered(PostgresExchange { batch_size: size, ..full() }), &tcp(Kind::Client, 5432));
        assert_eq!((get(&span, "db.operation.batch.size"), &*span.name), (shown.into(), "SELECT orders"));
    }
}

#[test]
fn returned_rows_only_when_asked_for_and_only_returned_ones() {
    assert_eq!(get(&span(&answered(full()), &tcp(Kind::Client, 1)), "db.response.returned_rows"), "-");
    let cases = [(Some("SELECT"), "3"), (Some("FETCH"), "3"), (None, "3"), (Some("INSERT"), "-"), (Some("COPY"), "-")];
    for (command, rows) in cases {
        let options = Options { returned_rows: true, ..Options::default() };
        let postgres = PostgresExchange { command: command.map(Into::into), ..full() };
        let span = span_with(&options, &answered(postgres), &tcp(Kind::Client, 1));
        assert_eq!(get(&span, "db.response.returned_rows"), rows, "{command:?}");
    }
}

#[test]
fn what_is_no_statement_has_no_unknown_text() {
    for operation in [Operation::Startup, Operation::FunctionCall] {
        let postgres = PostgresExchange {
            operation,
            text: None,
            summary: None,
            command: None,
            sqlstate: Some("28P01".into()),
            ..full()
        };
        let span = span(&answered(postgres), &tcp(Kind::Client, 5432));
        assert_eq!((&*span.name, get(&span, "error.type")), ("postgresql", "28P01".into()));
        assert_eq!(get(&span, "wirespan.db.statement.unknown"), "-");
    }
}
