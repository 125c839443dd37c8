//! `wirespan advise` over the same program with and without a pool, over TLS, with a delay between it and its database.

use std::time::Duration;

use serde_json::Value;
use wirespan_tests::network::{Network, SERVER};

use crate::harness::agent::granted;
use crate::harness::certificates::Authority;
use crate::harness::postgres::Postgres;
use crate::harness::{Agent, run, servers, skipped, workload};

/// One way.
const DELAY: Duration = Duration::from_millis(5);
/// Operations of a program.
const COUNT: &str = "40";
/// How far the share of the set-up may be off.
const POINTS: f64 = 0.05;

#[test]
fn psycopg() {
    postgres("pools.py");
}

#[test]
fn node_postgres() {
    postgres("pools.js");
}

#[test]
fn redis_py() {
    redis("pools.py");
}

#[test]
fn ioredis() {
    redis("pools.js");
}

#[track_caller]
fn postgres(program: &str) {
    let network = match Network::new(DELAY) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    let server = network.server.inside(|| {
        let server = Postgres::start_on(SERVER);
        server.execute(
            "CREATE TABLE orders (id int PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a'), (2, 'b')",
        );
        server.serve_tls();
        server.ask_for_passwords("10.77.0.0/24", "secret");
        server
    });
    both(&network, program, "postgres", server.port);
}

#[track_caller]
fn redis(program: &str) {
    let network = match Network::new(DELAY) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    let authority = Authority::new();
    let server = network.server.inside(|| servers::redis_tls(SERVER, &authority.sign(), "secret"));
    both(&network, program, "redis", server.port);
}

/// One after the other: the program without a pool is named, and how much it pays; the one with a pool is not.
#[track_caller]
fn both(network: &Network, program: &str, what: &str, port: u16) {
    let advise = |backend: &str, pool: &str| {
        let more = ["--for", "120", "--output", "json"];
        let mut agent = Agent::start("advise", backend, &[format!("port={port}")], &more);
        let mut client = workload(program);
        client.args([what, pool, COUNT, SERVER, &port.to_string()]);
        let truth: Value = serde_json::from_str(&network.client.inside(|| run(&mut client))).unwrap();
        agent.stop();
        println!("{}\n{}", agent.stderr(), agent.stdout());
        let report: Value = serde_json::from_str(&agent.stdout()).unwrap();
        (report, truth)
    };
    for backend in granted() {
        let (report, truth) = advise(backend, "without");
        let findings = findings(&report, "no_pool");
        assert_eq!(findings.len(), 1, "{backend}: {report:#}");
        assert_eq!(
            (&findings[0]["peer"]["address"], findings[0]["peer"]["port"].as_u64()),
            (&Value::from(SERVER), Some(port.into()))
        );
        let connections = &report["connections"][0];
        assert_eq!(connections["opened"], COUNT.parse::<u64>().unwrap(), "{backend}: {report:#}");
        let (told, truth) = (connections["setup_share"].as_f64().unwrap(), truth["share"].as_f64().unwrap());
        println!("{program} {what} {backend}: set-up is {told:.3} of the time; the client says {truth:.3}");
        assert!((told - truth).abs() <= POINTS, "{backend}: {told} and {truth}: {report:#}");

        let (report, _) = advise(backend, "with");
        assert_eq!(report["findings"].as_array().map(Vec::len), Some(0), "{backend}: {report:#}");
    }
}

fn findings<'a>(report: &'a Value, kind: &str) -> Vec<&'a Value> {
    report["findings"].as_array().unwrap().iter().filter(|finding| finding["kind"] == kind).collect()
}
