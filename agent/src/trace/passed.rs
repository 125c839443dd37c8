//! Proxies pass the headers of a request on as they are. So a call that carries the very `traceparent` that a request in flight of
//! the same process came with was made for that request, however many others there are: nobody else knows that span id.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use super::context::Owner;
use super::span::SpanId;
use crate::conn::room;

/// Most requests that are remembered; the calls of further ones are known by their thread or not at all.
const MAX_REQUESTS: usize = 16 * 1024;
/// A request whose end was not seen is forgotten after this time, ns.
const KEEP_NS: u64 = 300_000_000_000;
/// Time between two looks for those, ns.
const SWEEP_NS: u64 = 10_000_000_000;

/// Requests in flight that came with the same span id: mostly one.
#[derive(Debug)]
struct Came {
    /// The only one; `None` when there were several at once.
    only: Option<Owner>,
    requests: u32,
    at_ns: u64,
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Passed {
    came: FxHashMap<(u32, SpanId), Came>,
    swept_ns: u64,
}

impl Passed {
    /// A request of the process came with the parent `named`, and will be the span `own`.
    pub fn came(&mut self, process: u32, named: SpanId, own: Owner, at_ns: u64) {
        let is_full = self.came.len() >= MAX_REQUESTS;
        match self.came.entry((process, named)) {
            Entry::Occupied(mut entry) => {
                entry.get_mut().requests += 1;
                entry.get_mut().only = None;
            }
            Entry::Vacant(entry) if !is_full => _ = entry.insert(Came { only: Some(own), requests: 1, at_ns }),
            Entry::Vacant(_) => {}
        }
    }

    /// A request that came with the parent `named` is over.
    pub fn over(&mut self, process: u32, named: SpanId) {
        if let Entry::Occupied(mut entry) = self.came.entry((process, named)) {
            entry.get_mut().requests -= 1;
            if entry.get().requests == 0 {
                entry.remove();
            }
        }
    }

    /// The request for which the process makes a call that names the parent `named`. `None` when none in flight came with it,
    /// or several did.
    #[must_use]
    pub fn asks(&self, process: u32, named: SpanId) -> Option<Owner> {
        self.came.get(&(process, named))?.only
    }

    /// Forgets what is too old. Event time has come to `now_ns`.
    pub fn sweep(&mut self, now_ns: u64) {
        if now_ns.saturating_sub(self.swept_ns) < SWEEP_NS {
            return;
        }
        self.swept_ns = now_ns;
        self.came.retain(|_, came| came.at_ns.saturating_add(KEEP_NS) > now_ns);
        room::give_back(&mut self.came);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::context::RequestKey;
    use crate::trace::sampler::Decision;

    fn own(connection: u64) -> Owner {
        let request = RequestKey { connection, stream: 0, pos: 0 };
        Owner { request, trace_id: [1; 16], span_id: [2; 8], parent: Some([3; 8]), decision: Decision::Sample }
    }

    #[test]
    fn a_call_belongs_to_the_only_request_that_came_with_its_parent() {
        let mut passed = Passed::default();
        passed.came(7, [3; 8], own(1), 0);
        passed.came(7, [4; 8], own(2), 0);
        assert_eq!(passed.asks(7, [4; 8]), Some(own(2)));
        assert_eq!((passed.asks(8, [4; 8]), passed.asks(7, [5; 8])), (None, None));
        passed.came(7, [4; 8], own(3), 0);
        assert_eq!(passed.asks(7, [4; 8]), None, "either of two");
        passed.over(7, [4; 8]);
        assert_eq!(passed.asks(7, [4; 8]), None, "which of them is over is not known");
        passed.over(7, [4; 8]);
        passed.over(7, [4; 8]);
        assert_eq!((passed.asks(7, [4; 8]), passed.asks(7, [3; 8])), (None, Some(own(1))));
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_age() {
        let mut passed = Passed::default();
        for process in 0..100_000 {
            passed.came(process, [3; 8], own(1), 5);
        }
        assert_eq!(passed.came.len(), MAX_REQUESTS);
        passed.sweep(KEEP_NS);
        assert_eq!(passed.came.len(), MAX_REQUESTS);
        passed.sweep(KEEP_NS + SWEEP_NS);
        assert_eq!(passed.came.len(), 0);
    }
}
