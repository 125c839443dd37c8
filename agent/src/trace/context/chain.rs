//! Node.js: a call is made in the callback of a receive, which the kernel programs name. If that received a request, the call is
//! done for that request; if it received the answer to a call, for whoever made that one: from call to call. If it received
//! answers to several, nobody knows.
//!
//! Work that had to wait for a connection is the exception: a pool gives a connection that has just become free to the first that
//! waits, in the same callback. [`links`] says when that cannot be.

mod links;

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::{Call, Owner, RequestKey};
use crate::conn::room;
use crate::event::{Data, Flow, Open};
use links::Links;
use wirespan_common::context::{OF_RECEIVE, in_callbacks_of, is_of_receive};
use wirespan_protocols::exchange::Exchange;

/// Most receives that are kept; the oldest go.
const MAX_RECEIVES: usize = 16 * 1024;
/// How long one is kept, ns: a call that was made in its callback is told when it is answered.
const KEEP_NS: u64 = 60_000_000_000;

/// For whom the callback of a receive works.
#[derive(Debug)]
struct Receive {
    /// With the time at which that request began, ns. `None`: for several, or for one that nothing may name.
    owner: Option<(Owner, u64)>,
    /// It received a request.
    is_request: bool,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Chains {
    receives: FxHashMap<u64, Receive>,
    /// When each came, ns; oldest first.
    order: VecDeque<(u64, u64)>,
    links: Links,
}

/// The context of what is done in the callbacks of a request's stream.
fn stream(request: RequestKey) -> u64 {
    in_callbacks_of(request.connection, request.stream)
}

impl Chains {
    /// A call moved bytes in a process whose receives are named.
    pub(super) fn moved(&mut self, data: &Data<'_>) {
        let (id, context) = (data.connection, data.actor.context);
        match data.flow {
            Flow::Received => self.links.received(id, data.actor.pid, context, data.last_ns),
            Flow::Sent => self.links.sent(id, data.actor.pid, data.first_ns),
        }
    }

    /// A process connected.
    pub(super) fn opened(&mut self, open: &Open) {
        self.links.opened(open);
    }

    /// A request was received, to be handled in the callback of that receive; without an owner, what is done for it has none.
    pub(super) fn begin(&mut self, pid: u32, context: u64, owner: Option<Owner>, (at_ns, read_ns): (u64, u64)) {
        if let Some(owner) = owner {
            self.links.begin(pid, owner.request, at_ns);
            if owner.request.is_stream() {
                self.keep(stream(owner.request), Receive { owner: Some((owner, at_ns)), is_request: true }, read_ns);
            }
        }
        self.works_for((pid, context), owner.map(|owner| (owner, at_ns)), read_ns, true);
    }

    /// A request is sent in this context, for `owner`: so is what the callbacks of its stream do.
    pub(super) fn asks(&mut self, request: RequestKey, context: u64, owner: Option<Owner>, at_ns: u64) {
        let begin_ns = self.receives.get(&context).and_then(|receive| Some(receive.owner?.1));
        if request.is_stream() {
            self.keep(stream(request), Receive { owner: owner.zip(begin_ns), is_request: false }, at_ns);
        }
    }

    /// A request is over that began at that time.
    pub(super) fn end(&mut self, pid: u32, request: RequestKey, begin_ns: u64) {
        self.links.end(pid, request, begin_ns);
    }

    /// A process received a request that cannot be read.
    pub(super) fn unreadable(&mut self, pid: u32) {
        self.links.unreadable(pid);
    }

    /// A connection is over.
    pub(super) fn end_connection(&mut self, id: u64) {
        self.links.forget(id);
    }

    /// A process runs another program.
    pub(super) fn forget(&mut self, pid: u32) {
        self.links.renew(pid);
    }

    /// A call was answered that was made in this context, for `owner`: so is what the callback of that receive does.
    pub(super) fn answered(&mut self, open: &Open, exchange: &Exchange, context: u64, owner: Option<Owner>) {
        let last_ns = exchange.response.map_or(0, |response| response.last_ns);
        let begin_ns = self.receives.get(&context).and_then(|receive| Some(receive.owner?.1));
        let owner = owner.zip(begin_ns);
        if let Some(asked) = self.receives.get_mut(&in_callbacks_of(open.connection, exchange.stream)) {
            // What it was asked for may have become doubtful since.
            asked.owner = asked.owner.filter(|_| owner.is_some());
        }
        let received = self.links.answered(open, exchange, context, owner.as_ref());
        if let Some((context, at_ns)) = received.filter(|(_, at_ns)| *at_ns == last_ns) {
            self.works_for((exchange.actor.pid, context), owner, at_ns, false);
        }
    }

    /// Nothing that is done in the callback of a receive may name this request any more.
    pub(super) fn disown(&mut self, context: u64, request: RequestKey) {
        for context in [context, stream(request)] {
            if let Some(receive) = self.receives.get_mut(&context) {
                receive.owner = receive.owner.filter(|(owner, _)| owner.request != request);
            }
        }
    }

    /// The request for which a call was made, if that is certain.
    pub(super) fn owner(&self, call: &Call) -> Option<Owner> {
        let receive = self.receives.get(&call.actor.context)?;
        let (owner, begin_ns) = receive.owner?;
        (call.is_said || self.links.is_certain(call, (&owner, begin_ns), receive.is_request)).then_some(owner)
    }

    fn works_for(&mut self, (pid, context): (u32, u64), owner: Option<(Owner, u64)>, at_ns: u64, is_request: bool) {
        if context == OF_RECEIVE || !is_of_receive(context) {
            return;
        }
        if let Some(receive) = self.receives.get_mut(&context) {
            let is_same = receive.owner.zip(owner).is_some_and(|((one, _), (other, _))| one.request == other.request);
            receive.owner = receive.owner.filter(|_| is_same);
            if !is_same {
                self.links.is_nobodys(pid);
            }
            return;
        }
        if let Some((owner, _)) = owner {
            self.links.is_for(pid, context, owner.request, at_ns);
        }
        self.keep(context, Receive { owner, is_request }, at_ns);
    }

    fn keep(&mut self, context: u64, receive: Receive, at_ns: u64) {
        if self.order.len() >= MAX_RECEIVES {
            self.drop_oldest();
        }
        if self.receives.insert(context, receive).is_none() {
            self.order.push_back((at_ns, context));
        }
    }

    fn drop_oldest(&mut self) {
        if let Some((_, context)) = self.order.pop_front() {
            self.receives.remove(&context);
        }
    }

    /// Forgets what is too old.
    pub(super) fn sweep(&mut self, now_ns: u64) {
        while self.order.front().is_some_and(|(at_ns, _)| at_ns.saturating_add(KEEP_NS) <= now_ns) {
            self.drop_oldest();
        }
        room::give_back(&mut self.receives);
        self.links.sweep();
    }
}

#[cfg(test)]
mod tests;
