//! What a running agent may still do, and that it does what it is there for all the same.

use std::collections::BTreeMap;
use std::process::Command;

use rustix::process::Signal;

use crate::harness::agent::{granted, wirespan};
use crate::harness::parts::part;
use crate::harness::process::{Owned, eventually, free_port};
use crate::harness::prometheus::Scrape;
use crate::harness::{Agent, Folder, run, servers, skipped, workload, workload_path};

const BPF: u64 = 1 << 39;
const PERFMON: u64 = 1 << 38;
const ADMIN: u64 = 1 << 21;
const PTRACE: u64 = 1 << 19;
const READ: u64 = 1 << 2;

/// A thread, as `/proc` tells of it.
#[derive(Debug)]
struct Thread {
    name: String,
    fields: BTreeMap<String, String>,
}

impl Thread {
    fn all(pid: u32) -> Vec<Self> {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let status = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("status")).ok();
        tasks
            .filter_map(|task| status(task.unwrap()))
            .map(|status| {
                let fields: BTreeMap<_, _> = status
                    .lines()
                    .filter_map(|line| line.split_once(':'))
                    .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
                    .collect();
                Self { name: fields["Name"].clone(), fields }
            })
            .collect()
    }

    fn set(&self, name: &str) -> u64 {
        u64::from_str_radix(&self.fields[name], 16).unwrap()
    }
}

/// The capabilities of each thread, by its name; root has all of them to begin with.
fn needed(thread: &str) -> u64 {
    match thread {
        "wirespan" => BPF | PERFMON | READ | ADMIN,
        "ws-resolve" | "ws-scan" | "ws-nursery" => PTRACE | READ,
        "ws-listeners" => PTRACE | READ | ADMIN,
        "ws-measure" => ADMIN,
        _ => 0,
    }
}

/// Waits until the main thread has given up what only the start needed.
#[track_caller]
fn locked_in(agent: &Agent) -> Vec<Thread> {
    let main = |threads: &[Thread]| threads.iter().find(|one| one.name == "wirespan").unwrap().set("CapEff");
    eventually("the main thread is locked in", || main(&Thread::all(agent.pid())) & !needed("wirespan") == 0);
    Thread::all(agent.pid())
}

#[test]
fn every_thread_has_what_it_needs_and_nothing_else() {
    let (scrape, otlp) = (free_port(), free_port());
    let variables = [
        ("WIRESPAN_PROMETHEUS_LISTEN", format!("127.0.0.1:{scrape}")),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{otlp}")),
        // With a limit, its use of processors is measured.
        ("WIRESPAN_LIMITS_CPU", "1".to_owned()),
    ];
    let mut agent = Agent::start_with("run", granted()[0], &["pid=1".to_owned()], &[], &variables);
    let threads = locked_in(&agent);
    println!("{threads:#?}");
    for name in ["wirespan", "ws-notes", "ws-signals", "ws-serve", "ws-otlp", "ws-otlp-json", "ws-scan", "ws-listeners"]
    {
        assert!(threads.iter().any(|thread| thread.name == name), "{name}");
    }
    for thread in &threads {
        assert_eq!(thread.fields["NoNewPrivs"], "1", "{}", thread.name);
        assert_eq!(thread.fields["Seccomp"], "2", "{}", thread.name);
        for none in ["CapInh", "CapBnd", "CapAmb"] {
            assert_eq!(thread.set(none), 0, "{} {none}", thread.name);
        }
        for all in ["CapPrm", "CapEff"] {
            assert_eq!(thread.set(all), needed(&thread.name), "{} {all}", thread.name);
        }
    }
    agent.stop();
    // Without break points the main thread needs less.
    let none = [("WIRESPAN_UPROBES", "none".to_owned())];
    let mut agent = Agent::start_with("run", granted()[0], &["pid=1".to_owned()], &[], &none);
    eventually("the main thread is locked in", || Thread::all(agent.pid())[0].set("CapPrm") == BPF | READ);
    agent.stop();
}

#[test]
fn it_can_be_switched_off_and_be_asked_for() {
    let off = [("WIRESPAN_LOCKDOWN", "off".to_owned())];
    let mut agent = Agent::start_with("run", granted()[0], &["pid=1".to_owned()], &[], &off);
    for thread in Thread::all(agent.pid()).iter().filter(|thread| thread.name != "ws-notes") {
        assert_eq!((&*thread.fields["NoNewPrivs"], &*thread.fields["Seccomp"]), ("0", "0"), "{}", thread.name);
        assert_ne!(thread.set("CapEff") & ADMIN, 0, "{}", thread.name);
    }
    agent.stop();
    // This host has all of it, or the agent says what it lacks.
    let mut strict = wirespan();
    strict
        .args(["run", "--duration", "0.2", "--select", "pid=1", "--output", "none"])
        .env("WIRESPAN_LOCKDOWN", "strict");
    let output = strict.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() || said.contains("wirespan.lockdown: "), "{said}");
}

