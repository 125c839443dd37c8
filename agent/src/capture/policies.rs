//! Which processes the kernel programs trace.

use super::reader::monotonic_ns;
use aya::maps::{Array, HashMap, MapData, MapError};
use wirespan_common::record::{POLICY_IGNORE, POLICY_PORT, is_pending_since};

/// The kernel's map of policies, and the time of their last change by which its programs know that an answer is old.
pub struct Policies {
    policies: HashMap<MapData, u32, u32>,
    change: Array<MapData, u64>,
}

impl Policies {
    /// Of the maps `POLICIES` and `POLICY_CHANGE`.
    pub const fn new(policies: HashMap<MapData, u32, u32>, change: Array<MapData, u64>) -> Self {
        Self { policies, change }
    }

    /// Sets the policy of a process (`POLICY_`). A full map is reported by the error; the process then keeps the default.
    ///
    /// # Errors
    /// When the map refuses.
    pub fn set(&mut self, pid: u32, policy: u32) -> Result<(), MapError> {
        self.policies.insert(pid, policy, 0)?;
        self.changed()
    }

    /// Takes the policy of a process away, unless the kernel has seen it use a port that a selector names, or execute
    /// another program after `known_ns`: then the event that tells so is under way, and a decision made without it does
    /// not count.
    pub fn release(&mut self, pid: u32, known_ns: u64) {
        match self.policies.get(&pid, 0) {
            Ok(POLICY_PORT) => {}
            Ok(policy) if is_pending_since(policy, known_ns) => {}
            Ok(_) => _ = self.remove(pid),
            // There is none.
            Err(_) => {}
        }
    }

    /// Ignores a process even if it uses a port that a selector names, until it executes another program.
    pub fn refuse(&mut self, pid: u32) {
        match self.policies.get(&pid, 0) {
            // It just did: the event that tells so is under way.
            Ok(policy) if is_pending_since(policy, 0) => {}
            // A full map only costs what this would save.
            Ok(_) | Err(_) => _ = self.set(pid, POLICY_IGNORE),
        }
    }

    /// Takes the policy of a process away: it has the default then.
    ///
    /// # Errors
    /// When there was none.
    pub fn remove(&mut self, pid: u32) -> Result<(), MapError> {
        self.policies.remove(&pid)?;
        self.changed()
    }

    /// After the change itself: an answer that is given in between is an old one.
    fn changed(&mut self) -> Result<(), MapError> {
        self.change.set(0, monotonic_ns(), 0)
    }
}
