//! The handshake of a connection: which of several SYN-ACKs counts, and when it was over.

use super::{Connection, MAX_FAST_OPEN, Side};
use crate::event::Flow;
use crate::recording::packet::Segment;

/// A segment of the handshake that comes again sooner than this is the same one, captured twice.
const TWICE_NS: u64 = 10_000_000;

impl Connection {
    /// Whether the client may have seen another SYN-ACK than the capture saw last.
    pub(super) fn is_undecided(&self) -> bool {
        self.syn_first && !self.opened && !self.shaken() && self.over_ns.is_none()
    }

    /// Of several SYN-ACKs the last one counts until the client answers one of them.
    pub(super) fn choose(&mut self, flow: Flow, segment: &Segment<'_>) {
        if !self.is_undecided() || segment.rst {
            return;
        }
        let Some(initial) = self.sent.initial else { return };
        let chosen = match (flow, segment.ack) {
            (Flow::Sent, Some(_)) if segment.syn => Some(segment.seq),
            (Flow::Received, Some(ack)) if !segment.syn => {
                self.sent.contradicted.filter(|other| other.wrapping_add(1) == ack)
            }
            _ => None,
        };
        if let Some(chosen) = chosen.filter(|chosen| *chosen != initial) {
            self.sent = Side {
                initial: Some(chosen),
                contradicted: Some(initial),
                syn_ns: self.sent.syn_ns,
                repeats: self.sent.repeats,
                ..Side::default()
            };
            let position = self.sent.assembly.extend(chosen) + 1;
            self.sent.assembly.start(position);
        }
    }

    /// Whether the third segment of the handshake has passed.
    pub(super) fn shaken(&self) -> bool {
        self.established_ns.is_some()
    }

    pub(super) fn answers_syn(&self, ack: u32) -> bool {
        self.received.initial.is_some_and(|initial| (1..=MAX_FAST_OPEN).contains(&ack.wrapping_sub(initial)))
    }

    /// Notes the times of the handshake, before which nothing is told.
    pub(super) fn follow_handshake(&mut self, flow: Flow, segment: &Segment<'_>, at_ns: u64) {
        if !self.from_start || self.shaken() {
            return;
        }
        let third = |side: &Side, number: u32| side.initial == Some(number.wrapping_sub(1));
        let is_third = flow == Flow::Received
            && third(&self.received, segment.seq)
            && segment.ack.is_some_and(|ack| third(&self.sent, ack));
        if segment.syn && !segment.rst {
            let side = self.side(flow);
            side.repeats += u32::from(side.syn_ns != 0 && at_ns.saturating_sub(side.syn_ns) > TWICE_NS);
            side.syn_ns = at_ns;
        } else if is_third && !segment.rst {
            self.established_ns = Some(at_ns);
        }
    }
}
