//! PostgreSQL.

mod drivers;
mod extended;
mod sockets;
mod statements;
mod tls;
mod trouble;

use wirespan_tests::spans::Spans;

use crate::harness::databases::{errors, pair};
use crate::harness::postgres::Postgres;
use crate::harness::{Folder, process, run, trace, workload};

/// The tables of every case.
const SCHEMA: &str = "CREATE TABLE orders (id int PRIMARY KEY, note text, price numeric);
    CREATE TABLE items (order_id int);
    INSERT INTO orders VALUES (1, 'one', 1), (2, 'two', 2);";

fn server() -> Postgres {
    let server = Postgres::start();
    server.execute(SCHEMA);
    server
}

fn select(server: &Postgres) -> Vec<String> {
    vec![format!("port={}", server.port)]
}

/// Runs a case of `pg2.py` or `pg3.py` against a server of its own, both traced: server spans, client spans.
#[track_caller]
fn case(program: &str, name: &str) -> (Spans, Spans) {
    let server = server();
    let (spans, ()) = trace(&select(&server), || {
        run(workload(program).args([name, &server.dsn()]));
    });
    pair(&spans)
}

/// [`case`] with a gate that the client passes only after the agents have come.
#[track_caller]
fn gated(program: &str, name: &str) -> (Spans, Spans) {
    let server = server();
    let gates = Folder::new();
    let mut client = workload(program);
    client.args([name, &server.dsn()]).env("GATES", gates.path());
    let mut client = process::Owned::start(&mut client, rustix::process::Signal::TERM);
    process::eventually("the client is at its gate", || gates.join("gate.ready").exists());
    let (spans, ()) = trace(&select(&server), || {
        gates.write("gate.open", "");
        assert!(client.wait().success());
    });
    pair(&spans)
}

/// The texts of the statements, in order.
fn texts(spans: &Spans) -> Vec<String> {
    spans.texts("db.query.text")
}
