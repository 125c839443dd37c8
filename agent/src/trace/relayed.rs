//! A proxy asks of another what it is asked. So a call belongs to the request in flight of the same process that asks the same, if it
//! is the only such request that has not been passed on yet. One whose call failed may be passed on again.
//!
//! Only for programs that are no runtime's: what an application asks of others is its own business, even if it reads the same.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use wirespan_protocols::phase::Print;

use super::context::{Owner, RequestKey};
use crate::conn::room;

/// Most requests that are remembered, and most that end alike; the calls of further ones have no parent.
const MAX: (usize, usize) = (16 * 1024, 256);
/// Time between two looks for those that are over, ns.
const SWEEP_NS: u64 = 1_000_000_000;

/// A request that may be passed on.
#[derive(Debug)]
struct Candidate {
    owner: Owner,
    whole: u64,
    is_passed_on: bool,
}

/// Requests of a process that end alike.
#[derive(Debug, Default)]
struct Alike {
    candidates: VecDeque<Candidate>,
    /// There was no room for one of them: none can be told from it until all are over.
    is_crowded: bool,
}

impl Alike {
    fn clean(&mut self, is_in_flight: impl Fn(&Owner) -> bool) {
        self.candidates.retain(|candidate| is_in_flight(&candidate.owner));
        self.is_crowded &= !self.candidates.is_empty();
    }

    /// The only one that asks the same and is still to be passed on; else the only one that asks the same in other words.
    fn only(&mut self, whole: u64) -> Option<&mut Candidate> {
        let is_same = self.candidates.iter().any(|candidate| candidate.whole == whole);
        let mut due = self
            .candidates
            .iter_mut()
            .filter(|candidate| !candidate.is_passed_on && (!is_same || candidate.whole == whole));
        let only = due.next()?;
        due.next().is_none().then_some(only)
    }
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Relayed {
    alike: FxHashMap<(u32, u64), Alike>,
    count: usize,
    swept_ns: u64,
}

impl Relayed {
    /// A process received a request that asks this, whose span will be that of `owner`. `is_in_flight` tells whether a request
    /// is not over.
    pub fn came(&mut self, process: u32, print: Print, owner: Owner, is_in_flight: impl Fn(&Owner) -> bool) {
        let is_full = self.count >= MAX.0;
        if is_full && !self.alike.contains_key(&(process, print.tail)) {
            return;
        }
        let alike = self.alike.entry((process, print.tail)).or_default();
        let before = alike.candidates.len();
        alike.clean(is_in_flight);
        if is_full || alike.candidates.len() >= MAX.1 {
            alike.is_crowded = true;
        } else {
            alike.candidates.push_back(Candidate { owner, whole: print.whole, is_passed_on: false });
        }
        self.count = self.count + alike.candidates.len() - before;
    }

    /// The request that a process passes on with a call that asks this; `None` where several may be it, or none.
    pub fn asks(&mut self, process: u32, print: Print, is_in_flight: impl Fn(&Owner) -> bool) -> Option<Owner> {
        let alike = self.alike.get_mut(&(process, print.tail))?;
        let before = alike.candidates.len();
        alike.clean(is_in_flight);
        self.count = self.count + alike.candidates.len() - before;
        if alike.is_crowded {
            return None;
        }
        let candidate = alike.only(print.whole)?;
        candidate.is_passed_on = true;
        Some(candidate.owner)
    }

    /// The call that passed a request on has failed: another one may.
    pub fn failed(&mut self, process: u32, print: Print, request: RequestKey) {
        let alike = self.alike.get_mut(&(process, print.tail));
        let candidate = alike.and_then(|alike| alike.candidates.iter_mut().find(|one| one.owner.request == request));
        if let Some(candidate) = candidate {
            candidate.is_passed_on = false;
        }
    }

