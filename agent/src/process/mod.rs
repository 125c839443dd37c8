//! Processes: discovery, labels, selectors.
//!
//! [`discovery`] reads `/proc`, [`selector`] is the language of `--select`, [`table`] keeps what is known about each
//! process and decides who is traced. The table reads nothing: what is looked up comes to it as [`table::Found`].

mod cgroup;
pub mod container;
pub mod discovery;
pub(crate) mod environment;
pub mod pinned;
mod ports;
mod published;
pub mod rules;
pub(crate) mod runtime;
pub mod selector;
pub mod site;
pub mod spelling;
pub mod table;
mod users;

use std::sync::Arc;

use wirespan_common::context::Runtime;

pub use container::Container;
pub use ports::{listening, socket_inodes};
pub use published::Published;
pub use rules::{Rules, Verdict};
pub use runtime::known_runtime;
pub use selector::{Selector, Selectors};
pub use site::{Held, Site, TlsLibrary};
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
    /// Name of that user, where it was looked up.
    pub user_name: Option<Arc<str>>,
    /// Start in clock ticks since boot, as in `/proc/PID/stat`; `None` when the process was gone before it was read.
    pub start_time: Option<u64>,
    /// Kernel time of first sight, ns; 0 for processes that were found by a scan.
    pub seen_ns: u64,
    /// Kernel time at which it was looked at, ns; 0 when only events tell of it.
    pub found_ns: u64,
    /// How many times it was seen to execute a program.
    pub generation: u32,
    /// How many times other facts were found about the same program.
    pub revision: u32,
    /// Where it runs.
    pub group: Arc<Group>,
    /// What was decided about it, and why.
    pub verdict: Verdict,
    /// What is known of its container by now.
    pub container: Option<Arc<Container>>,
    /// Its command line, the arguments with spaces between them, where somebody asked for it to be read.
    pub command_line: Option<Box<str>>,
    /// Variables of its environment that somebody asked for, in the order of its environment.
    pub environment: Arc<[(Box<str>, Box<str>)]>,
    /// What its OpenTelemetry SDK publishes of it.
    pub published: Option<Arc<Published>>,
    /// What its files and its command line tell about its program; nothing for processes that cannot be selected.
    pub program: Arc<Program>,
    /// TCP ports that it listens on, sorted.
    pub listening: Vec<u16>,
    /// TCP ports that it is connected to (client), or that its accepted connections came in on; sorted.
    pub connected: Vec<u16>,
}

/// What the files and the command line of a process tell about its program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// `process.runtime.name`, where the name of the executable does not tell.
    pub runtime: Option<Box<str>>,
    /// `process.runtime.version`: the full version or none.
    pub runtime_version: Option<Box<str>>,
    /// The name by which it was started, where that is a link to the executable.
    pub started_as: Option<Box<str>>,
    /// What an interpreter runs, as a name of a service.
    pub runs: Option<Box<str>>,
    /// Which CPython runs it.
    pub python: Option<Python>,
    /// Its interpreter, or its event loop, was not there yet when it was looked at: it may be a library that is still to be loaded.
    pub is_unsettled: bool,
    /// Where kernel programs must run to see its contexts.
    pub sites: Arc<[Site]>,
    /// Its libraries of TLS, where somebody wants to see what they encrypt.
    pub tls: Arc<[TlsLibrary]>,
    /// How the contexts of its runtime are found, where only its memory tells; without places until it does.
    pub contexts: Option<Runtime>,
    /// Where the scheduler of a Go program lies: the address of `runtime.sched` in the process.
    pub sched: Option<u64>,
}

/// An interpreter whose structures are those of CPython 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Python {
    /// Minor version: 12 of 3.12.
    pub minor: u32,
    /// Its event loop may be uvloop.
    pub has_uvloop: bool,
    /// Its threads may run greenlets of gevent.
    pub has_gevent: bool,
    /// What it hands from thread to thread is seen.
    pub has_queues: bool,
}

/// What the control groups of a process tell about where it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Path in the unified hierarchy, or in systemd's.
    pub path: Box<str>,
    /// Container id, when a control group is named by one.
    pub container_id: Option<Arc<str>>,
    /// UID of the pod, with dashes, when a control group names it.
    pub pod_uid: Option<Arc<str>>,
    /// systemd unit with its suffix (`nginx.service`, `session-3.scope`).
    pub unit: Option<Box<str>>,
}

impl Group {
    /// The innermost slice of systemd in which it is (`system.slice`).
    #[must_use]
    pub fn slice(&self) -> Option<&str> {
        self.path.split('/').rfind(|component| component.ends_with(".slice"))
    }
}

impl Program {
    /// Whether another look may tell more of its runtime: libraries are mapped, and filled, some time after an exec.
    fn is_starting(&self) -> bool {
        self.contexts.map_or(self.runtime.is_none(), |contexts| contexts.places == [0; 7])
    }
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

    /// Bytes of what the process itself chose, as they are kept.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        let program = &self.program;
        let parts = [&program.runtime, &program.runtime_version, &program.started_as, &program.runs];
        let environment: usize = self.environment.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
        let parts: usize = parts.into_iter().flatten().map(|text| text.len()).sum();
        let ports = size_of::<u16>() * (self.listening.len() + self.connected.len());
        let published = self.published.as_ref().map_or(0, |published| published.text_bytes());
        let command_line = self.command_line.as_ref().map_or(0, |text| text.len());
        environment + command_line + parts + ports + published + self.exe.as_deref().map_or(0, str::len)
    }

    /// Keeps only what the kernel says of it.
    fn forget_texts(&mut self) {
        self.environment = Arc::default();
        self.command_line = None;
        self.program = Arc::default();
        self.published = None;
        (self.listening, self.connected) = (Vec::new(), Vec::new());
    }

    /// Whether the same is known of it as of `other`, a look at the same program.
    fn same_facts(&self, other: &Self) -> bool {
        (&self.exe, &self.comm, &self.command_line, &self.group, &self.environment, &self.program, &self.published)
            == (
                &other.exe,
                &other.comm,
                &other.command_line,
                &other.group,
                &other.environment,
                &other.program,
                &other.published,
            )
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
