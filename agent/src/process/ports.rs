//! TCP ports of processes: the sockets among a process's open files, joined with the socket table of its network
//! namespace.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::pinned::Pinned;

/// Most sockets of a namespace that are looked at.
const MAX_SOCKETS: usize = 1 << 20;
/// Most bytes of a socket table that are read.
const MAX_TABLE: u64 = 256 << 20;
/// State of a listening socket in `/proc/net/tcp` (`TCP_LISTEN`).
const LISTEN: u8 = 0x0a;

/// The TCP sockets of a network namespace, by inode.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    listening: HashMap<u64, u16>,
    connected: HashMap<u64, u16>,
}

impl Sockets {
    /// Reads `tcp` and `tcp6` of `/proc/PID/net`.
    pub(super) fn read(pinned: &Pinned) -> Self {
        // Both are opened before either is read: the process may go meanwhile, and half a table would pass for a whole.
        let files: Vec<fs::File> = match (pinned.file("net/tcp"), pinned.file("net/tcp6")) {
            (Some(first), second) => [Some(first), second].into_iter().flatten().collect(),
            // The process has gone.
            (None, _) => Vec::new(),
        };
        let lines =
            files.into_iter().flat_map(|file| BufReader::new(file.take(MAX_TABLE)).split(b'\n').map_while(Result::ok));
        Self::collect(lines.take(MAX_SOCKETS).filter_map(|line| Line::parse(std::str::from_utf8(&line).ok()?)))
    }

    fn collect(lines: impl Iterator<Item = Line>) -> Self {
        let (listeners, others): (Vec<Line>, Vec<Line>) = lines.partition(|line| line.state == LISTEN);
        let served: HashSet<u16> = listeners.iter().map(|line| line.local).collect();
        // A connection to a port that somebody here listens on is the accepted end, any other the connecting one.
        let port = |line: &Line| if served.contains(&line.local) { line.local } else { line.remote };
        Self {
            connected: others.iter().map(|line| (line.inode, port(line))).collect(),
            listening: listeners.iter().map(|line| (line.inode, line.local)).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listening.is_empty() && self.connected.is_empty()
    }

    /// The port that a socket listens on.
    pub(super) fn listening(&self, inode: u64) -> Option<u16> {
        self.listening.get(&inode).copied()
    }

    /// The port of the server of a connection.
    pub(super) fn connected(&self, inode: u64) -> Option<u16> {
        self.connected.get(&inode).copied()
    }
}

/// A line of `/proc/net/tcp` (proc_net(5)): number, local and remote `ADDRESS:PORT`, state, queues, timer,
/// retransmits, user, time-out, inode.
#[derive(Debug)]
struct Line {
    local: u16,
    remote: u16,
    state: u8,
    inode: u64,
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let mut port = || u16::from_str_radix(fields.next()?.rsplit_once(':')?.1, 16).ok();
        let (local, remote) = (port()?, port()?);
        let state = u8::from_str_radix(fields.next()?, 16).ok()?;
        let inode = fields.nth(5)?.parse().ok().filter(|inode| *inode != 0)?;
        Some(Self { local, remote, state, inode })
    }
}

/// Ports on which sockets listen in the network namespace of a process: those of the inodes that are wanted.
#[must_use]
pub fn listening(pid: u32, is_wanted: impl Fn(u64) -> bool) -> Vec<u16> {
    let Some(pinned) = Pinned::open(Path::new("/proc"), pid) else { return Vec::new() };
    let sockets = Sockets::read(&pinned);
    sockets.listening.into_iter().filter(|(inode, _)| is_wanted(*inode)).map(|(_, port)| port).collect()
}

/// Inodes of the sockets among the open files of a process, by its directory in `/proc`.
/// At most a million of them.
#[must_use]
pub fn socket_inodes(directory: &Path) -> Vec<u64> {
    let Ok(files) = fs::read_dir(directory.join("fd")) else {
        return Vec::new();
    };
    let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    links.filter_map(|link| inode(link.as_os_str().as_bytes())).take(MAX_SOCKETS).collect()
}

/// As [`socket_inodes`], of a process that is held.
pub(super) fn inodes(pinned: &Pinned) -> Vec<u64> {
    let files = pinned.entries("fd").into_iter().flatten();
    let links = files.filter_map(|file| pinned.link(Path::new("fd").join(file)));
    links.filter_map(|link| inode(link.as_bytes())).take(MAX_SOCKETS).collect()
}

/// The number of `socket:[17]`.
fn inode(link: &[u8]) -> Option<u64> {
    let inode = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(inode).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1 0 100 0 0 10 0
   1: 0100007F:1F40 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 101 1 0 20 4 30 10 -1
   2: 0100007F:C350 0100007F:1F40 01 00000000:00000000 00:00000000 00000000     0        0 102 1 0 20 4 30 10 -1
   3: 0100007F:C351 0100007F:1538 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0
   4: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 103 1 0";

    #[test]
    fn both_ends_have_the_port_of_the_server() {
        let sockets = Sockets::collect(TABLE.lines().filter_map(Line::parse));
        assert_eq!(sockets.listening(100), Some(8000));
        assert_eq!(sockets.connected(101), Some(8000));
        assert_eq!(sockets.connected(102), Some(8000));
        assert_eq!(sockets.listening(103), Some(80));
        assert_eq!((sockets.listening.len(), sockets.connected.len()), (2, 2));
    }
}
