//! Places in the files of programs at which the kernel is to stop for a moment: found where files are read, used where programs
//! are attached.

use std::os::fd::OwnedFd;
use std::sync::Arc;

/// A file of another program, held so that it stays the same whatever stands at its path by now.
#[derive(Debug)]
pub struct Held {
    /// Not necessarily opened for reading.
    pub fd: OwnedFd,
    /// Device.
    pub device: u64,
    /// Inode on it.
    pub inode: u64,
}

/// An instruction in a file before which a kernel program is to run, in every process that maps the file.
#[derive(Clone, Debug)]
pub struct Site {
    /// Name of the kernel program.
    pub program: &'static str,
    /// The file.
    pub file: Arc<Held>,
    /// Where the instruction begins in it, bytes.
    pub offset: u64,
    /// What the kernel program is told there.
    pub cookie: Option<u64>,
}

/// A library of TLS in a file of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsLibrary {
    /// Which library it is.
    pub name: &'static str,
    /// The file, as the process names it.
    pub path: Box<str>,
    /// Where kernel programs must run to see the secrets of its handshakes; none: that is not known.
    pub sites: Arc<[Site]>,
    /// Where one must run, for a short time, to see the secrets of sessions whose handshake passed before; none: that is not known.
    pub sessions: Arc<[Site]>,
}

impl Site {
    /// What tells it from others.
    #[must_use]
    pub fn key(&self) -> (&'static str, u64, u64, u64) {
        (self.program, self.file.device, self.file.inode, self.offset)
    }
}

impl PartialEq for Site {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Site {}
