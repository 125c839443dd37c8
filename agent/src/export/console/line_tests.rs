use std::sync::Arc;

use super::*;
use crate::export::testing::{bare_span, resource, server_span};
use crate::trace::span::{Attribute, Status, Value};
use crate::view::said::is_failed;

fn on(columns: Option<usize>, trace_ids: bool, span: &Span) -> String {
    let mut out = String::new();
    Painter { colour: false, layout: Layout::new(columns, trace_ids) }.line(&mut out, span, None);
    out
}

/// Without a terminal.
fn shown(span: &Span) -> String {
    on(None, false, span)
}

fn client(name: &'static str, attributes: Vec<Attribute>) -> Span {
    Span { name: name.into(), attributes, ..bare_span(&resource("api")) }
}

#[test]
fn a_failed_server_request() {
    assert_eq!(
        shown(&server_span(&resource("api"))),
        "07:32:47.123  api               SERVER  ✗ 503        12.4 ms  GET /users/{id}  /users/42?full=1                 \
         ← 10.0.0.7:51234  upstream went away\n"
    );
}

#[test]
fn a_path_follows_a_bare_method_and_a_url_names_the_client_request() {
    let mut span = server_span(&resource("api"));
    span.attributes.retain(|(key, _)| !["http.route", "error.type"].contains(key));
    span.name = "GET".into();
    span.status = Status::Unset;
    assert!(shown(&span).contains("  503 ") && shown(&span).contains("  GET /users/42?full=1  "), "{}", shown(&span));
    let span = client(
        "GET",
        vec![
            ("http.request.method", Value::Static("GET")),
            ("url.full", Value::Text("http://db:80/x?y".into())),
            ("server.address", Value::Static("::1")),
            ("server.port", Value::Int(80)),
        ],
    );
    assert!(shown(&span).contains("  GET http://db:80/x?y  "), "{}", shown(&span));
    assert!(shown(&span).ends_with("  → [::1]:80\n"), "{}", shown(&span));
}

#[test]
fn statements_say_what_they_do_and_how_they_failed() {
    let mut span = client(
        "SELECT ordres",
        vec![
            ("db.query.text", Value::Text("SELECT *\n  FROM ordres".into())),
            ("db.response.status_code", Value::Static("42P01")),
            ("error.type", Value::Static("42P01")),
            ("network.peer.address", Value::Static("/run/postgresql/.s.PGSQL.5432")),
        ],
    );
    span.status = Status::Error("".into());
    let line = shown(&span);
    assert!(line.contains("CLIENT  ✗ 42P01 ") && line.contains("  SELECT ordres  SELECT * FROM ordres  "), "{line}");
    assert!(line.ends_with("→ /run/postgresql/.s.PGSQL.5432\n"), "{line}");
    let span = client("GET", vec![("db.query.text", Value::Text("GET user:1".into()))]);
    assert!(shown(&span).contains("  ok  ") && shown(&span).ends_with("  GET user:1\n"), "{}", shown(&span));
}

#[test]
fn a_set_up_says_where_its_time_went() {
    let mut span = client(
        "connection_setup",
        vec![
            ("network.peer.address", Value::Static("10.0.0.1")),
            ("network.peer.port", Value::Int(5432)),
            ("server.address", Value::Static("db.internal")),
            ("wirespan.tcp.accept.duration", Value::Double(0.5)),
            ("wirespan.connection.dns.duration", Value::Double(0.002)),
            ("wirespan.connection.tcp.duration", Value::Double(0.12)),
            ("wirespan.connection.authentication.duration", Value::Double(0.118)),
        ],
    );
    span.kind = Kind::Internal;
    let line = shown(&span);
    assert!(line.contains("  connection_setup  dns 2.00 ms, tcp 120 ms, auth 118 ms  → db.internal:5432\n"), "{line}");
    let narrow = on(Some(110), false, &span);
    assert!(narrow.contains("  dns 2.00 ms") && !narrow.contains("connection_setup"), "{narrow}");
    span.status = Status::Error("".into());
    span.attributes.push(("error.type", Value::Static("connection_refused")));
    assert!(shown(&span).ends_with("  connection_refused\n"), "{}", shown(&span));
}

#[test]
fn a_failure_without_a_status_says_its_type() {
    let mut span = client("GET", vec![("error.type", Value::Static("connection_reset"))]);
    span.status = Status::Error("".into());
    let line = shown(&span);
    assert!(line.contains("✗ failed ") && line.ends_with("  connection_reset\n"), "{line}");
}

#[test]
fn columns_stay_aligned_and_foreign_text_is_harmless() {
    let long = resource("a-service-with-a-very-long-name\u{1b}[31m");
    let mut span = bare_span(&long);
    span.attributes.push(("url.path", Value::Text("/\u{1b}]0;title\u{7}\nnext".repeat(100).into())));
    span.end_unix_ns = span.start_unix_ns;
    let column = |line: &str, what: &str| line.chars().collect::<String>().split(what).next().unwrap().chars().count();
    let other = on(Some(200), false, &bare_span(&resource("a")));
    let line = on(Some(200), false, &span);
    assert_eq!(column(&line, "CLIENT"), column(&other, "CLIENT"));
    assert_eq!(column(&line, "GET"), column(&other, "GET"));
    assert_eq!(line.chars().filter(|char| char.is_control()).count(), 1, "only the end of line: {line}");
    assert!(line.chars().count() < 250, "{line}");
}

