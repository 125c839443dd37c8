//! Secrets of sign-ins, blanked before they are written to a recording: what each protocol knows to be one
//! ([`wirespan_protocols::blank`]). Lengths stay, so a replay sees the same frames.

use std::collections::HashMap;

use crate::event::{Data, Event, Flow};
use wirespan_protocols::blank::Blank;
use wirespan_protocols::protocol::Registry;
use wirespan_protocols::registry::PROTOCOLS;

/// Most flows whose state is kept; beyond that, all begin anew.
const MAX_FLOWS: usize = 128 * 1024;

/// One direction of a connection, as each protocol sees it.
struct Scan {
    blanks: Vec<Box<dyn Blank>>,
    /// Where the next byte is expected, once something passed.
    next: Option<u64>,
}

impl Scan {
    fn new(registry: Registry) -> Self {
        let blanks = registry.iter().filter_map(|protocol| protocol.blank).map(|blanking| (blanking.scan)()).collect();
        Self { blanks, next: None }
    }

    /// Blanks secrets in the bytes at a position, and tells how many bytes.
    fn run(&mut self, position: u64, bytes: &mut [u8]) -> u64 {
        let is_next = self.next.is_none_or(|next| next == position);
        self.next = Some(position + bytes.len() as u64);
        let all = self.blanks.iter_mut().map(|blank| {
            if !is_next {
                blank.skipped();
            }
            blank.bytes(bytes)
        });
        all.sum()
    }
}

/// Blanks what passes.
pub struct Blanks {
    registry: Registry,
    flows: HashMap<(u64, Flow), Scan>,
    head: Vec<u8>,
    tail: Vec<u8>,
    blanked: u64,
}

impl Default for Blanks {
    fn default() -> Self {
        Self { registry: PROTOCOLS, flows: HashMap::new(), head: Vec::new(), tail: Vec::new(), blanked: 0 }
    }
}

impl Blanks {
    /// The same data without its secrets.
    pub fn of<'a>(&'a mut self, data: &Data<'a>) -> Data<'a> {
        if self.flows.len() >= MAX_FLOWS {
            self.flows.clear();
        }
        let registry = self.registry;
        let scan = self.flows.entry((data.connection, data.flow)).or_insert_with(|| Scan::new(registry));
        self.head.clear();
        self.head.extend_from_slice(data.head);
        self.tail.clear();
        self.tail.extend_from_slice(data.tail);
        for blank in &mut scan.blanks {
            self.blanked += blank.call(data.len, &mut self.head);
        }
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

    /// What is blanked, for people.
    #[must_use]
    pub fn what(&self) -> Vec<String> {
        self.registry.iter().filter_map(|protocol| protocol.blank).map(|blanking| blanking.what.to_owned()).collect()
    }

    /// Bytes blanked so far.
    #[must_use]
    pub fn blanked(&self) -> u64 {
        self.blanked
    }
}

#[cfg(test)]
mod tests;
