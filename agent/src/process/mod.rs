//! Processes: discovery, labels, selectors.
//!
//! [`discovery`] reads `/proc`, [`selector`] is the language of `--select`, [`table`] keeps what is known about each
//! process and decides who is traced.

mod cgroup;
pub mod discovery;
mod ports;
pub mod selector;
pub mod spelling;
pub mod table;
mod users;

use std::sync::Arc;

pub use ports::socket_inodes;
pub use selector::{Selector, Selectors};
pub use table::{Change, Decision, ProcessTable};
pub use users::Users;

/// Most ports of one kind that are kept for a process.
pub const MAX_PORTS: usize = 1024;

/// What is known about a process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// The parent's process id, 0 when unknown.
    pub parent: u32,
    /// Processes that it was forked from without executing a program since; nearest first.
    pub forked_from: Vec<u32>,
    /// Command name.
    pub comm: Box<str>,
    /// Path of the executable as the process itself sees it (in its own mount namespace).
    pub exe: Option<Arc<str>>,
    /// Effective user id.
    pub user: Option<u32>,
    /// Start in clock ticks since boot, as in `/proc/PID/stat`; `None` when the process was gone before it was read.
    pub start_time: Option<u64>,
    /// Kernel time of first sight, ns; 0 for processes that were found by a scan.
    pub seen_ns: u64,
    /// How many times it was seen to execute a program.
    pub generation: u32,
    /// Where it runs.
    pub group: Arc<Group>,
    /// Variables of its environment that somebody asked for, in the order of its environment.
    pub environment: Arc<[(Box<str>, Box<str>)]>,
    /// TCP ports that it listens on, sorted.
    pub listening: Vec<u16>,
    /// TCP ports that it is connected to (client), or that its accepted connections came in on; sorted.
    pub connected: Vec<u16>,
}

/// What the control groups of a process tell about where it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Path in the unified hierarchy, or in systemd's.
    pub path: Box<str>,
    /// Container id, when a control group is named by one.
    pub container_id: Option<Arc<str>>,
    /// systemd unit with its suffix (`nginx.service`, `session-3.scope`).
    pub unit: Option<Box<str>>,
}

impl Process {
    /// File name of the executable.
    #[must_use]
    pub fn executable_name(&self) -> Option<&str> {
        self.exe.as_deref().and_then(|path| path.rsplit('/').next()).filter(|name| !name.is_empty())
    }

    /// Value of a variable of its environment, if somebody asked for it to be read.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.environment.iter().find(|(candidate, _)| &**candidate == name).map(|(_, value)| &**value)
    }

    /// Adds a port to a sorted list of them. `false` if it was there or the list is full.
    fn add_port(ports: &mut Vec<u16>, port: u16) -> bool {
        match ports.binary_search(&port) {
            Err(at) if ports.len() < MAX_PORTS => {
                ports.insert(at, port);
                true
            }
            _ => false,
        }
    }
}
