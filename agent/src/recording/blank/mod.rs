//! Secrets of sign-ins, blanked before they are written to a recording: values of headers such as `Authorization` and
//! `Cookie`, the password messages of PostgreSQL, the arguments of Redis's `AUTH`. Lengths stay, so a replay sees the same
//! frames.
//!
//! Whatever protocol a connection speaks, its bytes are looked at in the same way: what looks like one of these is
//! blanked. That may be too much (a line of a body that begins with `Cookie:`), and needs nothing but the bytes.

mod postgres;
mod scan;

use std::collections::HashMap;

use crate::event::{Data, Event, Flow};
use scan::Scan;

/// Most flows whose state is kept; beyond that, all begin anew.
const MAX_FLOWS: usize = 128 * 1024;
/// What stands for a byte of a secret.
const BLANK: u8 = b'*';

/// Blanks what passes.
#[derive(Debug, Default)]
pub struct Blanks {
    flows: HashMap<(u64, Flow), Scan>,
    head: Vec<u8>,
    tail: Vec<u8>,
    blanked: u64,
}

impl Blanks {
    /// The same data without its secrets.
    pub fn of<'a>(&'a mut self, data: &Data<'a>) -> Data<'a> {
        if self.flows.len() >= MAX_FLOWS {
            self.flows.clear();
        }
        let scan = self.flows.entry((data.connection, data.flow)).or_default();
        self.head.clear();
        self.head.extend_from_slice(data.head);
        self.tail.clear();
        self.tail.extend_from_slice(data.tail);
        self.blanked += postgres::password(data.len, &mut self.head);
        self.blanked += scan.run(data.position, &mut self.head);
        if !self.tail.is_empty() {
            let after = data.position + u64::from(data.len).saturating_sub(self.tail.len() as u64);
            self.blanked += scan.run(after, &mut self.tail);
        }
        Data { head: &self.head, tail: &self.tail, ..data.clone() }
    }

    /// Forgets what is over.
    pub fn see(&mut self, event: &Event<'_>) {
        if let Event::State(state) = event
            && state.change.is_end()
        {
            self.flows.remove(&(state.connection, Flow::Sent));
            self.flows.remove(&(state.connection, Flow::Received));
        }
    }

    /// Bytes blanked so far.
    #[must_use]
    pub fn blanked(&self) -> u64 {
        self.blanked
    }
}

/// Blanks bytes, and tells how many.
fn blank(bytes: &mut [u8]) -> u64 {
    bytes.fill(BLANK);
    bytes.len() as u64
}

#[cfg(test)]
mod tests;
