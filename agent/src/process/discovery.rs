//! Reading `/proc`. Every read may find that the process has just gone; then there is nothing to tell about it.
//!
//! Direct reads of the few files that are needed: a scan of some hundred processes is part of the agent's start.
//!
//! The memory of a process (`environ`) may lie in a file of a file system that never answers: whoever reads it must be
//! able to wait. [`crate::resolve`] does.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::environment::{self, Environment};
use super::pinned::Pinned;
use super::ports::{self, Sockets};
use super::{Group, Process};

/// Variables that are always read: they name the service.
pub const SERVICE_VARIABLES: [&str; 2] = [environment::SERVICE_NAME, environment::RESOURCE_ATTRIBUTES];
/// Most bytes of an environment that are read.
const MAX_ENVIRONMENT: u64 = 256 * 1024;
/// Most bytes of any other file that are read.
const MAX_FILE: u64 = 16 * 1024;
/// Most bytes of a command line that are kept.
const MAX_COMMAND_LINE: u64 = 4096;
/// `PF_KTHREAD` in the flags of `/proc/PID/stat`.
const KERNEL_THREAD: u64 = 0x0020_0000;
/// `PF_FORKNOEXEC`: it was forked and has not executed a program since.
const FORKED: u64 = 0x40;
/// Forks that are followed back.
const MAX_FORKS: usize = 16;

/// `/proc`, and what is wanted of it.
#[derive(Clone, Debug)]
pub struct Proc {
    root: PathBuf,
    variables: Vec<Box<str>>,
    facts: Facts,
}

/// What else is wanted of each process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its ports, which costs a look at every open file of every process.
    pub ports: bool,
    /// Its command line.
    pub command_line: bool,
}

/// Who goes along with a look at processes.
pub trait Attendant {
    /// A process is about to be looked at. `false`: its memory must not be read.
    fn begin(&mut self, pid: u32) -> bool;

    /// It was looked at; its memory and its files may be.
    fn complete(&mut self, pinned: &Pinned, process: &mut Process);
}

/// Nobody.
impl Attendant for () {
    fn begin(&mut self, _: u32) -> bool {
        true
    }

    fn complete(&mut self, _: &Pinned, _: &mut Process) {}
}

