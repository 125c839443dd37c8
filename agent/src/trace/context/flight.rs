//! Requests of one connection that are in flight, in the order of their positions.

use std::collections::VecDeque;

use super::Id;

/// Positions and threads. Those of a pipeline come after the first; mostly there are none, which takes no allocation.
#[derive(Debug)]
pub(super) struct Flight {
    first: (u64, Id),
    more: VecDeque<(u64, Id)>,
}

impl Flight {
    pub(super) fn new(pos: u64, id: Id) -> Self {
        Self { first: (pos, id), more: VecDeque::new() }
    }

    pub(super) fn holds(&self, pos: u64) -> bool {
        self.first.0 == pos || self.more.binary_search_by_key(&pos, |(pos, _)| *pos).is_ok()
    }

    pub(super) fn add(&mut self, pos: u64, id: Id) {
        let later = if pos < self.first.0 { std::mem::replace(&mut self.first, (pos, id)) } else { (pos, id) };
        let place = self.more.partition_point(|(other, _)| *other < later.0);
        self.more.insert(place, later);
    }

    /// The first one, and whether others come after it.
    pub(super) fn first(&self) -> (u64, Id) {
        self.first
    }

    /// Takes the first one out; false when it was the last.
    pub(super) fn advance(&mut self) -> bool {
        let next = self.more.pop_front();
        if let Some(next) = next {
            self.first = next;
        }
        next.is_some()
    }
}
