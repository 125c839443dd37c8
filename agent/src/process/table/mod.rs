//! The process table: what is known about each process, from `/proc` and from the kernel's events, and who is traced.
//!
//! Driven by events, their times and what is [`Found`] elsewhere, so that a replay decides as the live agent did. It
//! reads nothing itself: it says what must be looked at ([`ProcessTable::look_at`], [`ProcessTable::asked`]). Processes
//! that have exited are kept for a while, because events about them arrive later. Bounded, in processes and in bytes of
//! what they say about themselves: beyond the limits new processes are refused and counted.

mod containers;
mod counters;
mod exec;
mod found;
#[cfg(test)]
mod found_tests;
mod judging;
mod keep;
#[cfg(test)]
mod tests;
mod why;

use std::collections::{HashMap, HashSet, VecDeque};

use containers::Containers;
pub use counters::Counters;
pub(crate) use exec::given;
pub use found::{Ask, Found, Look, Said, What};

use super::{Process, Rules, Users, Verdict};
use crate::event::{self, ProcessChange};

/// How long a process is kept after its exit, ns of event time.
pub const GRACE_NS: u64 = 10_000_000_000;
/// Default limit of the table, exited processes included.
pub const MAX_PROCESSES: usize = 32 * 1024;
/// Most bytes of texts that processes chose themselves, all of them together.
pub const MAX_TEXTS: usize = 12 << 20;
/// The parent of all kernel threads.
const KERNEL_THREADS: u32 = 2;
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

impl Decision {
    fn of(verdict: Verdict) -> Self {
        if verdict.traced { Self::Trace } else { Self::Ignore }
    }
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

#[derive(Debug)]
struct Entry {
    process: Process,
    exited_at: Option<u64>,
    /// Time of the last fork or exec that is known, ns.
    changed_ns: u64,
    /// Whether what it executed is being looked at: until then the kernel keeps it undecided.
    awaited: bool,
    /// Its share of the texts of all.
    texts: usize,
}

impl Entry {
    fn decision(&self) -> Decision {
        Decision::of(self.process.verdict)
    }
}

/// Processes by id.
#[derive(Debug)]
pub struct ProcessTable {
    rules: Rules,
    users: Users,
    /// Whether somebody looks at what the table asks for.
    live: bool,
    own: u32,
    limit: usize,
    texts: usize,
    max_texts: usize,
    entries: HashMap<u32, Entry>,
    /// Exits in the order of their events: when, and who.
    exits: VecDeque<(u64, u32)>,
    changes: HashMap<u32, (Change, u64)>,
    counters: Counters,
    containers: Containers,
    /// What was found of events that have not come yet.
    early: HashMap<u32, Found>,
    /// Processes that are looked at, in the order of their execs: when, and who.
    waiting: VecDeque<(u64, u32)>,
    /// Processes that are being looked for, and those that are to be.
    sought: HashSet<u32>,
    asks: Vec<u32>,
    /// Processes that are no longer kept.
    dropped: Vec<u32>,
    /// Targets whose program was looked at, since the last call of [`ProcessTable::programs`].
    programs: Vec<u32>,
}

impl ProcessTable {
    /// The table of this host, which never selects the agent itself.
    #[must_use]
    pub fn live(rules: impl Into<Rules>) -> Self {
        let mut table = Self::replay(rules);
        table.own = std::process::id();
        table.users = Users::read();
        table.live = true;
        table.changes.insert(table.own, (Change::Set(Decision::Ignore), 0));
        table
    }

