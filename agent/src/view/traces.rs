//! Recent traces in bounded memory, each as a whole or not at all. Those with a failure are kept first, then those with one of the
//! slowest calls of their operation in a minute, then a fair sample of the others.
//!
//! A trace waits until nothing of it has come for [`QUIET_NS`]; what comes later joins it. The set-up of a connection is a trace of its
//! own that the first request links to: it moves into that request's trace.

use std::collections::VecDeque;
use std::hash::{Hash as _, Hasher as _};

use rustc_hash::{FxHashMap, FxHasher};

use super::fair::Fair;
use super::said::is_failed;
use crate::trace::setup;
use crate::trace::span::{Kind, Span, TraceId};

/// A trace of which nothing came for so long is complete, ns.
pub const QUIET_NS: u64 = 2_000_000_000;
/// Most spans of a trace.
const MAX_SPANS: usize = 10_000;
/// Slowest calls that are remembered of an operation in a minute.
const SLOWEST: usize = 4;
const MINUTE_NS: u64 = 60_000_000_000;
/// Most operations whose slowest calls are remembered.
const MAX_OPERATIONS: usize = 4096;
/// Traces that were let go of and are remembered, so that what comes late does not look like a trace.
const MAX_GONE: usize = 16 * 1024;
/// Where memory is short, so much time lies between two examples of an operation, ns: more would only push each other out.
const BETWEEN_NS: u64 = 50_000_000;
/// What a trace takes besides its spans, bytes.
const OVERHEAD: usize = 256;

/// Why a trace is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// As an example.
    Sampled,
    /// One of its calls was one of the slowest of its operation.
    Slow,
    /// Something in it failed.
    Failed,
}

/// Shares of the memory, in per cent, by class: what exceeds its own gives first.
const SHARES: [usize; 3] = [20, 30, 50];

/// A trace.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its id.
    pub id: TraceId,
    /// Its spans, in the order in which they came.
    pub spans: Vec<Span>,
    /// Why it is kept.
    pub class: Class,
    /// Spans that found no room in it.
    pub cut: u64,
    bytes: usize,
    heard_ns: u64,
}

/// What became of traces and spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Spans that came.
    pub spans: u64,
    /// Traces kept now.
    pub kept: u64,
    /// Traces that were let go of for others.
    pub let_go: u64,
    /// Spans that came when their trace was gone, or full.
    pub late: u64,
}

/// What is remembered of an operation: its slowest calls in a minute, ns, and when an example of it was last kept.
#[derive(Clone, Copy, Debug, Default)]
struct Slowest {
    minute: u64,
    took: [u64; SLOWEST],
    sampled_ns: u64,
}

/// See the module's text.
#[derive(Debug)]
pub struct Traces {
    limit: usize,
    pending: FxHashMap<TraceId, Trace>,
    /// Pending ones in the order in which they were heard of; those that were heard of again come again.
    waiting: VecDeque<(u64, TraceId)>,
    kept: FxHashMap<TraceId, Trace>,
    queues: [Fair; 3],
    used: [usize; 3],
    pending_bytes: usize,
    gone: FxHashMap<TraceId, ()>,
    gone_order: VecDeque<TraceId>,
    slowest: FxHashMap<u64, Slowest>,
    counts: Counts,
}

/// What tells the operations of spans apart.
fn operation(span: &Span) -> u64 {
    let mut hasher = FxHasher::default();
    (&*span.resource.service_name, span.kind as u8, &*span.name).hash(&mut hasher);
    hasher.finish()
}

