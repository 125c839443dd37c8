//! Bytes that nobody saw.

use super::build::*;
use super::*;
use Direction::{ToClient, ToServer};

/// A server flushes its buffer in parts of 8 KiB; beyond the first only the ends of calls are captured.
fn big_response(wire: &mut Wire, response: &[u8]) {
    for (index, part) in response.chunks(8192).enumerate() {
        if index == 0 || part.len() <= 256 {
            wire.server(part);
        } else {
            wire.cut_call(ToClient, part, 64, 192);
        }
    }
}

#[test]
fn results_of_many_megabytes() {
    let mut wire = Wire::ready();
    for size in [10, 100, 1000, 20_000] {
        let count = 2_000_000 / size;
        let response = [columns(), row(size).repeat(count), complete(&format!("SELECT {count}"))].concat();
        let (at, sent) = (wire.pos[1], wire.now + STEP);
        wire.client(&query("SELECT * FROM big"));
        big_response(&mut wire, &[response.clone(), ready(b'I')].concat());
        let exchange = &wire.take()[0];
        assert_eq!(line(exchange), format!("SELECT * FROM big|SELECT|{count}|-"));
        assert_eq!((exchange.request.first_ns, exchange.end_ns), (sent, wire.now + 10));
        let window = exchange.response.unwrap();
        assert_eq!((window.pos, window.bytes, window.first_ns), (at, response.len() as u64, sent + STEP));
        // The same in the extended protocol.
        wire.client(&[once("SELECT * FROM big"), sync()].concat());
        big_response(&mut wire, &[parsed(), bound(), response, ready(b'I')].concat().repeat(1));
        let lines = wire.lines();
        assert!(lines.is_empty() || lines == [format!("SELECT * FROM big|SELECT|{count}|-")], "{lines:?}");
        wire.client(&query("SELECT 1")).server(&[rows(1), ready(b'I')].concat());
        wire.lines();
    }
}

#[test]
fn a_big_result_that_fails_at_the_end() {
    let mut wire = Wire::ready();
    wire.client(&[parse("", "SELECT * FROM big"), bind("", ""), execute("", 0), sync()].concat());
    let response = [parsed(), bound(), row(100).repeat(1000), error("57014"), ready(b'I')].concat();
    big_response(&mut wire, &response);
    assert_eq!(wire.lines(), ["SELECT * FROM big|-|-|57014"]);
}

