//! Spans of servers that wait for the ids of the one who asked.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::conn::room;
use crate::trace::span::Span;

/// Most spans that wait, of one connection and of all.
const MAX: (usize, usize) = (256, 4096);
/// How long one waits at most, ns: a client that was answered reads soon.
const PATIENCE_NS: u64 = 1_000_000_000;
/// Time between two looks for those that waited long enough, ns.
const SWEEP_NS: u64 = 100_000_000;

#[derive(Debug)]
struct Held {
    pos: u32,
    since_ns: u64,
    span: Span,
}

/// By the client's connection.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    held: FxHashMap<u64, VecDeque<Held>>,
    count: usize,
    swept_ns: u64,
}

impl Waiting {
    /// Takes the span of a request at a position in; it comes back when there is no room.
    pub(super) fn hold(&mut self, client: u64, pos: u32, since_ns: u64, span: Span) -> Option<Span> {
        if self.count >= MAX.1 {
            return Some(span);
        }
        let held = self.held.entry(client).or_default();
        if held.len() >= MAX.0 {
            return Some(span);
        }
        held.push_back(Held { pos, since_ns, span });
        self.count += 1;
        None
    }

    /// The one of a position.
    pub(super) fn take(&mut self, client: u64, pos: u32) -> Option<Span> {
        let held = self.held.get_mut(&client)?;
        let at = held.iter().position(|one| one.pos == pos)?;
        self.count -= 1;
        held.remove(at).map(|one| one.span)
    }

    /// All of a connection that is over.
    pub(super) fn ended(&mut self, client: u64) -> Vec<Span> {
        let held = self.held.remove(&client).unwrap_or_default();
        self.count -= held.len();
        held.into_iter().map(|one| one.span).collect()
    }

    /// Those that have waited long enough. Event time has come to `now_ns`.
    pub(super) fn expired(&mut self, now_ns: u64) -> Vec<Span> {
        if now_ns.saturating_sub(self.swept_ns) < SWEEP_NS {
            return Vec::new();
        }
        self.swept_ns = now_ns;
        let mut expired = Vec::new();
        for held in self.held.values_mut() {
            while held.front().is_some_and(|one| one.since_ns.saturating_add(PATIENCE_NS) <= now_ns) {
                expired.extend(held.pop_front().map(|one| one.span));
            }
        }
        self.count -= expired.len();
        self.held.retain(|_, held| !held.is_empty());
        room::give_back(&mut self.held);
        expired
    }
}
