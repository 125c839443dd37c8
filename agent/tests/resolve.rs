//! Looks at processes that do not want to be looked at.

#![expect(clippy::expect_used, reason = "helpers of tests")]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use wirespan::process::Rules;
use wirespan::process::table::{Ask, Found, Look, What};
use wirespan::resolve::Resolver;

/// A `java` whose `release` lies in a file system that never answers. In a mount namespace of its own, which ends with it.
const SILENT: &str = r"
import ctypes, os, shutil, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
folder = sys.argv[1]
os.makedirs(folder + '/bin'); os.makedirs(folder + '/mnt')
shutil.copy('/bin/sleep', folder + '/bin/java')
os.symlink(folder + '/mnt/release', folder + '/release')
try:
    fuse = os.open('/dev/fuse', os.O_RDWR)
except OSError:
    print('no fuse', flush=True); raise SystemExit
options = b'fd=%d,rootmode=40000,user_id=0,group_id=0' % fuse
if libc.unshare(0x20000) != 0 or libc.mount(b'none', b'/', None, 0x44000, None) != 0 or \
        libc.mount(b'silent', os.fsencode(folder + '/mnt'), b'fuse', 0, options) != 0:
    print('not permitted', flush=True); raise SystemExit
java = subprocess.Popen([folder + '/bin/java', '60'])
print(java.pid, flush=True)
sys.stdin.read()
java.kill()
";

/// Such a program, as long as its parent is not told to end.
struct Silent {
    parent: Child,
    pid: u32,
    folder: PathBuf,
}

impl Silent {
    fn start(name: &str) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("wirespan-{name}-{}", std::process::id()));
        let mut parent = Command::new("python3")
            .args(["-c", SILENT])
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed");
        let mut line = String::new();
        BufReader::new(parent.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let pid = line.trim().parse();
        let silent = Self { parent, pid: *pid.as_ref().unwrap_or(&0), folder };
        pid.is_ok().then_some(silent)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        drop(self.parent.stdin.take());
        let _ = self.parent.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One such program at a time: a scan finds them all.
static ALONE: Mutex<()> = Mutex::new(());

fn whole(pid: u32) -> Ask {
    Ask { pid, at_ns: 1, look: Look::Whole { file: "".into() } }
}

/// Answers until there are so many; how long that took.
fn answers(resolver: &mut Resolver, count: usize) -> (Vec<Found>, Duration) {
    let begin = Instant::now();
    let mut found = Vec::new();
    while found.len() < count && begin.elapsed() < Duration::from_secs(10) {
        resolver.settle(true, |one| found.push(one));
        std::thread::sleep(Duration::from_millis(1));
    }
    (found, begin.elapsed())
}

#[test]
fn a_process_that_holds_the_look_is_given_up_and_others_are_served() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(silent) = Silent::start("look") else {
        println!("skipped: no file system in user space here");
        return;
    };
    let mut resolver = Resolver::start(&Rules::default()).expect("threads");
    let own = std::process::id();
    let begin = Instant::now();
    resolver.ask(whole(silent.pid));
    resolver.ask(whole(own));
    resolver.settle(true, |found| panic!("{found:?}"));
    assert!(begin.elapsed() < Duration::from_millis(100), "the main thread waits for a moment only");
    let (found, took) = answers(&mut resolver, 2);
    assert!(took < Duration::from_secs(3), "{took:?}");
    assert_eq!(found.iter().map(|found| found.pid).collect::<Vec<_>>(), [silent.pid, own]);
    assert_eq!(found[0].what, What::Gone { exe: None });
    assert_eq!(resolver.counters().hung, 1);
    // The second time it is known, and what the kernel says of it is found at once.
    resolver.ask(whole(silent.pid));
    let (found, took) = answers(&mut resolver, 1);
    assert!(took < Duration::from_millis(500), "{took:?}");
    let What::Process(process) = &found[0].what else { panic!("{found:?}") };
    assert!(process.exe.is_some() && process.program.runtime_version.is_none());
    let mut all = Vec::new();
    resolver.scan();
    resolver.wait_for_scan(Duration::from_secs(5), |found| all.push(found));
    assert!(matches!(&all[..], [Found { what: What::All(all), .. }] if all.iter().any(|process| process.pid == own)));
    assert_eq!(resolver.counters().hung, 1);
}

#[test]
fn a_scan_goes_on_without_a_process_that_holds_it() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(silent) = Silent::start("scan") else {
        println!("skipped: no file system in user space here");
        return;
    };
    let mut resolver = Resolver::start(&Rules::default()).expect("threads");
    let mut all = Vec::new();
    resolver.scan();
    resolver.wait_for_scan(Duration::from_secs(10), |found| all.push(found));
    let [Found { what: What::All(all), .. }] = &all[..] else { panic!("{all:?}") };
    for pid in [silent.pid, std::process::id()] {
        assert!(all.iter().any(|process| process.pid == pid), "{pid}");
    }
    assert!(resolver.counters().hung >= 1);
}
