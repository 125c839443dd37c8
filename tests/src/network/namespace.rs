//! Network namespaces.

use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::ip;

/// A network namespace with its loopback interface up, and with files of its own below `/etc` for who enters it by
/// [`Namespace::command`].
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// A new one.
    ///
    /// # Errors
    /// What this machine refuses.
    pub fn new() -> Result<Self, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ws{}-{number}", std::process::id());
        ip(&["netns", "add", &name])?;
        let namespace = Self { name };
        ip(&["-n", &namespace.name, "link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// Its name, for `ip -n`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Works in it: sockets that are made and processes that are started belong to it.
    ///
    /// # Panics
    /// When the work does, or when the namespace cannot be entered.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let path = PathBuf::from("/run/netns").join(&self.name);
        let enter = || {
            let entered = File::open(&path)
                .and_then(|file| Ok(move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?));
            assert!(entered.is_ok(), "cannot enter {}: {entered:?}", path.display());
            work()
        };
        // A thread of its own, since there is no way back; with this one's name, by which tests are told apart.
        let name = thread::current().name().unwrap_or("namespace").to_owned();
        thread::scope(|scope| match thread::Builder::new().name(name).spawn_scoped(scope, enter) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(error) => panic!("no thread: {error}"),
        })
    }

    /// A program that runs in it and sees its files in place of those of `/etc`.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Gives those who enter by [`Namespace::command`] another file in `/etc`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn etc(&self, file: &str, content: &str) {
        let folder = self.own_etc();
        let written = fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join(file), content));
        assert!(written.is_ok(), "{}: {written:?}", folder.display());
    }

    fn own_etc(&self) -> PathBuf {
        PathBuf::from("/etc/netns").join(&self.name)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = ip(&["netns", "del", &self.name]);
        let _ = fs::remove_dir_all(self.own_etc());
        // Only if no other test has one.
        let _ = fs::remove_dir("/etc/netns");
    }
}
