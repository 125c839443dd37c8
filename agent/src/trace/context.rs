//! Which request of its process an operation was done for: the simplest rule that is certain.
//!
//! Where a runtime shows its own contexts (goroutines), what a context does is done for the request that it received last
//! ([`received`]). Node.js shows in the callback of which receive a call is made ([`chain`]).
//!
//! Elsewhere a request of an HTTP server is being handled on the thread that received it, from its first byte to the last byte
//! of its response. What that thread does meanwhile is done for it, if it is the only one there. Where that is not
//! certain there is no owner:
//! - more than one request is on the thread at that time;
//! - the thread is an event loop, whose work may be a timer's, or left over from an earlier request. It shows that once
//!   and is never trusted again: it handles several requests at once, or one that cannot be read; it works while it has
//!   no request ([`idle`]); a call of its outlives the request that it was made in;
//! - the runtime moves work between threads, and the process had another request in flight or showed the same as a
//!   whole; or nothing can be known of its threads. [`Binding`] tells which runtimes do what.
//!
//! Richer execution contexts can replace this module: nothing outside knows more than [`Owner`].

mod chain;
mod flight;
mod idle;
mod kept;
mod key;
mod received;

use std::collections::VecDeque;
use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use wirespan_common::context::{OF_RECEIVE, is_of_receive};
use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::stream::Actor;
use wirespan_semconv as semconv;

use super::sampler::Decision;
use super::span::{Resource, SpanId, TraceId};
use crate::conn::room;
use crate::event::{Data, Open};
use chain::Chains;
use flight::Flight;
use idle::Idle;
use kept::Kept;
use key::Place;
pub use key::RequestKey;
use received::Received;

/// Most requests that are kept, over all threads.
const MAX_REQUESTS: usize = 16 * 1024;
/// Most requests in flight on one thread.
const MAX_ON_THREAD: usize = 64;
/// Requests that are over and kept, of one thread: an operation is told when it ends, which may be later.
const MAX_OVER: usize = 8;
/// How long a request that is over is kept, ns.
const KEEP_NS: u64 = 5_000_000_000;
/// How long a thread or a process is remembered that handles no request and showed nothing, ns.
const KEEP_THREAD_NS: u64 = 300_000_000_000;
/// Time between two looks for what is too old, ns.
const SWEEP_NS: u64 = 1_000_000_000;

/// The request that something was done for, and the span that it is or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The request.
    pub request: RequestKey,
    /// Its trace.
    pub trace_id: TraceId,
    /// Its span.
    pub span_id: SpanId,
    /// The parent of that.
    pub parent: Option<SpanId>,
    /// Whether that span is exported, and if not why.
    pub decision: Decision,
}

/// How a runtime's requests and threads belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// A thread handles what it received, from beginning to end, or it is an event loop and shows that.
    Thread,
    /// A request may go on elsewhere: certain is only what is done while it is the only one of the process.
    Process,
    /// A thread of the operating system runs whatever the runtime gives it, and nothing shows what.
    Nothing,
}

impl Binding {
    /// That of a process. Interpreters have threads of the operating system, and a server either has a thread for each
    /// request or an event loop. The JVM may run any virtual thread on the thread that received a request, and Node.js runs
    /// timers and what others have waited for beside it.
    #[must_use]
    pub fn of(resource: &Resource) -> Self {
        let runtime = resource.attributes.iter().find(|(key, _)| key == semconv::PROCESS_RUNTIME_NAME);
        match runtime.and_then(|(_, value)| value.as_str()) {
            Some("cpython" | "pypy" | "ruby") => Self::Thread,
            Some("java" | "nodejs") => Self::Nothing,
            _ => Self::Process,
        }
    }
}

/// A call as the one who made it sees it.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Over which connection.
    pub connection: u64,
    /// Who made it.
    pub actor: Actor,
    /// When it began, ns.
    pub start_ns: u64,
    /// When it was answered, ns; `None` where that says nothing about who waited.
    pub end_ns: Option<u64>,
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
    /// It showed that it is an event loop.
    is_loop: bool,
    idle: Idle,
    last_ns: u64,
}

