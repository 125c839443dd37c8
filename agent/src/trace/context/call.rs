//! Something that is asked of others.

use wirespan_protocols::stream::Actor;

/// A call as the one who made it sees it.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Over which connection.
    pub connection: u64,
    /// Who made it.
    pub actor: Actor,
    /// When it began, ns.
    pub start_ns: u64,
    /// When it was answered, ns; `None` where that says nothing about who waited.
    pub end_ns: Option<u64>,
    /// The runtime has said who asks, at the time when he did: nothing waited before for somebody else.
    pub is_said: bool,
}
