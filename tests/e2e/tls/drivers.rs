//! Drivers and clients of many libraries, each with 1, 16 and 128 requests at once: every request exactly once at both ends, and each
//! server's span is the child of its own client's.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use wirespan_tests::span::Span;

use crate::harness::certificates::{Authority, Identity};
use crate::harness::parts::part;
use crate::harness::postgres::Postgres;
use crate::harness::servers::{self, nginx_both, redis_tls};
use crate::harness::{Agent, run, skipped, workload};

/// Requests at once, and how many there are.
const LOADS: [(usize, usize); 3] = [(1, 100), (16, 300), (128, 600)];

/// Until what a program is encrypted with was found in its files.
pub(super) const LOOKED_AT: Duration = Duration::from_secs(1);

#[test]
fn python() {
    let program = || workload("tls_drivers.py");
    nginx(program, &["requests", "httpx", "aiohttp", "aiohttp+uvloop", "curl_cffi"]);
    postgres(program, &["psycopg", "asyncpg", "asyncpg+uvloop"]);
    redis(program, &["redis", "redis_asyncio", "redis_asyncio+uvloop"]);
}

#[test]
fn node() {
    let program = || workload("tls_drivers.js");
    nginx(program, &["https", "https_new", "fetch", "http2"]);
    postgres(program, &["pg"]);
    redis(program, &["ioredis", "redis"]);
}

#[test]
fn go() {
    let Some(folder) = part("go") else { return skipped("test part go is missing") };
    let program = || Command::new(folder.join("drivers"));
    nginx(program, &["http", "http2"]);
    postgres(program, &["pgx"]);
    redis(program, &["go-redis"]);
}

fn identity() -> (Authority, Identity) {
    let authority = Authority::new();
    let identity = authority.sign();
    (authority, identity)
}

#[track_caller]
fn nginx(program: impl Fn() -> Command, drivers: &[&str]) {
    let (_authority, identity) = identity();
    let server = nginx_both("127.0.0.1", &identity);
    drivers.iter().for_each(|driver| each(&program, driver, server.tls_port, "url.query", "url.full"));
}

#[track_caller]
fn postgres(program: impl Fn() -> Command, drivers: &[&str]) {
    let server = Postgres::start();
    server.serve_tls();
    drivers.iter().for_each(|driver| each(&program, driver, server.port, "db.query.text", "db.query.text"));
}

#[track_caller]
fn redis(program: impl Fn() -> Command, drivers: &[&str]) {
    let (_authority, identity) = identity();
    let server: servers::Server = redis_tls("127.0.0.1", &identity, "");
    drivers.iter().for_each(|driver| each(&program, driver, server.port, "db.query.text", "db.query.text"));
}

/// Which request a span is of: `n7`; none, if it is of no load.
fn number<'a>(span: &'a Span, attributes: [&str; 2]) -> Option<&'a str> {
    let text = attributes.iter().find_map(|key| span.attributes.get(*key))?.as_str()?;
    let name = text.trim_end_matches('"').rsplit([' ', '?', '"']).next()?;
    let digits = name.strip_prefix('n')?;
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

#[track_caller]
fn each(program: &impl Fn() -> Command, driver: &str, port: u16, server_says: &str, client_says: &str) {
    let says = [server_says, client_says];
    let load =
        |numbers: [usize; 3]| run(program().arg(driver).arg(port.to_string()).args(numbers.map(|n| n.to_string())));
    let mut agent = Agent::run("sockets", &[format!("port={port}")], &["--tls"]);
    // A program that nobody has seen before is searched while it makes its first handshakes.
    load([1, 0, 1]);
    std::thread::sleep(LOOKED_AT);
    let mut first = 1;
    for (at_once, count) in LOADS {
        load([at_once, first, first + count]);
        first += count;
    }
    let spans = agent.finish();
    println!("{driver}: {}", agent.stderr());
    let ends = ["CLIENT", "SERVER"].map(|kind| {
        let mut told: HashMap<&str, &Span> = HashMap::new();
        let loads: Vec<String> = (1..first).map(|n| format!("n{n}")).collect();
        for span in spans.iter().filter(|span| span.kind == kind) {
            if let Some(number) = number(span, says) {
                assert!(told.insert(number, span).is_none(), "{driver}, {kind}: {number} is told twice");
            }
        }
        let missing: Vec<_> = loads.iter().filter(|number| !told.contains_key(number.as_str())).collect();
        assert!(missing.is_empty(), "{driver}, {kind}: {} are missing: {missing:?}", missing.len());
        told
    });
    let mut roots = 0;
    for (number, server) in &ends[1] {
        match (&server.parent, ends[0].get(number)) {
            (Some(parent), client) => {
                assert_eq!(Some(parent), client.map(|client| &client.span_id), "{driver}: {number}")
            }
            (None, _) => roots += 1,
        }
    }
    // A client that waits for its processor reads late.
    assert!(roots * 20 <= first, "{driver}: {roots} of {first} have no parent");
}