impl Traces {
    /// An empty store of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            pending: FxHashMap::default(),
            waiting: VecDeque::new(),
            kept: FxHashMap::default(),
            queues: [Fair::default(), Fair::default(), Fair::default()],
            used: [0; 3],
            pending_bytes: 0,
            gone: FxHashMap::default(),
            gone_order: VecDeque::new(),
            slowest: FxHashMap::default(),
            counts: Counts::default(),
        }
    }

    /// Takes in a span; event time is `now_ns`.
    pub fn add(&mut self, span: &Span, now_ns: u64) {
        self.counts.spans += 1;
        if self.gone.contains_key(&span.trace_id) {
            self.counts.late += 1;
            return;
        }
        let operation = operation(span);
        let class = self.class(span, operation, now_ns);
        let id = span.trace_id;
        // All of a trace, mostly: what belongs to it ends before it does.
        let is_whole = span.parent.is_none() && span.links.is_empty() && !self.pending.contains_key(&id);
        if is_whole && class == Class::Sampled && !self.kept.contains_key(&id) && !self.takes(operation, now_ns) {
            return self.forget(id);
        }
        for link in &span.links {
            self.move_set_up(&link.trace_id, id, now_ns);
        }
        let span = span.clone();
        let bytes = span.bytes();
        if let Some(trace) = self.kept.get_mut(&id) {
            if trace.spans.len() >= MAX_SPANS {
                trace.cut += 1;
                self.counts.late += 1;
                return;
            }
            trace.bytes += bytes;
            self.used[trace.class as usize] += bytes;
            trace.spans.push(span);
            if class > trace.class {
                self.used[trace.class as usize] -= trace.bytes;
                trace.class = class;
                self.used[class as usize] += trace.bytes;
                // What it was in before finds another class, and leaves it.
                self.queues[class as usize].push(root_operation(trace), id);
            }
            return self.make_room();
        }
        let trace = self.pending.entry(id).or_insert_with(|| Trace::new(id));
        if trace.spans.len() >= MAX_SPANS {
            trace.cut += 1;
            self.counts.late += 1;
            return;
        }
        if trace.spans.is_empty() {
            self.pending_bytes += OVERHEAD;
        }
        trace.spans.push(span);
        trace.bytes += bytes;
        trace.class = trace.class.max(class);
        self.pending_bytes += bytes;
        if trace.heard_ns != now_ns || trace.spans.len() == 1 {
            trace.heard_ns = now_ns;
            self.waiting.push_back((now_ns, id));
        }
        // Too much is under way: the oldest are taken for complete. They may get more yet.
        while self.pending_bytes > self.limit / 2 && self.settle_first() {}
    }

    /// Why the trace of a span is kept, by that alone.
    fn class(&mut self, span: &Span, operation: u64, now_ns: u64) -> Class {
        if is_failed(span) {
            return Class::Failed;
        }
        if span.kind == Kind::Internal {
            return Class::Sampled;
        }
        if self.slowest.len() >= MAX_OPERATIONS {
            self.slowest.clear();
        }
        let slowest = self.slowest.entry(operation).or_default();
        let minute = now_ns / MINUTE_NS + 1;
        if slowest.minute != minute {
            *slowest = Slowest { minute, took: [0; SLOWEST], ..*slowest };
        }
        let took = span.duration_ns();
        match slowest.took.iter_mut().min() {
            Some(least) if took > *least => {
                *least = took;
                Class::Slow
            }
            _ => Class::Sampled,
        }
    }

    /// Whether another example of an operation is kept: always, while there is room.
    fn takes(&mut self, operation: u64, now_ns: u64) -> bool {
        if self.bytes() < self.limit / 4 * 3 {
            return true;
        }
        let Some(known) = self.slowest.get_mut(&operation) else { return true };
        let is_due = now_ns >= known.sampled_ns + BETWEEN_NS;
        if is_due {
            known.sampled_ns = now_ns;
        }
        is_due
    }

    /// A trace is let go of; what comes of it later is no trace.
    fn forget(&mut self, id: TraceId) {
        self.counts.let_go += 1;
        self.gone.insert(id, ());
        self.gone_order.push_back(id);
        if self.gone_order.len() > MAX_GONE
            && let Some(oldest) = self.gone_order.pop_front()
        {
            self.gone.remove(&oldest);
        }
    }

    /// The set-up of a connection goes to the trace of the request that it was for.
    fn move_set_up(&mut self, from: &TraceId, to: TraceId, now_ns: u64) {
        let is_set_up = |trace: &Trace| trace.spans.first().is_some_and(|span| span.name == setup::NAME);
        let moved = if self.pending.get(from).is_some_and(is_set_up) {
            let moved = self.pending.remove(from);
            self.pending_bytes -= moved.as_ref().map_or(0, |trace| trace.bytes);
            moved
        } else if self.kept.get(from).is_some_and(is_set_up) {
            let moved = self.kept.remove(from);
            if let Some(trace) = &moved {
                self.used[trace.class as usize] -= trace.bytes;
            }
            moved
        } else {
            None
        };
        let Some(set_up) = moved else { return };
        let bytes = set_up.bytes - OVERHEAD;
        if let Some(trace) = self.kept.get_mut(&to) {
            trace.bytes += bytes;
            self.used[trace.class as usize] += bytes;
            trace.spans.extend(set_up.spans);
            return;
        }
        let trace = self.pending.entry(to).or_insert_with(|| Trace::new(to));
        self.pending_bytes += bytes + if trace.spans.is_empty() { OVERHEAD } else { 0 };
        trace.bytes += bytes;
        trace.class = trace.class.max(set_up.class);
        trace.spans.extend(set_up.spans);
        trace.heard_ns = now_ns;
        self.waiting.push_back((now_ns, to));
    }

    /// Time has come to `now_ns`: what is complete is kept, or something else goes.
    pub fn tick(&mut self, now_ns: u64) {
        while self.waiting.front().is_some_and(|(heard_ns, _)| heard_ns + QUIET_NS <= now_ns) {
            self.settle_first();
        }
    }

    /// Takes everything for complete: no more comes.
    pub fn finish(&mut self) {
        while self.settle_first() {}
    }

    /// The pending trace that was heard of first is complete, unless it was heard of again. Whether there was one.
    fn settle_first(&mut self) -> bool {
        let Some((heard_ns, id)) = self.waiting.pop_front() else { return false };
        if self.pending.get(&id).is_none_or(|trace| trace.heard_ns != heard_ns) {
            return true;
        }
        if let Some(mut trace) = self.pending.remove(&id) {
            self.pending_bytes -= trace.bytes;
            let operation = root_operation(&trace);
            // One span has been asked about when it came.
            let is_taken = trace.class != Class::Sampled || trace.spans.len() == 1 || self.takes(operation, heard_ns);
            if !is_taken {
                self.forget(id);
                return true;
            }
            trace.spans.shrink_to_fit();
            self.used[trace.class as usize] += trace.bytes;
            self.queues[trace.class as usize].push(operation, id);
            self.kept.insert(id, trace);
            self.make_room();
        }
        true
    }

    fn make_room(&mut self) {
        while self.used.iter().sum::<usize>() + self.pending_bytes > self.limit {
            let classes = [Class::Sampled, Class::Slow, Class::Failed];
            // What is under way may take half of the memory: the rest is shared.
            let room = self.limit.saturating_sub(self.pending_bytes);
            let is_over = |class: &Class| self.used[*class as usize] > room / 100 * SHARES[*class as usize];
            let is_any = |class: &Class| self.used[*class as usize] > 0;
            let Some(class) = classes.into_iter().find(is_over).or_else(|| classes.into_iter().find(is_any)) else {
                return;
            };
            let Some(id) = self.queues[class as usize].pop() else { return };
            // Others stand in a queue where they were before.
            if self.kept.get(&id).is_some_and(|trace| trace.class == class)
                && let Some(trace) = self.kept.remove(&id)
            {
                self.used[class as usize] -= trace.bytes;
                self.forget(id);
            }
        }
    }

    /// A trace, complete or not.
    #[must_use]
    pub fn get(&self, id: &TraceId) -> Option<&Trace> {
        self.kept.get(id).or_else(|| self.pending.get(id))
    }

    /// All that are complete.
    pub fn iter(&self) -> impl Iterator<Item = &Trace> {
        self.kept.values()
    }

    /// All that are not complete yet.
    pub fn pending(&self) -> impl Iterator<Item = &Trace> {
        self.pending.values()
    }

    /// What was counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { kept: self.kept.len() as u64, ..self.counts }
    }

    /// Bytes held by spans.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.used.iter().sum::<usize>() + self.pending_bytes
    }
}

