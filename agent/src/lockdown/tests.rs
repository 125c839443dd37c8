use std::fs::{File, OpenOptions};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;

use super::*;

/// On a thread of its own, which is locked in as that duty has it: the others of the test stay as they are.
fn on_duty<T: Send>(duty: Duty, plan: &Plan, body: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            privileges::forbid_new().unwrap();
            narrow_with(&Plan { strict: true, ..plan.clone() }, &duty).unwrap();
            body()
        });
        thread.join().unwrap()
    })
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("wirespan-lockdown-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn has_landlock(version: u32) -> bool {
    land::version().is_ok_and(|found| found >= version)
}

#[test]
fn readers_read_and_can_do_nothing_with_it() {
    let folder = Folder::new("read");
    let there = folder.0.join("there");
    std::fs::write(&there, "text").unwrap();
    on_duty(Duty::Read, &Plan::default(), || {
        assert_eq!(std::fs::read_to_string(&there).unwrap(), "text");
        assert!(std::fs::read_link("/proc/self/exe").is_ok());
        for options in
            [OpenOptions::new().write(true), OpenOptions::new().read(true).write(true), OpenOptions::new().append(true)]
        {
            assert!(options.open(&there).is_err());
        }
        assert!(File::create(folder.0.join("new")).is_err());
        assert!(std::fs::remove_file(&there).is_err());
        assert!(std::fs::create_dir(folder.0.join("folder")).is_err());
        assert!(std::fs::rename(&there, folder.0.join("other")).is_err());
        assert!(TcpListener::bind("127.0.0.1:0").is_err());
    });
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "text");
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
}

/// A reader looks into processes that are not locked in; with Landlock it could not.
#[test]
fn readers_see_other_processes() {
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    let exe = format!("/proc/{}/exe", other.id());
    let read = |duty| on_duty(duty, &Plan::default(), || std::fs::read_link(&exe).is_ok());
    let seen = (read(Duty::Read), read(Duty::Sockets), read(Duty::Write));
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(seen, (true, true, !has_landlock(1)));
}

#[test]
fn who_asks_reaches_its_port_and_no_other() {
    let (one, other) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let (one, other) = (one.local_addr().unwrap(), other.local_addr().unwrap());
    let folder = Folder::new("ask");
    let reached = |duty| {
        on_duty(duty, &Plan::default(), || {
            assert!(std::fs::read("/proc/self/status").is_ok());
            assert_eq!(File::create(folder.0.join("new")).is_err(), has_landlock(1));
            (TcpStream::connect(one).is_ok(), TcpStream::connect(other).is_ok())
        })
    };
    assert_eq!(reached(Duty::Ask(vec![one.port()])), (true, !has_landlock(4)));
    assert_eq!(reached(Duty::Ask(Vec::new())), (true, true));
    assert_eq!(reached(Duty::Serve), (!has_landlock(4), !has_landlock(4)));
    assert_eq!(reached(Duty::Write), (false, false));
}

#[test]
fn the_main_thread_writes_where_it_was_said() {
    let folder = Folder::new("trace");
    let (known, unknown) = (folder.0.join("known"), folder.0.join("unknown"));
    std::fs::write(&known, "").unwrap();
    std::fs::write(&unknown, "").unwrap();
    let new = Folder::new("trace-new");
    let later = new.0.join("later");
    let plan = Plan { writable: vec![Writable::File(known.clone()), Writable::File(later.clone())], ..Plan::default() };
    on_duty(Duty::Trace, &plan, || {
        std::fs::write(&known, "more").unwrap();
        std::fs::write(&later, "more").unwrap();
        assert_eq!(std::fs::write(&unknown, "more").is_err(), has_landlock(1));
        assert!(std::fs::read(&unknown).is_ok());
        // It may make threads that ask anybody.
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(TcpStream::connect(server.local_addr().unwrap()).is_ok());
    });
}

/// What is allowed to the whole process, tried in one: a filter for all threads would hold the others of this test, too.
#[test]
fn a_locked_process_makes_threads_and_no_processes() {
    let tried = std::env::var_os("WIRESPAN_TRIED").is_some();
    if !tried {
        let name = "lockdown::tests::a_locked_process_makes_threads_and_no_processes";
        let mut again = Command::new(std::env::current_exe().unwrap());
        let output = again.args(["--exact", name, "--nocapture"]).env("WIRESPAN_TRIED", "yes").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    begin(Plan { strict: true, ..Plan::default() }).unwrap();
    assert!(is_on());
    assert_eq!(std::thread::spawn(|| 7).join().unwrap(), 7);
    assert!(Command::new("/bin/true").status().is_err());
    assert!(rustix::thread::no_new_privs().unwrap());
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(TcpStream::connect(server.local_addr().unwrap()).is_ok());
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = |field: &str| status.lines().find_map(|line| line.strip_prefix(field)).unwrap().trim().to_owned();
    assert_eq!((line("Seccomp:"), line("NoNewPrivs:")), ("2".to_owned(), "1".to_owned()));
    let effective = u64::from_str_radix(&line("CapEff:"), 16).unwrap();
    assert_eq!(effective & !duty::at_start(&Plan::default()).bits(), 0);
    // The rest would be the test harness's own.
    std::process::exit(0);
}

/// Nobody has everything: the rights that are worth the most together are with different threads.
#[test]
fn no_duty_may_do_everything() {
    // Break points of programs that are yet to start would take both.
    let plan = Plan::default();
    let all = [Duty::Write, Duty::Ask(vec![1]), Duty::Serve, Duty::Read, Duty::Sockets, Duty::Measure, Duty::Trace];
    for duty in all {
        let capabilities = duty.capabilities(&plan);
        let refused: Vec<i64> =
            duty.forbids(&plan).iter().filter(|(_, rules)| rules.is_empty()).map(|(call, _)| *call).collect();
        let loads = !refused.contains(&libc::SYS_bpf) && duty != Duty::Measure;
        let sends = !refused.contains(&libc::SYS_sendto) && duty != Duty::Sockets;
        assert!(!(loads && capabilities.contains(CapabilitySet::SYS_ADMIN)), "{duty:?} could write into processes");
        assert!(!(sends && capabilities.contains(CapabilitySet::SYS_PTRACE)), "{duty:?} could send what it reads");
    }
}
