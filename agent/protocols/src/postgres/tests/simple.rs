//! Simple queries.

use super::build::*;
use super::*;

#[test]
fn one_statement() {
    let mut wire = Wire::ready();
    let before = wire.pos;
    let request = query("SELECT * FROM orders WHERE id = 42;");
    wire.client(&request);
    let sent = wire.now;
    let response = rows(3);
    wire.server(&[response.clone(), ready(b'I')].concat());
    let exchange = &wire.take()[0];
    assert_eq!(line(exchange), "SELECT * FROM orders WHERE id = ?|SELECT|3|-");
    assert_eq!((exchange.request.pos, exchange.request.bytes), (before[0], request.len() as u64));
    assert_eq!((exchange.request.first_ns, exchange.request.last_ns), (sent, sent + 10));
    let answer = exchange.response.unwrap();
    assert_eq!((answer.pos, answer.bytes), (before[1], response.len() as u64));
    assert_eq!((answer.first_ns, answer.last_ns, exchange.end_ns), (wire.now, wire.now + 10, wire.now + 10));
    assert_eq!(exchange.actor, Actor { pid: 1, tid: 2, context: 3 });
    let detail = detail(exchange);
    assert_eq!(detail.summary.as_deref(), Some("SELECT orders"));
    assert_eq!((detail.user.as_deref(), detail.database.as_deref()), (Some("bob"), Some("shop")));
}

#[test]
fn it_is_reported_at_its_command_tag() {
    let mut wire = Wire::ready();
    wire.client(&query("UPDATE t SET a = 1")).server(&complete("UPDATE 7"));
    assert_eq!(wire.lines(), ["UPDATE t SET a = ?|UPDATE|7|-"]);
    wire.server(&ready(b'I'));
    assert!(wire.lines().is_empty());
}

#[test]
fn several_statements_are_several_exchanges() {
    let mut wire = Wire::ready();
    let text = "BEGIN; INSERT INTO t VALUES (1); SELECT ';' FROM t; COMMIT;";
    let at = wire.pos[0];
    wire.client(&query(text));
    let sent = wire.now;
    wire.server(&complete("BEGIN"));
    let first = wire.now + 10;
    wire.server(&[complete("INSERT 0 1"), rows(1)].concat());
    wire.server(&[complete("COMMIT"), ready(b'I')].concat());
    let exchanges = wire.take();
    assert_eq!(
        exchanges.iter().map(line).collect::<Vec<_>>(),
        [
            "BEGIN|BEGIN|-|- of 4",
            "INSERT INTO t VALUES (?)|INSERT|1|- of 4",
            "SELECT ? FROM t|SELECT|1|- of 4",
            "COMMIT|COMMIT|-|- of 4"
        ]
    );
    // Together their requests are the message.
    let mut end = at;
    for exchange in &exchanges {
        assert_eq!(exchange.request.pos, end);
        end += exchange.request.bytes;
    }
    assert_eq!(end, at + query(text).len() as u64);
    // Each begins where the one before ended, unless both ended in one call.
    assert_eq!(exchanges[0].request.first_ns, sent);
    assert_eq!(exchanges[1].request.first_ns, first);
    assert_eq!(exchanges[2].request.first_ns, first);
    assert_eq!(exchanges[3].request.first_ns, exchanges[2].end_ns);
}

