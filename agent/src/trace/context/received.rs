//! Which request a runtime's context (a goroutine) has received last. What it does belongs to that request until it receives the
//! next one, also after the answer: nobody else runs in it. A context that never received a request owns nothing.
//!
//! Of a goroutine the kernel programs tell which of the requests that it received ([`OfGoroutine`]), so that those that it
//! started can be late. A request is told by its head; what was received after that belongs to it until it is over.
//!
//! One that receives a request while it has another one's of another connection is an event loop, and owns nothing from then on. Of
//! a pipeline, which is read at once, only the beginning is certain.
//!
//! Where a connection has many requests at once (HTTP/2), a turn of it may bring several. What a goroutine works for that was started in a turn
//! is certain if that brought one request; the goroutine that receives works for none. (Where a function of the program shows the
//! stream, [`super::streams`] knows it whatever came with it.)

use std::collections::VecDeque;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;

use wirespan_common::context::{MAX_AFTER, MAX_LATE_NS, OfGoroutine};

use super::{Owner, RequestKey};
use crate::conn::room;

/// Most contexts that are kept.
const MAX_CONTEXTS: usize = 16 * 1024;
/// Requests of a context that are kept: a call is told when it ends, which may be after the next request was received, and a goroutine
/// that was started for one may work after that.
const MAX_REQUESTS: usize = 8;
/// The same of one that receives many at once.
const MAX_STREAMS: usize = 256;
/// How long a context is kept whose request is over and that does nothing, ns: where there is room, and at least.
const KEEP_NS: u64 = 30_000_000_000;
const KEEP_FULL_NS: u64 = 500_000_000;
/// Time between two attempts to make room, ns.
const ROOM_NS: u64 = 100_000_000;

/// A process and one of its contexts.
type Id = (u32, u64);

/// The context that received what a context does something for, and, if that is told, which of its requests.
fn receiver((pid, context): Id) -> (Id, Option<OfGoroutine>) {
    let of = OfGoroutine::of(context);
    ((pid, of.map_or(context, |of| of.receiver)), of)
}

/// A request that a context has received.
#[derive(Debug)]
struct Begun {
    /// When it was received, ns.
    at_ns: u64,
    /// `None`: nothing may name its span.
    owner: Option<Owner>,
    /// Which of its goroutine's requests.
    number: u32,
    /// Others may be handled at the same time.
    is_stream: bool,
    /// When it was over, ns; the end of time for one that is not.
    over_ns: u64,
}

impl Begun {
    /// Whether it is the last one that had begun when this was done.
    fn is_of(&self, of: Option<OfGoroutine>, at_ns: u64) -> bool {
        let is_its = |of: OfGoroutine| match self.is_stream {
            true => of.is_child && of.after(self.number) == 0,
            false => of.after(self.number) < MAX_AFTER,
        };
        self.at_ns <= at_ns && of.is_none_or(is_its)
    }

    /// Until when what is done in a context may belong to it, ns.
    fn until_ns(&self, of: Option<OfGoroutine>) -> u64 {
        match of {
            Some(of) if of.after(self.number) > 0 => self.over_ns,
            Some(of) if of.is_child => self.over_ns.saturating_add(MAX_LATE_NS),
            _ => u64::MAX,
        }
    }
}