#[test]
fn of_several_results_none_is_guessed() {
    let mut wire = Wire::ready();
    wire.client(&query("SELECT * FROM a; SELECT * FROM b"));
    let response = [columns(), row(100).repeat(1000), complete("SELECT 1000"), rows(2), ready(b'I')].concat();
    big_response(&mut wire, &response);
    assert!(wire.lines().is_empty());
    assert_eq!(wire.counted(Reason::LostResponse), 2);
    wire.client(&query("SELECT 1")).server(&[rows(1), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT ?|SELECT|1|-"]);
}

#[test]
fn a_lost_end_costs_one_exchange() {
    let mut wire = Wire::ready();
    wire.client(&query("SELECT a")).gap(ToClient, 500);
    for text in ["SELECT b FROM b", "SELECT c FROM c"] {
        wire.client(&query(text)).server(&[rows(1), ready(b'I')].concat());
    }
    assert_eq!(wire.lines(), ["SELECT b FROM b|SELECT|1|-", "SELECT c FROM c|SELECT|1|-"]);
    assert_eq!(wire.counted(Reason::LostResponse), 1);
}

#[test]
fn a_lost_request_takes_its_response_with_it() {
    let mut wire = Wire::ready();
    wire.client(&[parse("s", "SELECT old"), sync()].concat()).server(&[parsed(), ready(b'I')].concat());
    wire.gap(ToServer, 40).server(&[parsed(), rows(7), ready(b'I')].concat());
    assert!(wire.lines().is_empty());
    // What was lost cannot have given the name a new meaning: nothing was closed.
    let again = [bind("", "s"), execute("", 0), sync()].concat();
    wire.client(&again).server(&[bound(), executed(1), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT old|SELECT|1|- prepared"]);
    // Now it can.
    for answer in [[message(b'3', b""), parsed()].concat(), complete("DEALLOCATE"), complete("ok")] {
        let mut wire = Wire::ready();
        wire.client(&[parse("s", "SELECT old"), sync()].concat()).server(&[parsed(), ready(b'I')].concat());
        wire.gap(ToServer, 40).server(&[answer, ready(b'I')].concat());
        wire.client(&again).server(&[bound(), executed(1), ready(b'I')].concat());
        assert_eq!(wire.lines(), ["-|SELECT|1|- prepared"]);
    }
    // And if the answers were not seen either.
    let mut wire = Wire::ready();
    wire.client(&[parse("s", "SELECT old"), sync()].concat()).server(&[parsed(), ready(b'I')].concat());
    wire.gap(ToServer, 40).gap(ToClient, 30).client(&again).server(&[bound(), executed(1), ready(b'I')].concat());
    wire.client(&again).server(&[bound(), executed(1), ready(b'I')].concat());
    assert!(wire.lines().iter().all(|line| line == "-|SELECT|1|- prepared"));
}

#[test]
fn what_was_asked_before_a_loss_is_still_answered() {
    let mut wire = Wire::ready();
    wire.client(&[once("SELECT a"), sync()].concat()).gap(ToServer, 77).client(&[once("SELECT b"), sync()].concat());
    wire.server(&[answered(1), ready(b'I'), answered(2), ready(b'I'), answered(3), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT a|SELECT|1|-"]);
    // A client that pipelines must be silent before it is believed again.
    wire.now += 50_000_000;
    wire.client(&[once("SELECT c"), sync()].concat()).server(&[answered(4), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT c|SELECT|4|-"]);
}

#[test]
fn attached_in_the_middle() {
    // Of an answer.
    let mut wire = Wire::new(false);
    wire.server(&[row(5), complete("SELECT 1"), ready(b'I')].concat());
    wire.client(&query("SELECT a")).server(&[rows(1), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT a|SELECT|1|-"]);
    assert_eq!(
        detail(&{
            wire.client(&query("SELECT b")).server(&rows(1));
            wire.take().remove(0)
        })
        .database,
        None
    );
    // Of a pipeline: what comes first does not answer what was seen first.
    let mut wire = Wire::new(false);
    wire.client(&[once("SELECT a"), sync()].concat()).server(&[bound(), complete("DELETE 1"), ready(b'I')].concat());
    assert!(wire.lines().is_empty());
    wire.client(&query("SELECT b")).server(&[rows(1), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT b|SELECT|1|-"]);
    let mut wire = Wire::new(false);
    wire.client(&once("SELECT b")).client(&once("SELECT c")).client(&sync());
    wire.server(&[answered(1), parsed(), error("22012"), ready(b'I')].concat());
    assert!(wire.lines().is_empty());
    // A simple query is a batch of its own.
    let mut wire = Wire::new(false);
    wire.client(&query("asdsdfdsf;")).server(&error_of("ERROR", "42601", "P1\0"));
    assert_eq!(wire.lines(), ["asdsdfdsf|-|-|42601"]);
    // One that fails alone is believed.
    let mut wire = Wire::new(false);
    wire.client(&[once("SELECT b"), sync()].concat()).server(&[parsed(), error("22012"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT b|-|-|22012"]);
    // Of a message.
    let mut wire = Wire::new(false);
    wire.client(b"rest of something').\0").server(&[complete("INSERT 0 1"), ready(b'I')].concat());
    wire.client(&query("SELECT b")).server(&[rows(1), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT b|SELECT|1|-"]);
}

#[test]
fn attached_in_the_middle_of_a_pipeline() {
    // One batch is on its way already, and all look alike: nothing may be paired with the answer before its own.
    let mut wire = Wire::new(false);
    let ask = |table: &str| [once(&format!("SELECT * FROM {table}")), sync()].concat();
    let answer = |count| [answered(count), ready(b'I')].concat();
    wire.client(&ask("a")).client(&ask("b")).server(&answer(0)).client(&ask("c")).server(&answer(1)).server(&answer(2));
    wire.client(&ask("d")).server(&answer(3));
    assert!(wire.lines().is_empty());
    wire.server(&answer(4));
    wire.now += 50_000_000;
    wire.client(&ask("e")).client(&ask("f")).server(&answer(5)).server(&answer(6));
    assert_eq!(wire.lines(), ["SELECT * FROM e|SELECT|5|-", "SELECT * FROM f|SELECT|6|-"]);
}

#[test]
fn a_tag_that_cannot_be_is_not_believed() {
    // Where bytes were lost it is the tag of another statement.
    let mut wire = Wire::ready();
    wire.client(&query("SELECT b")).gap(ToClient, 50);
    wire.client(&query("SELECT a")).server(&[complete("UPDATE 1"), ready(b'I')].concat());
    assert!(wire.lines().is_empty());
    assert_eq!(wire.counted(Reason::LostResponse), 2);
}

#[test]
fn a_query_beyond_the_budget() {
    let mut wire = Wire::ready();
    let request = query(&format!("INSERT INTO t VALUES ('{}')", "s".repeat(100_000)));
    wire.cut_call(ToServer, &request, 64, 192);
    let last = wire.now + 10;
    wire.server(&[complete("INSERT 0 1"), ready(b'I')].concat());
    let exchange = &wire.take()[0];
    assert_eq!(line(exchange), "INSERT INTO t VALUES (?|INSERT|1|- truncated");
    assert_eq!((exchange.request.bytes, exchange.request.last_ns), (request.len() as u64, last));
    assert_eq!(detail(exchange).summary.as_deref(), Some("INSERT t"));
}
