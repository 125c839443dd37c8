//! Programs that say odd things of themselves, or live where nothing should be read.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{FileExt as _, symlink};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::agent::{granted, wirespan};
use crate::harness::process::{Owned, eventually, free_port, listening};
use crate::harness::prometheus::Scrape;
use crate::harness::servers::{curl, which};
use crate::harness::{Agent, Folder, run, servers, skipped, trace, workload};

/// Most memory that the agent may ever have had, MiB.
const MEMORY: u64 = 60;

/// The most resident memory that a process ever had, MiB.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Forgets the peak of the agent's start, which takes tens of MiB for a moment to read the kernel's types.
fn forget_peak(agent: &Agent) {
    fs::write(format!("/proc/{}/clear_refs", agent.pid()), "5").unwrap();
}

/// `odd_server.py` with variables of its own.
fn server(variables: &[(&str, &str)]) -> (Owned, u16) {
    let port = free_port();
    let mut command = workload("odd_server.py");
    command.arg(port.to_string()).envs(variables.iter().copied());
    let process = Owned::start(&mut command, Signal::TERM);
    listening(port);
    (process, port)
}

/// An agent that traces everything still does, is not large, and ends when it is told to.
#[track_caller]
fn is_well(mut agent: Agent) {
    let server = servers::program("odd_server.py", &[]);
    curl(server.port, "/after", &[]);
    eventually("the request after it is traced", || agent.raw().contains("/after"));
    let peak = peak(agent.pid());
    let asked = Instant::now();
    agent.stop();
    println!("{}\npeak {peak} MiB", agent.stderr());
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    assert!(peak < MEMORY, "{peak} MiB");
}

/// Whoever lives for 30 ms is looked at while it lives, by a thread that does nothing else.
#[test]
fn a_short_program_is_selected_by_its_environment() {
    let server = servers::program("odd_server.py", &[]);
    let code = "import socket, sys, time
s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
s.sendall(b'GET /short HTTP/1.0\\r\\n\\r\\n')
s.recv(9999)
time.sleep(0.02)";
    let (spans, ()) = trace(&["env.WANTED=yes".to_owned()], || {
        for round in 0..20 {
            let mut program = Command::new(which("python3").unwrap());
            program.args(["-I", "-S", "-c", code, &server.port.to_string()]);
            run(program.env("WANTED", if round % 2 == 0 { "yes" } else { "no" }));
            // At times the agent has slept for long.
            std::thread::sleep(Duration::from_millis(40 * (round % 4)));
        }
    });
    assert_eq!(spans.requests().len(), 10);
}

#[test]
fn files_beside_a_program_neither_stop_nor_fill_the_agent() {
    let folder = Folder::new();
    let root = folder.path();
    let sleep = fs::read("/bin/sleep").unwrap();
    let mut programs = Vec::new();
    for kind in ["pipe", "endless", "sparse", "outside"] {
        let bin = root.join(kind).join("bin");
        fs::create_dir_all(&bin).unwrap();
        programs.push(bin.join("java"));
        let release = root.join(kind).join("release");
        match kind {
            "pipe" => _ = run(Command::new("mkfifo").arg(&release)),
            "endless" => symlink("/dev/zero", &release).unwrap(),
            "sparse" => fs::File::create(&release).unwrap().set_len(1 << 40).unwrap(),
            _ => symlink("/etc/machine-id", &release).unwrap(),
        }
    }
    // Its number of sections stands in the size of the first one, and is invented.
    let mut many = sleep.clone();
    let table = usize::try_from(u64::from_le_bytes(many[40..48].try_into().unwrap())).unwrap();
    many[60..62].fill(0);
    programs.push(root.join("sections"));
    fs::write(root.join("sections"), &many).unwrap();
    let file = fs::File::options().write(true).open(root.join("sections")).unwrap();
    file.write_all_at(&(1u64 << 25).to_le_bytes(), table as u64 + 32).unwrap();
    file.set_len(1 << 40).unwrap();
    drop(file);
    for program in &programs {
        if !program.ends_with("sections") {
            fs::write(program, &sleep).unwrap();
        }
        run(Command::new("chmod").arg("755").arg(program));
    }
    for backend in granted() {
        let agent = Agent::run(backend, &[], &[]);
        forget_peak(&agent);
        for program in programs.iter().cycle().take(40) {
            run(Command::new(program).arg("0.03"));
        }
        is_well(agent);
    }
}

/// A hundred times what could be kept of them.
#[test]
fn thousands_of_programs_with_large_environments() {
    let code = "import os
long = 'x' * 120000
env = {'OTEL_SERVICE_NAME': long, 'OTEL_RESOURCE_ATTRIBUTES': 'a=1,b=' + long}
for _ in range(750):
    pids = [os.posix_spawn('/bin/true', ['true'], env) for _ in range(8)]
    [os.waitpid(pid, 0) for pid in pids]
";
    let agent = Agent::run("syscalls", &[], &[]);
    forget_peak(&agent);
    let began = Instant::now();
    run(Command::new(which("python3").unwrap()).args(["-I", "-S", "-c", code]));
    println!("6,000 programs in {:?}", began.elapsed());
    is_well(agent);
}