#[derive(Debug, Default)]
struct Context {
    /// In the order in which they began.
    requests: VecDeque<Begun>,
    /// The last one that it received.
    last: Option<Owner>,
    last_ns: u64,
    is_loop: bool,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Received {
    contexts: FxHashMap<Id, Context>,
    /// Which goroutine received last of a connection with many requests at once.
    readers: FxHashMap<u64, Id>,
    /// When room was made last, ns.
    room_ns: u64,
}

impl Received {
    /// A context has received a request; without an owner, what it does from here on has none. False when there is no room for
    /// the context: nothing that it does has an owner. `is_in_flight` tells of other requests.
    pub(super) fn begin(
        &mut self,
        id: Id,
        owner: Option<Owner>,
        at_ns: u64,
        is_in_flight: impl Fn(&Owner) -> bool,
    ) -> bool {
        let (id, of) = receiver(id);
        if self.contexts.len() >= MAX_CONTEXTS && self.room_ns.saturating_add(ROOM_NS) <= at_ns {
            self.room_ns = at_ns;
            self.forget_idle(at_ns, KEEP_FULL_NS, &is_in_flight);
        }
        let is_full = self.contexts.len() >= MAX_CONTEXTS;
        let context = match self.contexts.entry(id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(_) if is_full => return false,
            Entry::Vacant(entry) => entry.insert(Context::default()),
        };
        let stream = of.and(owner).map(|owner| owner.request).filter(|request| request.is_stream());
        let most = if stream.is_some() { MAX_STREAMS } else { MAX_REQUESTS };
        if context.requests.len() >= most {
            context.requests.pop_front();
        }
        let number = of.map_or(0, |of| of.request);
        let before = std::mem::replace(&mut context.last, owner).filter(&is_in_flight);
        let is_other = |before: Owner| owner.is_none_or(|owner| owner.request.connection != before.request.connection);
        context.is_loop |= before.is_some_and(is_other);
        let mut owner = owner.filter(|_| stream.is_some() || before.is_none());
        if stream.is_some() {
            for twin in context.requests.iter_mut().rev().filter(|begun| begun.number == number) {
                (twin.owner, owner) = (None, None);
            }
        }
        context.requests.push_back(Begun { at_ns, owner, number, is_stream: stream.is_some(), over_ns: u64::MAX });
        context.last_ns = context.last_ns.max(at_ns);
        if let Some(request) = stream {
            self.reads(id, request.connection);
        }
        true
    }

    /// A goroutine receives for a connection with many requests at once. Another one that did before has handed the connection over: what that
    /// one starts from then on is not for what it received itself.
    fn reads(&mut self, id: Id, connection: u64) {
        if self.readers.len() >= MAX_CONTEXTS && !self.readers.contains_key(&connection) {
            return;
        }
        if let Some(before) = self.readers.insert(connection, id).filter(|before| *before != id)
            && let Some(context) = self.contexts.get_mut(&before)
        {
            context.is_loop = true;
        }
    }

    /// A connection is over.
    pub(super) fn end_connection(&mut self, connection: u64) {
        if !self.readers.is_empty() {
            self.readers.remove(&connection);
        }
    }

    /// The request for which a context did what began at `at_ns`.
    pub(super) fn owner(&mut self, id: Id, at_ns: u64) -> Option<Owner> {
        let (id, of) = receiver(id);
        let context = self.contexts.get_mut(&id)?;
        context.last_ns = context.last_ns.max(at_ns);
        let request = context.requests.iter().rev().find(|request| request.is_of(of, at_ns))?;
        request.owner.filter(|_| !context.is_loop && at_ns <= request.until_ns(of))
    }

    /// A request is over that a context received.
    pub(super) fn over(&mut self, id: Id, request: RequestKey, at_ns: u64) {
        for begun in self.requests(id) {
            if begun.owner.is_some_and(|owner| owner.request == request) {
                begun.over_ns = at_ns;
            }
        }
    }

    fn requests(&mut self, id: Id) -> impl Iterator<Item = &mut Begun> {
        self.contexts.get_mut(&receiver(id).0).into_iter().flat_map(|context| &mut context.requests)
    }

    /// Forgets the contexts that have done nothing for long and whose last request is not in flight.
    pub(super) fn sweep(&mut self, now_ns: u64, is_in_flight: impl Fn(&Owner) -> bool) {
        self.forget_idle(now_ns, KEEP_NS, is_in_flight);
        room::give_back(&mut self.contexts);
        room::give_back(&mut self.readers);
    }

    fn forget_idle(&mut self, now_ns: u64, keep_ns: u64, is_in_flight: impl Fn(&Owner) -> bool) {
        self.contexts.retain(|_, context| {
            context.is_loop
                || context.last_ns.saturating_add(keep_ns) > now_ns
                || context.last.as_ref().is_some_and(&is_in_flight)
        });
    }

    /// Nothing that a context does may name this request any more.
    pub(super) fn disown(&mut self, id: Id, request: RequestKey) {
        for begun in self.requests(id) {
            begun.owner = begun.owner.filter(|owner| owner.request != request);
        }
    }

