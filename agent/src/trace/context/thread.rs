//! A thread, and the requests that it has received.

use std::collections::VecDeque;

use super::idle::Idle;
use super::{Owner, RequestKey};

/// How long after an answer a thread may begin what it still does for it, ns.
pub(super) const LATE_NS: u64 = 1_000_000_000;

/// A request on its thread.
#[derive(Clone, Debug)]
pub(super) struct Handled {
    pub(super) owner: Owner,
    pub(super) begin_ns: u64,
    /// `None` while it is in flight.
    pub(super) end_ns: Option<u64>,
    /// It ended with its connection: whoever works for it need not know.
    pub(super) is_cut: bool,
}

impl Handled {
    pub(super) fn covers(&self, at_ns: u64) -> bool {
        self.begin_ns <= at_ns && self.end_ns.is_none_or(|end_ns| at_ns < end_ns)
    }
}

#[derive(Debug, Default)]
pub(super) struct Thread {
    /// In the order of their beginnings.
    pub(super) requests: VecDeque<Handled>,
    pub(super) in_flight: usize,
    /// Its runtime gives it one request after the other.
    pub(super) is_bound: bool,
    /// It showed that it is an event loop.
    pub(super) is_loop: bool,
    /// It worked long after its last answer, or before the first request: what it does between requests may be nobody's.
    pub(super) has_own_work: bool,
    pub(super) idle: Idle,
    pub(super) last_ns: u64,
}

impl Thread {
    /// It runs another program.
    pub(super) fn renew(&mut self) {
        (self.is_loop, self.has_own_work, self.idle) = (false, false, Idle::default());
    }

    /// The request that it handled at a time, if that was one.
    pub(super) fn at(&self, at_ns: u64) -> Option<&Handled> {
        let mut candidates = self.requests.iter().filter(|handled| handled.covers(at_ns));
        let handled = candidates.next()?;
        candidates.next().is_none().then_some(handled)
    }

    /// The request that it has answered last before a time, and not long before.
    pub(super) fn over(&self, at_ns: u64) -> Option<Owner> {
        let last = self.requests.iter().rev().find(|handled| handled.begin_ns <= at_ns)?;
        last.end_ns.filter(|end_ns| at_ns.saturating_sub(*end_ns) <= LATE_NS).map(|_| last.owner)
    }

    pub(super) fn find(&mut self, key: RequestKey) -> Option<&mut Handled> {
        self.requests.iter_mut().rev().find(|handled| handled.owner.request == key && handled.end_ns.is_none())
    }
}
