//! Redis and PostgreSQL: followed after a loss, and read in the corners of their protocols.

use super::case;

/// A reply of which the middle was not captured costs nothing that comes after it, a pipeline before it or not.
#[test]
fn a_reply_that_is_too_large_costs_at_most_itself() {
    for name in ["redis-large-reply-after-a-pipeline--plain", "redis-large-reply-after-a-pipeline--pre"] {
        let told = case(name);
        let later = told.spans.pick(|span| span.text("db.query.text").starts_with("GET k")).count(60);
        let wanted: Vec<_> = (0..60).map(|number| format!("GET k{number}")).collect();
        assert_eq!(later.texts("db.query.text"), wanted, "{name}");
        for span in later.iter() {
            span.failed(false);
            assert!((999..=1000).contains(&span.duration().as_micros()), "{name}");
        }
        assert_eq!(told.spans.pick(|span| span.text("db.operation.name") == "LRANGE").len(), 1, "{name}");
    }
}

#[test]
fn reset_is_answered_although_replies_were_off() {
    let told = case("redis-reset-while-replies-off--reset");
    let answers: Vec<_> = told
        .spans
        .iter()
        .map(|span| {
            (span.text("db.operation.name"), span.attributes.get("error.type").map(|_| span.text("error.type")))
        })
        .collect();
    let wanted = [
        ("PING", None),
        ("CLIENT REPLY", None),
        ("SET", None),
        ("RESET", None),
        ("GET", None),
        ("LPUSH", Some("WRONGTYPE")),
        ("PING", None),
    ];
    assert_eq!(answers, wanted.map(|(name, error)| (name.to_owned(), error.map(str::to_owned))));
}

#[test]
fn inline_commands_are_recognised_by_their_answers() {
    let told = case("redis-inline--inline");
    let wanted = ["SET k ?", "GET k", "PING", "AUTH", "PING", "INFO ?", "QUIT", "PUBLISH ? ?", "PING", "SET k ?"]
        .map(str::to_owned);
    assert_eq!(told.spans.count(10).texts("db.query.text"), wanted);
}

#[test]
fn an_empty_statement_is_not_an_unknown_one() {
    let told = case("postgres-empty-query--empty");
    for span in told.spans.count(6).iter() {
        span.failed(false);
        assert!(!span.attributes.contains_key("wirespan.db.statement.unknown"));
    }
}
