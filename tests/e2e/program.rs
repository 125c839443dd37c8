//! The agent as a program beside what it traces: its end, its notes, what it writes for others to read.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use wirespan_tests::span;
use wirespan_tests::spans::Spans;

use crate::harness::agent::wirespan;
use crate::harness::process::{Owned, eventually};
use crate::harness::{Agent, Folder, servers, skipped};

/// Starts `wirespan run` with a stderr of the test's own, and waits until it sees a request.
fn with_stderr(stderr: Stdio, folder: &Folder, server: &servers::Server) -> Owned {
    let mut command = wirespan();
    command.arg("run").args(server.select_port().iter().flat_map(|selector| ["--select", selector]));
    command.args(["--output", "otlp-json", "--output-file"]).arg(folder.join("spans"));
    let agent = Owned::start(command.stdout(Stdio::null()).stderr(stderr), Signal::TERM);
    eventually("the first span is there", || {
        servers::curl(server.port, "/first", &[]);
        std::fs::read_to_string(folder.join("spans")).is_ok_and(|text| text.contains("/first"))
    });
    agent
}

fn spans(folder: &Folder) -> Spans {
    span::parse(&std::fs::read_to_string(folder.join("spans")).unwrap()).into()
}

/// Notes go nowhere: full, closed by its reader, not read. Spans are written all the same, and the end is in time.
#[test]
fn notes_that_nobody_takes_cost_nothing() {
    let server = servers::program("odd_server.py", &[]);
    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let (_unread, writer) = std::io::pipe().unwrap();
    // As much as a pipe takes.
    std::io::Write::write_all(&mut &writer, &[b'x'; 64 * 1024]).unwrap();
    for stderr in [full(), closed(), Stdio::from(writer)] {
        let folder = Folder::new();
        let mut agent = with_stderr(stderr, &folder, &server);
        for n in 0..20 {
            servers::curl(server.port, &format!("/n/{n}"), &[]);
        }
        let begin = Instant::now();
        assert!(agent.stop().success());
        assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
        let seen = spans(&folder);
        let seen = seen.iter().filter(|span| span.kind == "SERVER" && span.text("url.path").starts_with("/n/")).count();
        assert_eq!(seen, 20);
    }
}

/// A receiver that takes connections and never answers, for all signals: the end takes the time that it may, and a second
/// signal ends at once.
#[test]
fn a_receiver_that_never_answers_does_not_hold_up_the_end() {
    let server = servers::program("odd_server.py", &[]);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.clone()), ("OTEL_BSP_SCHEDULE_DELAY", "50".to_owned())];
    for is_hurried in [false, true] {
        let mut agent = Agent::start_with("run", "syscalls", &server.select_port(), &["--output", "none"], &variables);
        let exporting = format!("exporting traces, metrics and logs to {endpoint} by OTLP/HTTP");
        eventually("it says where things go", || agent.stderr().contains(&exporting));
        servers::curl(server.port, "/lost", &[]);
        std::thread::sleep(Duration::from_millis(300));
        let begin = Instant::now();
        if is_hurried {
            agent.signal(Signal::TERM);
            eventually("it says how long that may take", || agent.stderr().contains("for at most 5 s"));
            std::thread::sleep(Duration::from_millis(400));
            let status = agent.end_by(Signal::INT);
            assert_eq!(status.code(), Some(130), "{}", agent.stderr());
            assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
        } else {
            agent.stop();
            let took = begin.elapsed();
            assert!(took > Duration::from_secs(4) && took < Duration::from_millis(6500), "{took:?}");
            assert!(agent.stderr().contains("lost (shutdown)"), "{}", agent.stderr());
        }
    }
}

/// Whether these tests were started so that SIGHUP is ignored (`nohup`), which whoever they start inherits and respects.
fn is_deaf_to_hang_ups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 != 0
}