/// Programs that start when it is locked in are traced, with probes in them; spans go to a file and over the network, metrics are
/// served.
#[test]
fn it_goes_on_with_what_it_is_there_for() {
    if granted()[0] != "sockets" {
        return skipped("the backend sockets is not granted");
    }
    let Some(python) = part("python-sdk/bin/python") else {
        return skipped("test part python-sdk is missing");
    };
    let (scrape, port) = (free_port(), free_port());
    let mut receiver = Command::new(python);
    receiver.arg(workload_path("otlp_receiver.py"));
    let receiver = servers::command_at(receiver, &[]);
    let variables = [
        ("WIRESPAN_PROMETHEUS_LISTEN", format!("127.0.0.1:{scrape}")),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{}", receiver.port)),
        ("OTEL_METRICS_EXPORTER", "none".to_owned()),
        ("OTEL_LOGS_EXPORTER", "none".to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()),
    ];
    let mut agent = Agent::start_with("run", "sockets", &[format!("port={port}")], &[], &variables);
    locked_in(&agent);
    let server = servers::at(workload("fast_api.py"), port);
    servers::curl(server.port, "/orders/7", &[]);
    let targets = wirespan().args(["targets", "-p", &server.pid().to_string(), "--output", "json"]).output().unwrap();
    let targets: serde_json::Value = serde_json::from_slice(&targets.stdout).unwrap();
    let probes = targets["targets"][0]["probes"].as_array().unwrap();
    assert!(!probes.is_empty() && probes.iter().all(|probe| probe["set"] != false), "{targets:#}");
    eventually("spans arrive over the network", || receiver.read("stdout").contains("GET /orders/{"));
    let requests = |scrape: &Scrape| scrape.sum("http_server_request_duration_seconds_count", |_| true);
    eventually("metrics are served", || requests(&Scrape::of(scrape, "text/plain")) > 0.0);
    let spans = agent.finish();
    assert!(spans.servers().texts("url.path").contains(&"/orders/7".to_owned()), "{}", agent.stderr());
    assert!(!agent.stderr().contains("WARN") && !agent.stderr().contains("ERROR"), "{}", agent.stderr());
}

/// As a user of its own with four capabilities, as the unit file has it.
#[test]
fn a_user_with_four_capabilities_suffices() {
    const NOBODY: u32 = 65_534;
    let folder = Folder::new();
    std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    let server = servers::nginx(None);
    let plain = wirespan();
    let mut command = Command::new("setpriv");
    let names = "+bpf,+perfmon,+sys_ptrace,+dac_read_search";
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.args([format!("--inh-caps={names}"), format!("--ambient-caps={names}")]);
    command.arg(plain.get_program()).args(["run", "--select", "exe=nginx", "--output", "otlp-json", "--output-file"]);
    command.arg(folder.join("spans")).stderr(folder.output("stderr")).env("WIRESPAN_LIMITS_CPU", "none");
    let mut agent = Owned::start(&mut command, Signal::TERM);
    let said = || std::fs::read_to_string(folder.join("stderr")).unwrap();
    eventually("the agent is attached", || said().contains("wirespan: tracing"));
    eventually("it is locked in", || Thread::all(agent.pid())[0].set("CapEff") == BPF | PERFMON | READ);
    for thread in Thread::all(agent.pid()) {
        assert_eq!(thread.set("CapEff"), needed(&thread.name) & !ADMIN, "{}", thread.name);
        assert_eq!(thread.set("CapAmb"), 0, "{}", thread.name);
        assert_eq!(thread.fields["Seccomp"], "2", "{}", thread.name);
    }
    servers::curl(server.port, "/", &[]);
    assert!(agent.stop().success(), "{}", said());
    let written = std::fs::read_to_string(folder.join("spans")).unwrap();
    let spans: wirespan_tests::spans::Spans = wirespan_tests::span::parse(&written).into();
    assert_eq!(spans.servers().texts("url.path"), ["/"], "{}", said());
}

/// Nothing but standard output needs to be written: all of the file system is read-only.
#[test]
fn no_writable_path_is_needed() {
    let server = servers::nginx(None);
    let folder = Folder::new();
    let plain = wirespan();
    let mut command = Command::new("unshare");
    let script =
        "mount --make-rprivate / && mount -o remount,bind,ro / && ! touch /read-only-test 2>&1 && exec \"$0\" \"$@\"";
    command.args(["--mount", "sh", "-c", script]).arg(plain.get_program());
    command.args(["run", "--select", "exe=nginx", "--output", "otlp-json"]).env("WIRESPAN_LIMITS_CPU", "none");
    command.stdout(folder.output("stdout")).stderr(folder.output("stderr"));
    let mut agent = Owned::start(&mut command, Signal::TERM);
    let said = || std::fs::read_to_string(folder.join("stderr")).unwrap();
    eventually("the agent is attached", || said().contains("wirespan: tracing"));
    servers::curl(server.port, "/", &[]);
    assert!(agent.stop().success(), "{}", said());
    assert!(std::fs::read_to_string(folder.join("stdout")).unwrap().contains("url.path"), "{}", said());
}

/// By default nobody can reach it; where it is asked to listen by a name, that is the loopback interface.
#[test]
fn nothing_listens_unless_it_is_asked_to() {
    let listens = |pid: u32| {
        let sockets = run(Command::new("ss").args(["-Hlntup"]));
        sockets.lines().filter(|line| line.contains(&format!("pid={pid},"))).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut agent = Agent::run(granted()[0], &["pid=1".to_owned()], &[]);
    assert_eq!(listens(agent.pid()), [""; 0]);
    agent.stop();
    let folder = Folder::new();
    let port = free_port();
    let config = folder.write(
        "config.yaml",
        format!(
            "meter_provider: {{readers: [{{pull: {{exporter: {{prometheus/development: {{port: {port}}}}}}}}}]}}\n"
        ),
    );
    let config = config.to_string_lossy().into_owned();
    let mut agent = Agent::run(granted()[0], &["pid=1".to_owned()], &["--config", &config]);
    let found = listens(agent.pid());
    assert!(found.len() == 1 && found[0].contains(&format!("127.0.0.1:{port} ")), "{found:?}");
    agent.stop();
}
