//! Buffers of attributes that an exporter has done with, for the next spans. An exporter lets go of spans on another thread
//! than the one that makes them: without this every span is an allocation that the allocator can never reuse at once, and
//! both threads wait for its locks.

use std::sync::{Arc, Mutex, PoisonError};

use super::TYPICAL_ATTRIBUTES;
use super::span::{Attribute, Span};

/// Most buffers that wait: as many as the default queue of an exporter holds spans.
const MAX_BUFFERS: usize = 2048;
/// Larger buffers are let go of.
const MAX_ATTRIBUTES: usize = 2 * TYPICAL_ATTRIBUTES;

/// Empty buffers, shared by those who give and the one who takes.
#[derive(Clone, Debug, Default)]
pub struct Spare(Arc<Mutex<Vec<Vec<Attribute>>>>);

impl Spare {
    /// Takes in the buffers of spans that nobody needs any more.
    pub fn give(&self, spans: Vec<Span>) {
        let is_usual = |buffer: &Vec<Attribute>| (1..=MAX_ATTRIBUTES).contains(&buffer.capacity());
        let mut buffers: Vec<Vec<Attribute>> =
            spans.into_iter().map(|span| span.attributes).filter(is_usual).take(MAX_BUFFERS).collect();
        // What was in them is let go of here, not where others wait.
        buffers.iter_mut().for_each(Vec::clear);
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buffers.truncate(MAX_BUFFERS.saturating_sub(waiting.len()));
        waiting.append(&mut buffers);
    }

    /// Hands out all buffers that wait.
    fn take(&self) -> Vec<Vec<Attribute>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The buffers that the maker of spans has at hand.
#[derive(Debug, Default)]
pub(super) struct AtHand {
    spare: Spare,
    buffers: Vec<Vec<Attribute>>,
    /// Buffers to make before the shared ones are asked for again: not for each span where nobody gives any.
    patience: u8,
}

impl AtHand {
    pub(super) fn of(spare: Spare) -> Self {
        Self { spare, ..Self::default() }
    }

    /// An empty buffer.
    pub(super) fn buffer(&mut self) -> Vec<Attribute> {
        if self.buffers.is_empty() {
            self.patience = self.patience.checked_sub(1).unwrap_or_else(|| {
                self.buffers = self.spare.take();
                if self.buffers.is_empty() { 63 } else { 0 }
            });
        }
        self.buffers.pop().unwrap_or_else(|| Vec::with_capacity(TYPICAL_ATTRIBUTES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::span::{Kind, Status, Value};

    fn span(attributes: Vec<Attribute>) -> Span {
        Span {
            trace_id: [1; 16],
            span_id: [1; 8],
            parent: None,
            trace_state: None,
            kind: Kind::Server,
            name: "GET".into(),
            start_unix_ns: 0,
            end_unix_ns: 0,
            answered_unix_ns: None,
            thread: 0,
            attributes,
            status: Status::Unset,
            links: Vec::new(),
            resource: Arc::default(),
        }
    }

    #[test]
    fn buffers_come_back_empty_and_within_limits() {
        let spare = Spare::default();
        let mut at_hand = AtHand::of(spare.clone());
        assert_eq!(at_hand.buffer().capacity(), TYPICAL_ATTRIBUTES);
        let mut used = Vec::with_capacity(7);
        used.push(("url.path", Value::Static("/")));
        let large = Vec::with_capacity(MAX_ATTRIBUTES + 1);
        spare.give(vec![span(used), span(large), span(Vec::new())]);
        let buffers: Vec<_> = (0..100).map(|_| at_hand.buffer()).collect();
        assert_eq!(buffers.iter().filter(|buffer| buffer.capacity() == 7).count(), 1);
        assert!(buffers.iter().all(|buffer| buffer.is_empty() && buffer.capacity() <= TYPICAL_ATTRIBUTES));
        for _ in 0..3 {
            spare.give((0..MAX_BUFFERS).map(|_| span(Vec::with_capacity(1))).collect());
        }
        assert_eq!(spare.take().len(), MAX_BUFFERS);
    }
}
