//! Which request a stream carries, where a runtime shows which stream is handled ([`OfStream`]): what is done in that context belongs to it,
//! however many its connection has at once, and whoever has received it.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use wirespan_common::context::{MAX_LATE_NS, OfStream};

use super::{Owner, RequestKey};
use crate::conn::room;

/// Most streams that are kept; the oldest go.
const MAX_STREAMS: usize = 64 * 1024;
/// How long one is kept that is over, ns: a call is told when it ends.
const KEEP_NS: u64 = 30_000_000_000;

/// The request of a stream.
#[derive(Debug)]
struct Begun {
    /// When it was received, ns.
    at_ns: u64,
    owner: Owner,
    /// When it was over, ns; the end of time for one that is not.
    over_ns: u64,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Streams {
    begun: FxHashMap<u64, Begun>,
    /// Their names; oldest first.
    order: VecDeque<(u64, u64)>,
}

/// What whoever handles a request names it, if it is one of many at once.
fn name(request: RequestKey) -> u64 {
    OfStream::context(request.connection, request.stream, false)
}

impl Streams {
    /// A request was received at that time.
    pub(super) fn begin(&mut self, owner: Owner, at_ns: u64) {
        if self.order.len() >= MAX_STREAMS {
            self.drop_oldest();
        }
        let name = name(owner.request);
        self.begun.insert(name, Begun { at_ns, owner, over_ns: u64::MAX });
        self.order.push_back((at_ns, name));
    }

    /// The request for which something was done that began at that time.
    pub(super) fn owner(&self, of: OfStream, at_ns: u64) -> Option<Owner> {
        let begun = self.begun.get(&of.stream).filter(|begun| begun.at_ns <= at_ns)?;
        // Whoever handles it may do so after its answer.
        let is_its = !of.is_child || at_ns <= begun.over_ns.saturating_add(MAX_LATE_NS);
        is_its.then_some(begun.owner)
    }

    /// A request is over.
    pub(super) fn over(&mut self, request: RequestKey, at_ns: u64) {
        if let Some(begun) = self.of(request) {
            begun.over_ns = at_ns;
        }
    }

    /// Nothing that is done for this request may name it any more.
    pub(super) fn disown(&mut self, request: RequestKey) {
        if self.of(request).is_some() {
            self.begun.remove(&name(request));
        }
    }

    fn of(&mut self, request: RequestKey) -> Option<&mut Begun> {
        if self.begun.is_empty() || !request.is_stream() {
            return None;
        }
        self.begun.get_mut(&name(request)).filter(|begun| begun.owner.request == request)
    }

    fn drop_oldest(&mut self) {
        if let Some((at_ns, name)) = self.order.pop_front()
            && self.begun.get(&name).is_some_and(|begun| begun.at_ns == at_ns)
        {
            self.begun.remove(&name);
        }
    }

    /// Forgets what has been over for long.
    pub(super) fn sweep(&mut self, now_ns: u64) {
        let Self { begun, order } = self;
        begun.retain(|_, begun| begun.over_ns.saturating_add(KEEP_NS) > now_ns);
        order.retain(|(at_ns, name)| begun.get(name).is_some_and(|begun| begun.at_ns == *at_ns));
        room::give_back(begun);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::sampler::Decision;

    fn owner(connection: u64, stream: u64) -> Owner {
        let request = RequestKey { connection, stream, pos: stream };
        Owner { request, trace_id: [1; 16], span_id: [2; 8], parent: None, decision: Decision::Sample }
    }

    fn of(connection: u64, stream: u64, is_child: bool) -> OfStream {
        OfStream::of(OfStream::context(connection, stream, is_child)).unwrap()
    }

    #[test]
    fn each_stream_has_its_request() {
        let mut streams = Streams::default();
        for stream in [1, 3, 5] {
            streams.begin(owner(7, stream), 100 + stream);
        }
        let owned = |streams: &Streams, of, at_ns| streams.owner(of, at_ns).map(|owner| owner.request.stream);
        assert_eq!(owned(&streams, of(7, 3, false), 200), Some(3));
        assert_eq!(owned(&streams, of(7, 5, true), 200), Some(5));
        assert_eq!(owned(&streams, of(7, 3, false), 102), None, "before it");
        assert_eq!((owned(&streams, of(8, 3, false), 200), owned(&streams, of(7, 7, false), 200)), (None, None));
        streams.over(owner(7, 3).request, 300);
        let late_ns = 301 + MAX_LATE_NS;
        assert_eq!(owned(&streams, of(7, 3, false), late_ns), Some(3), "it handles nothing else");
        assert_eq!(owned(&streams, of(7, 3, true), late_ns), None);
        streams.disown(owner(7, 5).request);
        assert_eq!(owned(&streams, of(7, 5, false), 200), None);
    }

    #[test]
    fn a_number_that_comes_again_is_the_last_one_s() {
        let mut streams = Streams::default();
        streams.begin(owner(7, 1), 100);
        streams.begin(owner(7, 1 + (1 << 20)), 200);
        assert_eq!(streams.owner(of(7, 1, false), 300).unwrap().request.stream, 1 + (1 << 20));
        streams.over(owner(7, 1).request, 250);
        streams.sweep(250 + KEEP_NS);
        assert_eq!((streams.begun.len(), streams.order.len()), (1, 1), "the second one is not over");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut streams = Streams::default();
        for stream in 0..2 * MAX_STREAMS as u64 {
            streams.begin(owner(stream, 1), stream);
        }
        assert_eq!((streams.begun.len(), streams.order.len()), (MAX_STREAMS, MAX_STREAMS));
        assert!(streams.owner(of(MAX_STREAMS as u64, 1, false), u64::MAX).is_some());
        for stream in 0..2 * MAX_STREAMS as u64 {
            streams.over(owner(stream, 1).request, 10);
        }
        streams.sweep(11 + KEEP_NS);
        assert!(streams.begun.is_empty() && streams.order.is_empty());
    }
}
