//! What is kept, and what goes when there is no more room.

use std::sync::Arc;

use super::{Change, Decision, Entry, ProcessTable};
use crate::process::Process;

impl ProcessTable {
    /// Enters a process and reports its decision if the kernel does not have it. `undecided`: the kernel waits for it.
    /// `known_ns`: time of the event that it is founded on.
    pub(super) fn put(&mut self, mut process: Process, undecided: bool, known_ns: u64) {
        self.place(&mut process);
        let decision = self.evaluate(&mut process);
        let pid = process.pid;
        let before = self.entries.get(&pid).filter(|entry| entry.exited_at.is_none());
        // Another rule says something else of it.
        process.revision += u32::from(before.is_some_and(|entry| entry.process.verdict != process.verdict));
        let (was, changed_ns) =
            before.map_or((self.default_decision(), 0), |entry| (entry.decision(), entry.changed_ns));
        // The kernel waits for decisions only when selectors are in force.
        if was != decision || (undecided && !self.rules.select_all()) {
            self.changes.insert(pid, (Change::Set(decision), known_ns));
        }
        self.texts -= self.entries.get(&pid).map_or(0, |entry| entry.texts);
        if let Some(entry) = self.entries.get_mut(&pid) {
            entry.texts = 0;
        }
        if decision == Decision::Ignore && !self.rules.could_match(&process, &self.users) {
            // Nobody will ask what it says of itself.
            process.environment = Arc::default();
            process.command_line = None;
            process.program = Arc::default();
            process.published = None;
        }
        if !self.make_room(&process) {
            return;
        }
        let texts = process.text_bytes();
        if self.texts + texts > self.max_texts {
            self.counters.texts_refused += 1;
            process.forget_texts();
        }
        let texts = process.text_bytes();
        self.texts += texts;
        if self.live && decision == Decision::Trace {
            self.programs.push(pid);
        }
        self.counters.containers_refused += u64::from(!self.containers.enter(&process));
        let entry = Entry { process, exited_at: None, changed_ns, awaited: false, texts };
        if let Some(before) = self.entries.insert(pid, entry) {
            self.left_its_container(&before.process);
        }
    }

    /// Decides about a process anew: what was there before its events has changed.
    pub(super) fn again(&mut self, mut process: Process) {
        let (pid, known_ns) = (process.pid, process.found_ns);
        let Some(entry) = self.entries.get(&pid) else { return };
        let Entry { changed_ns, awaited, exited_at, .. } = *entry;
        if exited_at.is_some() {
            self.evaluate(&mut process);
            if let Some(entry) = self.entries.get_mut(&pid) {
                entry.process = process;
            }
            return;
        }
        self.put(process, false, known_ns.max(changed_ns));
        if let Some(entry) = self.entries.get_mut(&pid) {
            entry.awaited = awaited;
        }
    }

    /// Lets the oldest of those that have exited go until there is room. `false`, counted, if there is none.
    fn make_room(&mut self, process: &Process) -> bool {
        while self.texts + process.text_bytes() > self.max_texts
            && let Some((at, oldest)) = self.exits.pop_front()
        {
            self.drop_exited(at, oldest);
        }
        while !self.entries.contains_key(&process.pid) && self.entries.len() >= self.limit {
            let Some((at, oldest)) = self.exits.pop_front() else {
                self.counters.refused += 1;
                return false;
            };
            self.drop_exited(at, oldest);
        }
        true
    }

    /// Drops a process unless its id was taken by another since that exit.
    pub(super) fn drop_exited(&mut self, at: u64, pid: u32) {
        if self.entries.get(&pid).is_some_and(|entry| entry.exited_at == Some(at))
            && let Some(entry) = self.entries.remove(&pid)
        {
            self.texts -= entry.texts;
            self.left_its_container(&entry.process);
            self.dropped.push(pid);
        }
    }
}
