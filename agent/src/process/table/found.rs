//! What is looked up of processes, and what was found: the table's questions and their answers.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Decision, ProcessTable};
use crate::event::{self, ProcessChange};
use crate::process::{Process, Published};

/// Most answers that wait for their events.
const MAX_EARLY: usize = 16 * 1024;

/// How closely to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// At everything. `file`: what was given to exec, if that is why.
    Whole {
        /// Path given to exec, or empty.
        file: Box<str>,
    },
    /// At the time at which it started.
    Start,
    /// At what its OpenTelemetry SDK publishes of it.
    Published,
}

/// A process to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Process id.
    pub pid: u32,
    /// Kernel time of the event that is the reason, ns; 0 for none.
    pub at_ns: u64,
    /// How closely.
    pub look: Look,
}

/// What a process was found to publish of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// When the process started, in clock ticks since boot.
    pub start_time: u64,
    /// When it was looked at, kernel time, ns.
    pub found_ns: u64,
    /// What it publishes, if it does.
    pub published: Option<Arc<Published>>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The process.
    Process(Box<Process>),
    /// When it started, in clock ticks since boot.
    Start(u64),
    /// What its OpenTelemetry SDK publishes of it; `None` if it could not be looked at.
    Published(Option<Said>),
    /// It had gone. `exe`: the executable that the path given to exec leads to, if it was asked for after one.
    Gone {
        /// Path of the executable.
        exe: Option<Arc<str>>,
    },
    /// All processes of the host; [`Found::at_ns`] is the time at which the look at them began.
    All(Vec<Process>),
}

/// The answer to an [`Ask`], or a scan.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Process id; 0 for a scan.
    pub pid: u32,
    /// As in [`Ask::at_ns`].
    pub at_ns: u64,
    /// What was found.
    pub what: What,
}

impl ProcessTable {
    /// What to look at because of an event that was seen but not handed out yet. Every [`Ask`] must be answered.
    #[must_use]
    pub fn look_at(&self, event: &event::Process) -> Option<Ask> {
        if !self.live || event.pid == self.own {
            return None;
        }
        let look = match &event.change {
            ProcessChange::Exec { file } => Look::Whole { file: file.clone() },
            ProcessChange::Fork { parent } if self.may_trace(*parent) => Look::Start,
            ProcessChange::Fork { .. } | ProcessChange::Exit => return None,
        };
        Some(Ask { pid: event.pid, at_ns: event.at_ns, look })
    }

    fn may_trace(&self, pid: u32) -> bool {
        self.entries.get(&pid).is_none_or(|entry| entry.decision() == Decision::Trace || entry.awaited)
    }

    /// Processes of events that are not known: to be looked at, each to be answered.
    pub fn asked(&mut self) -> impl Iterator<Item = Ask> {
        self.asks.drain(..).map(|pid| Ask { pid, at_ns: 0, look: Look::Whole { file: "".into() } })
    }

    /// Takes in what was found.
    pub fn learn(&mut self, found: Found) {
        if let What::All(processes) = found.what {
            return self.scanned(processes, found.at_ns);
        }
        if let What::Published(said) = found.what {
            return self.publishes(found.pid, said);
        }
        if found.at_ns == 0 {
            self.sought.remove(&found.pid);
        }
        let entry = self.entries.get(&found.pid);
        let changed_ns = entry.map_or(0, |entry| entry.changed_ns);
        if found.at_ns > changed_ns {
            if self.early.len() < MAX_EARLY || self.early.contains_key(&found.pid) {
                self.early.insert(found.pid, found);
            }
            return;
        }
        match found.what {
            What::Process(process) if found.at_ns == 0 && process.found_ns < changed_ns => {}
            What::Process(process) if found.at_ns == 0 => self.found(*process),
            // Another event has come since, with its own look.
            _ if found.at_ns != 0 && found.at_ns < changed_ns => {}
            What::Process(process) => self.looked_at(*process, found.at_ns),
            What::Start(time) => {
                if let Some(entry) = self.entries.get_mut(&found.pid) {
                    entry.process.start_time.get_or_insert(time);
                }
            }
            What::Gone { .. } if found.at_ns == 0 => self.counters.unknown += 1,
            What::Gone { exe } => self.gone(found.pid, exe, found.at_ns),
            What::Published(_) | What::All(_) => {}
        }
    }

    /// A process was found to publish this. What another program published there, or another process, says nothing of it.
    fn publishes(&mut self, pid: u32, said: Option<Said>) {
        let Some(Said { start_time, found_ns, published }) = said else { return };
        let Some(entry) = self.entries.get(&pid) else { return };
        let known = &entry.process;
        let is_settled = entry.exited_at.is_none() && !entry.awaited && found_ns > entry.changed_ns;
        let is_it = is_settled && known.start_time.is_none_or(|known| known == start_time);
        if is_it && known.published != published {
            let (known_ns, revision) = (known.found_ns, known.revision + 1);
            self.put(Process { published, revision, ..known.clone() }, false, known_ns);
        }
    }

    /// Enters all processes of the host: at the start, after lost process events, and now and then when users or
    /// command names are selected by (they change without an event). What an event told since `from_ns`, when the scan
    /// began, is newer.
    fn scanned(&mut self, processes: Vec<Process>, from_ns: u64) {
        let present: HashSet<u32> = processes.iter().map(|process| process.pid).collect();
        let is_old = |entry: &super::Entry| entry.changed_ns < from_ns && entry.process.found_ns < from_ns;
        let gone: Vec<u32> = self
            .entries
            .iter()
            .filter(|(pid, entry)| entry.exited_at.is_none() && !present.contains(pid) && is_old(entry))
            .map(|(pid, _)| *pid)
            .collect();
        gone.into_iter().for_each(|pid| self.exit(pid, from_ns));
        for process in processes {
            let known = self.entries.get(&process.pid);
            // One that exited meanwhile would come to life again.
            let is_newer = known.is_some_and(|entry| {
                entry.changed_ns >= from_ns || entry.exited_at.is_some_and(|at_ns| at_ns >= from_ns)
            });
            if !is_newer {
                self.found(process);
            }
        }
    }

    /// Enters a process as it was found (by a scan, or in a recording). What events told of the same process before
    /// is kept where reading it again cannot tell.
    pub fn insert(&mut self, process: Process) {
        self.found(process);
    }

    fn found(&mut self, mut process: Process) {
        let mut awaited = false;
        let is_it = |known: &Process| known.start_time.is_none() || known.start_time == process.start_time;
        if let Some(entry) = self.entries.get(&process.pid).filter(|entry| is_it(&entry.process)) {
            let known = &entry.process;
            // One that is just exiting has lost its executable, and what it was called with.
            if known.exe.is_some() && process.exe.is_none() {
                return;
            }
            if entry.exited_at.is_none() {
                awaited = entry.awaited;
                process.generation = known.generation + u32::from(known.exe != process.exe);
                process.seen_ns = known.seen_ns;
                process.revision = known.revision + u32::from(!known.same_facts(&process));
                if known.exe == process.exe {
                    process.forked_from.clone_from(&known.forked_from);
                    known.listening.iter().for_each(|port| _ = Process::add_port(&mut process.listening, *port));
                    known.connected.iter().for_each(|port| _ = Process::add_port(&mut process.connected, *port));
                }
            }
        }
        let known_ns = process.found_ns;
        self.put(process, awaited, known_ns);
    }
}
