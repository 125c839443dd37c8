//! Which request of its process an operation was done for: the simplest rule that is certain.
//!
//! A request of an HTTP server is being handled on the thread that received it, from its first byte to the last byte
//! of its response. What that thread does meanwhile is done for it, if it is the only one there. Where that is not
//! certain there is no owner:
//! - more than one request is on the thread at that time;
//! - the thread was seen to handle several at once, or one that cannot be read: it is an event loop, and what it does may
//!   be left over from an earlier request;
//! - the runtime moves work between threads (goroutines, virtual threads, work stealing), and the process had another
//!   request in flight. [`Binding`] tells which runtimes do not.
//!
//! Richer execution contexts can replace this module: nothing outside knows more than [`Owner`].

use std::collections::VecDeque;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use wirespan_protocols::stream::Actor;

use super::span::{Resource, SpanId, TraceId};

/// Most requests that are kept, over all threads.
const MAX_REQUESTS: usize = 16 * 1024;
/// Most requests in flight on one thread.
const MAX_ON_THREAD: usize = 64;
/// Requests that are over and kept, of one thread: an operation is told when it ends, which may be later.
const MAX_OVER: usize = 8;
/// How long a request that is over is kept, ns.
const KEEP_NS: u64 = 5_000_000_000;
/// How long a thread that handles no request is remembered, ns.
const KEEP_THREAD_NS: u64 = 300_000_000_000;
/// Time between two looks for what is too old, ns.
const SWEEP_NS: u64 = 1_000_000_000;

/// Names a request of a server: its connection and the stream position of its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey {
    /// Connection id.
    pub connection: u64,
    /// Stream position of its first byte.
    pub pos: u64,
}

/// The request that something was done for, and the span that it is or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The request.
    pub request: RequestKey,
    /// Its trace.
    pub trace_id: TraceId,
    /// Its span.
    pub span_id: SpanId,
    /// Whether that span is exported.
    pub sampled: bool,
}

/// Whether a request stays on the thread that received it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// A thread handles what it received, from beginning to end.
    Thread,
    /// It may go on elsewhere.
    Unknown,
}

impl Binding {
    /// That of a process: interpreters whose threads are those of the operating system, and where a server either has a
    /// thread for each request or an event loop, which shows itself.
    #[must_use]
    pub fn of(resource: &Resource) -> Self {
        let runtime = resource.attributes.iter().find(|(key, _)| key == "process.runtime.name");
        match runtime.and_then(|(_, value)| value.as_str()) {
            Some("cpython" | "pypy" | "ruby") => Self::Thread,
            _ => Self::Unknown,
        }
    }
}

/// A request on its thread.
#[derive(Clone, Debug)]
struct Handled {
    owner: Owner,
    begin_ns: u64,
    /// `None` while it is in flight.
    end_ns: Option<u64>,
    /// No other request of the process was in flight at any time of this one.
    alone: bool,
}

impl Handled {
    fn covers(&self, at_ns: u64) -> bool {
        self.begin_ns <= at_ns && self.end_ns.is_none_or(|end_ns| at_ns < end_ns)
    }
}

#[derive(Debug, Default)]
struct Thread {
    /// In the order of their beginnings.
    requests: VecDeque<Handled>,
    in_flight: usize,
    /// It was seen to handle several requests at once, or one that nobody can read.
    multiplexes: bool,
    last_ns: u64,
}

/// Requests of one process that are in flight.
#[derive(Debug, Default)]
struct Process {
    in_flight: usize,
    /// The one that has been the only one so far, with its thread.
    only: Option<(RequestKey, Id)>,
}

/// A process and its thread.
type Id = (u32, u32);

/// Requests of one connection that are in flight: positions and threads, in the order of their positions.
#[derive(Debug)]
struct Flight {
    first: (u64, Id),
    /// Those of a pipeline; mostly none, which takes no allocation.
    more: VecDeque<(u64, Id)>,
}

impl Flight {
    fn holds(&self, pos: u64) -> bool {
        self.first.0 == pos || self.more.binary_search_by_key(&pos, |(pos, _)| *pos).is_ok()
    }

    fn add(&mut self, pos: u64, id: Id) {
        let later = if pos < self.first.0 { std::mem::replace(&mut self.first, (pos, id)) } else { (pos, id) };
        let place = self.more.partition_point(|(other, _)| *other < later.0);
        self.more.insert(place, later);
    }
}

/// The requests that servers are handling.
#[derive(Debug, Default)]
pub struct Contexts {
    threads: FxHashMap<Id, Thread>,
    processes: FxHashMap<u32, Process>,
    /// Those in flight, by connection.
    in_flight: FxHashMap<u64, Flight>,
    requests: usize,
    refused: u64,
    swept_ns: u64,
}

