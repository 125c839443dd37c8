//! The promise: of a process that is traced nothing is changed. A server and a client whose exchanges are always the same run under
//! strace(1), with an agent that traces both and without; what they received, their system calls with every byte of them, and the
//! files that they run are the same.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::harness::agent::{granted, wirespan};
use crate::harness::process::{Owned, eventually, free_port};
use crate::harness::servers::which;
use crate::harness::{Agent, Folder, run, skipped, workload};

/// What was seen of a run.
#[derive(PartialEq, Eq)]
struct Seen {
    received: Vec<u8>,
    server: Vec<String>,
    client: Vec<String>,
    /// The files that both have mapped.
    files: Vec<(PathBuf, u64)>,
}

/// The server or the client under strace, at addresses that are always the same.
fn watched(arguments: &[&str], log: &Path) -> Command {
    let plain = workload("untouched.py");
    let mut command = Command::new("setarch");
    command.args(["-R", "strace", "-f", "-s", "1000000", "-xx", "-o"]).arg(log).arg(plain.get_program());
    command.args(plain.get_args()).args(arguments);
    // What the test says meanwhile would be seen in the size of its file.
    command.stderr(Stdio::null());
    command.env("PYTHONHASHSEED", "0").env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// The calls, without what is never twice the same: ids of processes and ports of clients, addresses, chance, the state of the
/// host, and how often a loop has to look until the other end has sent.
fn calls(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap();
    let is_fixed = |call: &&str| {
        let varies =
            ["getrandom(", "sysinfo(", "set_tid_address(", "gettid(", "getpid(", "getcwd(", "execve(", "epoll_wait("];
        !varies.iter().any(|name| call.starts_with(name))
    };
    text.lines().filter_map(|line| Some(line.split_once(' ')?.1.trim())).filter(is_fixed).map(normal).collect()
}

fn normal(call: &str) -> String {
    let mut out = String::with_capacity(call.len());
    let mut rest = call;
    while let Some(at) = ["0x", "htons("].iter().filter_map(|word| Some(rest.find(word)? + word.len())).min() {
        out.push_str(&rest[..at]);
        rest = rest[at..].trim_start_matches(|letter: char| letter.is_ascii_hexdigit());
    }
    out + rest
}

/// Files that a process runs.
fn mapped(pid: u32) -> Vec<PathBuf> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut files: Vec<PathBuf> = maps
        .lines()
        .filter_map(|line| Some(line[line.find('/')?..].into()))
        .filter(|path: &PathBuf| path.is_file())
        .collect();
    files.sort();
    files.dedup();
    files
}

/// What is in them.
fn hashed(files: Vec<PathBuf>) -> Vec<(PathBuf, u64)> {
    let hash = |path: &PathBuf| {
        let mut hasher = DefaultHasher::new();
        std::fs::read(path).unwrap().hash(&mut hasher);
        hasher.finish()
    };
    files.into_iter().map(|path| (path.clone(), hash(&path))).collect()
}

/// The one child of strace.
fn child(strace: u32) -> u32 {
    let children = std::fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap();
    children.trim().parse().unwrap()
}

/// One run. `ready` is called when the server is, before the client is started, with the server's process id.
fn exchange(port: u16, ready: impl FnOnce(u32)) -> Seen {
    let folder = Folder::new();
    let port = port.to_string();
    let mut command = watched(&["server", &port], &folder.join("server"));
    let mut server = Owned::start(command.stdout(folder.output("stdout")), Signal::TERM);
    eventually("the server is ready", || std::fs::read_to_string(folder.join("stdout")).unwrap().contains("ready"));
    let pid = child(server.pid());
    ready(pid);
    let files = mapped(pid);
    // By a name that is the same in each run.
    run(watched(&["client", &port, "received"], &folder.join("client")).current_dir(folder.path()));
    assert!(server.wait().success());
    Seen {
        received: std::fs::read(folder.join("received")).unwrap(),
        server: calls(&folder.join("server")),
        client: calls(&folder.join("client")),
        files: hashed(files),
    }
}

/// The first call that is not the same.
fn first_difference(one: &[String], other: &[String]) -> Option<String> {
    let at = one.iter().zip(other).position(|(one, other)| one != other);
    let at = at.or_else(|| (one.len() != other.len()).then_some(one.len().min(other.len())))?;
    let short = |calls: &[String]| calls.get(at).map(|call| call.chars().take(300).collect::<String>());
    Some(format!("call {at}: {:?} and {:?}", short(one), short(other)))
}

fn is_possible() -> bool {
    let lacks = ["strace", "setarch"].into_iter().find(|program| which(program).is_none());
    if let Some(program) = lacks {
        skipped(&format!("{program} is missing"));
    }
    lacks.is_none()
}

/// With break points in Python and without, by each backend.
#[test]
fn a_traced_exchange_is_the_same() {
    if !is_possible() {
        return;
    }
    let port = free_port();
    let untraced = exchange(port, |_| {});
    assert!(untraced.received.len() > 150_000 && untraced.server.len() > 500, "{}", untraced.server.len());
    for backend in granted() {
        for uprobes in ["none", "contexts"] {
            let variables = [("WIRESPAN_UPROBES", uprobes.to_owned())];
            let mut agent = Agent::start_with("run", backend, &[format!("port={port}")], &[], &variables);
            let traced = exchange(port, |pid| {
                if backend == "sockets" && uprobes == "contexts" {
                    eventually("there are break points", || has_probes(pid));
                }
            });
            let spans = agent.finish();
            assert!(spans.servers().len() >= 40, "{}", agent.stderr());
            let name = format!("{backend}, {uprobes}");
            assert_eq!(first_difference(&untraced.server, &traced.server), None, "{name}: the server");
            assert_eq!(first_difference(&untraced.client, &traced.client), None, "{name}: the client");
            assert!(untraced.received == traced.received && untraced.files == traced.files, "{name}");
        }
    }
}

fn has_probes(pid: u32) -> bool {
    let output = wirespan().args(["targets", "-p", &pid.to_string(), "--output", "json"]).output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let probes = told["targets"][0]["probes"].as_array().unwrap();
    !probes.is_empty() && probes.iter().all(|probe| probe["set"] != false)
}

/// The one setting that changes what programs send is seen here: so would others be.
#[test]
fn a_change_would_be_seen() {
    if !is_possible() {
        return;
    }
    let port = free_port();
    let untraced = exchange(port, |_| {});
    let mut agent = Agent::run(granted()[0], &[format!("port={port}")], &["--propagate"]);
    if agent.stderr().contains("propagate: ") {
        return skipped("this kernel does not let headers be put into requests");
    }
    let traced = exchange(port, |_| {});
    agent.stop();
    assert_ne!(first_difference(&untraced.server, &traced.server), None);
}
