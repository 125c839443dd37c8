//! Overload: what is lost is counted where it is lost, to the unit.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::agent::granted;
use crate::harness::process::Owned;
use crate::harness::servers::nginx;
use crate::harness::{Agent, Folder, run};

/// An agent that cannot follow: its ring buffer is as small as can be.
fn overloaded(backend: &str, server: u32, folder: &Folder) -> Agent {
    let config = folder.write("small.yaml", "file_format: \"1.0\"\nwirespan:\n  capture:\n    ring_bytes: 65536\n");
    Agent::run(backend, &[format!("pid={server}")], &["--config", config.to_str().unwrap()])
}

/// Every call that the kernel saw was handled, or is in one of the counters of what was not.
#[track_caller]
fn calls_add_up(backend: &str, agent: &Agent) {
    let told = |name: &str| agent.told(name);
    let (seen, handled) = (told("kernel: seen"), told("(calls"));
    let lost = ["ignored", "undecided", "ring_full", "unread", "undecodable"].map(told);
    assert!(handled > 0 && seen > handled, "{backend}: there was an overload: {}", agent.stderr());
    assert_eq!(seen, handled + lost.iter().sum::<u64>(), "{backend}: {lost:?}: {}", agent.stderr());
    let (spans, exported) = (told("wirespan: spans"), told("otlp-json: exported"));
    assert_eq!(spans, exported + told("lost (queue_full)"), "{backend}: {}", agent.stderr());
}

/// Every request is an exchange, or in one of the counters of what did not become one: the kernel's of requests whose beginning
/// it could not record, and the parser's of those that it saw. (Responses without a request are counted too, as such.)
#[track_caller]
fn requests_add_up(backend: &str, agent: &Agent, requests: u64) {
    let exchanges = agent.told("http");
    let reasons = ["lost_exchanges", "lost_request", "lost_response", "under_way", "unproven", "too_many_pending"];
    let lost = reasons.map(|name| agent.told(name));
    assert!(lost[0] > 0, "{backend}: whole requests were lost: {}", agent.stderr());
    // A run of the kernel programs that was left out is a call that nobody saw.
    let unseen = agent.told(" missed");
    let counted = exchanges + lost.iter().sum::<u64>();
    let told = agent.stderr();
    assert!(counted.abs_diff(requests) <= unseen, "{backend}: {counted} of {requests}: {exchanges}, {lost:?}: {told}");
}

/// Requests as fast as they go, one at a time on each connection: each of them is a span, or counted as lost, once.
#[test]
fn every_call_and_every_request_is_accounted_for() {
    for backend in granted() {
        let mut server = nginx(None);
        let folder = Folder::new();
        let mut agent = overloaded(backend, server.pid(), &folder);
        run(Command::new("wrk").args(["-t1", "-c16", "-d2s", &format!("http://127.0.0.1:{}/", server.port)]));
        // It ends first, so that the end of each connection is seen.
        let logged = server.access_log().len() as u64;
        let spans = agent.finish().servers().len() as u64;
        println!("{backend}: {logged} requests, {spans} spans\n{}", agent.stderr());
        calls_add_up(backend, &agent);
        assert_eq!(spans, agent.told("otlp-json: exported"));
        requests_add_up(backend, &agent, logged);
    }
}

/// The same for an agent that is ended amid the load: what lies in the ring buffer is handled, or counted.
#[test]
fn an_end_amid_the_load_adds_up() {
    for backend in granted() {
        let server = nginx(None);
        let folder = Folder::new();
        let mut agent = overloaded(backend, server.pid(), &folder);
        let mut wrk = Command::new("wrk");
        wrk.args(["-t1", "-c16", "-d20s", &format!("http://127.0.0.1:{}/", server.port)]);
        let mut load = Owned::start(wrk.stdout(std::process::Stdio::null()), Signal::INT);
        sleep(Duration::from_secs(1));
        agent.stop();
        load.stop();
        calls_add_up(backend, &agent);
    }
}
