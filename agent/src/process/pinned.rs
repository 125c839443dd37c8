//! A process, held by its open directory in `/proc`. What is read through it is about this process or fails: the facts
//! of one process are never mixed with those of another that got its id.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use rustix::fs::{CWD, Dir, Mode, OFlags, openat, readlinkat};

/// Folders and links are only looked through.
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// Most entries of a folder in `/proc/PID` that are read.
const MAX_ENTRIES: usize = 1 << 20;

/// A process, or one of its threads.
#[derive(Debug)]
pub struct Pinned(OwnedFd);

impl Pinned {
    /// Holds the process of that id.
    #[must_use]
    pub fn open(proc: &Path, pid: u32) -> Option<Self> {
        openat(CWD, proc.join(pid.to_string()), FOLDER, Mode::empty()).ok().map(Self)
    }

    /// Another process, by its id: its parent.
    #[must_use]
    pub fn parent(&self, pid: u32) -> Option<Self> {
        (pid > 1).then(|| Self::open(Path::new("/proc"), pid))?
    }

    /// Another thread than the first one. Its folder tells of the process when the first thread has ended.
    pub(super) fn another_thread(&self, pid: u32) -> Option<Self> {
        let first = pid.to_string();
        self.entries("task")?
            .filter(|name| name.to_str().is_some_and(|name| name != first))
            .find_map(|name| openat(&self.0, Path::new("task").join(name), FOLDER, Mode::empty()).ok().map(Self))
    }

    /// The beginning of a file of `/proc/PID`.
    #[must_use]
    pub fn read(&self, name: &str, limit: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(1024);
        self.file(name)?.take(limit).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// As [`read`](Self::read); what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self, name: &str, limit: u64) -> Option<String> {
        let bytes = self.read(name, limit)?;
        Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// A file of `/proc/PID`, of those that the kernel writes itself.
    pub(crate) fn file(&self, name: &str) -> Option<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        openat(&self.0, name, flags, Mode::empty()).ok().map(File::from)
    }

    /// Where a link of `/proc/PID` leads, in words.
    #[must_use]
    pub fn link(&self, name: impl rustix::path::Arg) -> Option<OsString> {
        Some(OsString::from_vec(readlinkat(&self.0, name, Vec::new()).ok()?.into_bytes()))
    }

    /// The names in a folder of `/proc/PID`.
    pub(super) fn entries(&self, folder: &str) -> Option<impl Iterator<Item = OsString>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let entries = Dir::new(openat(&self.0, folder, flags, Mode::empty()).ok()?).ok()?;
        let names = entries.map_while(Result::ok).map(|entry| entry.file_name().to_bytes().to_vec());
        Some(names.filter(|name| !name.starts_with(b".")).map(OsString::from_vec).take(MAX_ENTRIES))
    }

    /// What a link of `/proc/PID` (`exe`, `root`) leads to, not opened but held.
    ///
    /// # Errors
    /// When it leads nowhere or may not be followed.
    pub fn target(&self, link: &str) -> rustix::io::Result<OwnedFd> {
        openat(&self.0, link, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
    }

    /// The folder itself.
    #[must_use]
    pub fn folder(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
