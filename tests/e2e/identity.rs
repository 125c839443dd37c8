//! Which connection and which process it is: sockets that two threads meet at once, addresses that are used again, processes
//! without their first thread.

use std::collections::HashSet;

use rustix::process::Signal;

use crate::harness::agent::granted;
use crate::harness::process::{Owned, eventually, settle};
use crate::harness::recorded::Recorded;
use crate::harness::servers::{self, curl};
use crate::harness::{Agent, Folder, workload};

/// Each of 2,000 sockets, and of 2,000 more that are made of them, is one connection, and no call is told without one.
#[test]
fn sockets_that_two_threads_meet_at_once() {
    const PAIRS: usize = 1000;
    for kind in ["tcp", "unix"] {
        let gates = Folder::new();
        let mut command = workload("two_threads.c");
        command.args([kind, &PAIRS.to_string()]).env("GATES", gates.path());
        let mut client = Owned::start(&mut command, Signal::TERM);
        eventually("the client is at its gate", || gates.join("gate.ready").exists());
        let select = [format!("pid={}", client.pid())];
        let mut agents: Vec<_> =
            granted().into_iter().map(|backend| (backend, Agent::start("record", backend, &select, &[]))).collect();
        gates.write("gate.open", "");
        assert!(client.wait().success());
        settle();
        for (backend, agent) in &mut agents {
            agent.stop();
            let told = Recorded::read(&agent.file("recording"));
            // What others did in their first milliseconds is no part of it.
            let calls: Vec<_> = told.data.iter().filter(|call| matches!(&call.bytes[..], b"a" | b"b")).collect();
            let announced: HashSet<_> = told.opens.iter().map(|open| open.connection).collect();
            let used: HashSet<_> = calls.iter().map(|call| call.connection).collect();
            assert_eq!(calls.len(), 8 * PAIRS, "{kind}, {backend}: each thread wrote to each end: {}", agent.stderr());
            assert_eq!(used.len(), 4 * PAIRS, "{kind}, {backend}: each end is one connection");
            let again = told.opens.iter().filter(|open| used.contains(&open.connection)).count();
            assert_eq!(again, 4 * PAIRS, "{kind}, {backend}: each is announced once");
            assert!(used.is_subset(&announced), "{kind}, {backend}");
        }
    }
}

/// `pthread_exit` in main: the process goes on, whether the agent saw that or came later.
#[test]
fn a_process_outlives_its_first_thread() {
    for backend in granted() {
        let mut early = Agent::run(backend, &["comm=headless".to_owned()], &[]);
        let server = servers::command("headless.c", &[]);
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
        eventually("its first thread is gone", || stat().contains(") Z "));
        settle();
        let mut late = Agent::run(backend, &["exe=headless".to_owned()], &[]);
        for path in ["/one", "/two"] {
            curl(server.port, path, &[]);
        }
        for (when, agent) in [("before", &mut early), ("after", &mut late)] {
            let spans = agent.finish().servers();
            let paths = spans.texts("url.path");
            // The request that found out whether it listens is none.
            assert_eq!(paths, ["/one", "/two"], "{backend}, {when}: {}", agent.stderr());
        }
    }
}
