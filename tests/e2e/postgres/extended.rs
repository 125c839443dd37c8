//! The extended protocol: prepared statements, portals, pipelines.

use serde_json::{Value, json};

use super::{case, errors, gated, texts};

const BY_ID: &str = "SELECT note FROM orders WHERE id = $1";

#[test]
fn one_span_for_each_execution() {
    let (servers, clients) = case("pg3.py", "parameters");
    for spans in [&servers, &clients] {
        assert_eq!(texts(spans), [BY_ID; 8]);
        assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start));
    }
}

#[test]
fn three_pipelined_statements() {
    let (servers, clients) = case("pg3.py", "pipeline");
    for spans in [&servers, &clients] {
        let spans = spans.pick(|span| !matches!(span.name.as_str(), "BEGIN" | "COMMIT"));
        let mut names = spans.names();
        names.sort_unstable();
        assert_eq!(names, ["INSERT items", "SELECT items", "SELECT orders"]);
        let slow = spans.pick(|span| span.name == "SELECT items");
        slow.only().took(100..600);
    }
}

#[test]
fn an_error_skips_the_batch_up_to_its_sync() {
    let (servers, clients) = case("pg3.py", "pipeline_failing");
    for spans in [&servers, &clients] {
        let failed = spans.pick(|span| span.error);
        assert_eq!(errors(&failed), ["22012"].map(Value::from));
        assert_eq!(texts(&failed), ["SELECT id / $1 FROM orders"]);
        // What was skipped was not executed.
        let names = spans.names();
        assert!(!names.contains(&"SELECT items"), "{names:?}");
        assert!(names.contains(&"DELETE items"), "{names:?}");
    }
}

#[test]
fn an_error_after_parse_complete() {
    let (servers, clients) = case("pg3.py", "late_error");
    for spans in [&servers, &clients] {
        assert_eq!(errors(spans), ["22012", "22P02"].map(Value::from));
        assert_eq!(texts(spans), ["SELECT id / $1 FROM orders", "SELECT $1::int"]);
        assert!(spans.iter().all(|span| span.error));
    }
}

#[test]
fn statements_prepared_before_the_agent_came_have_no_text() {
    let (servers, clients) = gated("pg3.py", "earlier");
    let items = "SELECT order_id FROM items WHERE order_id = $1";
    for spans in [&servers, &clients] {
        assert_eq!(texts(spans), ["", items, items, ""]);
        for span in [&spans[0], &spans[3]] {
            span.failed(false).has(&json!({
                "wirespan.db.statement.unknown": true,
                "db.query.summary": null,
                "db.operation.name": "SELECT",
            }));
        }
        spans[1].has(&json!({ "wirespan.db.statement.unknown": null }));
    }
}

#[test]
fn a_named_cursor() {
    let (servers, _) = case("pg3.py", "cursors");
    let names = servers.names();
    assert_eq!((names.first(), names.last()), (Some(&"BEGIN"), Some(&"COMMIT")), "{names:?}");
    assert!(names.iter().filter(|name| name.starts_with("FETCH")).count() >= 2, "{names:?}");
    assert!(servers.iter().all(|span| !span.error));
}

#[test]
fn copies_in_and_out() {
    let (servers, clients) = case("pg3.py", "copies");
    for spans in [&servers, &clients] {
        assert_eq!(spans.len(), 3, "{:?}", spans.names());
        assert!(spans.iter().all(|span| !span.error));
        assert_eq!(spans.names()[2], "SELECT orders");
    }
}

#[test]
fn a_batch_is_so_many_executions() {
    let (servers, clients) = case("pg3.py", "many");
    for spans in [&servers, &clients] {
        assert_eq!(spans.pick(|span| span.name == "INSERT items").len(), 30);
    }
}