    /// Forgets those that are over. Event time has come to `now_ns`.
    pub fn sweep(&mut self, now_ns: u64, is_in_flight: impl Fn(&Owner) -> bool) {
        if now_ns.saturating_sub(self.swept_ns) < SWEEP_NS {
            return;
        }
        self.swept_ns = now_ns;
        self.alike.retain(|_, alike| {
            alike.clean(&is_in_flight);
            !alike.candidates.is_empty()
        });
        self.count = self.alike.values().map(|alike| alike.candidates.len()).sum();
        room::give_back(&mut self.alike);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::sampler::Decision;

    const IN_FLIGHT: fn(&Owner) -> bool = |_| true;

    fn own(connection: u64) -> Owner {
        let request = RequestKey { connection, stream: 0, pos: 0 };
        Owner { request, trace_id: [1; 16], span_id: [2; 8], parent: None, decision: Decision::Sample }
    }

    fn came(relayed: &mut Relayed, target: &str, connection: u64) {
        relayed.came(7, Print::of("GET", target), own(connection), IN_FLIGHT);
    }

    fn asks(relayed: &mut Relayed, target: &str) -> Option<u64> {
        relayed.asks(7, Print::of("GET", target), IN_FLIGHT).map(|owner| owner.request.connection)
    }

    #[test]
    fn a_call_belongs_to_the_only_request_that_asks_the_same() {
        let mut relayed = Relayed::default();
        came(&mut relayed, "/a?id=1", 1);
        came(&mut relayed, "/a?id=2", 2);
        assert_eq!((asks(&mut relayed, "/a?id=2"), asks(&mut relayed, "/a?id=3")), (Some(2), None));
        assert_eq!(relayed.asks(8, Print::of("GET", "/a?id=1"), IN_FLIGHT), None, "another process");
        assert_eq!(relayed.asks(7, Print::of("POST", "/a?id=1"), IN_FLIGHT), None, "another method");
        assert_eq!((asks(&mut relayed, "/a?id=1"), asks(&mut relayed, "/a?id=1")), (Some(1), None), "once");
    }

    #[test]
    fn equal_requests_are_told_apart_by_what_was_passed_on() {
        let mut relayed = Relayed::default();
        came(&mut relayed, "/", 1);
        assert_eq!(asks(&mut relayed, "/"), Some(1));
        came(&mut relayed, "/", 2);
        came(&mut relayed, "/", 3);
        assert_eq!(asks(&mut relayed, "/"), None, "either of two");
        let print = Print::of("GET", "/");
        let is_third = |owner: &Owner| owner.request.connection == 3;
        assert_eq!(
            relayed.asks(7, print, is_third).map(|owner| owner.request.connection),
            Some(3),
            "the others are over"
        );
        relayed.failed(7, print, own(3).request);
        assert_eq!(asks(&mut relayed, "/"), Some(3), "again");
    }

    #[test]
    fn a_proxy_may_replace_the_beginning() {
        let mut relayed = Relayed::default();
        came(&mut relayed, "/api/users/7?x=1", 1);
        came(&mut relayed, "/users/7?x=1", 2);
        assert_eq!(asks(&mut relayed, "/users/7?x=1"), Some(2), "the same before the like");
        assert_eq!(asks(&mut relayed, "/users/7?x=1"), None, "it was passed on already");
        let mut relayed = Relayed::default();
        came(&mut relayed, "/api/users/7?x=1", 1);
        assert_eq!(asks(&mut relayed, "/v2/users/7?x=1"), Some(1));
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut relayed = Relayed::default();
        (0..1000).for_each(|connection| came(&mut relayed, "/", connection));
        assert_eq!((relayed.count, asks(&mut relayed, "/")), (MAX.1, None));
        let is_first = |owner: &Owner| owner.request.connection == 0;
        assert_eq!(relayed.asks(7, Print::of("GET", "/"), is_first), None, "one of them was not kept");
        relayed.sweep(SWEEP_NS, |_| false);
        assert_eq!((relayed.count, relayed.alike.len()), (0, 0));
        (0..100_000_u64).for_each(|connection| came(&mut relayed, &format!("/{connection}"), connection));
        assert_eq!((relayed.count, relayed.alike.len()), (MAX.0, MAX.0));
    }
}
