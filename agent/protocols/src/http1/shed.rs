//! Turns that were left out on purpose: they are passed over where nothing else is under way.

use super::request::{self, Requests};
use super::response::{self, Responses};
use super::session::Http1;
use crate::stream::Direction;

impl Requests {
    /// Whether the next byte begins a request, or something that will be looked at closely before it is taken for one.
    fn rests(&self) -> bool {
        matches!(self.state, request::State::Idle | request::State::Lost) && self.unsent_end.is_none()
    }
}

impl Responses {
    /// Whether the next byte begins a response.
    fn rests(&self) -> bool {
        matches!(self.state, response::State::Idle) && !self.orphan
    }

    /// Whether nothing speaks against the next byte beginning a response.
    fn may_rest(&self) -> bool {
        matches!(self.state, response::State::Idle | response::State::Lost) && !self.orphan
    }
}

impl Http1 {
    /// Passes over whole exchanges; false where the reader is not between two of them.
    pub(super) fn pass_over(&mut self, direction: Direction, len: u64) -> bool {
        let rests = self.trial.is_none() && self.parked.is_empty() && !self.left;
        match direction {
            // A response whose beginning was lost is over, too.
            Direction::ToServer if rests && self.queue.len() == 0 && self.up.rests() && self.down.may_rest() => {
                self.down.state = response::State::Idle;
                self.up.pos = self.up.pos.saturating_add(len);
                self.skipped = true;
            }
            // Their answers. The request that was not left out was read already.
            Direction::ToClient if rests && self.skipped && self.queue.len() <= 1 && self.down.rests() => {
                self.skipped = false;
                self.down.pos = self.down.pos.saturating_add(len);
            }
            _ => return false,
        }
        true
    }
}
