//! The process table: what is known about each process, from `/proc` and from the kernel's events, and who is traced.
//!
//! Driven by events and their times, so that a replay decides as the live agent did. Processes that have exited are
//! kept for a while, because events about them arrive later. Bounded: beyond the limit new processes are refused and
//! counted.

mod exec;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};

use super::discovery::Proc;
use super::{Process, Selectors, Users};
use crate::event::{self, ProcessChange};

/// How long a process is kept after its exit, ns of event time.
pub const GRACE_NS: u64 = 10_000_000_000;
/// Default limit of the table, exited processes included.
pub const MAX_PROCESSES: usize = 32 * 1024;
/// Forks without exec that are remembered.
const MAX_FORKS: usize = 16;

/// Whether a process is traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It is a target.
    Trace,
    /// It is not.
    Ignore,
}

/// What the kernel's policy map must be told about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The policy of the process. [`Decision::Ignore`] may be an absent entry where that is the default.
    Set(Decision),
    /// It is no target whatever ports it uses: the kernel need not mark it for one.
    Refuse,
    /// It has exited: remove its entry. (Reported only when selectors are in force.)
    Remove,
}

/// A [`Change`] of a process, and what it is founded on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Process id.
    pub pid: u32,
    /// What the kernel must be told.
    pub change: Change,
    /// Kernel time of the newest event that the decision knows of, ns; 0 for none. The kernel may have seen a later one.
    pub known_ns: u64,
}

/// What the table could not do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Processes that were not entered because the table was full.
    pub refused: u64,
    /// Processes of events that neither the table nor `/proc` knew.
    pub unknown: u64,
}

#[derive(Debug)]
struct Entry {
    process: Process,
    decision: Decision,
    exited_at: Option<u64>,
}

/// Processes by id.
#[derive(Debug)]
pub struct ProcessTable {
    selectors: Selectors,
    users: Users,
    proc: Option<Proc>,
    own: u32,
    limit: usize,
    entries: HashMap<u32, Entry>,
    /// Exits in the order of their events: when, and who.
    exits: VecDeque<(u64, u32)>,
    changes: HashMap<u32, (Change, u64)>,
    counters: Counters,
}

impl ProcessTable {
    /// A table that reads `/proc` of this host and never selects the agent itself.
    #[must_use]
    pub fn live(selectors: Selectors) -> Self {
        let proc = Proc::new(selectors.variables(), selectors.uses_ports());
        let mut table = Self::replay(selectors.with_real_paths());
        table.own = std::process::id();
        table.users = Users::read();
        table.proc = Some(proc);
        table.changes.insert(table.own, (Change::Set(Decision::Ignore), 0));
        table
    }

    /// A table that knows only what events and [`Self::insert`] tell.
    #[must_use]
    pub fn replay(selectors: Selectors) -> Self {
        Self {
            selectors,
            users: Users::default(),
            proc: None,
            own: 0,
            limit: MAX_PROCESSES,
            entries: HashMap::new(),
            exits: VecDeque::new(),
            changes: HashMap::new(),
            counters: Counters::default(),
        }
    }

    /// Changes the limit of processes.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The policy of processes that no change was reported of.
    #[must_use]
    pub fn default_decision(&self) -> Decision {
        if self.selectors.select_all() { Decision::Trace } else { Decision::Ignore }
    }

    /// Whether what the selectors look at changes without an event, so that [`scan`](Self::scan) is needed now and then.
    #[must_use]
    pub fn drifts(&self) -> bool {
        self.selectors.drifts()
    }

    /// Reads all processes of the host: at the start, after lost process events, and now and then when users or
    /// command names are selected by (they change without an event). Returns how many there are.
    pub fn scan(&mut self, at_ns: u64) -> usize {
        let Some(processes) = self.proc.as_ref().map(Proc::processes) else {
            return 0;
        };
        let count = processes.len();
        let mut gone: Vec<u32> =
            self.entries.iter().filter(|(_, entry)| entry.exited_at.is_none()).map(|(pid, _)| *pid).collect();
        let present: std::collections::HashSet<u32> = processes.iter().map(|process| process.pid).collect();
        gone.retain(|pid| !present.contains(pid));
        gone.into_iter().for_each(|pid| self.exit(pid, at_ns));
        processes.into_iter().for_each(|process| self.found(process, at_ns));
        count
    }

