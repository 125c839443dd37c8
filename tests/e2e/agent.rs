//! The agent itself: how soon it tells, what it leaves behind, what it says to mistakes.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::harness::agent::{granted, trace, wirespan};
use crate::harness::process::eventually;
use crate::harness::{Agent, Folder, process, run, servers, workload};

/// A quiet service's only span is on the console within half a second of its exchange's end.
#[test]
fn a_span_is_shown_at_once() {
    let server = servers::program("odd_server.py", &[]);
    for backend in granted() {
        let agent = Agent::run(backend, &server.select_port(), &["--output", "console"]);
        for n in 0..3 {
            std::thread::sleep(Duration::from_millis(300));
            let path = format!("/quiet/{n}");
            servers::curl(server.port, &path, &[]);
            let over = Instant::now();
            eventually("the span is shown", || agent.stdout().contains(&path));
            assert!(over.elapsed() < Duration::from_millis(500), "{:?}", over.elapsed());
        }
    }
}

/// Span times are those of the wall clock.
#[test]
fn times_are_those_of_the_wall_clock() {
    let server = servers::program("odd_server.py", &[]);
    let now = || u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
    let (spans, (before, after)) = trace(&server.select_port(), || {
        let before = now();
        servers::curl(server.port, "/clock", &[]);
        (before, now())
    });
    for span in spans.iter() {
        assert!(before <= span.start && span.end <= after, "{before} {after} {span:#?}");
    }
    assert_eq!(spans.requests().len(), 2);
}

/// Ids of all programs or maps of the kernel, by `bpftool`.
fn in_kernel(what: &str) -> BTreeSet<u64> {
    let output = Command::new("bpftool").args(["-j", what, "list"]).output().unwrap();
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    list.as_array().unwrap().iter().filter_map(|entry| entry["id"].as_u64()).collect()
}

/// Ids of what a process holds, from `/proc/PID/fdinfo`.
fn held_by(pid: u32, what: &str) -> BTreeSet<u64> {
    let mut ids = BTreeSet::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default();
        let id = |line: &str| line.strip_prefix(what)?.strip_prefix("_id:")?.trim().parse::<u64>().ok();
        ids.extend(text.lines().filter_map(id));
    }
    ids
}

#[test]
fn a_killed_agent_leaves_nothing_behind() {
    let server = servers::program("odd_server.py", &[]);
    let bpftool = servers::which("bpftool").is_some();
    for backend in granted() {
        let mut agent = Agent::run(backend, &server.select_port(), &[]);
        let mut client = workload("http_client.py");
        client.args(["chunks", &server.port.to_string()]);
        let mut client = process::Owned::start(&mut client, rustix::process::Signal::TERM);
        std::thread::sleep(Duration::from_millis(200));
        let held = ["prog", "map"].map(|what| held_by(agent.pid(), what));
        agent.kill();
        // In the middle of an exchange: nobody notices.
        assert!(client.wait().success());
        servers::curl(server.port, "/after", &[]);
        if !bpftool {
            crate::harness::skipped("what is left in the kernel: bpftool is missing");
            continue;
        }
        for (what, ids) in ["prog", "map"].into_iter().zip(&held) {
            assert!(ids.len() > 3, "{what}s of a running agent are seen: {ids:?}");
            eventually("the kernel has let go of them", || in_kernel(what).is_disjoint(ids));
        }
    }
}

#[test]
fn an_ended_agent_says_what_it_did() {
    let server = servers::program("odd_server.py", &[]);
    let mut agent = Agent::run("syscalls", &server.select_port(), &[]);
    servers::curl(server.port, "/one", &[]);
    let spans = agent.finish();
    assert_eq!(spans.requests().len(), 2);
    let told = agent.stderr();
    let exported = format!("otlp-json: exported {}", spans.len());
    for part in [&format!("spans {}, http ", spans.len()), &exported, "events "] {
        assert!(told.contains(part), "{told}");
    }
}

