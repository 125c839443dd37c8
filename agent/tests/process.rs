//! Discovery, selection and resources of real processes on this host.

#![expect(clippy::expect_used, reason = "helpers of tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wirespan::event;
use wirespan::process::discovery::{Facts, Proc};
use wirespan::process::{Change, Decision, Process, ProcessTable, Rules, Selectors};
use wirespan::resolve::Resolver;

/// A child that is killed when the test ends.
struct Guard(Child);

impl Guard {
    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An HTTP server in Python: its port is the kernel's choice and printed.
fn server() -> (Guard, u16) {
    let code = "import http.server as h; s=h.HTTPServer(('127.0.0.1',0),h.SimpleHTTPRequestHandler); \
                print(s.server_port,flush=True); s.serve_forever()";
    let mut child = Command::new("python3")
        .args(["-c", code])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TIER", "web")
        .env("SECRET", "hidden")
        .env("OTEL_SERVICE_NAME", "shop")
        .env("OTEL_RESOURCE_ATTRIBUTES", "service.version=1.2,team=a%2Cb,service.name=ignored")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python3 is needed");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("the port");
    (Guard(child), line.trim().parse().expect("a port"))
}

fn table(texts: &[&str]) -> ProcessTable {
    let selectors: Selectors = texts.iter().map(|text| text.parse().expect(text)).collect();
    ProcessTable::live(Rules::from(selectors).with_real_paths())
}

/// Looks at all processes.
fn scan(table: &mut ProcessTable) {
    let mut resolver = Resolver::start(table.rules()).expect("threads");
    resolver.scan();
    resolver.wait_for_scan(Duration::from_secs(20), |found| table.learn(found));
}

/// Hands an event over as the agent does: what it asks for is found first.
fn apply(table: &mut ProcessTable, event: &event::Process) {
    let mut resolver = Resolver::start(table.rules()).expect("threads");
    if let Some(ask) = table.look_at(event) {
        resolver.ask(ask);
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut count = 0;
    while count == 0 && matches!(event.change, event::ProcessChange::Exec { .. }) && Instant::now() < deadline {
        resolver.settle(false, |found| {
            count += 1;
            table.learn(found);
        });
    }
    table.apply(event);
}

fn targets(texts: &[&str]) -> Vec<u32> {
    let mut table = table(texts);
    scan(&mut table);
    table.targets().map(|process| process.pid).collect()
}

#[test]
fn a_listening_server_is_found_by_each_of_its_labels() {
    let (server, port) = server();
    let pid = server.pid();
    let process = Proc::new(["TIER"], Facts { ports: true, ..Facts::default() }).process(pid).expect("it runs");
    assert_eq!(process.listening, [port]);
    assert_eq!(process.parent, std::process::id());
    assert_eq!(process.variable("TIER"), Some("web"));
    assert_eq!(process.variable("SECRET"), None, "only what was asked for is kept");
    let exe = process.exe.clone().expect("readable");
    for selector in [
        format!("port={port}"),
        format!("pid={pid}"),
        format!("exe={exe},port in (1,{port})"),
        format!("exe=/usr/bin/python3,pid={pid},env.TIER=web"),
        format!("comm in ({}),env.TIER,port={port},user={}", process.comm, process.user.expect("readable")),
    ] {
        // Some distributions have their python3 elsewhere.
        if !selector.contains("/usr/bin/python3") || &*exe == real_python().as_str() {
            assert_eq!(targets(&[&selector]), [pid], "{selector}");
        }
    }
    assert_eq!(targets(&[&format!("pid={pid},port!={port}")]), [0_u32; 0]);
    assert_eq!(targets(&[&format!("pid={pid},env.TIER=batch")]), [0_u32; 0]);
}

fn real_python() -> String {
    let path = std::fs::canonicalize("/usr/bin/python3").unwrap_or_default();
    path.to_string_lossy().into_owned()
}

#[test]
fn both_ends_of_a_connection_are_connected_to_the_servers_port() {
    let (server, port) = server();
    let mut client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    client.write_all(b"GET / HTTP/1.1\r\n").expect("connected");
    let proc = Proc::new([], Facts { ports: true, ..Facts::default() });
    let deadline = Instant::now() + Duration::from_secs(5);
    let accepted = || proc.process(server.pid()).is_some_and(|process| process.connected == [port]);
    while !accepted() {
        assert!(Instant::now() < deadline, "the server has accepted");
        std::thread::sleep(Duration::from_millis(10));
    }
    let own = proc.process(std::process::id()).expect("this process");
    assert!(own.connected.contains(&port), "{own:?}");
}

#[test]
fn a_program_that_executes_is_read_again() {
    let mut table = table(&["comm=sleep"]);
    let mut shell =
        Command::new("sh").args(["-c", "read line; exec sleep 60"]).stdin(Stdio::piped()).spawn().expect("a shell");
    let pid = shell.id();
    scan(&mut table);
    assert_eq!(table.decision(pid), Decision::Ignore);
    shell.stdin.take().expect("piped").write_all(b"\n").expect("it reads");
    let guard = Guard(shell);
    let proc = Proc::new([], Facts::default());
    while proc.process(pid).is_some_and(|process| &*process.comm != "sleep") {
        std::thread::sleep(Duration::from_millis(5));
    }
    table.changes().for_each(drop);
    let change = event::ProcessChange::Exec { file: "sleep".into() };
    apply(&mut table, &event::Process { pid, change, comm: "sleep".into(), user: 0, at_ns: 1 });
    let changes: Vec<_> = table.changes().map(|order| (order.pid, order.change)).collect();
    assert_eq!(changes, [(pid, Change::Set(Decision::Trace))]);
    let process = table.lookup(pid).cloned().expect("known");
    assert!(process.exe.as_deref().is_some_and(|exe| exe.starts_with('/')), "from /proc, not from the event");
    assert_eq!(process.generation, 1);
    drop(guard);
    let change = event::ProcessChange::Exit;
    apply(&mut table, &event::Process { pid, change, comm: "sleep".into(), user: 0, at_ns: 2 });
    assert_eq!(table.decision(pid), Decision::Trace, "events about it may still come");
}

#[test]
fn a_scan_takes_little_time() {
    let mut children = Vec::new();
    for _ in 0..150 {
        children.push(Guard(Command::new("sleep").arg("60").spawn().expect("sleep")));
    }
    // Its own processor time: the machine may be busy with other things.
    let clock = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).expect("below a second"))
    };
    let begin = clock();
    let count = Proc::new(["TIER"], Facts { ports: true, ..Facts::default() }).processes().len();
    let each = (clock() - begin) / u32::try_from(count).expect("few");
    println!("{count} processes, {each:?} each");
    // 300 processes have to take well under 300 ms.
    assert!(count > 150 && each < Duration::from_millis(1), "{count} processes, {each:?} each");
}