#[test]
fn colours_surround_the_same_text() {
    let span = server_span(&Arc::clone(&resource("api")));
    let mut out = String::new();
    Painter { colour: true, layout: Layout::new(None, false) }.line(&mut out, &span, None);
    assert!(out.contains("\x1b[1;31m503"), "{out:?}");
    let mut plain = out;
    for code in [DIM, CYAN, GREEN, YELLOW, RED, BOLD_RED, "\x1b[0m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, shown(&span));
}

/// Spans of every shape that has a line.
fn gallery() -> Vec<Span> {
    let api = resource("api");
    let mut statement = client(
        "SELECT orders",
        vec![
            ("db.system.name", Value::Static("postgresql")),
            (
                "db.query.text",
                Value::Text("SELECT note, total FROM orders WHERE id = ? AND customer = ?".repeat(9).into()),
            ),
            ("db.response.status_code", Value::Static("42P01")),
            ("error.type", Value::Static("42P01")),
            ("server.address", Value::Static("a-database-with-a-long-name.internal.example.org")),
            ("server.port", Value::Int(5432)),
        ],
    );
    let fine = statement.clone();
    statement.status = Status::Error("relation \"ordres\" does not exist".into());
    let mut set_up = bare_span(&resource("日本語のとても長いサービス名です"));
    (set_up.kind, set_up.name) = (Kind::Internal, "connection_setup".into());
    set_up.attributes = vec![
        ("client.address", Value::Static("fd00:1234:5678:9abc:def0:1234:5678:9abc")),
        ("network.peer.address", Value::Static("fd00:1234:5678:9abc:def0:1234:5678:9abc")),
        ("network.peer.port", Value::Int(65535)),
        ("wirespan.connection.tcp.duration", Value::Double(0.12)),
        ("wirespan.connection.tls.duration", Value::Double(0.24)),
    ];
    vec![server_span(&api), statement, fine, set_up, bare_span(&resource("x"))]
}

#[test]
fn lines_fit_any_terminal() {
    for columns in (1..150).chain([200, 400]) {
        for trace_ids in [false, true] {
            for span in gallery() {
                for line in on(Some(columns), trace_ids, &span).lines() {
                    assert!(width(line) <= columns, "{columns}: {line}");
                }
            }
        }
    }
}

#[test]
fn what_is_too_long_loses_its_middle() {
    let [_, failed, fine, ..] = &gallery()[..] else { panic!("gallery") };
    let line = on(Some(120), false, fine);
    assert!(line.contains("  SELECT orders") && line.contains('…') && line.contains("customer = ?"), "{line}");
    assert!(line.contains("→ a-database") && line.trim_end().ends_with(".org:5432"), "{line}");
    let line = on(Some(80), false, failed);
    assert!(line.contains("✗ 42P01") && line.contains("relation \"ord"), "{line}");
    assert!(shown(fine).contains(&"SELECT note, total FROM orders WHERE id = ? AND customer = ?".repeat(9)));
}

#[test]
fn the_id_of_a_trace_is_shown_whole() {
    let span = server_span(&resource("api"));
    let id = "ab".repeat(16);
    assert!(!shown(&span).contains(&id));
    for columns in [None, Some(40), Some(80), Some(120), Some(200)] {
        let text = on(columns, true, &span);
        assert!(text.contains(&id), "{columns:?}: {text}");
        assert_eq!(text.lines().count(), if columns.is_some_and(|columns| columns < 150) { 2 } else { 1 }, "{text}");
    }
}

#[test]
fn a_set_up_points_to_whoever_opened_the_connection() {
    let mut span = client("connection_setup", vec![("network.peer.address", Value::Static("10.0.0.7"))]);
    span.kind = Kind::Internal;
    assert!(shown(&span).contains("→ 10.0.0.7"), "{}", shown(&span));
    span.attributes.push(("client.address", Value::Static("10.0.0.7")));
    assert!(shown(&span).contains("← 10.0.0.7"), "{}", shown(&span));
}

#[test]
fn what_a_driver_only_tried_is_no_failure() {
    let refused = |command: &'static str, code: &'static str| {
        let mut span = client(
            command,
            vec![
                ("db.system.name", Value::Static("redis")),
                ("db.operation.name", Value::Static(command)),
                ("db.response.status_code", Value::Static(code)),
                ("error.type", Value::Static(code)),
            ],
        );
        span.status = Status::Error("unknown subcommand".into());
        span
    };
    let span = refused("CLIENT SETINFO", "ERR");
    assert!(!is_failed(&span));
    let mut out = String::new();
    Painter { colour: true, layout: Layout::new(None, false) }.line(&mut out, &span, None);
    assert!(!out.contains(RED) && !out.contains(BOLD_RED) && !out.contains('✗'), "{out:?}");
    assert!(out.contains("unknown subcommand"), "{out:?}");
    // The same command later is the program's own, and a password that is wrong is nobody's try.
    let mut later = refused("CLIENT SETINFO", "ERR");
    later.attributes.push(("wirespan.connection.reused", Value::Bool(true)));
    for span in [later, refused("AUTH", "WRONGPASS"), refused("HELLO", "WRONGPASS"), refused("GET", "ERR")] {
        assert!(is_failed(&span) && shown(&span).contains('✗'), "{}", shown(&span));
    }
}
