//! Reading `/proc`. Every read may find that the process has just gone; then there is nothing to tell about it.
//!
//! Direct reads of the few files that are needed: a scan of some hundred processes is part of the agent's start.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ports::{self, Sockets};
use super::{Group, Process};

/// Variables that are always read: they name the service.
pub const SERVICE_VARIABLES: [&str; 2] = ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"];
/// Most bytes of an environment, or of any other file, that are read.
const MAX_FILE: u64 = 256 * 1024;
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
    ports: bool,
}

impl Proc {
    /// The `/proc` of this host. `variables` are read of each process's environment beside [`SERVICE_VARIABLES`];
    /// `ports` costs a look at every open file of every process.
    #[must_use]
    pub fn new<'a>(variables: impl IntoIterator<Item = &'a str>, ports: bool) -> Self {
        let variables = SERVICE_VARIABLES.into_iter().chain(variables).map(Box::from).collect();
        Self { root: "/proc".into(), variables, ports }
    }

    /// All processes but kernel threads and those that have exited.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        let Ok(entries) = fs::read_dir(&self.root) else {
            return Vec::new();
        };
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let mut groups = Groups::default();
        let mut processes: Vec<Process> = pids.filter_map(|pid| self.read(pid, &mut groups)).collect();
        follow_forks(&mut processes);
        if self.ports {
            self.read_ports(&mut processes);
        }
        processes
    }

    /// One process; `None` if it has gone.
    #[must_use]
    pub fn process(&self, pid: u32) -> Option<Process> {
        let mut process = self.read(pid, &mut Groups::default())?;
        while let Some(parent) = process.forked_from.last().copied()
            && process.forked_from.len() < MAX_FORKS
            && let Some(grandparent) = self.stat(parent).and_then(|stat| stat.forked_from())
        {
            process.forked_from.push(grandparent);
        }
        if self.ports {
            self.read_ports(std::slice::from_mut(&mut process));
        }
        Some(process)
    }

    /// When a process started, in clock ticks since boot.
    #[must_use]
    pub fn start_time(&self, pid: u32) -> Option<u64> {
        self.stat(pid).map(|stat| stat.start_time)
    }

    fn stat(&self, pid: u32) -> Option<Stat> {
        Stat::parse(&read(&self.directory(pid).join("stat"))?)
    }

    fn directory(&self, pid: u32) -> PathBuf {
        self.root.join(pid.to_string())
    }

    fn read(&self, pid: u32, groups: &mut Groups) -> Option<Process> {
        let directory = self.directory(pid);
        let stat = self.stat(pid)?;
        if stat.flags & KERNEL_THREAD != 0 || matches!(stat.state, 'Z' | 'X') {
            return None;
        }
        let status = read(&directory.join("status"));
        Some(Process {
            pid,
            parent: stat.parent,
            forked_from: stat.forked_from().into_iter().collect(),
            comm: stat.comm,
            exe: executable(&directory),
            user: status.as_deref().and_then(effective_user),
            start_time: Some(stat.start_time),
            group: groups.get(read(&directory.join("cgroup")).unwrap_or_default()),
            environment: self.environment(&directory),
            ..Process::default()
        })
    }

    fn environment(&self, directory: &Path) -> Arc<[(Box<str>, Box<str>)]> {
        let Some(block) = read(&directory.join("environ")) else {
            return Arc::default();
        };
        let variables = block.split('\0').filter_map(|entry| entry.split_once('='));
        variables
            .filter(|(name, _)| self.variables.iter().any(|wanted| &**wanted == *name))
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn read_ports(&self, processes: &mut [Process]) {
        let mut tables: HashMap<PathBuf, Sockets> = HashMap::new();
        for process in processes {
            let directory = self.directory(process.pid);
            let inodes = ports::socket_inodes(&directory);
            let Some(namespace) = (!inodes.is_empty()).then(|| fs::read_link(directory.join("ns/net")).ok()).flatten()
            else {
                continue;
            };
            // An empty table may be that of a process that went before it was read: ask its neighbour.
            let sockets = tables.entry(namespace).or_default();
            if sockets.is_empty() {
                *sockets = Sockets::read(&directory.join("net"));
            }
            for inode in inodes {
                if let Some(port) = sockets.listening(inode) {
                    Process::add_port(&mut process.listening, port);
                } else if let Some(port) = sockets.connected(inode) {
                    Process::add_port(&mut process.connected, port);
                }
            }
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

/// A file's text; what is not UTF-8 is replaced.
fn read(path: &Path) -> Option<String> {
    let mut bytes = Vec::with_capacity(1024);
    fs::File::open(path).ok()?.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Where `/proc/PID/exe` leads; the kernel marks files that were removed (as by an upgrade of a package).
fn executable(directory: &Path) -> Option<Arc<str>> {
    let target = fs::read_link(directory.join("exe")).ok()?;
    let text = String::from_utf8_lossy(target.as_os_str().as_bytes());
    Some(text.strip_suffix(" (deleted)").unwrap_or(&text).into())
}

/// The fields of `/proc/PID/stat` (proc_pid_stat(5)) that are needed.
struct Stat {
    comm: Box<str>,
    state: char,
    parent: u32,
    flags: u64,
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
            start_time: fields.nth(12)?.parse().ok()?,
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
        assert_eq!((stat.flags, stat.start_time), (4_194_560, 98765));
        assert!(Stat::parse("17 (a) S 3").is_none());
        assert!(Stat::parse("").is_none());
    }

    #[test]
    fn this_process_is_found() {
        let own = std::process::id();
        let found = Proc::new([], false).processes().into_iter().find(|process| process.pid == own).unwrap();
        assert_eq!(found.exe.as_deref(), std::env::current_exe().unwrap().to_str());
        assert_eq!(found.start_time, Proc::new([], false).start_time(own));
        assert!(found.user.is_some() && found.parent > 0 && found.generation == 0);
    }

    #[test]
    fn a_process_that_is_not_there() {
        assert_eq!(Proc::new([], true).process(u32::MAX), None);
    }
}