    /// Enters a process as it was found (by a scan, or in a recording). What events told of the same process before
    /// is kept where reading it again cannot tell.
    pub fn insert(&mut self, process: Process) {
        self.found(process, 0);
    }

    fn found(&mut self, mut process: Process, known_ns: u64) {
        if let Some(known) = self.entries.get(&process.pid).filter(|entry| entry.exited_at.is_none()) {
            let known = &known.process;
            if known.start_time.is_none() || known.start_time == process.start_time {
                process.generation = known.generation + u32::from(known.exe != process.exe);
                process.seen_ns = known.seen_ns;
                if known.exe == process.exe {
                    process.forked_from.clone_from(&known.forked_from);
                    known.listening.iter().for_each(|port| _ = Process::add_port(&mut process.listening, *port));
                    known.connected.iter().for_each(|port| _ = Process::add_port(&mut process.connected, *port));
                }
            }
        }
        self.put(process, false, known_ns);
    }

    /// Follows a process event.
    pub fn apply(&mut self, event: &event::Process) {
        match &event.change {
            ProcessChange::Fork { parent } => self.fork(event, *parent),
            ProcessChange::Exec { file } => {
                let process = self.executed(event, file);
                self.put(process, true, event.at_ns);
            }
            ProcessChange::Exit => self.exit(event.pid, event.at_ns),
        }
    }

    /// A process began to listen on a port.
    pub fn listen(&mut self, pid: u32, port: u16) {
        self.port(pid, port, |process| &mut process.listening);
    }

    /// A process connected to a port, or accepted a connection on one.
    pub fn connected(&mut self, pid: u32, port: u16) {
        self.port(pid, port, |process| &mut process.connected);
    }

    /// Lets go of what exited long before this event time.
    pub fn advance(&mut self, now_ns: u64) {
        while let Some((at, pid)) = self.exits.front().copied() {
            if now_ns.saturating_sub(at) < GRACE_NS {
                break;
            }
            self.exits.pop_front();
            self.drop_exited(at, pid);
        }
    }

    /// Whether a process is traced. One that is not known yet is looked for in `/proc`.
    pub fn decision(&mut self, pid: u32) -> Decision {
        self.ensure(pid);
        match self.entries.get(&pid) {
            Some(entry) => entry.decision,
            None if pid == self.own => Decision::Ignore,
            None => self.default_decision(),
        }
    }

    /// What is known of a process. One that is not known yet is looked for in `/proc`.
    pub fn lookup(&mut self, pid: u32) -> Option<&Process> {
        self.ensure(pid);
        let entry = self.entries.get_mut(&pid)?;
        if entry.process.start_time.is_none() && entry.exited_at.is_none() {
            entry.process.start_time = self.proc.as_ref().and_then(|proc| proc.start_time(pid));
        }
        Some(&entry.process)
    }

    /// What is known of a process, without looking further.
    #[must_use]
    pub fn get(&self, pid: u32) -> Option<&Process> {
        self.entries.get(&pid).map(|entry| &entry.process)
    }

    /// All processes that are traced and have not exited.
    pub fn targets(&self) -> impl Iterator<Item = &Process> {
        let traced = |entry: &&Entry| entry.decision == Decision::Trace && entry.exited_at.is_none();
        self.entries.values().filter(traced).map(|entry| &entry.process)
    }

    /// What the kernel must be told since the last call; the latest for each process.
    pub fn changes(&mut self) -> impl Iterator<Item = Order> {
        self.changes.drain().map(|(pid, (change, known_ns))| Order { pid, change, known_ns })
    }

