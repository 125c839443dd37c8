//! Which request of its process an operation was done for: only what is certain.
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
//! - nothing shows that it is none. [`Binding`] tells of which runtimes that is known.

mod binding;
mod call;
mod chain;
mod flight;
mod idle;
mod kept;
mod key;
mod received;
mod streams;
mod thread;
mod working;

use rustc_hash::FxHashMap;
use wirespan_common::context::{OF_NOBODY, OfGoroutine, OfStream, WAITS, is_of_receive, shows_receives};
use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::stream::Actor;

use crate::conn::room;
use crate::event::{Data, Open};
pub use binding::Binding;
pub use call::Call;
use chain::Chains;
use flight::{Flight, Request};
use kept::Kept;
pub use key::{Owner, RequestKey};
use received::Received;
use streams::Streams;
use thread::{Handled, Thread};
use working::Touched;

/// Most requests that are kept: in flight, and over all threads.
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

/// What is kept of a process.
#[derive(Debug, Default)]
struct Process {
    /// Its threads that are remembered.
    tids: Vec<u32>,
    /// There was no room to remember its threads: none of them is trusted.
    is_crowded: bool,
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
    /// How many those are.
    flying: usize,
    /// By the contexts of runtimes that show them.
    received: Received,
    /// By the streams that those name instead.
    streams: Streams,
    /// By the receives in whose callbacks calls are made.
    chains: Chains,
    /// Requests that are kept by thread.
    requests: usize,
    refused: u64,
    swept_ns: u64,
    touched: Touched,
}

impl Contexts {
    /// Requests that found no room: what is done for them has no owner.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// A request was received whose span will be that of `owner`, from `at_ns` to `read_ns`. False when there was no room
    /// for it: [`end`](Self::end) will not know it, so nothing may name its span. `binding`: of the process.
    pub fn begin(&mut self, owner: Owner, actor: Actor, (at_ns, read_ns): (u64, u64), binding: Binding) -> bool {
        let (connection, place) = (owner.request.connection, owner.request.place());
        if actor.pid == 0 || self.in_flight.get(&connection).is_some_and(|flight| flight.holds(place)) {
            return false;
        }
        let is_kept = self.flying < MAX_REQUESTS;
        self.refused += u64::from(!is_kept);
        let is_plain = matches!(actor.context, 0 | WAITS);
        if is_of_receive(actor.context) {
            self.chains.begin(actor.pid, actor.context, is_kept.then_some(owner), (at_ns, read_ns));
        } else if !is_plain && actor.context != OF_NOBODY {
            kept::process(&mut self.processes, actor.pid, at_ns);
            if is_kept && owner.request.is_stream() && OfGoroutine::of(actor.context).is_some() {
                self.streams.begin(owner, at_ns);
            }
            let Self { received, in_flight, .. } = self;
            let context = (actor.pid, actor.context);
            let is_received =
                received.begin(context, is_kept.then_some(owner), read_ns, |other| flies(in_flight, other));
            self.refused += u64::from(is_kept && !is_received);
        }
        // Where threads say something, they may go on with what was received for a context.
        let is_threads =
            !owner.request.is_stream() && (is_plain || matches!(binding, Binding::Thread | Binding::Handed));
        let thread = match is_threads {
            true if is_kept => self.place(owner, actor, at_ns, binding),
            true => {
                self.unreadable(actor, at_ns);
                None
            }
            false => None,
        };
        if is_kept {
            let request = Request { owner, pid: actor.pid, context: actor.context, begin_ns: at_ns, thread };
            self.in_flight.entry(connection).or_default().add(request);
            self.flying += 1;
        }
        is_kept
    }

    /// Puts a request among those of its thread, if there is room.
    fn place(&mut self, owner: Owner, actor: Actor, at_ns: u64, binding: Binding) -> Option<Id> {
        self.touched.note([(actor.pid, actor.tid)]);
        let kept = kept::of(&mut self.threads, &mut self.processes, actor, at_ns);
        if self.requests >= MAX_REQUESTS {
            self.refused += 1;
            kept::unreadable(kept);
            return None;
        }
        let Some(Kept { thread, heard_ns, .. }) = kept else {
            self.refused += 1;
            return None;
        };
        thread.is_bound = binding == Binding::Thread;
        // Until this request, the thread had heard of nothing later, and all that was there is over: nothing can overlap.
        let is_alone = thread.in_flight == 0 && heard_ns <= at_ns;
        if thread.in_flight >= MAX_ON_THREAD {
            thread.is_loop = true;
            return None;
        }
        // Requests of one connection that overlap may be a pipeline, read at once and handled one by one.
        thread.is_loop |= !is_alone
            && !thread.is_loop
            && thread
                .requests
                .iter()
                .any(|other| other.covers(at_ns) && other.owner.request.connection != owner.request.connection);
        if thread.in_flight == 0 {
            thread.idle.end(at_ns);
        }
        thread.requests.push_back(Handled { owner, begin_ns: at_ns, end_ns: None, is_cut: false });
        thread.in_flight += 1;
        self.requests += 1;
        Some((actor.pid, actor.tid))
    }

