//! Every context that an interpreter makes is seen, once: the kernel counts the runs of the probes.

use std::fs;

use crate::harness::agent::granted;
use crate::harness::{Agent, servers};

const COUNT: u64 = 1000;
/// What the interpreter may make besides: for a loop that is run, and for its main task.
const BESIDE: u64 = 8;
/// Other tests run programs with the same interpreter, whose contexts count as well: a moment without them has to come.
const TRIES: usize = 200;

/// The kernel counts the runs of all programs meanwhile.
struct Counted(String);

const STATS: &str = "/proc/sys/kernel/bpf_stats_enabled";

impl Counted {
    fn begin() -> Self {
        let before = fs::read_to_string(STATS).unwrap();
        fs::write(STATS, "1").unwrap();
        Self(before)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        fs::write(STATS, &self.0).unwrap();
    }
}

/// Runs of the agent's probes (`BPF_PROG_TYPE_KPROBE`).
fn runs(agent: &Agent) -> u64 {
    let held = fs::read_dir(format!("/proc/{}/fdinfo", agent.pid())).unwrap();
    let texts = held.filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok());
    let value =
        |text: &str, key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok());
    texts.filter(|text| value(text, "prog_type:") == Some(2)).filter_map(|text| value(&text, "run_cnt:")).sum()
}

#[test]
fn every_context_is_seen_once() {
    let Some(backend) = granted().into_iter().find(|backend| *backend == "sockets") else { return };
    let server = servers::program("contexts_made.py", &[]);
    let agent = Agent::run(backend, &[format!("pid={}", server.pid())], &[]);
    let _counted = Counted::begin();
    let ways = ["copy_context", "copy", "Context"].map(|way| [way.to_owned(), format!("{way}_kept")]);
    for way in ways.concat().into_iter().chain(["tasks", "callbacks", "threads"].map(str::to_owned)) {
        let mut seen = Vec::new();
        let is_seen = (0..TRIES).any(|_| {
            let before = runs(&agent);
            servers::curl(server.port, &format!("/{way}/{COUNT}"), &[]);
            let now = runs(&agent) - before;
            seen.push(now);
            (COUNT..=COUNT + BESIDE).contains(&now)
        });
        // The probes come a moment after the agent, so one of the first may have been too few.
        assert!(is_seen, "{way}: {seen:?}");
    }
}
