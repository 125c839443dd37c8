//! The extended protocol, as drivers arrange it.

use super::build::*;
use super::*;

#[test]
fn all_in_one_packet() {
    let mut wire = Wire::ready();
    let at = wire.pos[0];
    let request = once("SELECT * FROM t WHERE a = $1 AND b = 'x'");
    wire.client(&[request.clone(), sync()].concat());
    let sent = wire.now;
    wire.server(&[answered(2), ready(b'I')].concat());
    let exchange = &wire.take()[0];
    assert_eq!(line(exchange), "SELECT * FROM t WHERE a = $1 AND b = ?|SELECT|2|-");
    assert_eq!((exchange.request.pos, exchange.request.bytes), (at, request.len() as u64));
    assert_eq!(exchange.request.first_ns, sent);
    assert_eq!(exchange.response.unwrap().bytes, answered(2).len() as u64);
}

#[test]
fn every_message_in_its_own_packet() {
    let mut wire = Wire::ready();
    let at = wire.now + STEP;
    for part in [parse("", "SELECT 1"), bind("", ""), describe(b'P', ""), execute("", 0), sync()] {
        wire.client(&part);
    }
    for part in [parsed(), bound(), columns(), row(2), complete("SELECT 1"), ready(b'I')] {
        wire.server(&part);
    }
    let exchange = &wire.take()[0];
    assert_eq!(line(exchange), "SELECT ?|SELECT|1|-");
    assert_eq!((exchange.request.first_ns, exchange.end_ns), (at, wire.now - STEP + 10));
}

#[test]
fn prepared_once_and_executed_often() {
    let mut wire = Wire::ready();
    wire.client(&[parse("s1", "UPDATE t SET a = $1"), describe(b'S', "s1"), sync()].concat());
    wire.server(&[parsed(), message(b't', &[0, 1, 0, 0, 0, 23]), no_data(), ready(b'I')].concat());
    assert!(wire.lines().is_empty());
    for _ in 0..3 {
        wire.client(&[bind("", "s1"), execute("", 0), sync()].concat());
        let sent = wire.now;
        wire.server(&[bound(), complete("UPDATE 1"), ready(b'I')].concat());
        let exchange = &wire.take()[0];
        assert_eq!(line(exchange), "UPDATE t SET a = $1|UPDATE|1|- prepared");
        assert_eq!(exchange.request.first_ns, sent);
    }
}

#[test]
fn flush_instead_of_sync() {
    let mut wire = Wire::ready();
    wire.client(&[parse("", "SELECT $1"), describe(b'S', ""), flush()].concat());
    wire.server(&[parsed(), message(b't', &[0, 0]), columns()].concat());
    wire.client(&[bind("", ""), execute("", 0), flush()].concat());
    wire.server(&[bound(), executed(1)].concat());
    assert_eq!(wire.lines(), ["SELECT $1|SELECT|1|-"]);
    wire.client(&sync()).server(&ready(b'I'));
    assert!(wire.lines().is_empty());
}

#[test]
fn a_pipeline_in_one_batch() {
    let mut wire = Wire::ready();
    wire.client(&[once("SELECT 1"), once("SELECT a FROM b"), once("DELETE FROM c"), sync()].concat());
    wire.server(&[answered(1), answered(2), parsed(), bound(), no_data(), complete("DELETE 3"), ready(b'I')].concat());
    assert_eq!(
        wire.lines(),
        ["SELECT ?|SELECT|1|- of 3", "SELECT a FROM b|SELECT|2|- of 3", "DELETE FROM c|DELETE|3|- of 3"]
    );
}

