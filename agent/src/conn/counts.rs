//! What the tracker counts.

use wirespan_protocols::session::Reason;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Connections seen.
    pub connections: u64,
    /// Connections that were none of our protocols, nor encrypted.
    pub foreign: u64,
    /// Connections that are encrypted.
    pub encrypted: u64,
    /// Those of them of which it is known what is inside, by the protocol's place in the registry.
    pub encrypted_inside: Vec<u64>,
    /// Connections not followed because of the limit on connections.
    pub refused: u64,
    /// Connections dropped because of the limit on memory.
    pub evicted: u64,
    /// Silent connections forgotten to make room for others.
    pub crowded_out: u64,
    /// Data of connections that were never announced, or are over.
    pub orphans: u64,
    /// By [`Reason`], over all sessions.
    pub reasons: [u64; Reason::ALL.len()],
}
