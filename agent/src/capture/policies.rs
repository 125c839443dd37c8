//! Which processes the kernel programs trace.

use super::reader::monotonic_ns;
use aya::maps::{Array, HashMap, MapData, MapError};
use wirespan_common::record::{POLICY_PENDING, policy_kind, policy_ns, policy_word, settles};

/// What user space decided, beside what the kernel saw ([`wirespan_common::record::settles`] says which of the two
/// counts), and the time of the last change by which the kernel programs know that an answer is old.
pub struct Policies {
    decisions: HashMap<MapData, u32, u64>,
    marks: HashMap<MapData, u32, u64>,
    change: Array<MapData, u64>,
    refused: u64,
}

impl Policies {
    /// Of the maps `DECISIONS`, `MARKS` and `POLICY_CHANGE`.
    pub const fn new(
        decisions: HashMap<MapData, u32, u64>,
        marks: HashMap<MapData, u32, u64>,
        change: Array<MapData, u64>,
    ) -> Self {
        Self { decisions, marks, change, refused: 0 }
    }

    /// Sets the policy of a process (`POLICY_`), founded on what was known at `known_ns`: what the kernel saw of it later
    /// counts more. A full map is counted; the process then keeps what the kernel saw, or the default.
    pub fn decide(&mut self, pid: u32, policy: u32, known_ns: u64) {
        if self.decisions.insert(pid, policy_word(policy, known_ns), 0).is_err() {
            self.refused += 1;
        }
        self.changed();
    }

    /// Takes the decision about a process away.
    pub fn remove(&mut self, pid: u32) {
        if self.decisions.remove(&pid).is_ok() {
            self.changed();
        }
    }

    /// Processes that executed a program before `before_ns` and still wait for a decision: the record that tells of it
    /// was lost.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn waiting(&self, before_ns: u64) -> Result<Vec<u32>, MapError> {
        let mut waiting = Vec::new();
        for entry in self.marks.iter() {
            let (pid, mark) = entry?;
            if policy_kind(mark) == POLICY_PENDING
                && policy_ns(mark) < before_ns
                && !self.decisions.get(&pid, 0).is_ok_and(|decision| settles(decision, mark))
            {
                waiting.push(pid);
            }
        }
        Ok(waiting)
    }

    /// Decisions that the map had no room for.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// After the change itself: an answer that is given in between is an old one.
    pub(super) fn changed(&mut self) {
        // An array always has its one entry.
        let _ = self.change.set(0, monotonic_ns(), 0);
    }
}
