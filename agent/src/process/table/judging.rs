//! Who is traced, by the rules, which may change while processes run.

use super::{Change, Decision, ProcessTable};
use crate::process::rules::Reason;
use crate::process::{Process, Rules, Verdict};

impl ProcessTable {
    pub(super) fn evaluate(&mut self, process: &mut Process) -> Decision {
        process.verdict = self.judge(process);
        Decision::of(process.verdict)
    }

    fn judge(&mut self, process: &Process) -> Verdict {
        if self.is_own(process) {
            return Verdict { traced: false, reason: Reason::Own };
        }
        if let (Some(user), Some(name)) = (process.user, &process.user_name) {
            self.users.add(user, name);
        }
        self.rules.judge(process, &self.users)
    }

    /// Whether a process is the agent, or works for it.
    fn is_own(&self, process: &Process) -> bool {
        self.own != 0 && (process.pid == self.own || process.forked_from.contains(&self.own))
    }

    /// Decides about all processes by other rules. What must be read of processes for these is looked at later: whoever looks must
    /// [`follow`](crate::resolve::Resolver::follow) them, too. Every decision is reported, whatever the kernel knew before.
    pub fn reselect(&mut self, rules: impl Into<Rules>) {
        self.rules = rules.into();
        let pids: Vec<u32> = self.entries.keys().copied().collect();
        for pid in pids {
            let Some(entry) = self.entries.get(&pid) else { continue };
            let known_ns = entry.process.found_ns.max(entry.changed_ns);
            let is_decided = entry.exited_at.is_none() && !entry.awaited;
            // The same place among other rules says something else.
            let process = Process { revision: entry.process.revision + 1, ..entry.process.clone() };
            self.again(process);
            if is_decided && let Some(entry) = self.entries.get(&pid) {
                self.changes.insert(pid, (Change::Set(entry.decision()), known_ns));
            }
        }
        self.changes.insert(self.own, (Change::Set(Decision::Ignore), 0));
    }
}