    /// A table that knows only what events and [`Self::insert`] tell.
    #[must_use]
    pub fn replay(rules: impl Into<Rules>) -> Self {
        Self {
            rules: rules.into(),
            users: Users::default(),
            live: false,
            own: 0,
            limit: MAX_PROCESSES,
            texts: 0,
            max_texts: MAX_TEXTS,
            entries: HashMap::new(),
            exits: VecDeque::new(),
            changes: HashMap::new(),
            counters: Counters::default(),
            containers: Containers::default(),
            early: HashMap::new(),
            waiting: VecDeque::new(),
            sought: HashSet::new(),
            asks: Vec::new(),
            dropped: Vec::new(),
            programs: Vec::new(),
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
        if self.rules.select_all() { Decision::Trace } else { Decision::Ignore }
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether what the selectors look at changes without an event, so that a scan is needed now and then.
    #[must_use]
    pub fn drifts(&self) -> bool {
        self.rules.drifts()
    }

    /// Follows a process event.
    pub fn apply(&mut self, event: &event::Process) {
        match &event.change {
            ProcessChange::Fork { parent } => self.fork(event, *parent),
            ProcessChange::Exec { file } => self.exec(event, file),
            ProcessChange::Exit => self.exit(event.pid, event.at_ns),
        }
    }

    /// A process began to listen on a port. At its first one it is looked at once more, if that may tell more.
    pub fn listen(&mut self, pid: u32, port: u16) {
        self.port(pid, port, |process| &mut process.listening);
        let is_new = self.entries.get(&pid).is_some_and(|entry| {
            let process = &entry.process;
            entry.decision() == Decision::Trace && process.program.is_starting() && process.listening == [port]
        });
        if is_new && self.live && self.sought.len() < self.limit && self.sought.insert(pid) {
            self.asks.push(pid);
        }
    }

    /// A process connected to a port, or accepted a connection on one.
    pub fn connected(&mut self, pid: u32, port: u16) {
        self.port(pid, port, |process| &mut process.connected);
    }

    /// Lets go of what exited long before this event time.
    pub fn advance(&mut self, now_ns: u64) {
        self.decide_overdue(now_ns);
        while let Some((at, pid)) = self.exits.front().copied() {
            if now_ns.saturating_sub(at) < GRACE_NS {
                break;
            }
            self.exits.pop_front();
            self.drop_exited(at, pid);
        }
    }

    /// Whether a process is traced. One that is not known yet is asked for, and has the default until it is.
    pub fn decision(&mut self, pid: u32) -> Decision {
        self.ensure(pid);
        match self.entries.get(&pid) {
            Some(entry) => entry.decision(),
            None if pid == self.own => Decision::Ignore,
            None => self.default_decision(),
        }
    }

    /// What is known of a process. One that is not known yet is asked for.
    pub fn lookup(&mut self, pid: u32) -> Option<&Process> {
        self.ensure(pid);
        self.get(pid)
    }

    /// What is known of a process, without looking further.
    #[must_use]
    pub fn get(&self, pid: u32) -> Option<&Process> {
        self.entries.get(&pid).map(|entry| &entry.process)
    }

    /// All processes that are traced and have not exited.
    pub fn targets(&self) -> impl Iterator<Item = &Process> {
        let traced = |entry: &&Entry| entry.decision() == Decision::Trace && entry.exited_at.is_none();
        self.entries.values().filter(traced).map(|entry| &entry.process)
    }

    /// All processes that have not exited.
    pub fn all(&self) -> impl Iterator<Item = &Process> {
        self.entries.values().filter(|entry| entry.exited_at.is_none()).map(|entry| &entry.process)
    }

    /// What the kernel must be told since the last call; the latest for each process.
    pub fn changes(&mut self) -> impl Iterator<Item = Order> {
        self.changes.drain().map(|(pid, (change, known_ns))| Order { pid, change, known_ns })
    }

    /// Targets whose program was looked at since the last call, or what it publishes.
    pub fn programs(&mut self) -> impl Iterator<Item = &Process> {
        let found = std::mem::take(&mut self.programs);
        found.into_iter().filter_map(|pid| self.get(pid))
    }

    /// Processes that are no longer kept, since the last call.
    pub fn dropped(&mut self) -> impl Iterator<Item = u32> {
        self.dropped.drain(..)
    }

    /// What could not be done.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes over what whoever looks at processes could not do.
    pub fn count_looks(&mut self, given_up: u64, refused: u64) {
        (self.counters.looks_given_up, self.counters.looks_refused) = (given_up, refused);
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
        if !self.live {
            self.counters.unknown += 1;
        } else if pid != self.own && self.sought.len() < self.limit && self.sought.insert(pid) {
            self.asks.push(pid);
        }
    }

    fn fork(&mut self, event: &event::Process, parent: u32) {
        let start_time = self.early_start(event);
        let known = self.entries.get(&event.pid).filter(|entry| entry.exited_at.is_none());
        if known.is_some_and(|entry| entry.process.start_time.is_some() && entry.process.found_ns >= event.at_ns) {
            return; // A scan was quicker and knows more.
        }
        if self.live && parent == KERNEL_THREADS {
            return;
        }
        self.ensure(parent);
        let Some(Entry { process: parent, awaited, .. }) = self.entries.get(&parent) else {
            return self.ensure(event.pid);
        };
        // What its parent executed is not known yet, and will not be told to the child.
        let awaited = *awaited;
        let mut process = Process {
            pid: event.pid,
            parent: parent.pid,
            comm: event.comm.clone(),
            user: Some(event.user),
            user_name: None,
            start_time,
            found_ns: 0,
            seen_ns: event.at_ns,
            generation: 0,
            revision: 0,
            // The mapping is not inherited.
            published: None,
            ..parent.clone()
        };
        process.forked_from.insert(0, parent.pid);
        process.forked_from.truncate(MAX_FORKS);
        if awaited && self.sought.len() < self.limit && self.sought.insert(event.pid) {
            self.asks.push(event.pid);
        }
        self.put(process, true, event.at_ns);
        self.changed(event, false);
    }

    fn exit(&mut self, pid: u32, at_ns: u64) {
        if !self.rules.select_all() {
            self.changes.insert(pid, (Change::Remove, at_ns));
        }
        if let Some(entry) = self.entries.get_mut(&pid).filter(|entry| entry.exited_at.is_none()) {
            entry.exited_at = Some(at_ns);
            self.exits.push_back((at_ns, pid));
        }
    }

    fn port(&mut self, pid: u32, port: u16, list: impl FnOnce(&mut Process) -> &mut Vec<u16>) {
        self.ensure(pid);
        let Some(entry) = self.entries.get_mut(&pid) else {
            return;
        };
        let is_new = Process::add_port(list(&mut entry.process), port);
        if !self.rules.uses_ports() || entry.exited_at.is_some() {
            return;
        }
        if is_new {
            let process = entry.process.clone();
            self.put(process, false, 0);
        }
        self.refuse(pid);
    }

    /// The kernel waits for a decision that it should have had: what is known now has to do.
    pub fn remind(&mut self, pid: u32, now_ns: u64) {
        let decision = self.decision(pid);
        self.changes.insert(pid, (Change::Set(decision), now_ns));
    }

    /// Whether selectors look at ports.
    #[must_use]
    pub fn uses_ports(&self) -> bool {
        self.rules.uses_ports()
    }

    /// Whether a selector names the port.
    #[must_use]
    pub fn names_port(&self, port: u16) -> bool {
        self.rules.names_port(port)
    }

    /// The kernel marks whoever uses a port that a selector names, again at each connect. Who can never be selected is
    /// not worth the records of all its calls.
    fn refuse(&mut self, pid: u32) {
        let Some(entry) = self.entries.get(&pid).filter(|entry| entry.decision() == Decision::Ignore) else { return };
        if pid != self.own && !self.rules.could_match(&entry.process, &self.users) {
            self.changes.insert(pid, (Change::Refuse, 0));
        }
    }
}
