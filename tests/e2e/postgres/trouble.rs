//! Cancelled, terminated, refused, killed.

use rustix::process::Signal;
use serde_json::json;

use super::{case, pair, select, server};
use crate::harness::{Folder, process, run, trace, workload};

#[test]
fn a_cancelled_statement() {
    let (servers, clients) = case("pg2.py", "cancel");
    for spans in [&servers, &clients] {
        assert_eq!(spans.len(), 2);
        spans[0].failed(true).took(180..2000).has(&json!({ "error.type": "57014" }));
        spans[1].failed(false);
    }
}

#[test]
fn a_terminated_session() {
    let (servers, clients) = case("pg2.py", "terminated");
    for spans in [&servers, &clients] {
        let failed = spans.pick(|span| span.error);
        failed.only().took(180..2000).has(&json!({ "error.type": "57P01" }));
    }
}

#[test]
fn a_refused_start_up_is_no_statement() {
    let server = server();
    let (spans, ()) = trace(&select(&server), || {
        run(workload("pg2.py").args(["refused", &server.dsn()]));
        run(workload("pg2.py").args(["plain", &server.dsn()]));
    });
    let (servers, _) = pair(&spans.pick(|span| span.name != "postgresql"));
    assert_eq!(servers.only().name, "SELECT orders");
}

#[test]
fn a_client_killed_while_it_waits() {
    let server = server();
    let gates = Folder::new();
    let (spans, ()) = trace(&select(&server), || {
        let mut client = workload("pg2.py");
        client.args(["sleep", &server.dsn()]).env("GATES", gates.path());
        let mut client = process::Owned::start(&mut client, Signal::TERM);
        process::eventually("the client is at its gate", || gates.join("gate.ready").exists());
        gates.write("gate.open", "");
        std::thread::sleep(std::time::Duration::from_millis(300));
        client.signal(Signal::KILL);
        client.wait();
        std::thread::sleep(std::time::Duration::from_millis(100));
    });
    let span = spans.clients();
    span.only().failed(true).took(150..2000);
    assert!(span.only().text("error.type").starts_with("connection_"), "{span:#?}");
}