/// Status 2 and one line that names the mistake and what was meant.
#[test]
fn mistakes_get_one_line() {
    let folder = Folder::new();
    let config = folder.write("bad.yaml", "file_format: \"1.0\"\nwirespan:\n  selct: [\"port=1\"]\n");
    let config = config.to_str().unwrap();
    let cases: [(&[&str], &[&str]); 7] = [
        (&["run", "--selct", "port=1"], &["--selct", "--select"]),
        (&["rnu"], &["rnu", "run"]),
        (&["run", "--select", "prot=1"], &["prot", "port"]),
        (&["run", "--select", "port=70000"], &["70000"]),
        (&["run", "--backend", "sokets"], &["sokets", "sockets"]),
        (&["run", "--config", config], &["selct", "select", "bad.yaml:3"]),
        (&["config", "validate", config], &["selct", "select"]),
    ];
    for (arguments, parts) in cases {
        let output = wirespan().args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert_eq!(told.trim_end().lines().count(), 1, "{told}");
        for part in parts {
            assert!(told.contains(part), "{part} in {told}");
        }
    }
}

/// Without capabilities: one line, status 1.
#[test]
fn without_privileges_one_line_says_so() {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]);
    // The binary must be reachable for everybody.
    let folder = Folder::new();
    let binary = folder.join("wirespan");
    std::fs::copy(wirespan_tests::binary(), &binary).unwrap();
    let output = command.arg(binary).args(["run", "--duration", "1"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(told.trim_end().lines().count(), 1, "{told}");
}

/// A recording replays to the spans of the agent that ran beside it.
#[test]
fn a_recording_replays_to_the_same_spans() {
    let server = servers::redis();
    let odd = servers::program("odd_server.py", &[]);
    let select = [server.select_port(), odd.select_port()].concat();
    for backend in granted() {
        let mut recorder = Agent::start("record", backend, &select, &[]);
        let mut agent = Agent::run(backend, &select, &[]);
        run(workload("redis_client.py").args(["pipeline", &server.port.to_string()]));
        run(workload("http_client.py").args(["bodies", &odd.port.to_string()]));
        let live = agent.finish();
        recorder.stop();
        let recording = recorder.file("recording");
        let told =
            run(wirespan().arg("replay").arg(&recording).args(["--output", "otlp-json", "--log-level", "error"]));
        let replayed: wirespan_tests::spans::Spans = wirespan_tests::span::parse(&told).into();
        let measured = ["--output", "otlp-json", "--metrics", "--log-level", "error"];
        let measured = run(wirespan().arg("replay").arg(&recording).args(measured));
        let more = measured.strip_prefix(&told).expect("the spans, then the metrics");
        assert!(more.starts_with(r#"{"resourceMetrics":"#) && more.lines().count() == 1, "{more:.200}");
        assert!(
            more.contains(r#""name":"http.server.request.duration""#) && !more.contains("\"wirespan.events\""),
            "{more}"
        );
        assert!(live.len() > 40, "{}", live.len());
        // The resource of a replay has less to read from: the spans are compared without it.
        let essence = |spans: &wirespan_tests::spans::Spans| {
            // Recorder and agent are two captures: what they measured differs a little.
            let line = |span: &wirespan_tests::span::Span| {
                let exact: Vec<_> = span.attributes.iter().filter(|(_, value)| !value.is_f64()).collect();
                format!("{} {} {exact:?}", span.kind, span.name)
            };
            // A recording also holds what others did in their first milliseconds, before it was known who they are.
            let ports = [server.port, odd.port].map(serde_json::Value::from);
            let ours = |span: &&wirespan_tests::span::Span| {
                let port = if span.kind == "SERVER" && span.text("db.system.name").is_empty() {
                    None
                } else if span.kind == "INTERNAL" {
                    Some(span.attributes.get("network.peer.port").unwrap_or(&serde_json::Value::Null))
                } else {
                    span.attributes.get("server.port")
                };
                port.is_none_or(|port| ports.contains(port))
            };
            let mut list: Vec<_> = spans.iter().filter(ours).map(line).collect();
            list.sort();
            list
        };
        let (live, replayed) = (essence(&live), essence(&replayed));
        let only = |a: &[String], b: &[String]| a.iter().filter(|x| !b.contains(x)).cloned().collect::<Vec<_>>();
        assert_eq!((only(&live, &replayed), only(&replayed, &live)), (vec![], vec![]));
        assert_eq!(live.len(), replayed.len());
    }
}