#[test]
fn nothing_is_kept_of_a_process_that_vanishes() {
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("cat");
    let pid = child.id();
    let proc = Proc::new([], Facts { ports: true, ..Facts::default() });
    assert!(proc.process(pid).is_some());
    drop(child.stdin.take());
    let mut rest = Vec::new();
    child.stdout.take().expect("piped").read_to_end(&mut rest).expect("it ends");
    // A zombie until it is waited for.
    let deadline = Instant::now() + Duration::from_secs(5);
    while proc.process(pid).is_some() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(proc.process(pid), None::<Process>);
    child.wait().expect("it has ended");
}

#[test]
fn the_resource_is_what_the_target_says_of_itself() {
    use wirespan::enrich::{Host, Resources};
    use wirespan::trace::span::Value;

    let (server, _) = server();
    let mut table = table(&[]);
    scan(&mut table);
    let mut resources = Resources::new(Host::read());
    let process = table.lookup(server.pid()).expect("it runs");
    let resource = resources.of(process);
    assert!(std::sync::Arc::ptr_eq(&resource, &resources.of(process)), "one for each process");
    assert_eq!(&*resource.service_name, "shop");
    let value =
        |key: &str| resource.attributes.iter().find(|(candidate, _)| candidate == key).map(|(_, value)| value.clone());
    let text = |key: &str| value(key).and_then(|value| value.as_str().map(str::to_owned));
    assert_eq!(text("service.version").as_deref(), Some("1.2"));
    assert_eq!(text("team").as_deref(), Some("a,b"));
    assert_eq!(value("process.pid"), Some(Value::Int(server.pid().into())));
    assert_eq!(text("process.runtime.name").as_deref(), Some("cpython"));
    assert!(text("process.executable.name").is_some_and(|name| name.starts_with("python")));
    assert!(text("service.instance.id").is_some_and(|id| id.len() == 36));
    assert!(resource.attributes.iter().all(|(_, value)| value.as_str() != Some("hidden")));
}
