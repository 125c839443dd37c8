//! Requests of one connection that are in flight, in the order of their streams, and in each in that of their positions.

use std::collections::VecDeque;

use super::key::Place;
use super::{Id, Owner};

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// The ids that were promised to it.
    pub(super) owner: Owner,
    /// The process that received it.
    pub(super) pid: u32,
    /// The context that did, 0 where only the thread is known.
    pub(super) context: u64,
    /// When it began, ns.
    pub(super) begin_ns: u64,
    /// The thread that received it, if threads say something about it.
    pub(super) thread: Option<Id>,
}

/// Those of a connection. Those of a pipeline, and of other streams, come after the first; mostly there are none, which takes
/// no allocation.
#[derive(Debug, Default)]
pub(super) struct Flight {
    first: Option<Request>,
    more: VecDeque<Request>,
}

impl Request {
    fn place(&self) -> Place {
        self.owner.request.place()
    }
}

impl Flight {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn holds(&self, place: Place) -> bool {
        let is_first = self.first.is_some_and(|first| first.place() == place);
        is_first || self.more.binary_search_by_key(&place, Request::place).is_ok()
    }

    pub(super) fn add(&mut self, new: Request) {
        let Some(first) = self.first else {
            self.first = Some(new);
            return;
        };
        let later = if new.place() < first.place() { self.first.replace(new).unwrap_or(first) } else { new };
        let at = self.more.partition_point(|other| other.place() < later.place());
        self.more.insert(at, later);
    }

    /// Takes the first one out.
    pub(super) fn pop(&mut self) -> Option<Request> {
        let next = self.more.pop_front();
        std::mem::replace(&mut self.first, next)
    }

    /// Takes the first request of a stream out, if it is `last` or comes before it.
    pub(super) fn take(&mut self, last: Place) -> Option<Request> {
        let is_due = |(stream, pos): Place| stream == last.0 && pos <= last.1;
        if is_due(self.first?.place()) {
            return self.pop();
        }
        let at = self.more.partition_point(|other| other.place().0 < last.0);
        self.more.get(at).filter(|other| is_due(other.place()))?;
        self.more.remove(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::context::RequestKey;
    use crate::trace::sampler::Decision;

    #[test]
    fn a_stream_ends_in_order_and_alone() {
        let mut flight = Flight::default();
        for (stream, pos) in [(3, 50), (1, 10), (5, 30), (3, 20)] {
            let request = RequestKey { connection: 7, stream, pos };
            let owner = Owner { request, trace_id: [1; 16], span_id: [2; 8], parent: None, decision: Decision::Sample };
            flight.add(Request { owner, pid: 1, context: 0, begin_ns: 0, thread: None });
        }
        assert!(flight.holds((5, 30)) && flight.holds((1, 10)) && !flight.holds((1, 20)));
        let mut take = |place| flight.take(place).map(|request| request.place());
        assert_eq!((take((5, 29)), take((4, 99))), (None, None));
        assert_eq!((take((5, 30)), take((5, 30))), (Some((5, 30)), None));
        assert_eq!((take((3, 50)), take((3, 50)), take((3, 50))), (Some((3, 20)), Some((3, 50)), None));
        assert_eq!((flight.pop().map(|request| request.place()), flight.is_empty()), (Some((1, 10)), true));
    }
}