impl Contexts {
    /// Requests that found no room: what is done for them has no owner.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// A thread received a request whose span will be that of `owner`.
    pub fn begin(&mut self, owner: Owner, actor: Actor, at_ns: u64) {
        let id = (actor.pid, actor.tid);
        let RequestKey { connection, pos } = owner.request;
        let is_known = |flight: &Flight| flight.holds(pos);
        if actor.pid == 0 || actor.tid == 0 || self.in_flight.get(&connection).is_some_and(is_known) {
            return;
        }
        if self.requests >= MAX_REQUESTS || self.threads.len() >= MAX_REQUESTS && !self.threads.contains_key(&id) {
            self.refused += 1;
            self.unreadable(actor, at_ns);
            return;
        }
        let thread = self.threads.entry(id).or_default();
        // All that was there is over: nothing can overlap.
        let is_alone = thread.in_flight == 0 && thread.last_ns <= at_ns;
        thread.last_ns = thread.last_ns.max(at_ns);
        if thread.in_flight >= MAX_ON_THREAD {
            self.refused += 1;
            thread.multiplexes = true;
            return;
        }
        // Requests of one connection that overlap may be a pipeline, read at once and handled one by one.
        thread.multiplexes |= !is_alone
            && !thread.multiplexes
            && thread.requests.iter().any(|other| other.covers(at_ns) && other.owner.request.connection != connection);
        let process = self.processes.entry(actor.pid).or_default();
        let alone = process.in_flight == 0;
        process.in_flight += 1;
        let before = std::mem::replace(&mut process.only, alone.then_some((owner.request, id)));
        thread.requests.push_back(Handled { owner, begin_ns: at_ns, end_ns: None, alone });
        thread.in_flight += 1;
        self.requests += 1;
        match self.in_flight.entry(connection) {
            Entry::Vacant(entry) => _ = entry.insert(Flight { first: (pos, id), more: VecDeque::new() }),
            Entry::Occupied(entry) => entry.into_mut().add(pos, id),
        }
        if let Some((key, id)) = before
            && let Some(other) = self.threads.get_mut(&id).and_then(|thread| thread.find(key))
        {
            other.alone = false;
        }
    }

    /// A thread received something for which it may work, but which is no request that [`begin`](Self::begin) is told of.
    pub fn unreadable(&mut self, actor: Actor, at_ns: u64) {
        if let Some(thread) = self.threads.get_mut(&(actor.pid, actor.tid)) {
            (thread.multiplexes, thread.last_ns) = (true, thread.last_ns.max(at_ns));
        } else if actor.tid != 0 && self.threads.len() < MAX_REQUESTS {
            let thread = Thread { multiplexes: true, last_ns: at_ns, ..Thread::default() };
            self.threads.insert((actor.pid, actor.tid), thread);
        }
    }

    /// A request is over, and with it those before it on the same connection. The ids that were promised to it.
    pub fn end(&mut self, request: RequestKey, at_ns: u64) -> Option<Owner> {
        let mut ended = None;
        while let Some((pos, id)) = self.land(request) {
            let owner = self.close(RequestKey { pos, ..request }, id, at_ns);
            ended = owner.filter(|_| pos == request.pos);
        }
        ended
    }

    /// Takes the first request of a connection out of those in flight, if it is `last` or comes before it.
    fn land(&mut self, last: RequestKey) -> Option<(u64, Id)> {
        let Entry::Occupied(mut entry) = self.in_flight.entry(last.connection) else { return None };
        let flight = entry.get_mut();
        let first = flight.first;
        if first.0 > last.pos {
            return None;
        }
        match flight.more.pop_front() {
            Some(next) => flight.first = next,
            None => drop(entry.remove()),
        }
        Some(first)
    }

    /// A connection is over, and with it its requests.
    pub fn end_connection(&mut self, connection: u64, at_ns: u64) {
        self.end(RequestKey { connection, pos: u64::MAX }, at_ns);
    }

    fn close(&mut self, key: RequestKey, id: Id, at_ns: u64) -> Option<Owner> {
        if let Some(process) = self.processes.get_mut(&id.0) {
            process.in_flight = process.in_flight.saturating_sub(1);
            if process.only.is_some_and(|(only, _)| only == key) {
                process.only = None;
            }
            if process.in_flight == 0 {
                self.processes.remove(&id.0);
            }
        }
        let thread = self.threads.get_mut(&id)?;
        let handled = thread.find(key)?;
        handled.end_ns = Some(at_ns);
        let owner = handled.owner;
        thread.in_flight = thread.in_flight.saturating_sub(1);
        thread.last_ns = thread.last_ns.max(at_ns);
        // The oldest that are over go.
        while thread.requests.len() > thread.in_flight + MAX_OVER {
            let Some(oldest) = thread.requests.iter().position(|handled| handled.end_ns.is_some()) else { break };
            thread.requests.remove(oldest);
            self.requests = self.requests.saturating_sub(1);
        }
        Some(owner)
    }

    /// The request for which `actor` did something at `at_ns`; `None` when that is not certain.
    #[must_use]
    pub fn owner(&self, actor: Actor, at_ns: u64, binding: impl FnOnce() -> Binding) -> Option<Owner> {
        let thread = self.threads.get(&(actor.pid, actor.tid)).filter(|thread| !thread.multiplexes)?;
        let mut candidates = thread.requests.iter().filter(|handled| handled.covers(at_ns));
        let handled = candidates.next()?;
        let is_certain = candidates.next().is_none() && (handled.alone || binding() == Binding::Thread);
        is_certain.then_some(handled.owner)
    }

    /// Forgets what is too old. Event time has come to `now_ns`.
    pub fn sweep(&mut self, now_ns: u64) {
        if now_ns.saturating_sub(self.swept_ns) < SWEEP_NS {
            return;
        }
        self.swept_ns = now_ns;
        let mut requests = 0;
        self.threads.retain(|_, thread| {
            thread.requests.retain(|handled| handled.end_ns.is_none_or(|end_ns| end_ns + KEEP_NS > now_ns));
            requests += thread.requests.len();
            !thread.requests.is_empty() || thread.last_ns + KEEP_THREAD_NS > now_ns
        });
        self.requests = requests;
    }
}

impl Thread {
    fn find(&mut self, key: RequestKey) -> Option<&mut Handled> {
        self.requests.iter_mut().rev().find(|handled| handled.owner.request == key && handled.end_ns.is_none())
    }
}

#[cfg(test)]
mod tests;