/// A name of 130 kB stands on every line of a scrape, and a reserved label voids all of it.
#[test]
fn names_and_labels_of_strangers_do_not_void_a_scrape() {
    let long = "n".repeat(130_000);
    let labels = "__name__=x,le=1,a.b=1,a_b=2,job=mine,instance=mine,service.name=mine,service_name=mine,0=zero,=";
    let (_first, port) = server(&[("OTEL_SERVICE_NAME", &long), ("OTEL_RESOURCE_ATTRIBUTES", "__name__=x")]);
    let (_second, other) =
        server(&[("OTEL_RESOURCE_ATTRIBUTES", labels.trim_end_matches(",=")), ("OTEL_SERVICE_NAME", "shop")]);
    let end_point = free_port();
    let listen = format!("127.0.0.1:{end_point}");
    let select = [format!("port={port}"), format!("port={other}")];
    let mut agent = Agent::run("syscalls", &select, &["--output", "none", "--prometheus-listen", &listen]);
    forget_peak(&agent);
    for port in [port, other] {
        run(workload("http_client.py").args(["many", &port.to_string()]));
    }
    let mut scrape = Scrape::of(end_point, "text/plain");
    eventually("both are counted", || {
        scrape = Scrape::of(end_point, "text/plain");
        let jobs: BTreeSet<&str> = scrape
            .all("http_server_request_duration_seconds_count")
            .map(|sample| sample.label("service_name"))
            .collect();
        jobs.len() == 2
    });
    let peak = peak(agent.pid());
    agent.stop();
    println!("{} bytes, peak {peak} MiB", scrape.text.len());
    assert!(scrape.text.len() < 1 << 20, "{} bytes", scrape.text.len());
    assert!(peak < MEMORY, "{peak} MiB");
    for sample in &scrape.samples {
        for name in sample.labels.keys() {
            let is_valid = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
            assert!(is_valid && !name.starts_with("__"), "{name}");
        }
        assert!(sample.labels.values().all(|value| value.len() <= 255));
    }
    for line in scrape.text.lines().filter(|line| line.starts_with("target_info")) {
        let names: Vec<&str> = line.split("=\"").filter_map(|part| part.rsplit([',', '{']).next()).collect();
        let unique: BTreeSet<&&str> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{line}");
    }
    let Some(promtool) = which("promtool") else { return skipped("promtool is missing") };
    let folder = Folder::new();
    let file = fs::File::open(folder.write("scrape", &scrape.text)).unwrap();
    let checked = Command::new(promtool).args(["check", "metrics"]).stdin(file).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(!said.contains("error while"), "{said}");
}

/// In a PID namespace of its own it would take one process for another.
#[test]
fn another_pid_namespace_is_refused() {
    let agent = wirespan().get_program().to_owned();
    for arguments in [&["run", "--duration", "1"][..], &["doctor"], &["record", "-o", "/dev/null", "--duration", "1"]] {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--mount-proc"]).arg(&agent).args(arguments);
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        assert_eq!(told.trim_end().lines().count(), 1, "{told}");
        assert!(told.contains("PID namespace") && told.contains("--pid=host"), "{told}");
    }
    // A mount namespace, and what a container with the host's PID namespace has else.
    let mut command = Command::new("unshare");
    command.args(["--mount", "--uts", "--ipc", "--cgroup", "--net", "--fork"]).arg(&agent).arg("doctor");
    let told = run(&mut command);
    assert!(told.contains("PID namespace"), "{told}");
}

/// Status 2, one line, and what to write instead.
#[test]
fn selectors_that_select_nothing_are_refused() {
    for (selector, hint) in [
        ("user=rot", "did you mean `root`?"),
        ("comm=systemd-resolved", "`comm=systemd-resolve`"),
        ("exe=/usr/bin/no-such-program", "`exe=/usr/bin/no-such-program,container`"),
        ("language=pyton", "did you mean `python`?"),
    ] {
        let output = wirespan().args(["run", "--duration", "1", "--select", selector]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{selector}: {told}");
        assert_eq!(told.trim_end().lines().count(), 1, "{told}");
        assert!(told.contains(hint), "{told}");
    }
}

/// A uvicorn, a script and a module are called after what they run, and not after their interpreter.
#[test]
fn services_of_python_are_called_after_what_they_run() {
    let folder = Folder::new();
    let code = "import http.server, sys
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Hello).serve_forever()";
    folder.write("orders.py", code);
    let python = which("python3").unwrap();
    for (arguments, expected) in
        [(&["orders.py"][..], "orders"), (&["-m", "orders"], "orders"), (&["-c", code], "python")]
    {
        let port = free_port();
        let mut command = Command::new(&python);
        command.args(arguments).arg(port.to_string()).current_dir(folder.path());
        command.stderr(std::process::Stdio::null());
        let _server = Owned::start(&mut command, Signal::TERM);
        listening(port);
        let (spans, ()) = trace(&[format!("port={port}")], || {
            curl(port, "/", &[]);
        });
        assert_eq!(spans.servers().only().resource["service.name"], expected, "{arguments:?}");
    }
}