    /// A process runs another program.
    pub(super) fn forget(&mut self, process: u32) {
        self.contexts.retain(|(pid, _), _| *pid != process);
        self.readers.retain(|_, (pid, _)| *pid != process);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::sampler::Decision;

    const OVER: fn(&Owner) -> bool = |_| false;
    const IN_FLIGHT: fn(&Owner) -> bool = |_| true;

    fn request(connection: u64) -> Owner {
        let request = RequestKey { connection, stream: 0, pos: 0 };
        Owner { request, trace_id: [1; 16], span_id: [2; 8], parent: None, decision: Decision::Sample }
    }

    #[test]
    fn what_a_context_does_belongs_to_what_it_received_last() {
        let mut received = Received::default();
        assert!(
            received.begin((7, 20), Some(request(1)), 100, OVER)
                && received.begin((7, 21), Some(request(2)), 110, OVER)
        );
        let mut owner = |context, at_ns| received.owner((7, context), at_ns).map(|owner| owner.request.connection);
        assert_eq!((owner(20, 120), owner(21, 120)), (Some(1), Some(2)), "however many there are");
        assert_eq!((owner(20, 99), owner(22, 120)), (None, None), "before it, and another one's");
        received.begin((7, 20), Some(request(3)), 200, OVER);
        let mut owner = |at_ns| received.owner((7, 20), at_ns).map(|owner| owner.request.connection);
        assert_eq!((owner(150), owner(250)), (Some(1), Some(3)), "a call that is told late");
        received.begin((7, 20), None, 300, OVER);
        let mut owner = |at_ns| received.owner((7, 20), at_ns).map(|owner| owner.request.connection);
        assert_eq!((owner(250), owner(350)), (Some(3), None), "not that of before");
        received.forget(7);
        assert_eq!(received.owner((7, 20), 250), None);
    }

    /// What a goroutine, or one that it has started, does for one of its requests.
    fn of(number: u64, is_child: bool) -> Id {
        (7, OfGoroutine::context(20, number, is_child))
    }

    #[test]
    fn what_was_started_for_a_request_may_be_late() {
        let mut received = Received::default();
        received.begin(of(1, false), Some(request(1)), 100, OVER);
        received.over(of(1, false), request(1).request, 150);
        received.begin(of(2, false), Some(request(2)), 200, OVER);
        let mut owner = |id, at_ns| received.owner(id, at_ns).map(|owner| owner.request.connection);
        assert_eq!((owner(of(1, true), 210), owner(of(2, true), 210)), (Some(1), Some(2)));
        assert_eq!((owner(of(1, false), 210), owner(of(2, false), 210)), (Some(1), Some(2)), "told late");
        let last_ns = 150 + MAX_LATE_NS;
        assert_eq!((owner(of(1, true), last_ns), owner(of(1, true), last_ns + 1)), (Some(1), None));
        assert_eq!(owner(of(2, true), last_ns + 1), Some(2), "it is not over");
        assert_eq!(owner(of(1, false), last_ns + 1), Some(1), "the goroutine itself runs for nobody else");
    }

    #[test]
    fn what_is_received_after_the_head_belongs_to_a_request_that_is_not_over() {
        let mut received = Received::default();
        received.begin(of(5, false), Some(request(1)), 100, OVER);
        let owner = |received: &mut Received, number| received.owner(of(number, false), 200).is_some();
        assert_eq!([4, 5, 6, 7].map(|number| owner(&mut received, number)), [false, true, true, true]);
        received.over(of(5, false), request(1).request, 150);
        assert_eq!(
            [5, 6].map(|number| owner(&mut received, number)),
            [true, false],
            "the head of another one was lost"
        );
    }

    #[test]
    fn a_context_with_two_requests_at_once_is_a_loop_for_ever() {
        let mut received = Received::default();
        received.begin((7, 20), Some(request(1)), 100, OVER);
        received.begin((7, 20), Some(request(2)), 110, IN_FLIGHT);
        assert_eq!((received.owner((7, 20), 105), received.owner((7, 20), 120)), (None, None));
        received.sweep(200 + KEEP_NS, OVER);
        received.begin((7, 20), Some(request(3)), 300 + KEEP_NS, OVER);
        assert_eq!(received.owner((7, 20), 310 + KEEP_NS), None);
    }

    #[test]
    fn of_a_pipeline_only_what_comes_before_the_second_request_is_certain() {
        let mut received = Received::default();
        received.begin((7, 20), Some(request(1)), 100, OVER);
        received.begin((7, 20), Some(request(1)), 110, IN_FLIGHT);
        received.begin((7, 20), Some(request(1)), 111, IN_FLIGHT);
        let mut owner = |at_ns| received.owner((7, 20), at_ns).map(|owner| owner.request.connection);
        assert_eq!((owner(105), owner(110), owner(120)), (Some(1), None, None));
        received.begin((7, 20), Some(request(1)), 200, OVER);
        assert!(received.owner((7, 20), 210).is_some(), "the next one");
    }

    /// A request on a stream of a connection.
    fn stream(connection: u64, stream: u64) -> Option<Owner> {
        let owner = request(connection);
        Some(Owner { request: RequestKey { stream, ..owner.request }, ..owner })
    }

    #[test]
    fn of_many_at_once_each_is_what_its_receive_brought() {
        let mut received = Received::default();
        received.begin(of(1, false), stream(1, 1), 100, IN_FLIGHT);
        received.begin(of(3, false), stream(1, 3), 110, IN_FLIGHT);
        for stream_id in [5, 7] {
            received.begin(of(4, false), stream(1, stream_id), 120, IN_FLIGHT);
        }
        let mut owner = |number, is_child| received.owner(of(number, is_child), 200).map(|owner| owner.request.stream);
        assert_eq!((owner(1, true), owner(3, true)), (Some(1), Some(3)));
        assert_eq!(owner(2, true), None, "nothing came with that receive");
        assert_eq!(owner(4, true), None, "two came with that one");
        assert_eq!(owner(3, false), None, "who receives works for none");
        received.over(of(1, false), stream(1, 1).unwrap().request, 150);
        assert_eq!(received.owner(of(1, true), 150 + MAX_LATE_NS + 1), None);
        let all = 1..=2 * MAX_STREAMS as u64;
        all.for_each(|number| _ = received.begin(of(number, false), stream(1, 2 * number), 300, IN_FLIGHT));
        assert_eq!(received.contexts[&receiver(of(1, false)).0].requests.len(), MAX_STREAMS);
    }

    #[test]
    fn who_handed_a_connection_over_starts_nothing_for_what_he_received_himself() {
        let other = |number, is_child| (7, OfGoroutine::context(21, number, is_child));
        let mut received = Received::default();
        received.begin(of(1, false), stream(1, 1), 100, IN_FLIGHT);
        assert!(received.owner(of(1, true), 105).is_some());
        received.begin(other(1, false), stream(1, 3), 110, IN_FLIGHT);
        assert_eq!(received.owner(of(1, true), 120), None);
        assert!(received.owner(other(1, true), 120).is_some());
        received.end_connection(1);
        assert!(received.readers.is_empty());
    }

    #[test]
    fn what_is_disowned_is_named_by_nothing() {
        let mut received = Received::default();
        received.begin((7, 20), Some(request(1)), 100, OVER);
        received.begin((7, 20), Some(request(2)), 200, OVER);
        received.disown((7, 20), request(1).request);
        let mut owner = |at_ns| received.owner((7, 20), at_ns).map(|owner| owner.request.connection);
        assert_eq!((owner(150), owner(250)), (None, Some(2)));
    }

    #[test]
    fn those_that_are_over_make_room() {
        let mut received = Received::default();
        let is_third = |owner: &Owner| owner.request.connection == 3;
        for context in 0..100_000 {
            let at_ns = 1_000_000 * context;
            assert!(received.begin((7, context), Some(request(context)), at_ns, is_third), "{context}");
        }
        assert!(
            received.owner((7, 3), 99_999_000_000).is_some() && received.owner((7, 99_999), 99_999_000_000).is_some()
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut received = Received::default();
        let taken =
            (0..20_000).filter(|context| received.begin((7, *context), Some(request(*context)), 100, OVER)).count();
        assert_eq!(taken, MAX_CONTEXTS);
        for at in 0..100 {
            received.begin((7, 0), Some(request(0)), 200 + at, OVER);
        }
        assert_eq!(received.contexts[&(7, 0)].requests.len(), MAX_REQUESTS);
        received.owner((7, 5), 50 + KEEP_NS);
        received.sweep(150 + KEEP_NS, |owner| owner.request.connection == 3);
        let mut left: Vec<_> = received.contexts.keys().map(|(_, context)| *context).collect();
        left.sort_unstable();
        assert_eq!(left, [0, 3, 5]);
    }
}