#[test]
fn a_pipeline_of_several_batches_has_times_of_its_own() {
    let mut wire = Wire::ready();
    let mut sent = Vec::new();
    for text in ["SELECT 1", "SELECT 2 FROM b", "SELECT 3 FROM c"] {
        wire.client(&[once(text), sync()].concat());
        sent.push(wire.now);
    }
    let mut ended = Vec::new();
    for count in 1..=3 {
        wire.server(&[answered(count), ready(b'I')].concat());
        ended.push(wire.now + 10);
    }
    let exchanges = wire.take();
    assert_eq!(exchanges.iter().map(|exchange| exchange.request.first_ns).collect::<Vec<_>>(), sent);
    assert_eq!(exchanges.iter().map(|exchange| exchange.end_ns).collect::<Vec<_>>(), ended);
    assert_eq!(exchanges.iter().map(|exchange| detail(exchange).rows).collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    assert_eq!(line(&exchanges[2]), "SELECT ? FROM c|SELECT|3|-");
}

#[test]
fn portals_executed_in_parts() {
    let mut wire = Wire::ready();
    wire.client(&[parse("s", "SELECT * FROM t"), bind("p", "s"), execute("p", 2), sync()].concat());
    wire.server(&[parsed(), bound(), row(1), row(1), message(b's', b""), ready(b'T')].concat());
    assert_eq!(wire.lines(), ["SELECT * FROM t|-|2|-"]);
    wire.client(&[execute("p", 2), sync()].concat());
    let sent = wire.now;
    wire.server(&[row(1), complete("SELECT 1"), ready(b'T')].concat());
    let exchange = &wire.take()[0];
    assert_eq!(line(exchange), "SELECT * FROM t|SELECT|1|- prepared");
    assert_eq!(exchange.request.first_ns, sent);
    wire.client(&[close(b'P', "p"), sync()].concat()).server(&[closed(), ready(b'I')].concat());
    assert!(wire.lines().is_empty());
}

#[test]
fn names_stand_for_what_the_server_took_them_for() {
    let mut wire = Wire::ready();
    let prepare = |wire: &mut Wire, text: &str, answer: Vec<u8>| {
        wire.client(&[parse("s", text), sync()].concat()).server(&[answer, ready(b'I')].concat());
        wire.lines()
    };
    let run = |wire: &mut Wire| {
        wire.client(&[bind("", "s"), execute("", 0), sync()].concat());
        wire.server(&[bound(), executed(1), ready(b'I')].concat());
        wire.lines()
    };
    prepare(&mut wire, "SELECT a", parsed());
    assert_eq!(run(&mut wire), ["SELECT a|SELECT|1|- prepared"]);
    // The name is taken: it keeps its meaning.
    assert_eq!(prepare(&mut wire, "SELECT b", error("42P05")), ["SELECT b|-|-|42P05"]);
    assert_eq!(run(&mut wire), ["SELECT a|SELECT|1|- prepared"]);
    wire.client(&[close(b'S', "s"), parse("s", "SELECT c"), sync()].concat());
    wire.server(&[closed(), parsed(), ready(b'I')].concat());
    assert_eq!(run(&mut wire), ["SELECT c|SELECT|1|- prepared"]);
    wire.client(&query("DEALLOCATE s")).server(&[complete("DEALLOCATE"), ready(b'I')].concat());
    wire.lines();
    // Whatever it is now, it is not that.
    assert_eq!(run(&mut wire), ["-|SELECT|1|- prepared"]);
    prepare(&mut wire, "SELECT d", parsed());
    assert_eq!(run(&mut wire), ["SELECT d|SELECT|1|- prepared"]);
}

#[test]
fn a_statement_prepared_before_the_agent_came_has_no_text() {
    let mut wire = Wire::new(false);
    wire.client(&[bind("", "s7"), execute("", 0), sync()].concat());
    wire.server(&[bound(), executed(4), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["-|SELECT|4|- prepared"]);
    // Not even if another one was seen.
    wire.client(&[once("SELECT secret"), sync()].concat()).server(&[answered(1), ready(b'I')].concat());
    wire.client(&[bind("", "s7"), execute("", 0), sync()].concat());
    wire.server(&[bound(), executed(4), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT secret|SELECT|1|-", "-|SELECT|4|- prepared"]);
}

#[test]
fn the_unnamed_statement_does_not_survive_a_simple_query() {
    let mut wire = Wire::ready();
    wire.client(&[parse("", "SELECT a"), sync()].concat()).server(&[parsed(), ready(b'I')].concat());
    wire.client(&query("SELECT b")).server(&[rows(1), ready(b'I')].concat());
    wire.client(&[bind("", ""), sync()].concat()).server(&[error("26000"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT b|SELECT|1|-", "-|-|-|26000 prepared"]);
}

#[test]
fn function_calls() {
    let mut wire = Wire::ready();
    let call = message(b'F', &[0, 0, 1, 2, 0, 0, 0, 0, 0, 0]);
    wire.client(&call).server(&[message(b'V', &[0, 0, 0, 0]), ready(b'I')].concat());
    wire.client(&call).server(&[error("42883"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["-|-|-|- FunctionCall", "-|-|-|42883 FunctionCall"]);
}

#[test]
fn parameters_of_any_size() {
    let mut wire = Wire::ready();
    wire.client(&[parse("s", "INSERT INTO t VALUES ($1)"), sync()].concat()).server(&[parsed(), ready(b'I')].concat());
    let value = vec![b'v'; 2_000_000];
    let body = [b"\0s\0\0\0\0\x01".to_vec(), 2_000_000u32.to_be_bytes().to_vec(), value, vec![0, 0]].concat();
    let request = [message(b'B', &body), execute("", 0), sync()].concat();
    wire.cut_call(Direction::ToServer, &request, 64, 192);
    wire.server(&[bound(), complete("INSERT 0 1"), ready(b'I')].concat());
    let exchange = &wire.take()[0];
    assert_eq!(line(exchange), "INSERT INTO t VALUES ($1)|INSERT|1|- prepared");
    assert_eq!(exchange.request.bytes, request.len() as u64 - 5);
}