/// A process: its requests that are in flight, and what it does without one.
#[derive(Debug, Default)]
struct Process {
    in_flight: usize,
    /// The one that has been the only one so far, with its thread.
    only: Option<(RequestKey, Id)>,
    /// Its threads that are remembered.
    tids: Vec<u32>,
    /// It showed work that is no request's.
    has_own_work: bool,
    /// There was no room to remember its threads: none of them is trusted.
    is_crowded: bool,
    idle: Idle,
    exited_ns: Option<u64>,
    last_ns: u64,
}

/// A process and its thread.
type Id = (u32, u32);

/// The requests that servers are handling.
#[derive(Debug, Default)]
pub struct Contexts {
    threads: FxHashMap<Id, Thread>,
    processes: FxHashMap<u32, Process>,
    /// Those in flight, by connection; none on some.
    in_flight: FxHashMap<u64, Flight>,
    /// By the contexts of runtimes that show them.
    received: Received,
    /// By the receives in whose callbacks calls are made.
    chains: Chains,
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

    /// A thread received a request whose span will be that of `owner`, from `at_ns` to `read_ns`. False when there was no room
    /// for it: [`end`](Self::end) will not know it, so nothing may name its span.
    pub fn begin(&mut self, owner: Owner, actor: Actor, (at_ns, read_ns): (u64, u64)) -> bool {
        let is_kept = self.place(owner, actor, at_ns);
        if is_of_receive(actor.context) {
            self.chains.begin(actor.pid, actor.context, is_kept.then_some(owner), (at_ns, read_ns));
        } else if actor.context != 0 {
            let is_received = self.received.begin((actor.pid, actor.context), is_kept.then_some(owner), read_ns);
            self.refused += u64::from(is_kept && !is_received);
        }
        is_kept
    }

    /// Puts a request among those of its thread and of its process, if there is room.
    fn place(&mut self, owner: Owner, actor: Actor, at_ns: u64) -> bool {
        let id = (actor.pid, actor.tid);
        let (connection, place) = (owner.request.connection, owner.request.place());
        if actor.pid == 0 || actor.tid == 0 {
            return false;
        }
        let flight = self.in_flight.entry(connection);
        if matches!(&flight, Entry::Occupied(flight) if flight.get().holds(place)) {
            return false;
        }
        let kept = kept::of(&mut self.threads, &mut self.processes, actor, at_ns);
        if self.requests >= MAX_REQUESTS {
            self.refused += 1;
            kept::unreadable(kept);
            return false;
        }
        let Some(Kept { thread, process, heard_ns }) = kept else {
            self.refused += 1;
            return false;
        };
        // Until this request, the thread had heard of nothing later, and all that was there is over: nothing can overlap.
        let is_alone = thread.in_flight == 0 && heard_ns <= at_ns;
        if thread.in_flight >= MAX_ON_THREAD {
            thread.is_loop = true;
            self.refused += 1;
            return false;
        }
        // Requests of one connection that overlap may be a pipeline, read at once and handled one by one.
        thread.is_loop |= !is_alone
            && !thread.is_loop
            && thread.requests.iter().any(|other| other.covers(at_ns) && other.owner.request.connection != connection);
        if thread.in_flight == 0 {
            thread.idle.end(at_ns);
        }
        let alone = process.in_flight == 0;
        if alone {
            process.idle.end(at_ns);
        }
        process.in_flight += 1;
        let before = std::mem::replace(&mut process.only, alone.then_some((owner.request, id)));
        thread.requests.push_back(Handled { owner, begin_ns: at_ns, end_ns: None, alone });
        thread.in_flight += 1;
        self.requests += 1;
        match flight {
            Entry::Vacant(entry) => _ = entry.insert(Flight::new(place, id)),
            Entry::Occupied(entry) => entry.into_mut().add(place, id),
        }
        if let Some((key, id)) = before
            && let Some(other) = self.threads.get_mut(&id).and_then(|thread| thread.find(key))
        {
            other.alone = false;
        }
        true
    }

