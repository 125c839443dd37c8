//! The spans that SDKs say their threads are in when they ask something of others (OTEP 4947): the parents of those calls, by the
//! position of the byte that the call sent first. What else begins within a call may have been asked elsewhere, and has none.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::traceparent::TraceParent;
use crate::event::Spoken as Event;

/// Most of one connection: the turns whose answers are still to come.
const MAX_ON_CONNECTION: usize = 8;
/// Most connections.
const MAX_CONNECTIONS: usize = 16 * 1024;
/// How long what was said last of a connection is kept, ns: its end may not be seen.
const KEEP_NS: u64 = 600_000_000_000;
/// Time between two looks for what is too old, ns.
const SWEEP_NS: u64 = 10_000_000_000;

/// What was said, oldest first; and when that was last.
#[derive(Debug, Default)]
struct Said {
    spans: VecDeque<(u64, TraceParent)>,
    last_ns: u64,
}

/// Spans of threads, by connection.
#[derive(Debug, Default)]
pub struct Spoken {
    connections: FxHashMap<u64, Said>,
    swept_ns: u64,
}

impl Spoken {
    /// A thread was in a span when it began to send.
    pub fn said(&mut self, event: &Event) {
        let Some(span) = TraceParent::of_ids(event.trace_id, event.span_id, event.flags) else { return };
        if self.connections.len() >= MAX_CONNECTIONS && !self.connections.contains_key(&event.connection) {
            return;
        }
        let said = self.connections.entry(event.connection).or_default();
        said.last_ns = event.at_ns;
        said.spans.push_back((event.position, span));
        if said.spans.len() > MAX_ON_CONNECTION {
            said.spans.pop_front();
        }
    }

    /// The span in which a request was sent that begins at this position.
    #[must_use]
    pub fn parent(&self, connection: u64, position: u64) -> Option<TraceParent> {
        let said = self.connections.get(&connection)?;
        said.spans.iter().find(|(at, _)| *at == position).map(|(_, span)| *span)
    }

    /// A connection is over.
    pub fn end_connection(&mut self, connection: u64) {
        self.connections.remove(&connection);
    }

    /// Lets go of what is too old.
    pub fn sweep(&mut self, now_ns: u64) {
        if now_ns.saturating_sub(self.swept_ns) >= SWEEP_NS {
            self.swept_ns = now_ns;
            self.connections.retain(|_, said| now_ns.saturating_sub(said.last_ns) < KEEP_NS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(connection: u64, position: u64, id: u8) -> Event {
        Event { connection, position, at_ns: position, pid: 7, trace_id: [id; 16], span_id: [id; 8], flags: 1 }
    }

    #[test]
    fn a_request_has_the_span_that_was_said_of_its_first_byte() {
        let mut spoken = Spoken::default();
        spoken.said(&event(1, 10, 3));
        spoken.said(&event(1, 20, 4));
        let parent = spoken.parent(1, 10).unwrap();
        assert_eq!((parent.trace_id, parent.span_id, parent.sampled), ([3; 16], [3; 8], true));
        assert_eq!(spoken.parent(1, 20).unwrap().span_id, [4; 8]);
        assert_eq!((spoken.parent(1, 11), spoken.parent(2, 10)), (None, None));
        spoken.end_connection(1);
        assert_eq!(spoken.parent(1, 10), None);
    }

    #[test]
    fn ids_of_zeros_are_no_span() {
        let mut spoken = Spoken::default();
        spoken.said(&Event { trace_id: [0; 16], ..event(1, 10, 3) });
        spoken.said(&Event { span_id: [0; 8], ..event(1, 20, 3) });
        assert!(spoken.connections.is_empty());
        spoken.said(&Event { flags: 0xfe, ..event(1, 30, 3) });
        assert!(!spoken.parent(1, 30).unwrap().sampled);
    }

    #[test]
    fn all_of_it_has_a_limit() {
        let mut spoken = Spoken::default();
        (0..100).for_each(|at| spoken.said(&event(1, at, 3)));
        assert_eq!(spoken.connections[&1].spans.len(), MAX_ON_CONNECTION);
        assert!(spoken.parent(1, 99).is_some());
        (0..20_000).for_each(|connection| spoken.said(&event(connection, 1, 3)));
        assert_eq!(spoken.connections.len(), MAX_CONNECTIONS);
        spoken.sweep(KEEP_NS + 100);
        assert!(spoken.connections.is_empty());
    }
}
