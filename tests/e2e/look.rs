//! Those who look: `wirespan top` on a terminal, `wirespan report`, `wirespan mcp`, and the outputs for people and Perfetto.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use serde_json::{Value, json};

use crate::harness::agent::{granted, wirespan};
use crate::harness::process::eventually;
use crate::harness::{Agent, Folder, run, servers};

/// `wirespan top` on a terminal of its own.
struct Top {
    child: Child,
    master: File,
    terminal: OwnedFd,
    before: Termios,
    size: (u16, u16),
    written: Arc<Mutex<Vec<u8>>>,
    hung_up: Arc<AtomicBool>,
}

impl Top {
    fn start(arguments: &[String], (columns, lines): (u16, u16)) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let open = || {
            rustix::fs::open(
                &name,
                rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
                0.into(),
            )
            .unwrap()
        };
        let terminal = open();
        tcsetwinsize(&terminal, Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let before = tcgetattr(&terminal).unwrap();
        let mut command = wirespan();
        command.arg("top").args(arguments).env("TERM", "xterm-256color").process_group(0);
        let child = command.stdin(open()).stdout(open()).stderr(Stdio::null()).spawn().unwrap();
        let master = File::from(master);
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let (mut reader, kept) = (master.try_clone().unwrap(), Arc::clone(&written));
        let hung_up = Arc::<AtomicBool>::default();
        let is_over = Arc::clone(&hung_up);
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while !is_over.load(Ordering::Relaxed) {
                let patience = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
                if poll(&mut [PollFd::new(&reader, PollFlags::IN)], Some(&patience)) == Ok(0) {
                    continue;
                }
                // The other end is closed when everybody who had the terminal is gone.
                let Ok(count @ 1..) = reader.read(&mut buffer) else { return };
                kept.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { child, master, terminal, before, size: (lines, columns), written, hung_up }
    }

    /// What stands on the terminal now.
    fn shown(&self) -> String {
        let mut parser = vt100::Parser::new(self.size.0, self.size.1, 0);
        parser.process(&self.written.lock().unwrap());
        parser.screen().contents()
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Closes every end of the terminal that is ours.
    fn hang_up(&mut self) {
        let nothing = || File::open("/dev/null").unwrap();
        self.master = nothing();
        self.terminal = nothing().into();
        self.hung_up.store(true, Ordering::Relaxed);
    }

    /// Waits for its end; the terminal must be as it was.
    fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + Duration::from_secs(10);
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
                None => {
                    let _ = self.child.kill();
                    panic!("it did not end: {}", self.shown());
                }
            }
        };
        let after = tcgetattr(&self.terminal).unwrap();
        let modes = |of: &Termios| (of.local_modes, of.input_modes, of.output_modes);
        assert_eq!(modes(&after), modes(&self.before), "the terminal is as it was");
        std::thread::sleep(Duration::from_millis(100));
        let written = String::from_utf8_lossy(&self.written.lock().unwrap()).into_owned();
        let last = |what: &str| written.rfind(what);
        assert!(last("\x1b[?1049l") > last("\x1b[?1049h"), "the screen is given back");
        assert!(last("\x1b[?25h") > last("\x1b[?25l"), "the cursor is back");
        status
    }
}

impl Drop for Top {
    fn drop(&mut self) {
        // A test that failed must leave nothing behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The flags of a selection.
fn selecting(select: &[String]) -> Vec<String> {
    select.iter().flat_map(|one| ["--select".to_owned(), one.clone()]).collect()
}

#[test]
fn top_shows_an_operation_opens_its_trace_and_gives_the_terminal_back() {
    let server = servers::program("odd_server.py", &[]);
    for size in [(80, 24), (140, 40)] {
        let mut top = Top::start(&selecting(&server.select_port()), size);
        eventually("it says that it starts", || top.shown().contains("starting"));
        eventually("an operation is shown", || {
            servers::curl(server.port, "/shown", &[]);
            top.shown().contains("GET")
        });
        // The set-up of the first request, which is another trace until it joins it, is not what is opened.
        std::thread::sleep(Duration::from_secs(3));
        top.press("\r");
        eventually("its traces are shown", || top.shown().contains("FIRST SPAN") && top.shown().contains("/shown"));
        top.press("\r");
        eventually("a trace is shown", || top.shown().contains("█ first byte"));
        for (key, text) in [("m", "WHO CALLS WHOM"), ("c", "that are open"), ("l", "TRACED"), ("?", "critical path")] {
            top.press(key);
            eventually(text, || top.shown().contains(text));
        }
        top.press("q");
        top.press("q");
        assert!(top.end().success());
    }
}

#[test]
fn top_gives_the_terminal_back_on_a_signal_and_shows_recordings() {
    let mut top = Top::start(&selecting(&["port=1".to_owned()]), (80, 24));
    eventually("it says why there is nothing", || top.shown().contains("no running process matches"));
    kill_process(Pid::from_child(&top.child), Signal::TERM).unwrap();
    assert!(top.end().success());
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/replay/captures/postgres-simple-query.pcap");
    let mut top = Top::start(&[capture.to_owned()], (100, 30));
    eventually("the recording is shown", || top.shown().contains("a recording"));
    top.press("q");
    assert!(top.end().success());
}

#[test]
fn top_ends_when_its_terminal_is_gone() {
    let mut top = Top::start(&selecting(&["port=1".to_owned()]), (80, 24));
    eventually("it has begun", || top.shown().contains("no running process matches"));
    top.hang_up();
    eventually("it ends", || top.child.try_wait().unwrap().is_some());
}

#[test]
fn top_without_a_terminal_says_what_else_there_is() {
    let output = wirespan().arg("top").stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("needs a terminal"), "{text}");
}

#[test]
fn a_report_of_this_host_has_what_happened() {
    let server = servers::program("odd_server.py", &[]);
    let folder = Folder::new();
    let page = folder.join("report.html");
    let mut command = wirespan();
    command.arg("report").args(selecting(&server.select_port())).args(["--for", "5s", "-o"]).arg(&page);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        servers::curl(server.port, "/reported/<b>", &[]);
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.contains("GET") && text.contains("/reported/") && text.contains("class=\"tree\""), "{text}");
    assert!(!text.contains("<script") && !text.contains("<b>"));
}