    /// A thread received something for which it may work, but which is no request that [`begin`](Self::begin) is told of.
    pub fn unreadable(&mut self, actor: Actor, at_ns: u64) {
        kept::unreadable(kept::of(&mut self.threads, &mut self.processes, actor, at_ns));
        self.chains.unreadable(actor.pid);
    }

    /// A call moved bytes.
    pub fn moved(&mut self, data: &Data<'_>) {
        if data.actor.context & OF_RECEIVE != 0 {
            self.chains.moved(data);
        }
    }

    /// A connection is there.
    pub fn opened(&mut self, open: &Open) {
        self.chains.opened(open);
    }

    /// A client's call was answered that was made for `owner`.
    pub fn answered(&mut self, open: &Open, exchange: &Exchange, owner: Option<Owner>) {
        if exchange.actor.context & OF_RECEIVE != 0 {
            self.chains.answered(open, exchange, owner);
        }
    }

    /// A process came, or runs another program: what its threads showed was another one's.
    pub fn renew(&mut self, pid: u32) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        self.received.forget(pid);
        self.chains.forget(pid);
        (process.has_own_work, process.is_crowded, process.exited_ns) = (false, false, None);
        process.idle = Idle::default();
        for tid in &process.tids {
            if let Some(thread) = self.threads.get_mut(&(pid, *tid)) {
                (thread.is_loop, thread.idle) = (false, Idle::default());
            }
        }
    }

    /// A process has exited. Its last requests end with its connections, which are closed after it.
    pub fn exited(&mut self, pid: u32, at_ns: u64) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.exited_ns = Some(at_ns);
        }
    }

    /// A request is over, and with it those before it on the same stream. The ids that were promised to it.
    pub fn end(&mut self, request: RequestKey, at_ns: u64) -> Option<Owner> {
        while let Some((place, id)) = self.land(request.connection, |flight| flight.take(request.place())) {
            let owner = self.close(request.connection, place, id, at_ns);
            if place == request.place() {
                return owner;
            }
        }
        None
    }

    /// Takes a request of a connection out of those in flight. The place of an empty one stays until it is swept: mostly the
    /// next request comes soon.
    fn land(&mut self, connection: u64, take: impl FnOnce(&mut Flight) -> Option<(Place, Id)>) -> Option<(Place, Id)> {
        self.in_flight.get_mut(&connection).and_then(take)
    }

    /// A connection is over, and with it its requests.
    pub fn end_connection(&mut self, connection: u64, at_ns: u64) {
        self.chains.end_connection(connection);
        let Some(mut flight) = self.in_flight.remove(&connection) else { return };
        while let Some((place, id)) = flight.pop() {
            self.close(connection, place, id, at_ns);
        }
    }

    fn close(&mut self, connection: u64, (stream, pos): Place, id: Id, at_ns: u64) -> Option<Owner> {
        let key = RequestKey { connection, stream, pos };
        if let Some(process) = self.processes.get_mut(&id.0) {
            process.in_flight = process.in_flight.saturating_sub(1);
            if process.only.is_some_and(|(only, _)| only == key) {
                process.only = None;
            }
            process.last_ns = process.last_ns.max(at_ns);
            if process.in_flight == 0 {
                process.idle.begin(at_ns);
            }
        }
        let thread = self.threads.get_mut(&id)?;
        let handled = thread.find(key)?;
        handled.end_ns = Some(at_ns);
        let owner = handled.owner;
        self.chains.end(id.0, key, handled.begin_ns);
        thread.in_flight = thread.in_flight.saturating_sub(1);
        thread.last_ns = thread.last_ns.max(at_ns);
        if thread.in_flight == 0 {
            thread.idle.begin(at_ns);
        }
        // The oldest that are over go.
        while thread.requests.len() > thread.in_flight + MAX_OVER {
            let Some(oldest) = thread.requests.iter().position(|handled| handled.end_ns.is_some()) else { break };
            thread.requests.remove(oldest);
            self.requests = self.requests.saturating_sub(1);
        }
        Some(owner)
    }

    /// The request for which a call was made; `None` when that is not certain. A call also shows what its thread and its
    /// process do when they have no request.
    pub fn owner(&mut self, call: Call, binding: impl FnOnce() -> Binding) -> Option<Owner> {
        let Call { actor, start_ns, end_ns, .. } = call;
        if is_of_receive(actor.context) {
            return self.chains.owner(&call);
        }
        if actor.context != 0 {
            return self.received.owner((actor.pid, actor.context), start_ns);
        }
        let Kept { thread, process, .. } = kept::of(&mut self.threads, &mut self.processes, actor, start_ns)?;
        let handled = thread.at(start_ns).map(|one| (one.owner, one.alone, one.end_ns));
        let over_ns = handled.and_then(|(.., over_ns)| over_ns);
        let is_left_over = over_ns.zip(end_ns).is_some_and(|(over_ns, end_ns)| over_ns < end_ns);
        thread.is_loop |= thread.idle.shows(start_ns) || is_left_over;
        process.has_own_work |= process.idle.shows(start_ns) || is_left_over;
        let (owner, alone, _) = handled.filter(|_| !thread.is_loop && !process.is_crowded)?;
        let is_certain = match binding() {
            Binding::Thread => true,
            Binding::Process => alone && !process.has_own_work,
            Binding::Nothing => false,
        };
        is_certain.then_some(owner)
    }

    /// Forgets what is too old. Event time has come to `now_ns`.
    pub fn sweep(&mut self, now_ns: u64) {
        if now_ns.saturating_sub(self.swept_ns) < SWEEP_NS {
            return;
        }
        self.swept_ns = now_ns;
        let mut requests = 0;
        let is_gone = |process: &Process| process.exited_ns.is_some_and(|at_ns| at_ns + KEEP_NS <= now_ns);
        self.processes.retain(|pid, process| {
            let stays = !is_gone(process);
            if !stays {
                self.chains.forget(*pid);
                process.tids.iter().for_each(|tid| _ = self.threads.remove(&(*pid, *tid)));
            }
            stays
        });
        self.threads.retain(|_, thread| {
            thread.requests.retain(|handled| handled.end_ns.is_none_or(|end_ns| end_ns + KEEP_NS > now_ns));
            requests += thread.requests.len();
            !thread.requests.is_empty() || thread.is_loop || thread.last_ns + KEEP_THREAD_NS > now_ns
        });
        self.processes.retain(|pid, process| {
            process.tids.retain(|tid| self.threads.contains_key(&(*pid, *tid)));
            process.in_flight > 0
                || process.has_own_work
                || !process.tids.is_empty()
                || process.last_ns + KEEP_THREAD_NS > now_ns
        });
        self.requests = requests;
        room::give_back(&mut self.threads);
        room::give_back(&mut self.processes);
        self.chains.sweep(now_ns);
        let Self { received, in_flight, .. } = self;
        received.sweep(now_ns, |owner| {
            in_flight.get(&owner.request.connection).is_some_and(|flight| flight.holds(owner.request.place()))
        });
        self.in_flight.retain(|_, flight| !flight.is_empty());
        room::give_back(&mut self.in_flight);
    }
}

impl Thread {
    /// The request that it handled at a time, if that was one.
    fn at(&self, at_ns: u64) -> Option<&Handled> {
        let mut candidates = self.requests.iter().filter(|handled| handled.covers(at_ns));
        let handled = candidates.next()?;
        candidates.next().is_none().then_some(handled)
    }

    fn find(&mut self, key: RequestKey) -> Option<&mut Handled> {
        self.requests.iter_mut().rev().find(|handled| handled.owner.request == key && handled.end_ns.is_none())
    }
}

#[cfg(test)]
mod tests;
