//! A connection whose handshake passed before anybody looked. It is opaque, unless the secrets of a session that its process has are
//! found to be its own; then what is inside is read from there on. Nothing is told of what it encrypts.

use super::decrypt::Joined;
use crate::plain::Candidate;
use crate::session::{Close, Output, Reason, Session};
use crate::stream::{Chunk, Direction, Stamp};

/// Payload bytes of a turn until its secrets are found, which takes a whole record, and after it.
const BUDGET: (u32, u32) = (16 * 1024, 8 * 1024);
/// How long its secrets are waited for, ns.
const PATIENCE_NS: u64 = 60_000_000_000;
/// Most whole records that pass until then.
const MAX_RECORDS: u32 = 4096;

/// See the module.
#[derive(Debug)]
pub(super) struct Older {
    joined: Box<Joined>,
    since_ns: Option<u64>,
    records: u32,
    /// Nothing more is read.
    is_over: bool,
}

impl Older {
    pub fn new() -> Self {
        Self { joined: Box::new(Joined::new()), since_ns: None, records: 0, is_over: false }
    }

    /// It was waited for too long.
    fn give_up(&mut self, out: &mut Output) {
        if !self.is_over && !self.joined.is_proved() {
            out.count(Reason::NoKey);
            self.leave(out);
        }
    }

    fn leave(&mut self, out: &mut Output) {
        (self.is_over, out.left) = (true, true);
    }
}

impl Session for Older {
    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        if chunk.bytes.is_empty() || self.is_over {
            return;
        }
        self.since_ns.get_or_insert(chunk.stamp.last_ns);
        let whole = self.joined.data(direction, chunk, out);
        self.is_over |= out.left;
        self.records = self.records.saturating_add(whole);
        out.wants_candidates |= whole > 0;
        if self.records > MAX_RECORDS {
            self.give_up(out);
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        if len > 0 && !self.is_over {
            self.joined.gap(direction, len, stamp, out);
            self.is_over |= out.left;
        }
    }

    fn candidate(&mut self, candidate: &Candidate, out: &mut Output) -> bool {
        let is_own = !self.is_over && self.joined.candidate(candidate, out);
        self.is_over |= out.left;
        is_own
    }

    fn half_close(&mut self, direction: Direction, _at_ns: u64, out: &mut Output) {
        if !self.is_over {
            self.joined.finish(direction, out);
        }
    }

    fn close(&mut self, _how: Close, _at_ns: u64, out: &mut Output) {
        self.give_up(out);
        if !std::mem::replace(&mut self.is_over, true) {
            self.joined.finish(Direction::ToServer, out);
            self.joined.finish(Direction::ToClient, out);
        }
    }

    fn abandon(&mut self, _reason: Reason, out: &mut Output) {
        self.give_up(out);
        self.is_over = true;
    }

    fn rest(&mut self, now_ns: u64, out: &mut Output) {
        if self.since_ns.is_some_and(|since_ns| since_ns.saturating_add(PATIENCE_NS) < now_ns) {
            self.give_up(out);
        }
    }

    fn expire(&mut self, before_ns: u64, _out: &mut Output) {
        self.joined.expire(before_ns);
    }

    fn heap_bytes(&self) -> usize {
        size_of::<Joined>() + self.joined.heap_bytes()
    }

    fn budget(&self) -> Option<u32> {
        Some(if self.joined.is_proved() { BUDGET.1 } else { BUDGET.0 })
    }
}
