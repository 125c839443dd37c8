//! What proxies say before a protocol begins: taken away, so that what follows is at the beginning.

use super::{Detection, MAX_PREFACES, Piece};
use crate::event::Flow;
use wirespan_protocols::preface::{Preface, Verdict, read};
use wirespan_protocols::stream::{Direction, Stamp};

/// A preface, who spoke it, and when.
#[derive(Clone, Copy, Debug)]
pub struct Prefaced {
    /// What it was.
    pub preface: Preface,
    /// Way of the client's bytes.
    pub flow: Flow,
    /// The call of its first byte.
    pub begin: Stamp,
    /// The call of its last byte.
    pub end: Stamp,
}

impl Detection {
    /// What the first bytes are, if they are those of a proxy.
    /// `role`: a way, and the direction of its bytes, if the roles are known.
    pub(super) fn preface(&self, role: Option<(Flow, Direction)>) -> Verdict {
        let Some(first) = self.held.first() else { return Verdict::None };
        // A server that speaks first speaks no preface.
        if role.is_some_and(|(flow, direction)| (flow == first.flow) != (direction == Direction::ToServer))
            && self.prefaces.is_empty()
        {
            return Verdict::None;
        }
        let client = self.prefaces.first().map_or(first.flow, |prefaced| prefaced.flow);
        let server = if client == Flow::Sent { Flow::Received } else { Flow::Sent };
        if self.prefaces.len() >= MAX_PREFACES {
            return Verdict::None;
        }
        read(&self.joined(client), &self.joined(server))
    }

    /// Takes the bytes of a preface away.
    pub(super) fn skip_preface(&mut self, preface: Preface) {
        let Some(first) = self.held.first() else { return };
        let (flow, begin) = (self.prefaces.first().map_or(first.flow, |prefaced| prefaced.flow), first.stamp);
        let mut end = begin;
        let mut left = preface.used;
        for held in &mut self.held {
            let Piece::Bytes { position, bytes, .. } = &mut held.piece else { continue };
            let left = &mut left[usize::from(held.flow != flow)];
            let used = bytes.len().min(*left);
            if used > 0 {
                *left -= used;
                bytes.drain(..used);
                *position += used as u64;
                held.stamp.arrived_ns = 0;
                end = held.stamp;
                self.bytes -= used;
            }
        }
        self.held.retain(|held| !matches!(&held.piece, Piece::Bytes { bytes, .. } if bytes.is_empty()));
        self.prefaces.push(Prefaced { preface, flow, begin, end });
    }
}