impl Proc {
    /// The `/proc` of this host. `variables` are read of each process's environment beside [`SERVICE_VARIABLES`].
    #[must_use]
    pub fn new<'a>(variables: impl IntoIterator<Item = &'a str>, facts: Facts) -> Self {
        Self::at(Path::new("/proc"), variables, facts)
    }

    /// As [`new`](Self::new), of another folder that looks like `/proc`.
    #[must_use]
    pub fn at<'a>(root: &Path, variables: impl IntoIterator<Item = &'a str>, facts: Facts) -> Self {
        let variables = SERVICE_VARIABLES.into_iter().chain(variables).map(Box::from).collect();
        Self { root: root.into(), variables, facts }
    }

    /// All processes but kernel threads and those that have exited.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        self.processes_with(&mut ())
    }

    /// As [`processes`](Self::processes), with company.
    pub fn processes_with(&self, attendant: &mut dyn Attendant) -> Vec<Process> {
        let Ok(entries) = fs::read_dir(&self.root) else {
            return Vec::new();
        };
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let (mut groups, mut tables) = (Groups::default(), HashMap::new());
        let mut read = |pid| {
            let may_read = attendant.begin(pid);
            let (pinned, mut process) = self.read(pid, &mut groups, may_read)?;
            if self.facts.ports {
                read_ports(&pinned, &mut process, &mut tables);
            }
            if may_read {
                attendant.complete(&pinned, &mut process);
            }
            Some(process)
        };
        let mut processes: Vec<Process> = pids.filter_map(&mut read).collect();
        follow_forks(&mut processes);
        processes
    }

    /// One process; `None` if it has gone.
    #[must_use]
    pub fn process(&self, pid: u32) -> Option<Process> {
        self.process_with(pid, &mut ())
    }

    /// As [`process`](Self::process), with company.
    pub fn process_with(&self, pid: u32, attendant: &mut dyn Attendant) -> Option<Process> {
        let may_read = attendant.begin(pid);
        let (pinned, mut process) = self.read(pid, &mut Groups::default(), may_read)?;
        while let Some(parent) = process.forked_from.last().copied()
            && process.forked_from.len() < MAX_FORKS
            && let Some(grandparent) = self.stat(parent).and_then(|stat| stat.forked_from())
        {
            process.forked_from.push(grandparent);
        }
        if self.facts.ports {
            read_ports(&pinned, &mut process, &mut HashMap::new());
        }
        if may_read {
            attendant.complete(&pinned, &mut process);
        }
        Some(process)
    }

    /// When a process started, in clock ticks since boot.
    #[must_use]
    pub fn start_time(&self, pid: u32) -> Option<u64> {
        self.stat(pid).map(|stat| stat.start_time)
    }

    /// A process, and when it started.
    pub(crate) fn pinned(&self, pid: u32) -> Option<(Pinned, u64)> {
        let pinned = Pinned::open(&self.root, pid)?;
        let start_time = Stat::parse(&pinned.text("stat", MAX_FILE)?)?.start_time;
        Some((pinned, start_time))
    }

    fn stat(&self, pid: u32) -> Option<Stat> {
        Stat::parse(&Pinned::open(&self.root, pid)?.text("stat", MAX_FILE)?)
    }

    fn read(&self, pid: u32, groups: &mut Groups, may_read: bool) -> Option<(Pinned, Process)> {
        let mut pinned = Pinned::open(&self.root, pid)?;
        let stat = Stat::parse(&pinned.text("stat", MAX_FILE)?)?;
        if stat.flags & KERNEL_THREAD != 0 {
            return None;
        }
        if matches!(stat.state, 'Z' | 'X') {
            if stat.threads < 2 {
                return None;
            }
            // The first thread has ended, the others go on: they have what it had.
            pinned = pinned.another_thread(pid)?;
        }
        let status = pinned.text("status", MAX_FILE);
        let process = Process {
            pid,
            parent: stat.parent,
            forked_from: stat.forked_from().into_iter().collect(),
            comm: stat.comm,
            exe: executable(&pinned),
            user: status.as_deref().and_then(effective_user),
            start_time: Some(stat.start_time),
            group: groups.get(pinned.text("cgroup", MAX_FILE).unwrap_or_default()),
            command_line: (may_read && self.facts.command_line).then(|| command_line(&pinned)).flatten(),
            environment: if may_read { self.environment(&pinned) } else { Arc::default() },
            ..Process::default()
        };
        Some((pinned, process))
    }

    fn environment(&self, pinned: &Pinned) -> Environment {
        let block = pinned.read("environ", MAX_ENVIRONMENT).unwrap_or_default();
        environment::wanted(&block, &self.variables)
    }
}

fn read_ports(pinned: &Pinned, process: &mut Process, tables: &mut HashMap<OsString, Sockets>) {
    let inodes = ports::inodes(pinned);
    let Some(namespace) = (!inodes.is_empty()).then(|| pinned.link("ns/net")).flatten() else {
        return;
    };
    // An empty table may be that of a process that went before it was read: ask its neighbour.
    let sockets = tables.entry(namespace).or_default();
    if sockets.is_empty() {
        *sockets = Sockets::read(pinned);
    }
    for inode in inodes {
        if let Some(port) = sockets.listening(inode) {
            Process::add_port(&mut process.listening, port);
        } else if let Some(port) = sockets.connected(inode) {
            Process::add_port(&mut process.connected, port);
        }
    }
}

