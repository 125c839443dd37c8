//! With the capabilities that the documentation names, and with fewer.

use std::process::Command;

use serde_json::Value;

use crate::harness::agent::{granted, wirespan};
use crate::harness::process::free_port;
use crate::harness::prometheus::Scrape;
use crate::harness::{Folder, servers};

/// A command that root runs with these capabilities only.
fn with(capabilities: &str, arguments: &[&str]) -> Command {
    let plain = wirespan();
    let mut command = Command::new("setpriv");
    let bounds = capabilities.split_whitespace().map(|name| format!(",+{name}")).collect::<String>();
    command.args([format!("--bounding-set=-all{bounds}"), "--inh-caps=-all".to_owned()]);
    command.arg(plain.get_program()).args(arguments);
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// A command that a user who may nothing else runs with these capabilities, as systemd starts the unit. The program lies in `folder`, where that
/// user finds it.
fn as_user(capabilities: &str, folder: &Folder, arguments: &[&str]) -> Command {
    const NOBODY: &str = "65534";
    let program = folder.join("wirespan");
    if !program.exists() {
        std::fs::copy(wirespan_tests::binary(), &program).unwrap();
    }
    let names = capabilities.split_whitespace().map(|name| format!(",+{name}")).collect::<String>();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--no-new-privs"]);
    command.args(["bounding-set", "inh-caps", "ambient-caps"].map(|set| format!("--{set}=-all{names}")));
    command.arg(program).args(arguments);
    command
}

/// Those of the unit file.
fn documented() -> String {
    let unit = include_str!("../../deploy/systemd/wirespan.service");
    let all = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    let line = all("AmbientCapabilities=");
    assert_eq!(line, all("CapabilityBoundingSet="));
    line.split_whitespace().map(|name| name.strip_prefix("CAP_").unwrap().to_lowercase()).collect::<Vec<_>>().join(" ")
}

/// They suffice for spans with everything that `/proc` tells, and for the listen queues of the own network namespace; root is not needed.
#[test]
fn the_documented_set_suffices() {
    let programs = Folder::new();
    for backend in granted() {
        let server = servers::nginx(None);
        let folder = Folder::new();
        let (scrape, output) = (free_port(), folder.join("spans"));
        let listen = format!("127.0.0.1:{scrape}");
        let arguments = ["run", "--backend", backend, "--select", "exe=nginx", "--output", "otlp-json"];
        let mut command = as_user(&documented(), &programs, &arguments);
        command.args(["--prometheus-listen", &listen]).env("WIRESPAN_LIMITS_CPU", "none");
        command.stdout(folder.output("spans")).stderr(folder.output("stderr"));
        let mut agent = crate::harness::process::Owned::start(&mut command, rustix::process::Signal::TERM);
        let said = || std::fs::read_to_string(folder.join("stderr")).unwrap();
        crate::harness::process::eventually("the agent is attached", || said().contains("wirespan: tracing"));
        servers::curl(server.port, "/", &[]);
        let queues = |scrape: &Scrape| {
            scrape
                .sum("wirespan_tcp_listen_queue_limit", |sample| sample.label("server_port") == server.port.to_string())
        };
        crate::harness::process::eventually("the listen queue is told", || {
            queues(&Scrape::of(scrape, "text/plain")) > 0.0
        });
        assert!(agent.stop().success(), "{}", said());
        let spans: wirespan_tests::spans::Spans =
            wirespan_tests::span::parse(&std::fs::read_to_string(&output).unwrap()).into();
        assert_eq!(spans.servers().texts("url.path"), ["/"], "{backend}: {}", said());
        assert!(!said().contains("without CAP_"), "{backend}: {}", said());
    }
}

/// What is missing is said, by `doctor` and by `run`.
#[test]
fn what_is_missing_is_said() {
    let few = "bpf perfmon";
    let output = with(few, &["doctor"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}");
    for (name, mark) in
        [("CAP_BPF", "yes"), ("CAP_PERFMON", "yes"), ("CAP_SYS_PTRACE", "no "), ("CAP_DAC_READ_SEARCH", "no ")]
    {
        assert!(told.contains(&format!("  {mark} {name} ")), "{told}");
    }
    let output = with(few, &["run", "--duration", "0.1", "--output", "none", "--select", "pid=1"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("without CAP_SYS_PTRACE: ") && told.contains("without CAP_DAC_READ_SEARCH: "), "{told}");
}

/// JSON for whoever asks, with status 1 where nothing is granted.
#[test]
fn doctor_answers_in_json_to_everybody() {
    let all = documented();
    for (capabilities, code) in [("", 1), ("bpf perfmon", 0), (&all, 0)] {
        let output = with(capabilities, &["doctor", "--output", "json"]).output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{told:#}");
        assert_eq!(told["error"].is_null(), code == 0, "{told:#}");
        let granted = |name: &str| {
            let list = told["capabilities"].as_array().unwrap();
            list.iter().find(|one| one["name"] == name).unwrap()["granted"].as_bool().unwrap()
        };
        assert_eq!((granted("CAP_BPF"), granted("CAP_SYS_PTRACE")), (code == 0, capabilities == all), "{told:#}");
    }
}

/// An answer that cannot be written is a failure.
#[test]
fn doctor_to_a_full_disk_fails() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = wirespan().arg("doctor").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}