fn root_operation(trace: &Trace) -> u64 {
    trace.root().map_or(0, operation)
}

impl Trace {
    fn new(id: TraceId) -> Self {
        Self { id, spans: Vec::new(), class: Class::Sampled, cut: 0, bytes: OVERHEAD, heard_ns: 0 }
    }

    /// A trace of these spans, however long ago they came.
    #[must_use]
    pub fn of(id: TraceId, spans: Vec<Span>) -> Self {
        Self { spans, ..Self::new(id) }
    }

    /// Its first span: the one without a parent, else the earliest.
    #[must_use]
    pub fn root(&self) -> Option<&Span> {
        let own = || self.spans.iter().filter(|span| span.trace_id == self.id);
        own()
            .filter(|span| span.parent.is_none())
            .min_by_key(|span| span.start_unix_ns)
            .or_else(|| own().min_by_key(|span| (span.start_unix_ns, std::cmp::Reverse(span.end_unix_ns))))
    }

    /// From when to when its spans are, ns since the Unix epoch.
    #[must_use]
    pub fn interval(&self) -> (u64, u64) {
        let start = self.spans.iter().map(|span| span.start_unix_ns).min().unwrap_or_default();
        let end = self.spans.iter().map(|span| span.end_unix_ns).max().unwrap_or_default();
        (start, end)
    }
}

#[cfg(test)]
#[path = "traces_tests.rs"]
mod tests;
