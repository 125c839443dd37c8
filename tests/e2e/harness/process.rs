//! Child processes, each in a process group of its own, ended by their ids when their owner goes.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// How long a child may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(10);

/// A child process and all of its group.
pub struct Owned {
    child: Child,
    stop: Signal,
    ended: bool,
}

impl Owned {
    /// Starts it; `stop` is the signal that ends it in order.
    pub fn start(command: &mut Command, stop: Signal) -> Self {
        let child = command.stdin(Stdio::null()).process_group(0).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self { child, stop, ended: false }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn group(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal to it alone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.group(), signal).unwrap();
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let status = self.wait_for(PATIENCE).expect("the process did not end in time");
        self.ended = true;
        status
    }

    fn wait_for(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => sleep(Duration::from_millis(5)),
                _ => return None,
            }
        }
    }

    /// Ends it as its user would, and waits.
    #[track_caller]
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(self.stop);
        self.wait()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let _ = kill_process(self.group(), self.stop);
        if self.wait_for(Duration::from_secs(4)).is_none() {
            let _ = kill_process_group(self.group(), Signal::KILL);
            let _ = self.child.wait();
        } else {
            // Its workers have lost their master; who is left of the group goes, too.
            let _ = kill_process_group(self.group(), Signal::KILL);
        }
    }
}

/// Runs a command to its end; panics with what it wrote if it fails.
#[track_caller]
pub fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{out}\n{err}");
    out.into_owned()
}

/// A port of the loopback interface that nobody listens on, below those that the kernel gives to clients.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 90).unwrap() * 100;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("::1", port)).is_ok() {
            return port;
        }
    }
}

/// A folder that everybody may read and that goes with its owner.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wirespan-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file into it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Opens a new file in it, for a child's output.
    pub fn output(&self, name: &str) -> File {
        File::create(self.join(name)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The other end, or the kernel, may see the end of a connection a moment after its process has gone.
pub fn settle() {
    sleep(Duration::from_millis(300));
}

/// Waits until it holds.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        sleep(Duration::from_millis(5));
    }
}

/// Waits until somebody listens.
#[track_caller]
pub fn listening(port: u16) {
    eventually(&format!("somebody listens on {port}"), || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
}