    /// What could not be done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Number of processes, those that exited lately included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no process is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn ensure(&mut self, pid: u32) {
        if pid == 0 || self.entries.contains_key(&pid) {
            return;
        }
        match self.proc.as_ref().and_then(|proc| proc.process(pid)) {
            Some(process) => self.put(process, false, 0),
            None => self.counters.unknown += 1,
        }
    }

    fn evaluate(&mut self, process: &Process) -> Decision {
        if self.own != 0 && (process.pid == self.own || process.forked_from.contains(&self.own)) {
            return Decision::Ignore;
        }
        if self.selectors.select_all() {
            return Decision::Trace;
        }
        if let Some(user) = process.user {
            self.users.learn(user);
        }
        if self.selectors.matches(process, &self.users) { Decision::Trace } else { Decision::Ignore }
    }

    /// Enters a process and reports its decision if the kernel does not have it. `undecided`: the kernel waits for it.
    /// `known_ns`: time of the event that it is founded on.
    fn put(&mut self, process: Process, undecided: bool, known_ns: u64) {
        let decision = self.evaluate(&process);
        let pid = process.pid;
        let before = match self.entries.get(&pid) {
            Some(entry) if entry.exited_at.is_none() => entry.decision,
            _ => self.default_decision(),
        };
        // The kernel waits for decisions only when selectors are in force.
        if before != decision || (undecided && !self.selectors.select_all()) {
            self.changes.insert(pid, (Change::Set(decision), known_ns));
        }
        if !self.entries.contains_key(&pid) && self.entries.len() >= self.limit {
            match self.exits.pop_front() {
                Some((at, oldest)) => self.drop_exited(at, oldest),
                None => {
                    self.counters.refused += 1;
                    return;
                }
            }
        }
        self.entries.insert(pid, Entry { process, decision, exited_at: None });
    }

    fn fork(&mut self, event: &event::Process, parent: u32) {
        let known = self.entries.get(&event.pid).filter(|entry| entry.exited_at.is_none());
        let start_time = known.and_then(|entry| entry.process.start_time);
        if start_time.is_some() && self.proc.as_ref().and_then(|proc| proc.start_time(event.pid)) == start_time {
            return; // A scan was quicker and knows more.
        }
        self.ensure(parent);
        let Some(parent) = self.entries.get(&parent).map(|entry| &entry.process) else {
            return self.ensure(event.pid);
        };
        let mut process = Process {
            pid: event.pid,
            parent: parent.pid,
            comm: event.comm.clone(),
            user: Some(event.user),
            start_time: None,
            seen_ns: event.at_ns,
            generation: 0,
            ..parent.clone()
        };
        process.forked_from.insert(0, parent.pid);
        process.forked_from.truncate(MAX_FORKS);
        self.put(process, true, event.at_ns);
    }

    fn exit(&mut self, pid: u32, at_ns: u64) {
        if !self.selectors.select_all() {
            self.changes.insert(pid, (Change::Remove, at_ns));
        }
        if let Some(entry) = self.entries.get_mut(&pid).filter(|entry| entry.exited_at.is_none()) {
            entry.exited_at = Some(at_ns);
            self.exits.push_back((at_ns, pid));
        }
    }

    /// Drops a process unless its id was taken by another since that exit.
    fn drop_exited(&mut self, at: u64, pid: u32) {
        if self.entries.get(&pid).is_some_and(|entry| entry.exited_at == Some(at)) {
            self.entries.remove(&pid);
        }
    }

    fn port(&mut self, pid: u32, port: u16, list: impl FnOnce(&mut Process) -> &mut Vec<u16>) {
        self.ensure(pid);
        let Some(entry) = self.entries.get_mut(&pid) else {
            return;
        };
        let is_new = Process::add_port(list(&mut entry.process), port);
        if !self.selectors.uses_ports() || entry.exited_at.is_some() {
            return;
        }
        if is_new {
            let process = entry.process.clone();
            self.put(process, false, 0);
        }
        self.refuse(pid);
    }

    /// The kernel marks whoever uses a port that a selector names, again at each connect. Who can never be selected is
    /// not worth the records of all its calls.
    fn refuse(&mut self, pid: u32) {
        let Some(entry) = self.entries.get(&pid).filter(|entry| entry.decision == Decision::Ignore) else { return };
        if pid != self.own && !self.selectors.could_match(&entry.process, &self.users) {
            self.changes.insert(pid, (Change::Refuse, 0));
        }
    }
}
