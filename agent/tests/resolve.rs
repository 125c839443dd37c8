//! Looks at processes that do not want to be looked at.

#![expect(clippy::expect_used, reason = "helpers of tests")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wirespan::process::Selectors;
use wirespan::process::table::{Ask, Found, Look, What};
use wirespan::resolve::Resolver;

/// A child that is killed when the test ends.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whoever reads its environment waits for as long as it lives: the page faults, and nobody answers.
const SILENT: &str = r"
import ctypes, os, struct, fcntl, time
libc = ctypes.CDLL(None, use_errno=True)
start = int(open('/proc/self/stat').read().rsplit(')', 1)[1].split()[47])
page = start & ~4095
fd = libc.syscall(323, os.O_CLOEXEC)
if fd < 0:
    print('not permitted', flush=True); raise SystemExit
fcntl.ioctl(fd, 0xc018aa3f, bytearray(struct.pack('QQQ', 0xaa, 0, 0)))
register = bytearray(struct.pack('QQQQ', page, 4096, 1, 0))
fcntl.ioctl(fd, 0xc020aa00, register)
if libc.madvise(ctypes.c_void_p(page), 4096, 4) != 0:
    print('not possible', flush=True); raise SystemExit
print('ready', flush=True)
time.sleep(60)
";

fn silent() -> Option<Guard> {
    let mut child = Guard(
        Command::new("python3")
            .args(["-c", SILENT])
            .env("OTEL_SERVICE_NAME", "x".repeat(100))
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed"),
    );
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    (line.trim() == "ready").then_some(child)
}

fn whole(pid: u32) -> Ask {
    Ask { pid, at_ns: 1, look: Look::Whole { file: "".into() } }
}

/// Answers until there are so many; how long that took.
fn answers(resolver: &mut Resolver, count: usize) -> (Vec<Found>, Duration) {
    let begin = Instant::now();
    let mut found = Vec::new();
    while found.len() < count && begin.elapsed() < Duration::from_secs(10) {
        resolver.settle(|one| found.push(one));
        std::thread::sleep(Duration::from_millis(1));
    }
    (found, begin.elapsed())
}

#[test]
fn a_process_that_holds_the_look_is_given_up_and_others_are_served() {
    let Some(silent) = silent() else {
        println!("skipped: no userfaultfd here");
        return;
    };
    let mut resolver = Resolver::start(&Selectors::default()).expect("threads");
    let own = std::process::id();
    let begin = Instant::now();
    resolver.ask(whole(silent.0.id()));
    resolver.ask(whole(own));
    resolver.settle(|found| panic!("{found:?}"));
    assert!(begin.elapsed() < Duration::from_millis(100), "the main thread waits for a moment only");
    let (found, took) = answers(&mut resolver, 2);
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(found.iter().map(|found| found.pid).collect::<Vec<_>>(), [silent.0.id(), own]);
    assert_eq!(found[0].what, What::Gone { exe: None });
    assert_eq!(resolver.counters().hung, 1);
    // The second time it is known, and what the kernel says of it is found at once.
    resolver.ask(whole(silent.0.id()));
    let (found, took) = answers(&mut resolver, 1);
    assert!(took < Duration::from_millis(500), "{took:?}");
    let What::Process(process) = &found[0].what else { panic!("{found:?}") };
    assert!(process.environment.is_empty() && process.exe.is_some());
    let mut all = Vec::new();
    resolver.scan();
    resolver.wait_for_scan(Duration::from_secs(5), |found| all.push(found));
    assert!(matches!(&all[..], [Found { what: What::All(all), .. }] if all.iter().any(|process| process.pid == own)));
    assert_eq!(resolver.counters().hung, 1);
}

#[test]
fn a_scan_goes_on_without_a_process_that_holds_it() {
    let Some(silent) = silent() else {
        println!("skipped: no userfaultfd here");
        return;
    };
    let mut resolver = Resolver::start(&Selectors::default()).expect("threads");
    let mut all = Vec::new();
    resolver.scan();
    resolver.wait_for_scan(Duration::from_secs(10), |found| all.push(found));
    let [Found { what: What::All(all), .. }] = &all[..] else { panic!("{all:?}") };
    for pid in [silent.0.id(), std::process::id()] {
        assert!(all.iter().any(|process| process.pid == pid), "{pid}");
    }
    assert!(resolver.counters().hung >= 1);
}
