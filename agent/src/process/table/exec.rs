//! What a process is after it executed a program: what was found in `/proc`, or, when it was too short-lived for that,
//! what the event itself tells.

use std::sync::Arc;

use wirespan_common::record::MAX_EXECUTABLE;

use super::{Change, Decision, Found, ProcessTable, What};
use crate::event;
use crate::process::Process;

/// How long an answer is waited for, ns of event time.
const PATIENCE_NS: u64 = 2_000_000_000;

impl ProcessTable {
    /// Follows an exec.
    pub(super) fn exec(&mut self, event: &event::Process, file: &str) {
        let mut process = self.told(event, file);
        match self.early_answer(event) {
            Some(What::Process(found)) => process = merged(process, *found),
            Some(What::Gone { exe }) => process.exe = exe.or(process.exe),
            Some(What::Start(_) | What::Published(_) | What::All(_)) => {}
            None if self.live && event.pid != self.own => return self.wait(process, event),
            None => {}
        }
        self.put(process, true, event.at_ns);
        self.changed(event, false);
    }

    /// Enters what the event tells until the process was looked at. The kernel keeps tracing it meanwhile.
    fn wait(&mut self, process: Process, event: &event::Process) {
        let pid = process.pid;
        let before = self.changes.get(&pid).copied();
        self.put(process, true, event.at_ns);
        self.changed(event, true);
        self.waiting.push_back((event.at_ns, pid));
        if self.changes.get(&pid).is_some_and(|(change, _)| *change == Change::Set(Decision::Ignore)) {
            match before {
                Some(before) => self.changes.insert(pid, before),
                None => self.changes.remove(&pid),
            };
        }
    }

    /// Decides by what is known where no answer came until this event time.
    pub(super) fn decide_overdue(&mut self, now_ns: u64) {
        while let Some((at_ns, pid)) = self.waiting.front().copied() {
            if now_ns.saturating_sub(at_ns) < PATIENCE_NS {
                break;
            }
            self.waiting.pop_front();
            if self.entries.get(&pid).is_some_and(|entry| entry.changed_ns == at_ns) {
                self.gone(pid, None, at_ns);
            }
        }
    }

    /// A process was looked at after the exec at `at_ns`, which is known already.
    pub(super) fn looked_at(&mut self, found: Process, at_ns: u64) {
        let Some(entry) = self.entries.get(&found.pid) else { return };
        let mut process = merged(entry.process.clone(), found);
        if entry.exited_at.is_none() {
            return self.put(process, true, at_ns);
        }
        // Events of it may still come. The kernel has done with it.
        self.place(&mut process);
        self.evaluate(&mut process);
        if let Some(entry) = self.entries.get_mut(&process.pid)
            && process.text_bytes() <= self.max_texts - self.texts
        {
            self.texts -= entry.texts;
            entry.texts = process.text_bytes();
            self.texts += entry.texts;
            entry.process = process;
        }
    }

    /// A process had gone when it was looked at after the exec at `at_ns`, which is known already.
    pub(super) fn gone(&mut self, pid: u32, exe: Option<Arc<str>>, at_ns: u64) {
        let Some(entry) = self.entries.get(&pid).filter(|entry| entry.awaited && entry.exited_at.is_none()) else {
            return;
        };
        let mut process = entry.process.clone();
        process.revision += u32::from(exe.is_some() && exe != process.exe);
        process.exe = exe.or(process.exe);
        self.put(process, true, at_ns);
    }

    /// Remembers the last event of a process.
    pub(super) fn changed(&mut self, event: &event::Process, awaited: bool) {
        if let Some(entry) = self.entries.get_mut(&event.pid) {
            entry.changed_ns = event.at_ns;
            entry.awaited = awaited;
        }
    }

    /// What was found because of this event, before it was handed out.
    fn early_answer(&mut self, event: &event::Process) -> Option<What> {
        let Found { at_ns, what, .. } = self.early.remove(&event.pid)?;
        if at_ns > event.at_ns {
            // That of a later one.
            self.early.insert(event.pid, Found { pid: event.pid, at_ns, what });
            return None;
        }
        (at_ns == event.at_ns).then_some(what)
    }

    /// When a forked process started, if that was found.
    pub(super) fn early_start(&mut self, event: &event::Process) -> Option<u64> {
        match self.early_answer(event)? {
            What::Start(time) => Some(time),
            What::Process(_) | What::Published(_) | What::Gone { .. } | What::All(_) => None,
        }
    }

    /// The process after its exec, as the event tells.
    fn told(&self, event: &event::Process, file: &str) -> Process {
        let known = self.entries.get(&event.pid).filter(|entry| entry.exited_at.is_none()).map(|entry| &entry.process);
        let before = known.cloned().unwrap_or_default();
        Process {
            pid: event.pid,
            comm: event.comm.clone(),
            exe: given(file),
            user: Some(event.user),
            user_name: None,
            seen_ns: known.map_or(event.at_ns, |process| process.seen_ns),
            generation: before.generation + 1,
            revision: 0,
            // Another environment may have been given to it, and which sockets it kept is not known.
            command_line: None,
            environment: Arc::default(),
            program: Arc::default(),
            published: None,
            listening: Vec::new(),
            connected: Vec::new(),
            forked_from: Vec::new(),
            ..before
        }
    }
}

/// What was found of a process, and what only its events tell.
fn merged(told: Process, found: Process) -> Process {
    let Process { generation, seen_ns, listening, connected, .. } = told;
    let revision = told.revision + 1;
    // One that is just exiting has lost its executable, but still a line in the table.
    let exe = found.exe.clone().or(told.exe);
    let mut process = Process { generation, seen_ns, revision, exe, ..found };
    listening.into_iter().for_each(|port| _ = Process::add_port(&mut process.listening, port));
    connected.into_iter().for_each(|port| _ = Process::add_port(&mut process.connected, port));
    process
}

/// The path given to exec, unless it was cut off or leads through the process itself (`/dev/fd/3`, `/proc/self/exe`), which is another one for
/// whoever follows it.
pub(crate) fn given(file: &str) -> Option<Arc<str>> {
    let is_own = ["/dev/fd/", "/proc/self/", "/proc/thread-self/"].iter().any(|own| file.starts_with(own));
    (!file.is_empty() && file.len() < MAX_EXECUTABLE - 1 && !is_own).then(|| file.into())
}

#[cfg(test)]
mod tests {
    use super::given;

    #[test]
    fn a_path_through_the_process_itself_names_nothing() {
        assert_eq!(given("/usr/bin/curl").as_deref(), Some("/usr/bin/curl"));
        for file in ["", "/dev/fd/3", "/proc/self/exe", "/proc/thread-self/exe"] {
            assert_eq!(given(file), None, "{file}");
        }
    }
}
