//! Errors in the extended protocol.

use super::build::*;
use super::*;

#[test]
fn the_rest_of_the_batch_is_skipped() {
    let mut wire = Wire::ready();
    wire.client(
        &[once("SELECT 1"), once("SELECT 1/0"), once("SELECT 3"), sync(), once("SELECT 4 FROM d"), sync()].concat(),
    );
    wire.server(
        &[answered(1), parsed(), bound(), columns(), error("22012"), ready(b'I'), answered(4), ready(b'I')].concat(),
    );
    assert_eq!(wire.lines(), ["SELECT ?|SELECT|1|- of 3", "SELECT ?/?|-|-|22012 of 3", "SELECT ? FROM d|SELECT|4|-"]);
}

#[test]
fn what_is_sent_before_the_sync_is_skipped_too() {
    let mut wire = Wire::ready();
    wire.client(&[once("SELECT 1/0"), flush()].concat())
        .server(&[parsed(), bound(), columns(), error("22012")].concat());
    wire.client(&once("SELECT 2")).client(&sync()).server(&ready(b'I'));
    wire.client(&[once("SELECT a"), sync()].concat()).server(&[answered(1), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT ?/?|-|-|22012", "SELECT a|SELECT|1|-"]);
}

#[test]
fn an_error_of_parse_or_bind_is_that_of_its_statement() {
    let mut wire = Wire::ready();
    let at = wire.pos[0];
    wire.client(&[once("SELECT nothing"), sync()].concat()).server(&[error("42703"), ready(b'I')].concat());
    let exchange = &wire.take()[0];
    assert_eq!(line(exchange), "SELECT nothing|-|-|42703");
    assert_eq!((exchange.request.pos, exchange.request.bytes), (at, once("SELECT nothing").len() as u64));
    // After ParseComplete.
    wire.client(&[once("SELECT $1::int"), sync()].concat()).server(&[parsed(), error("22P02"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT $1::int|-|-|22P02"]);
    wire.client(&[parse("s", "SELECT nothing"), describe(b'S', "s"), sync()].concat());
    wire.server(&[error("42703"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT nothing|-|-|42703"]);
    // It was never defined.
    wire.client(&[bind("", "s"), execute("", 0), sync()].concat()).server(&[error("26000"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["-|-|-|26000 prepared"]);
}

#[test]
fn an_error_after_rows() {
    let mut wire = Wire::ready();
    wire.client(&[once("SELECT 1/a FROM t"), sync()].concat());
    wire.server(&[parsed(), bound(), columns(), row(1)].concat())
        .server(&row(1))
        .server(&[error("22012"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT ?/a FROM t|-|-|22012"]);
}

#[test]
fn a_commit_that_fails_at_the_sync() {
    let mut wire = Wire::ready();
    wire.client(&[once("SELECT 1"), sync()].concat()).server(&[answered(1), error("23503"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT ?|SELECT|1|-", "-|-|-|23503"]);
    wire.client(&query("SELECT a")).server(&[rows(1), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT a|SELECT|1|-"]);
}

#[test]
fn the_end_of_the_server() {
    let mut wire = Wire::ready();
    wire.client(&query("SELECT pg_sleep(9)")).server(&error_of("FATAL", "57P01", "")).close(Close::Orderly);
    let exchange = &wire.take()[0];
    assert_eq!(line(exchange), "SELECT pg_sleep(?)|-|-|57P01");
    assert_eq!(detail(exchange).severity.as_deref(), Some("FATAL"));
    assert!(wire.lines().is_empty());
    // While nothing was asked: nobody's.
    let mut wire = Wire::ready();
    wire.server(&error_of("FATAL", "57P01", "")).close(Close::Orderly);
    assert!(wire.lines().is_empty());
    assert_eq!(wire.out.counts, [0; Reason::ALL.len()]);
}
