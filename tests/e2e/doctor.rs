//! `wirespan doctor`, its archive, and what a running agent tells of the processes that it knows.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::agent::{Agent, granted, wirespan};
use crate::harness::process::{eventually, free_port, run};
use crate::harness::{Folder, servers};

fn doctor() -> Value {
    serde_json::from_str(&run(wirespan().args(["doctor", "--output", "json"]))).unwrap()
}

/// What `curl` gets.
fn get(port: u16, path: &str) -> String {
    run(Command::new("curl").args(["-sf", "--noproxy", "*", &format!("http://127.0.0.1:{port}{path}")]))
}

/// Every program of the object is tried, and every no says what it costs and how to get it.
#[test]
fn everything_is_tried_and_explained() {
    let told = doctor();
    assert_eq!(told["ok"], true, "{told:#}");
    let list = |key: &str| told[key].as_array().unwrap_or_else(|| panic!("{key}: {told:#}"));
    let hooks: Vec<&str> =
        list("hooks").iter().chain(list("other_hooks")).map(|hook| hook["name"].as_str().unwrap()).collect();
    for expected in ["sock_send_length", "sys_exit", "tcp_sendmsg", "inet_sock_set_state_connects", "sys_exit_again"] {
        assert!(hooks.contains(&expected), "{expected}: {hooks:?}");
    }
    assert!(list("probes").len() >= 20, "{told:#}");
    assert!(told["propagation"]["granted"].is_boolean(), "{told:#}");
    for check in list("checks").iter().filter(|check| check["answer"] == "no") {
        assert!(check["cost"].is_string() && check["cure"].is_string(), "{check:#}");
    }
    let text = run(wirespan().arg("doctor"));
    assert!(text.trim_end().lines().last().unwrap().starts_with("can trace here, with the backend "), "{text}");
}

/// A running agent sees and loses nothing while others look.
#[test]
fn a_running_agent_is_not_disturbed() {
    for backend in granted() {
        let server = servers::nginx(None);
        let mut agent = Agent::run(backend, &server.select_port(), &[]);
        let doctor = std::thread::spawn(doctor);
        let mut asked = 0;
        while !doctor.is_finished() {
            servers::curl(server.port, &format!("/{asked}"), &[]);
            asked += 1;
        }
        assert_eq!(doctor.join().unwrap()["ok"], true);
        let spans = agent.finish();
        assert_eq!(spans.servers().texts("url.path").len(), asked, "{backend}: {}", agent.stderr());
    }
}

/// A program that the kernel refuses is one line, with its cost; what the verifier says is there for those who ask.
#[test]
fn a_refused_program_is_one_line() {
    let told = doctor();
    let refused: Vec<_> = told["hooks"].as_array().unwrap().iter().filter(|hook| hook["granted"] == false).collect();
    let output =
        wirespan().args(["run", "--duration", "0.1", "--output", "none", "--select", "pid=1"]).output().unwrap();
    let quiet = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut command = wirespan();
    command.args(["run", "--duration", "0.1", "--output", "none", "--select", "pid=1", "--log-level", "debug"]);
    let loud = String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned();
    for hook in refused {
        let (name, shows) = (hook["name"].as_str().unwrap(), hook["shows"].as_str().unwrap());
        // Another one may show the same.
        let lines = quiet.matches(&format!("without {name}: {shows}")).count();
        assert!(lines <= 1, "{quiet}");
        assert!(lines == 1 || name == "tcp_sendmsg_locked", "{name}: {quiet}");
        assert!(!quiet.contains(&format!("DEBUG wirespan: {name}: ")), "{quiet}");
        if !hook["reason"].as_str().unwrap().contains("does not have it") {
            assert!(loud.contains(&format!("DEBUG wirespan: {name}: ")), "{loud}");
        }
    }
}

/// What a bug report needs, without a byte of what was sent.
#[test]
fn the_archive_holds_no_payload_and_no_secret() {
    let server = servers::nginx(None);
    let folder = Folder::new();
    let archive = folder.join("report.tar.gz");
    let mut command = wirespan();
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2@127.0.0.1:9");
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2");
    command.args(["doctor", "--record", "3s", "--bundle"]).arg(&archive);
    let asking = std::thread::spawn(move || {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(12) {
            servers::curl(server.port, "/hunter2", &["-H", "X-Secret: hunter2"]);
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    let told = run(&mut command);
    asking.join().unwrap();
    assert_eq!(archive.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(folder.join("")));
    let inside = folder.join("wirespan-bundle");
    for name in [
        "doctor.json",
        "versions.txt",
        "configuration.yaml",
        "variables.txt",
        "kernel-config.txt",
        "targets.json",
        "recording.bin",
    ] {
        let bytes = fs::read(inside.join(name)).unwrap_or_else(|error| panic!("{name}: {error}; {told}"));
        assert!(told.contains(&format!("{:>9} B  {name} ", bytes.len())), "{name}: {told}");
        let is_there = bytes.windows(7).any(|seven| seven == b"hunter2");
        assert!(!is_there, "{name}");
    }
    let replayed = run(wirespan().arg("replay").arg(inside.join("recording.bin")).args(["--output", "otlp-json"]));
    assert!(!replayed.contains("hunter2"), "{replayed}");
    // Nothing is replaced unasked.
    let output = wirespan().args(["doctor", "--bundle"]).arg(&archive).output().unwrap();
    let refused = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && refused.contains("--force"), "{refused}");
}

/// Health, metrics and processes on one address.
#[test]
fn a_running_agent_tells_whom_it_traces() {
    for backend in granted() {
        let server = servers::nginx(None);
        let port = free_port();
        let mut agent = Agent::run(backend, &["exe=nginx".to_owned()], &["--listen", &format!("127.0.0.1:{port}")]);
        eventually("it is ready", || agent.stderr().contains("/debug/targets"));
        assert_eq!((get(port, "/livez").as_str(), get(port, "/readyz").as_str()), ("ok\n", "ok\n"));
        servers::curl(server.port, "/", &[]);
        let targets = || -> Value { serde_json::from_str(&get(port, "/debug/targets")).unwrap() };
        eventually("its protocol is told", || {
            let told = targets();
            told["targets"].as_array().unwrap().iter().any(|target| {
                target["why"] == "selector `exe=nginx`" && target["protocols"]["http"]["served"].as_u64() >= Some(1)
            })
        });
        let told = targets();
        let own = told["others"].as_array().unwrap().iter().find(|other| other["pid"] == agent.pid()).cloned();
        assert_eq!(own.unwrap()["why"], "wirespan does not trace itself");
        assert!(get(port, "/metrics").contains("wirespan_"));
        agent.stop();
    }
}
