//! The same load in plain text and over TLS: the same spans, but for their times and the ports of clients.

use std::process::Command;

use wirespan_tests::span::Span;
use wirespan_tests::spans::Spans;

use crate::harness::certificates::Authority;
use crate::harness::postgres::Postgres;
use crate::harness::servers::{self, redis_tls};
use crate::harness::{Agent, run, workload};

/// The tables of the cases of PostgreSQL.
const SCHEMA: &str = "CREATE TABLE orders (id int PRIMARY KEY, note text, price numeric);
    CREATE TABLE items (order_id int);
    INSERT INTO orders VALUES (1, 'one', 1), (2, 'two', 2);";

/// Traces a load; what is told of requests, in words that must not depend on encryption.
#[track_caller]
fn told(port: u16, load: impl FnOnce()) -> Vec<String> {
    let mut agent = Agent::run("sockets", &[format!("port={port}")], &["--tls"]);
    load();
    let spans = agent.finish();
    println!("{}", agent.stderr());
    words(&spans.pick(|span| span.kind != "INTERNAL"))
}

fn words(spans: &Spans) -> Vec<String> {
    let mut words: Vec<String> = spans.iter().map(word).collect();
    words.sort();
    words
}

fn word(span: &Span) -> String {
    let mut attributes = span.attributes.clone();
    let differs = ["network.peer.port", "server.port", "url.scheme", "url.full"];
    attributes.retain(|key, _| !differs.contains(&key.as_str()) && !key.ends_with(".duration"));
    // What a server reads at once is up to the encryption: a record, and not what has come by then.
    if span.kind == "SERVER" {
        attributes.retain(|key, _| key != "db.operation.batch.size" && key != "http.request.body.size");
    }
    let parent = if span.parent.is_some() { "child" } else { "root" };
    format!("{} {} {parent} {} {attributes:?}", span.kind, span.name, span.error)
}

#[track_caller]
fn same(what: &str, plain: &[String], encrypted: &[String]) {
    assert!(!plain.is_empty(), "{what}: nothing was told");
    let missing: Vec<_> = plain.iter().filter(|word| !encrypted.contains(word)).collect();
    let more: Vec<_> = encrypted.iter().filter(|word| !plain.contains(word)).collect();
    assert!(
        plain == encrypted,
        "{what}: {} spans in plain text, {} over TLS\nmissing: {missing:#?}\nmore: {more:#?}",
        plain.len(),
        encrypted.len()
    );
}

/// Each with a server of its own, so that both find the same.
#[track_caller]
fn postgres(program: &str, cases: &[&str]) {
    for case in cases {
        let traced = |mode: &str| {
            let server = Postgres::start();
            server.execute(SCHEMA);
            server.serve_tls();
            told(server.port, || {
                let mut client = workload(program);
                if program.ends_with(".js") {
                    client.arg(server.port.to_string());
                } else {
                    client.args([*case, &server.dsn()]);
                }
                run(client.env("PGSSLMODE", mode).env("PGGSSENCMODE", "disable"));
            })
        };
        same(&format!("{program} {case}"), &traced("disable"), &traced("require"));
    }
}

#[test]
fn psycopg3() {
    // Not `pipeline_failing`: an error is sent at once, and whether that is before the client has sent the rest is up to chance.
    postgres("pg3.py", &["parameters", "pipeline", "late_error", "cursors", "copies"]);
}

#[test]
fn psycopg2() {
    postgres("pg2.py", &["attributes", "transaction", "summaries", "long_query", "several_failing", "copies", "large"]);
}

#[test]
fn redis_py() {
    let authority = Authority::new();
    let identity = authority.sign();
    for case in ["attributes", "pipeline", "transaction", "errors", "scripts", "large"] {
        let client = |port: u16| {
            let mut client = workload("redis_client.py");
            client.args([case, &port.to_string()]);
            client
        };
        let plain = servers::redis();
        let in_clear = told(plain.port, || drop(run(&mut client(plain.port))));
        let server = redis_tls("127.0.0.1", &identity, "");
        let encrypted = told(server.port, || {
            drop(run(client(server.port).env("REDIS_TLS_CA", authority.certificate())));
        });
        same(case, &in_clear, &encrypted);
    }
}

/// Many requests on kept connections, with bodies of all sizes.
#[test]
fn python_and_nginx() {
    let authority = Authority::new();
    let identity = authority.sign();
    let server = servers::nginx_both("127.0.0.1", &identity);
    let load = |scheme: &str, port: u16| {
        let mut client: Command = workload("tls_load.py");
        client.args([scheme, &port.to_string()]).arg(authority.certificate());
        run(&mut client);
    };
    let plain = told(server.port, || load("http", server.port));
    let encrypted = told(server.tls_port, || load("https", server.tls_port));
    same("nginx", &plain, &encrypted);
}