/// Whether this process sees all processes of the host by the ids that the kernel programs see: it and its `/proc` are in
/// the initial pid namespace. In a container that takes the host's pid namespace (`--pid=host`, `hostPID: true`).
#[must_use]
pub fn in_initial_namespace() -> bool {
    // `PROC_PID_INIT_INO` of the kernel.
    fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() == "pid:[4026531836]")
}

/// Control groups that were read already: most processes share theirs with others.
#[derive(Default)]
struct Groups(HashMap<String, Arc<Group>>);

impl Groups {
    fn get(&mut self, text: String) -> Arc<Group> {
        Arc::clone(self.0.entry(text).or_insert_with_key(|text| Arc::new(Group::parse(text))))
    }
}

/// Completes who was forked from whom: the workers of a master that was there before us are its workers.
fn follow_forks(processes: &mut [Process]) {
    let direct: HashMap<u32, u32> =
        processes.iter().filter_map(|process| Some((process.pid, *process.forked_from.first()?))).collect();
    for process in processes {
        while let Some(parent) = process.forked_from.last().and_then(|last| direct.get(last))
            && process.forked_from.len() < MAX_FORKS
        {
            process.forked_from.push(*parent);
        }
    }
}

/// Where `/proc/PID/exe` leads; the kernel marks files that were removed (as by an upgrade of a package).
fn executable(pinned: &Pinned) -> Option<Arc<str>> {
    let target = pinned.link("exe")?;
    let text = String::from_utf8_lossy(target.as_bytes());
    Some(text.strip_suffix(" (deleted)").unwrap_or(&text).into())
}

/// `/proc/PID/cmdline`, arguments with spaces between them. The process may write there what it likes.
fn command_line(pinned: &Pinned) -> Option<Box<str>> {
    let bytes = pinned.read("cmdline", MAX_COMMAND_LINE)?;
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.into())
}

/// The fields of `/proc/PID/stat` (proc_pid_stat(5)) that are needed.
struct Stat {
    comm: Box<str>,
    state: char,
    parent: u32,
    flags: u64,
    threads: u64,
    start_time: u64,
}

impl Stat {
    /// The parent whose program it runs. One that has lost its parent was given to the first process, which is no master.
    fn forked_from(&self) -> Option<u32> {
        (self.flags & FORKED != 0 && self.parent > 1).then_some(self.parent)
    }

    fn parse(text: &str) -> Option<Self> {
        // The command name may hold anything, parentheses and spaces included.
        let (_, rest) = text.split_once('(')?;
        let (comm, rest) = rest.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        Some(Self {
            comm: comm.into(),
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            flags: fields.nth(4)?.parse().ok()?,
            threads: fields.nth(10)?.parse().ok()?,
            start_time: fields.nth(1)?.parse().ok()?,
        })
    }
}

/// The second number of the line `Uid:`. (The owner of the directory would be cheaper, and root for every process
/// that changed its user.)
fn effective_user(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_may_hold_anything() {
        let text = "17 (a) b (c) S 3 17 17 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 2 3";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((&*stat.comm, stat.state, stat.parent), ("a) b (c", 'S', 3));
        assert_eq!((stat.flags, stat.threads, stat.start_time), (4_194_560, 1, 98765));
        assert!(Stat::parse("17 (a) S 3").is_none());
        assert!(Stat::parse("").is_none());
    }

    #[test]
    fn this_process_is_found() {
        let own = std::process::id();
        let found = Proc::new([], Facts::default()).processes().into_iter().find(|process| process.pid == own).unwrap();
        assert_eq!(found.exe.as_deref(), std::env::current_exe().unwrap().to_str());
        assert_eq!(found.start_time, Proc::new([], Facts::default()).start_time(own));
        assert!(found.user.is_some() && found.parent > 0 && found.generation == 0);
    }

    #[test]
    fn a_process_that_is_not_there() {
        assert_eq!(Proc::new([], Facts { ports: true, command_line: true }).process(u32::MAX), None);
    }
}