/// Without a terminal SIGHUP is a note.
#[test]
fn a_service_stays_when_it_is_hung_up() {
    if is_deaf_to_hang_ups() {
        return skipped("SIGHUP is ignored here");
    }
    let server = servers::program("odd_server.py", &[]);
    let mut agent = Agent::run("syscalls", &server.select_port(), &[]);
    servers::curl(server.port, "/before", &[]);
    agent.signal(Signal::HUP);
    eventually("it makes a note", || agent.stderr().contains("SIGHUP: "));
    servers::curl(server.port, "/after", &[]);
    let spans = agent.finish();
    assert_eq!(spans.requests().len(), 4, "both sides of both");
}

/// A terminal that goes away, as an ssh session does: everything is written.
#[test]
fn a_lost_terminal_loses_nothing() {
    if is_deaf_to_hang_ups() {
        return skipped("SIGHUP is ignored here");
    }
    let server = servers::program("odd_server.py", &[]);
    let folder = Folder::new();
    let select = server.select_port();
    let mut command = wirespan();
    command.arg("run").args(select.iter().flat_map(|selector| ["--select", selector]));
    command.args(["--output", "otlp-json", "--output-file"]).arg(folder.join("spans"));
    // Runs a command on a terminal of its own; closes the terminal when its own input ends; ends as the command does.
    let on_terminal = "
import os, pty, sys, threading
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
def show():
    try:
        while (data := os.read(terminal, 4096)):
            os.write(1, data)
    except OSError:
        pass
threading.Thread(target=show, daemon=True).start()
sys.stdin.read()
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";
    let mut session = Command::new("python3");
    session.args(["-c", on_terminal]).arg(command.get_program()).args(command.get_args());
    let mut session = session.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    let mut stdout = session.stdout.take().unwrap();
    while !told.contains("capture backend ") {
        let mut bytes = [0; 4096];
        let count = stdout.read(&mut bytes).unwrap();
        assert!(count > 0, "{told}");
        told.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    servers::curl(server.port, "/last", &[]);
    drop(session.stdin.take());
    let status = session.wait().unwrap();
    assert!(status.success(), "{status}: {told}");
    assert_eq!(spans(&folder).requests().len(), 2);
}

/// A recording holds no credentials, nothing of programs that were not selected, and is for its owner alone.
#[test]
fn a_recording_keeps_secrets() {
    let server = servers::program("odd_server.py", &[]);
    let other = servers::program("odd_server.py", &[]);
    let redis = servers::redis();
    let select = [server.select_port(), redis.select_port()].concat();
    let mut recorder = Agent::start("record", "syscalls", &select, &[]);
    assert!(recorder.stderr().contains("credentials"), "it says what it holds: {}", recorder.stderr());
    let headers = ["-H", "Authorization: Bearer HIDE-ME-1", "-H", "Cookie: id=HIDE-ME-2", "-H", "X-Seen: SHOWN-1"];
    servers::curl(server.port, "/recorded", &headers);
    servers::curl(other.port, "/unselected-HIDE-ME-3", &[]);
    let mut nc = Command::new("python3");
    nc.args(["-c", "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.sendall(b'*2\\r\\n$4\\r\\nAUTH\\r\\n$9\\r\\nHIDE-ME-4\\r\\n'); s.recv(99); s.sendall(b'*2\\r\\n$4\\r\\nECHO\\r\\n$7\\r\\nSHOWN-2\\r\\n'); s.recv(99)"]);
    crate::harness::run(nc.arg(redis.port.to_string()));
    recorder.stop();
    let path = recorder.file("recording");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = std::fs::read(&path).unwrap();
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("SHOWN-1") && holds("SHOWN-2") && holds("/recorded"));
    assert!(!holds("HIDE-ME"), "secrets are in the recording");
    // The blanked bytes are still the same requests.
    let told = crate::harness::run(wirespan().arg("replay").arg(&path).args(["--output", "otlp-json"]));
    assert!(told.contains("/recorded") && told.contains("AUTH"), "{told}");
}
