//! Servers that speak the protocol and are not PostgreSQL.

use super::build::*;
use super::*;

/// A bare start-up: no keys, no parameters, a notice first.
fn terse() -> Wire {
    let mut wire = Wire::new(true);
    wire.client(&startup(&[("user", "bob")]));
    let notice = message(b'N', b"SNOTICE\0C00000\0Mhello\0\0");
    wire.server(&[notice, message(b'R', &[0, 0, 0, 0]), ready(b'I')].concat());
    assert!(wire.take().is_empty());
    assert_eq!(wire.out.phases.len(), 1);
    wire
}

#[test]
fn a_statement_ends_whatever_the_tag_says() {
    for tag in ["OK", "ok", "INSERT 0 1", "SELECT", "", "\u{e9}t\u{e9}", "SET x = 'secret'", "select 5"] {
        let mut wire = terse();
        for text in ["SELECT a FROM b", "UPDATE b SET a = c", "INSERT INTO b VALUES (c)", "SELECT a FROM c"] {
            wire.client(&query(text)).server(&[columns(), row(3), complete(tag), ready(b'I')].concat());
            wire.client(&[once(text), sync()].concat());
            wire.server(&[parsed(), bound(), columns(), row(3), complete(tag), ready(b'I')].concat());
        }
        let texts: Vec<_> = wire.take().iter().map(|exchange| detail(exchange).text.clone().unwrap()).collect();
        assert_eq!(texts.len(), 8, "{tag}");
        assert_eq!((&*texts[2], &*texts[7]), ("UPDATE b SET a = c", "SELECT a FROM c"));
        assert_eq!(wire.out.counts, [0; Reason::ALL.len()], "{tag}");
    }
    // A tag without its end.
    let mut wire = terse();
    wire.client(&query("SELECT a")).server(&[message(b'C', b"OK"), message(b'C', b""), ready(b'I')].concat());
    wire.client(&query("SELECT b")).server(&[message(b'C', b""), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT a|-|-|-", "SELECT b|-|-|-"]);
}

#[test]
fn only_the_name_of_a_command_is_an_operation() {
    let mut wire = Wire::new(false);
    for (tag, told) in [("OK", "-"), ("create table", "CREATE TABLE"), ("SELECT 'secret'", "-"), ("FETCH 3", "FETCH")] {
        wire.client(&[bind("", "s"), execute("", 0), sync()].concat());
        wire.server(&[bound(), complete(tag), ready(b'I')].concat());
        wire.now += 100_000_000;
        assert!(wire.lines().iter().all(|line| line.starts_with(&format!("-|{told}|"))), "{tag}");
    }
}

#[test]
fn one_tag_for_several_statements_and_several_for_one() {
    let mut wire = terse();
    wire.client(&query("SELECT a; SELECT b")).server(&[complete("OK"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT a|-|-|- of 2"]);
    assert_eq!(wire.counted(Reason::LostResponse), 1);
    wire.client(&query("SELECT c")).server(&[complete("OK"), complete("OK"), ready(b'I')].concat());
    wire.client(&query("SELECT d")).server(&[complete("OK"), ready(b'I')].concat());
    assert_eq!(wire.lines(), ["SELECT c|-|-|-", "SELECT d|-|-|-"]);
}

#[test]
fn a_server_with_one_tag_for_all_is_believed_after_a_loss() {
    let mut wire = terse();
    let mut seen = 0;
    wire.client(&query("SELECT a")).gap(Direction::ToClient, 40);
    for _ in 0..20 {
        wire.client(&query("SELECT b")).server(&[complete("INSERT 0 1"), ready(b'I')].concat());
        wire.client(&query("INSERT INTO c VALUES (d)")).server(&[complete("INSERT 0 1"), ready(b'I')].concat());
        seen += wire.lines().len();
    }
    assert!(seen >= 34, "{seen}");
}

#[test]
fn empty_statements_are_not_unknown() {
    let mut wire = Wire::ready();
    let nothing = message(b'I', b"");
    for text in ["", ";", "-- ping", " /* keep-alive */ ; ; "] {
        wire.client(&query(text)).server(&[nothing.clone(), ready(b'I')].concat());
        wire.client(&[parse("", text), bind("", ""), execute("", 0), sync()].concat());
        wire.server(&[parsed(), bound(), nothing.clone(), ready(b'I')].concat());
        let told = wire.take();
        assert_eq!(told.len(), 2, "{text}");
        for exchange in &told {
            let detail = detail(exchange);
            assert!(detail.empty && detail.text.is_none() && !detail.text_truncated, "{text}");
        }
    }
    // Whatever the server makes of it.
    let mut wire = terse();
    wire.client(&query("-- ping")).server(&[complete("INSERT 0 1"), ready(b'I')].concat());
    assert!(detail(&wire.take()[0]).empty);
    // Prepared before we came: the server says so.
    let mut wire = Wire::new(false);
    wire.client(&[bind("", "ping"), execute("", 0), sync()].concat());
    wire.server(&[bound(), nothing, ready(b'I')].concat());
    assert!(detail(&wire.take()[0]).empty);
    let mut wire = Wire::ready();
    wire.client(&query("SELECT 1")).server(&[rows(1), ready(b'I')].concat());
    assert!(!detail(&wire.take()[0]).empty);
}
