//! Programs that are executed while the agent runs, and are none of its targets.

use std::process::Command;

use crate::harness::agent::granted;
use crate::harness::{Agent, run, servers, workload};

/// Where the selectors tell at an exec that a program is none of theirs, nothing of it is copied.
#[test]
fn programs_that_cannot_match_are_never_copied() {
    let server = servers::program("odd_server.py", &[]);
    let url = format!("http://127.0.0.1:{}/foreign", server.port);
    for backend in granted() {
        let selectors = ["exe=/usr/sbin/nginx", "comm=nginx", "pid=4194303", "user=4711", "port=1"].map(str::to_owned);
        let mut agent = Agent::run(backend, &selectors, &[]);
        for _ in 0..10 {
            run(Command::new("curl").args(["-s", "--noproxy", "*", "-o", "/dev/null", &url]));
        }
        agent.stop();
        assert_eq!(agent.told("kernel: seen"), 0, "{backend}: {}", agent.stderr());
    }
}

/// A program of which nothing is known at its exec is followed for a moment, and then left alone.
#[test]
fn programs_that_are_not_decided_have_a_small_budget() {
    let server = servers::program("odd_server.py", &[]);
    for backend in granted() {
        let mut agent = Agent::run(backend, &["env.NOBODY_HAS_THIS=1".to_owned()], &[]);
        run(workload("http_client.py").args(["many", &server.port.to_string()]));
        agent.stop();
        // 200 requests, each of four calls: the budget is that of 64, if the decision does not come before.
        assert!(agent.told("process_not_selected") <= 64, "{backend}: {}", agent.stderr());
    }
}

/// The first requests of a program that is selected by what only user space can see are told.
#[test]
fn programs_that_are_selected_lose_nothing() {
    let server = servers::program("odd_server.py", &[]);
    for backend in granted() {
        let mut agent = Agent::run(backend, &["env.WANTED_HERE=1".to_owned(), "exe=curl,env.OTHER!=1".to_owned()], &[]);
        run(workload("http_client.py").args(["many", &server.port.to_string()]).env("WANTED_HERE", "1"));
        servers::curl(server.port, "/by/curl", &[]);
        let clients = agent.finish().clients();
        let ours = clients.pick(|span| span.attributes.get("server.port") == Some(&server.port.into()));
        assert_eq!(ours.len(), 201, "{backend}: {}", agent.stderr());
    }
}