#[test]
fn statements_after_a_failure_never_ran() {
    let mut wire = Wire::ready();
    wire.client(&query("SELECT 1; SELECT 1/0; SELECT 3"));
    wire.server(&[rows(1), columns(), error("22012"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT ?|SELECT|1|- of 3", "SELECT ?/?|-|-|22012 of 3"]);
    wire.client(&query("COMMIT")).server(&[complete("ROLLBACK"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["COMMIT|ROLLBACK|-|-"]);
}

#[test]
fn a_syntax_error_belongs_to_the_statement_that_has_it() {
    let mut wire = Wire::ready();
    wire.client(&query("SELECT 1; SELEC 2")).server(&[error_of("ERROR", "42601", "P11\0"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELEC ?|-|-|42601 of 2"]);
    wire.client(&query("SELECT 'é'; SELEC 2")).server(&[error_of("ERROR", "42601", "P13\0"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["-|-|-|42601 of 2"]);
    wire.client(&query("asdsdfdsf;")).server(&[error_of("ERROR", "42601", "P1\0"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["asdsdfdsf|-|-|42601"]);
}

#[test]
fn nothing_is_an_answer_too() {
    let mut wire = Wire::ready();
    wire.client(&query("-- ping")).server(&[message(b'I', b""), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["-|-|-|-"]);
}

#[test]
fn what_the_server_says_aside_changes_nothing() {
    let mut wire = Wire::ready();
    wire.server(&notification());
    wire.client(&query("SET a = 1"));
    wire.server(&[notice(), complete("SET"), parameter("a", "1"), notification(), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SET a = ?|SET|-|-"]);
    wire.server(&[notification(), parameter("b", "2")].concat());
    wire.client(&query("SELECT 1")).server(&[notice(), rows(1), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT ?|SELECT|1|-"]);
}

#[test]
fn backslashes_mean_what_the_server_says() {
    let mut wire = Wire::ready();
    wire.client(&query("SET standard_conforming_strings = off"));
    wire.server(&[complete("SET"), parameter("standard_conforming_strings", "off"), ready(b'I')].concat());
    wire.lines();
    wire.client(&query("SELECT 'a\\'; secret'")).server(&[rows(1), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT ?|SELECT|1|-"]);
}

#[test]
fn a_query_of_any_length() {
    let mut wire = Wire::ready();
    for length in [4_000, 40_000, 3_000_000] {
        let text = format!("SELECT * FROM t WHERE a = '{}'", "s".repeat(length));
        for chunk in query(&text).chunks(5000) {
            wire.client(chunk);
        }
        let last = wire.now + 10;
        wire.server(&[rows(1), ready(b'I')].concat());
        let exchange = &wire.take()[0];
        assert_eq!(exchange.request.bytes, text.len() as u64 + 6);
        assert_eq!(exchange.request.last_ns, last);
        assert_eq!(detail(exchange).text.as_deref(), Some("SELECT * FROM t WHERE a = ?"));
        assert_eq!(detail(exchange).text_truncated, length > 32 * 1024);
    }
}

#[test]
fn a_response_may_come_before_its_request() {
    let mut wire = Wire::ready();
    let now = wire.now;
    wire.now = now + 5000;
    wire.server(&[rows(1), ready(b'I')].concat());
    wire.now = now + 1000;
    wire.client(&query("SELECT 1"));
    assert_eq!(wire.lines(), ["SELECT ?|SELECT|1|-"]);
    // But not one that was made later.
    wire.now = now + 10_000;
    wire.server(&[rows(1), ready(b'I')].concat());
    wire.client(&query("SELECT 2"));
    assert!(wire.lines().is_empty());
    assert_eq!(wire.counted(Reason::UnmatchedResponse), 1);
    wire.server(&[complete("SELECT 9"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT ?|SELECT|9|-"]);
}

#[test]
fn a_connection_that_ends() {
    for (how, ending) in [(Close::Orderly, "Closed"), (Close::Reset, "Reset")] {
        let mut wire = Wire::ready();
        wire.client(&query("SELECT pg_sleep(9)")).server(&columns()).close(how);
        assert_eq!(wire.lines(), [format!("SELECT pg_sleep(?)|-|-|- {ending}")]);
    }
    let mut wire = Wire::ready();
    wire.client(&message(b'X', b"")).close(Close::Orderly);
    assert!(wire.lines().is_empty());
}

#[test]
fn a_request_waits_as_long_as_it_takes() {
    let mut wire = Wire::ready();
    wire.client(&query("SELECT 1"));
    wire.session.expire(wire.now + 100, &mut wire.out);
    assert!(wire.lines().is_empty());
    wire.server(&[rows(1), ready(b'I')].concat()).client(&query("SELECT 'b'"));
    assert_eq!(wire.lines(), ["SELECT ?|SELECT|1|-"]);
    wire.session.abandon(Reason::UnderWay, &mut wire.out);
    wire.close(Close::Orderly);
    assert!(wire.lines().is_empty());
    assert_eq!((wire.counted(Reason::Unanswered), wire.counted(Reason::UnderWay)), (0, 1));
}