    /// A thread received something for which it may work, but which is no request that [`begin`](Self::begin) is told of.
    pub fn unreadable(&mut self, actor: Actor, at_ns: u64) {
        self.touched.note([(actor.pid, actor.tid)]);
        kept::unreadable(kept::of(&mut self.threads, &mut self.processes, actor, at_ns));
        self.chains.unreadable(actor.pid);
    }

    /// A call moved bytes.
    pub fn moved(&mut self, data: &Data<'_>) {
        if shows_receives(data.actor.context) {
            self.chains.moved(data);
        }
    }

    /// A connection is there.
    pub fn opened(&mut self, open: &Open) {
        self.chains.opened(open);
    }

    /// A client sends a request in this context, for `owner`.
    pub fn asks(&mut self, request: RequestKey, context: u64, owner: Option<Owner>, at_ns: u64) {
        if shows_receives(context) {
            self.chains.asks(request, context, owner, at_ns);
        }
    }

    /// A client's call was answered that `actor` made for `owner`.
    pub fn answered(&mut self, open: &Open, exchange: &Exchange, actor: Actor, owner: Option<Owner>) {
        if shows_receives(actor.context) {
            self.chains.answered(open, exchange, actor.context, owner);
        }
    }

    /// A process came, or runs another program: what its threads showed was another one's.
    pub fn renew(&mut self, pid: u32) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        self.received.forget(pid);
        self.chains.forget(pid);
        (process.is_crowded, process.exited_ns) = (false, None);
        for tid in &process.tids {
            if let Some(thread) = self.threads.get_mut(&(pid, *tid)) {
                thread.renew();
            }
        }
    }

    /// A process has exited. Its last requests end with its connections, which are closed after it.
    pub fn exited(&mut self, pid: u32, at_ns: u64) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.exited_ns = Some(at_ns);
            self.touched.note(process.tids.iter().map(|tid| (pid, *tid)));
        }
    }

    /// A request was answered, and with it those before it on the same stream. The ids that were promised to it.
    pub fn end(&mut self, request: RequestKey, at_ns: u64) -> Option<Owner> {
        self.over(request, at_ns, false)
    }

    /// The same for one that was not answered.
    pub fn cut(&mut self, request: RequestKey, at_ns: u64) -> Option<Owner> {
        self.over(request, at_ns, true)
    }

    fn over(&mut self, request: RequestKey, at_ns: u64, is_cut: bool) -> Option<Owner> {
        let place = request.place();
        // The place of an empty one stays until it is swept: mostly the next request comes soon.
        while let Some(over) = self.in_flight.get_mut(&request.connection).and_then(|flight| flight.take(place)) {
            self.close(over, at_ns, is_cut);
            if over.owner.request == request {
                return Some(over.owner);
            }
        }
        None
    }

    /// A connection is over, and with it its requests.
    pub fn end_connection(&mut self, connection: u64, at_ns: u64) {
        self.chains.end_connection(connection);
        self.received.end_connection(connection);
        let Some(mut flight) = self.in_flight.remove(&connection) else { return };
        while let Some(over) = flight.pop() {
            self.close(over, at_ns, true);
        }
    }

    fn close(&mut self, Request { owner, pid, context, begin_ns, thread: id }: Request, at_ns: u64, is_cut: bool) {
        self.flying = self.flying.saturating_sub(1);
        if OfGoroutine::of(context).is_some() {
            self.received.over((pid, context), owner.request, at_ns);
            self.streams.over(owner.request, at_ns);
        }
        self.chains.end(pid, owner.request, begin_ns);
        self.touched.note(id);
        let Some(thread) = id.and_then(|id| self.threads.get_mut(&id)) else { return };
        let Some(handled) = thread.find(owner.request) else { return };
        (handled.end_ns, handled.is_cut) = (Some(at_ns), is_cut);
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
    }

    /// A request that is over, and that `actor` received, will have other ids than those that were promised: nothing that is still
    /// done for it may name them.
    pub fn disown(&mut self, actor: Actor, request: RequestKey) {
        if is_of_receive(actor.context) {
            self.chains.disown(actor.context, request);
        } else {
            self.received.disown((actor.pid, actor.context), request);
            self.streams.disown(request);
        }
        if let Some(thread) = self.threads.get_mut(&(actor.pid, actor.tid)) {
            let before = thread.requests.len();
            thread.requests.retain(|handled| handled.owner.request != request);
            self.requests = self.requests.saturating_sub(before - thread.requests.len());
        }
    }

    /// Whether a request is in flight.
    #[must_use]
    pub fn is_in_flight(&self, owner: &Owner) -> bool {
        flies(&self.in_flight, owner)
    }

    /// The request for which a call was made; `None` when that is not certain. A call also shows what its thread does when
    /// it has no request.
    pub fn owner(&mut self, call: Call, binding: impl FnOnce() -> Binding) -> Option<Owner> {
        let Call { actor, start_ns, end_ns, .. } = call;
        match actor.context {
            0 | WAITS => {}
            OF_NOBODY => return None,
            context if let Some(stream) = OfStream::of(context) => return self.streams.owner(stream, start_ns),
            context if shows_receives(context) => return self.chains.owner(&call),
            context => return self.received.owner((actor.pid, context), start_ns),
        }
        let waits = actor.context == WAITS;
        let binding = binding();
        if binding == Binding::Told && !waits {
            return None;
        }
        let Kept { thread, process, .. } = kept::of(&mut self.threads, &mut self.processes, actor, start_ns)?;
        let handled = thread.at(start_ns).map(|one| (one.owner, one.end_ns.filter(|_| !one.is_cut)));
        let over_ns = handled.and_then(|(_, over_ns)| over_ns);
        let is_left_over = over_ns.zip(end_ns).is_some_and(|(over_ns, end_ns)| over_ns < end_ns);
        thread.is_loop |= is_left_over;
        let mut owner = handled.map(|(owner, _)| owner);
        if thread.idle.shows(start_ns) {
            // Whoever waits in its calls is no event loop, and may work on after the answer.
            let late = thread.over(start_ns).filter(|_| waits && binding != Binding::Handed);
            thread.is_loop |= !waits;
            thread.has_own_work |= late.is_none();
            owner = late.filter(|_| !thread.has_own_work);
        }
        let owner = owner.filter(|_| !thread.is_loop && !process.is_crowded)?;
        let is_certain = match binding {
            Binding::Thread | Binding::Handed => true,
            Binding::Waiting | Binding::Told => waits,
            Binding::Last | Binding::Nothing => false,
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
        let Self { threads, processes, received, streams, chains, in_flight, .. } = self;
        processes.retain(|pid, process| {
            let stays = !is_gone(process);
            if !stays {
                process.tids.iter().for_each(|tid| _ = threads.remove(&(*pid, *tid)));
                received.forget(*pid);
                chains.forget(*pid);
            }
            stays
        });
        threads.retain(|_, thread| {
            thread.requests.retain(|handled| handled.end_ns.is_none_or(|end_ns| end_ns + KEEP_NS > now_ns));
            requests += thread.requests.len();
            !thread.requests.is_empty() || thread.is_loop || thread.last_ns + KEEP_THREAD_NS > now_ns
        });
        processes.retain(|pid, process| {
            process.tids.retain(|tid| threads.contains_key(&(*pid, *tid)));
            !process.tids.is_empty() || process.last_ns + KEEP_THREAD_NS > now_ns
        });
        self.requests = requests;
        room::give_back(threads);
        room::give_back(processes);
        received.sweep(now_ns, |owner| flies(in_flight, owner));
        streams.sweep(now_ns);
        in_flight.retain(|_, flight| !flight.is_empty());
        room::give_back(in_flight);
        chains.sweep(now_ns);
    }
}

/// Whether a request is in flight.
fn flies(in_flight: &FxHashMap<u64, Flight>, owner: &Owner) -> bool {
    in_flight.get(&owner.request.connection).is_some_and(|flight| flight.holds(owner.request.place()))
}

#[cfg(test)]
mod tests;