#[test]
fn an_assistant_can_ask() {
    let server = servers::program("odd_server.py", &[]);
    let mut command = wirespan();
    command.arg("mcp").args(selecting(&server.select_port()));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut send = |message: Value| writeln!(input, "{message}").unwrap();
    let mut answer = |id: u64| loop {
        let mut line = String::new();
        assert!(output.read_line(&mut line).unwrap() > 0, "it ended");
        let told: Value = serde_json::from_str(&line).unwrap();
        if told["id"] == id {
            return told["result"].clone();
        }
    };
    let hello = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } });
    send(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello }));
    assert_eq!(answer(1)["serverInfo"]["name"], "wirespan");
    send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    send(json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" }));
    let tools = answer(2);
    let names: Vec<&str> =
        tools["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["operations", "traces", "trace", "advice", "connections", "doctor"]);
    let mut id = 2;
    let mut call = |name: &str, arguments: Value| {
        id += 1;
        send(
            json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": name, "arguments": arguments } }),
        );
        let result = answer(id);
        let text = result["content"][0]["text"].as_str().unwrap().to_owned();
        (result["isError"] == true, serde_json::from_str::<Value>(&text).unwrap_or(Value::String(text)))
    };
    let mut operations = Value::Null;
    eventually("the assistant sees an operation", || {
        servers::curl(server.port, "/asked", &[]);
        operations = call("operations", json!({ "filter": "kind=server" })).1;
        operations["operations"].as_array().is_some_and(|all| !all.is_empty())
    });
    let (failed, traces) = call("traces", json!({ "order": "slowest", "limit": 5 }));
    assert!(!failed, "{traces}");
    let trace = traces["traces"][0]["trace_id"].as_str().unwrap().to_owned();
    let (failed, trace) = call("trace", json!({ "trace_id": trace }));
    assert!(!failed && trace["spans"].as_array().is_some_and(|spans| !spans.is_empty()), "{trace}");
    assert!(call("trace", json!({ "trace_id": "no" })).0);
    for name in ["advice", "connections", "doctor"] {
        assert!(!call(name, json!({})).0, "{name}");
    }
    drop(input);
    let deadline = Instant::now() + Duration::from_secs(10);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it ends with its input");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn perfetto_and_trees_are_written() {
    let server = servers::program("odd_server.py", &[]);
    for (output, expected) in [("perfetto", "\"ph\":\"X\""), ("console", "GET"), ("lines", "GET")] {
        let mut agent = Agent::run(granted()[0], &server.select_port(), &["--output", output]);
        servers::curl(server.port, "/drawn", &[]);
        eventually("it is written", || agent.stdout().contains("/drawn"));
        agent.stop();
        assert!(agent.stdout().contains(expected), "{output}: {}", agent.stdout());
        if output == "perfetto" {
            let events: Vec<Value> = serde_json::from_str(&agent.stdout()).unwrap();
            assert!(events.iter().any(|event| event["ph"] == "M"), "{events:?}");
        }
    }
    let mut replay: Command = wirespan();
    replay.args(["replay", "--output", "perfetto"]);
    replay.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/replay/captures/postgres-simple-query.pcap"));
    let events: Vec<Value> = serde_json::from_str(&run(&mut replay)).unwrap();
    assert!(!events.is_empty());
}
