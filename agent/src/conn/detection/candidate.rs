//! What a connection that was joined midway may be speaking.

use crate::event::Flow;
use wirespan_protocols::protocol::{Context, Probe, Protocol, Registry, Verdict};
use wirespan_protocols::stream::Direction;

/// A protocol that one side seems to speak: it is believed if the other side agrees.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub(super) protocol: &'static Protocol,
    pub(super) flow: Flow,
    pub(super) direction: Direction,
    /// It may be the beginning of the connection.
    pub(super) begins: bool,
}

impl Candidate {
    /// Whether what came from the other side is of the same protocol; `None`: more is needed.
    pub(super) fn agrees(self, answer: &[u8], registry: Registry) -> Option<bool> {
        let context = Context { direction: Some(self.direction.reverse()), from_start: false };
        match (self.protocol.probe)(answer, context) {
            Probe::Yes(_) => Some(true),
            Probe::Maybe if self.protocol.is_self_evident => None,
            Probe::No if self.protocol.is_self_evident => Some(false),
            Probe::Maybe | Probe::No => Some(!matches!(registry.detect(answer, context), Verdict::Match(..))),
        }
    }
}
