use std::sync::Arc;

use super::*;
use crate::export::testing::{bare_span, resource, server_span};
use crate::trace::span::Attribute;

fn shown(span: &Span) -> String {
    let mut out = String::new();
    Painter { colour: false }.line(&mut out, span);
    out
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
    let other = shown(&bare_span(&resource("a")));
    let line = shown(&span);
    assert_eq!(column(&line, "CLIENT"), column(&other, "CLIENT"));
    assert_eq!(column(&line, "GET"), column(&other, "GET"));
    assert_eq!(line.chars().filter(|char| char.is_control()).count(), 1, "only the end of line: {line}");
    assert!(line.chars().count() < 250, "{line}");
}

#[test]
fn colours_surround_the_same_text() {
    let span = server_span(&Arc::clone(&resource("api")));
    let mut out = String::new();
    Painter { colour: true }.line(&mut out, &span);
    assert!(out.contains("\x1b[1;31m503"), "{out:?}");
    let mut plain = out;
    for code in [DIM, CYAN, GREEN, YELLOW, RED, BOLD_RED, RESET] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, shown(&span));
}
