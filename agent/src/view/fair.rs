//! Queues of traces, one for each operation: what is let go of first is the oldest of the operation that has most.

use std::collections::{BTreeSet, VecDeque};

use rustc_hash::FxHashMap;

use crate::trace::span::TraceId;

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Fair {
    queues: FxHashMap<u64, VecDeque<TraceId>>,
    by_length: BTreeSet<(usize, u64)>,
}

impl Fair {
    /// Puts a trace at the end of its operation's queue.
    pub(super) fn push(&mut self, operation: u64, trace: TraceId) {
        let queue = self.queues.entry(operation).or_default();
        self.by_length.remove(&(queue.len(), operation));
        queue.push_back(trace);
        self.by_length.insert((queue.len(), operation));
    }

    /// How many stand in it.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.queues.values().map(VecDeque::len).sum()
    }

    /// The oldest of the longest queue.
    pub(super) fn pop(&mut self) -> Option<TraceId> {
        let (_, operation) = self.by_length.pop_last()?;
        let queue = self.queues.get_mut(&operation)?;
        let trace = queue.pop_front();
        if queue.is_empty() {
            self.queues.remove(&operation);
        } else {
            self.by_length.insert((queue.len(), operation));
        }
        trace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_most_gives_first() {
        let mut fair = Fair::default();
        for number in 0..6 {
            fair.push(1, [number; 16]);
        }
        fair.push(2, [100; 16]);
        let order: Vec<u8> = std::iter::from_fn(|| fair.pop()).map(|trace| trace[0]).collect();
        assert_eq!(order[..4], [0, 1, 2, 3]);
        assert_eq!(order.len(), 7);
        assert!(fair.queues.is_empty() && fair.by_length.is_empty());
    }
}
