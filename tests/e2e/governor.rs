//! The governor: an agent at its budget leaves exchanges out, and what it still tells is true.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::harness::agent::granted;
use crate::harness::postgres::Postgres;
use crate::harness::servers::{nginx, redis};
use crate::harness::{Agent, run};

/// The backends that can leave something out.
fn sheds() -> impl Iterator<Item = &'static str> {
    granted().into_iter().filter(|backend| *backend == "sockets")
}

/// So little that nearly any load is too much.
fn starved(backend: &str, select: &[String]) -> Agent {
    Agent::start_with("run", backend, select, &[], &[("WIRESPAN_LIMITS_CPU", "0.01".to_owned())])
}

/// For how many a span stands, by its trace state.
fn weight(span: &Value) -> f64 {
    let Some(state) = span["traceState"].as_str() else { return 1.0 };
    let (threshold, randomness) = state.strip_prefix("ot=th:").unwrap().split_once(";rv:").unwrap();
    let padded = |digits: &str| u64::from_str_radix(&format!("{digits:0<14}"), 16).unwrap();
    assert!(padded(randomness) >= padded(threshold), "{state}");
    let all = (1_u64 << 56) as f64;
    all / (all - padded(threshold) as f64)
}

/// Every span, as OTLP JSON has it.
fn spans(agent: &Agent) -> Vec<Value> {
    let lines = agent.raw();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    lines
        .flat_map(|line| list(&line, "resourceSpans"))
        .flat_map(|resource| list(&resource, "scopeSpans"))
        .flat_map(|scope| list(&scope, "spans"))
        .collect()
}

/// Measurements in a histogram, all series together, as last told.
fn measured(agent: &Agent, name: &str) -> u64 {
    let lines = agent.raw();
    let last = lines.lines().rev().find(|line| line.starts_with("{\"resourceMetrics\"")).unwrap();
    let told: Value = serde_json::from_str(last).unwrap();
    let resources = told["resourceMetrics"].as_array().unwrap().iter();
    let metrics = resources.flat_map(|resource| resource["scopeMetrics"][0]["metrics"].as_array().unwrap());
    let points = metrics.filter(|metric| metric["name"] == name).flat_map(|metric| {
        metric["histogram"]["dataPoints"].as_array().unwrap().iter().map(|point| point["count"].as_str().unwrap())
    });
    points.map(|count| count.parse::<u64>().unwrap()).sum()
}

/// Nothing but what was meant to be left out is missing.
#[track_caller]
fn nothing_else_is_missing(backend: &str, agent: &Agent) {
    let told = agent.stderr();
    assert!(told.contains("wirespan.limits.cpu"), "{backend}: {told}");
    let seen = agent.told("kernel: seen");
    let rest = ["(calls", " shed", "ignored", "undecided", "ring_full", "unread"].map(|name| agent.told(name));
    assert_eq!(seen, rest.iter().sum::<u64>(), "{backend}: {rest:?} {told}");
    // On a machine that leaves the agent no processor.
    if agent.told("ring_full") + agent.told("unread") > 0 {
        return;
    }
    for reason in ["resync", "malformed", "lost_request", "lost_response", "unmatched_response", "unproven"] {
        assert_eq!(agent.told(reason), 0, "{backend}: {reason}: {told}");
    }
}

#[test]
fn requests_that_are_left_out_are_counted_and_the_others_stand_for_them() {
    for backend in sheds() {
        let mut server = nginx(None);
        let mut agent = starved(backend, &[format!("pid={}", server.pid())]);
        run(Command::new("wrk").args(["-t1", "-c16", "-d4s", &format!("http://127.0.0.1:{}/", server.port)]));
        let logged = server.access_log().len() as u64;
        agent.stop();
        let told = agent.stderr();
        nothing_else_is_missing(backend, &agent);
        let spans = spans(&agent);
        let (kept, left_out) = (spans.len() as u64, agent.told("shed_exchanges"));
        assert!(left_out > logged / 4, "{backend}: {told}");
        let of_parser: u64 = ["lost_request", "lost_response"].map(|name| agent.told(name)).iter().sum();
        let lost = agent.told("lost_exchanges") + agent.told("unread").div_ceil(2) + of_parser;
        let unseen = agent.told(" missed") + agent.told("under_way") + agent.told("unread").min(16);
        let counted = kept + left_out + lost;
        assert!(counted.abs_diff(logged) <= unseen, "{backend}: {kept}, {left_out}, {lost} of {logged}: {told}");
        assert!(spans.iter().any(|span| span["traceState"].is_string()), "{backend}");
        let estimate: f64 = spans.iter().map(weight).sum();
        let followed = (logged - lost) as f64;
        assert!((estimate / followed - 1.0).abs() < 0.15 || lost > 0, "{backend}: {estimate} of {followed}: {told}");
        let counted = measured(&agent, "http.server.request.duration");
        assert!((counted as f64 - estimate).abs() < 2.0, "{backend}: {counted} and {estimate}");
    }
}

/// What later executions need is never left out: their texts are those that were prepared.
#[test]
fn prepared_statements_keep_their_texts() {
    let server = Postgres::start();
    server
        .execute("create table numbers (a int, b int); insert into numbers select i, i from generate_series(1, 100) i");
    let script = server.sockets().join("script.sql");
    std::fs::write(
        &script,
        "\\set a random(1, 100)\nselect b from numbers where a = :a;\nupdate numbers set b = b + 1 where a = :a;\n",
    )
    .unwrap();
    for backend in sheds() {
        let mut agent = starved(backend, &[format!("port={}", server.port)]);
        let mut pgbench = Command::new("pgbench");
        pgbench.args(["-n", "-M", "prepared", "-c", "4", "-T", "4", "-h", "127.0.0.1", "-U", "postgres"]);
        run(pgbench.args(["-p", &server.port.to_string()]).arg("-f").arg(&script).arg("shop"));
        agent.stop();
        nothing_else_is_missing(backend, &agent);
        assert!(agent.told("shed_exchanges") > 0, "{backend}: {}", agent.stderr());
        let mut names = BTreeMap::<String, u64>::new();
        for span in spans(&agent).iter().filter(|span| span["kind"] == 2) {
            *names.entry(span["name"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let known = ["select numbers", "update numbers"];
        assert!(known.iter().all(|name| names.contains_key(*name)), "{backend}: {names:?}");
        assert!(names.keys().all(|name| known.contains(&name.as_str())), "{backend}: {names:?}");
    }
}

/// Both ends leave out the same commands.
#[test]
fn both_ends_tell_of_the_same_commands() {
    let server = redis();
    for backend in sheds() {
        let mut agent = starved(backend, &server.select_port());
        let port = server.port.to_string();
        run(Command::new("redis-benchmark").args(["-p", &port, "-c", "4", "-n", "60000", "-q", "-t", "set,get"]));
        agent.stop();
        nothing_else_is_missing(backend, &agent);
        let count = |kind: u64| spans(&agent).iter().filter(|span| span["kind"] == kind).count();
        let (servers, clients) = (count(2), count(3));
        assert!(agent.told("shed_exchanges") > 1000, "{backend}: {}", agent.stderr());
        // A threshold that changes in the middle of a call is seen by one end only.
        let apart = servers.abs_diff(clients);
        assert!(apart * 20 < servers.max(20), "{backend}: {servers} and {clients}: {}", agent.stderr());
    }
}
