//! What is known of a process's connections to others, to tell whether a call may be work that had to wait for one.
//!
//! A pool hands out a connection that nobody uses at once. If all are in use, work waits, and goes out on the first connection
//! that is given back, in a callback of whoever gave it back: he has used that connection last. So a call is certainly not of
//! that kind
//! - on a connection that somebody else has used last, or that was last used before its owner began;
//! - on one that many use at once: nobody waits for it;
//! - if another connection of the pool was free. Free is one that several requests have used, so it is of a pool, and that is
//!   idle and held by nobody: the request that used it last has been answered since, or all in flight began later. That
//!   there is one pool is believed as long as all its connections were followed from the beginning, and none was made while
//!   another one was idle. What was done after the answer may have been waiting all the same;
//! - if since its owner's last call on that connection the process has received nothing but for him, and does nothing of its own
//!   there: nobody else can have queued anything.

use std::collections::BTreeSet;
use std::hash::{Hash as _, Hasher as _};

use rustc_hash::{FxHashMap, FxHasher};

use super::super::{Call, Owner, RequestKey};
use crate::conn::room;
use crate::event::{Endpoint, Open, Role};
use wirespan_common::context::{OF_RECEIVE, is_of_receive};
use wirespan_protocols::exchange::Exchange;

/// Most connections that are kept.
const MAX_LINKS: usize = 32 * 1024;
/// Most connections to one peer that are looked through for a free one.
const MAX_OF_PEER: usize = 256;
/// What is asked for nobody so long after a connection was made sets it up, ns.
const SET_UP_NS: u64 = 1_000_000_000;
/// Most processes that are kept.
const MAX_PROCESSES: usize = 4096;
/// Most requests in flight of one process; beyond, no connection counts as free.
const MAX_BEGUN: usize = 4096;

/// A process's peer.
type PeerKey = (u32, u64);

/// A connection.
#[derive(Debug, Default)]
struct Link {
    pid: u32,
    peer: Option<PeerKey>,
    /// It was followed from its set-up.
    is_known: bool,
    /// The last receive: its context, and when it was, ns.
    received: Option<(u64, u64)>,
    /// When the first call was sent that is not answered yet, ns.
    asked_ns: Option<u64>,
    /// When that was sent, nothing could be waiting for a connection.
    is_free: bool,
    /// The last send, ns.
    sent_ns: u64,
    /// For whom the last call was made, and when it was sent and answered, ns. A request of which that is not known counts as any.
    last: Option<(Option<RequestKey>, u64, u64)>,
    last_context: u64,
    /// That request, when it began, ns, if it was in flight when the call was answered.
    last_open: Option<(u64, RequestKey)>,
    /// Calls of different callbacks were in flight at once.
    is_shared: bool,
    /// The first request for which it was used, and whether it was used for others, too.
    first: Option<RequestKey>,
    is_pooled: bool,
}

impl Link {
    /// It was used, and nothing is under way.
    fn is_idle(&self) -> bool {
        self.asked_ns.is_none() && self.last.is_some()
    }
}

#[derive(Debug, Default)]
struct Peer {
    links: Vec<u64>,
    /// Calls to it were made for no request.
    has_own_work: bool,
    /// When the first call to it was made that was answered, ns.
    since_ns: Option<u64>,
    /// The process has several pools of connections to it, or more connections than are looked through.
    is_several: bool,
}

#[derive(Debug, Default)]
struct Process {
    /// Requests in flight, the oldest first.
    begun: BTreeSet<(u64, RequestKey)>,
    /// Some of its requests are not known.
    is_dark: bool,
    /// The last receive, while it is not known for whom its callback works.
    unclaimed: Option<u64>,
    /// The request that alone received anything, and since when, ns.
    alone: Option<(RequestKey, u64)>,
}

#[derive(Debug, Default)]
pub(super) struct Links {
    links: FxHashMap<u64, Link>,
    peers: FxHashMap<PeerKey, Peer>,
    processes: FxHashMap<u32, Process>,
}

impl Peer {
    /// Whether it was seen for long enough to know what the process asks of its own accord, as after a timer.
    fn is_known_at(&self, at_ns: u64) -> bool {
        self.since_ns.is_some_and(|since_ns| at_ns.saturating_sub(since_ns) >= SET_UP_NS)
    }
}

impl Links {
    fn link(&mut self, id: u64, pid: u32) -> Option<&mut Link> {
        if self.links.len() >= MAX_LINKS && !self.links.contains_key(&id) {
            return None;
        }
        let link = self.links.entry(id).or_default();
        link.pid = pid;
        Some(link)
    }

    fn process(&mut self, pid: u32) -> Option<&mut Process> {
        if self.processes.len() >= MAX_PROCESSES && !self.processes.contains_key(&pid) {
            return None;
        }
        Some(self.processes.entry(pid).or_default())
    }

    pub(super) fn received(&mut self, id: u64, pid: u32, context: u64, at_ns: u64) {
        if let Some(process) = self.process(pid)
            && process.unclaimed.replace(context).is_some_and(|before| before != context)
        {
            process.alone = None;
        }
        if let Some(link) = self.link(id, pid) {
            link.received = is_of_receive(context).then_some((context, at_ns));
        }
    }

    /// The callback of a receive works for a request.
    pub(super) fn is_for(&mut self, pid: u32, context: u64, request: RequestKey, at_ns: u64) {
        let Some(process) = self.processes.get_mut(&pid) else { return };
        if process.unclaimed == Some(context) {
            process.unclaimed = None;
            if process.alone.is_none_or(|(alone, _)| alone != request) {
                process.alone = Some((request, at_ns));
            }
        }
    }

    /// The callback of a receive works for several.
    pub(super) fn is_nobodys(&mut self, pid: u32) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.alone = None;
        }
    }

    pub(super) fn sent(&mut self, id: u64, pid: u32, at_ns: u64) {
        let Some(link) = self.link(id, pid) else { return };
        link.sent_ns = link.sent_ns.max(at_ns);
        if link.asked_ns.is_none() {
            link.asked_ns = Some(at_ns);
            let is_free = self.is_free(id);
            self.links.entry(id).and_modify(|link| link.is_free = is_free);
        }
    }

    pub(super) fn opened(&mut self, open: &Open) {
        if open.role != Some(Role::Client) || !self.processes.contains_key(&open.pid) {
            return;
        }
        let key = (open.pid, number(&open.remote));
        if self.peers.get(&key).is_some_and(|peer| self.of(peer).any(Link::is_idle)) {
            self.peers.entry(key).and_modify(|peer| peer.is_several = true);
        }
        self.join(open.connection, key);
        if let Some(link) = self.links.get_mut(&open.connection) {
            link.is_known = open.from_start;
        }
    }

    fn of(&self, peer: &Peer) -> impl Iterator<Item = &Link> {
        peer.links.iter().filter_map(|id| self.links.get(id))
    }

    /// Puts a connection among those of its peer.
    fn join(&mut self, id: u64, key: PeerKey) {
        let Some(link) = self.link(id, key.0) else { return };
        if link.peer.is_some() {
            return;
        }
        link.peer = Some(key);
        let peer = self.peers.entry(key).or_default();
        if peer.links.len() >= MAX_OF_PEER {
            peer.is_several = true;
        } else {
            peer.links.push(id);
        }
    }

    pub(super) fn begin(&mut self, pid: u32, request: RequestKey, at_ns: u64) {
        let Some(process) = self.process(pid) else { return };
        if process.begun.len() >= MAX_BEGUN {
            process.is_dark = true;
        } else {
            process.begun.insert((at_ns, request));
        }
    }

    pub(super) fn end(&mut self, pid: u32, request: RequestKey, begin_ns: u64) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.begun.remove(&(begin_ns, request));
        }
    }

    pub(super) fn unreadable(&mut self, pid: u32) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.is_dark = true;
        }
    }

    /// A call was answered. The last receive of its connection.
    pub(super) fn answered(
        &mut self,
        open: &Open,
        exchange: &Exchange,
        context: u64,
        owner: Option<&(Owner, u64)>,
    ) -> Option<(u64, u64)> {
        let pid = exchange.actor.pid;
        let key = (pid, number(&open.remote));
        self.join(open.connection, key);
        let peer = self.peers.entry(key).or_default();
        let _ = peer.since_ns.get_or_insert(exchange.request.first_ns);
        let is_of_set_up = open.from_start && exchange.request.first_ns < open.at_ns + SET_UP_NS;
        if context == OF_RECEIVE && !is_of_set_up {
            self.peers.entry(key).or_default().has_own_work = true;
        }
        let link = self.links.get_mut(&open.connection)?;
        let request = owner.map(|(owner, _)| owner.request);
        let (start_ns, end_ns) = (exchange.request.first_ns, exchange.end_ns);
        let is_overlapping = link.last.is_some_and(|(_, _, last_ns)| start_ns < last_ns);
        let is_other = link.last_context != context && is_of_receive(context) && is_of_receive(link.last_context);
        link.is_shared |= is_overlapping && is_other;
        let of_owner = owner.map(|(owner, begin_ns)| (*begin_ns, owner.request));
        let process = self.processes.get(&pid);
        link.last_open = of_owner.filter(|one| process.is_some_and(|process| process.begun.contains(one)));
        link.last = Some((request, start_ns, end_ns));
        link.last_context = context;
        if let Some(request) = request {
            link.is_pooled |= *link.first.get_or_insert(request) != request;
        }
        if link.sent_ns <= exchange.request.last_ns {
            link.asked_ns = None;
        }
        link.received
    }

    /// Whether a call that was made in a callback of its owner, who began at that time, can be nobody else's.
    pub(super) fn is_certain(&self, call: &Call, (owner, begin_ns): (&Owner, u64), is_request: bool) -> bool {
        let Some(link) = self.links.get(&call.connection) else { return false };
        let is_anothers = match link.last {
            Some((Some(last), ..)) => last != owner.request,
            // Whoever has just begun holds nothing that he could give back.
            Some((None, start_ns, _)) => is_request || start_ns < begin_ns,
            None => is_request,
        };
        is_anothers || link.is_shared || link.is_free && link.asked_ns == Some(call.start_ns)
    }

    /// Whether nothing can be waiting for this connection.
    fn is_free(&self, id: u64) -> bool {
        let Some((link, key)) = self.links.get(&id).and_then(|link| Some((link, link.peer?))) else { return false };
        self.is_quiet(link, key) || self.has_free(id, link, key)
    }

    /// Whether since the last call on a connection the process has received nothing but for the one who made it.
    fn is_quiet(&self, link: &Link, key: PeerKey) -> bool {
        let (Some((Some(last), start_ns, _)), Some(process)) = (link.last, self.processes.get(&key.0)) else {
            return false;
        };
        !process.is_dark
            && process.unclaimed.is_none()
            && process.alone.is_some_and(|(alone, since_ns)| alone == last && since_ns <= start_ns)
            && self.peers.get(&key).is_some_and(|peer| peer.is_known_at(start_ns) && !peer.has_own_work)
    }

    /// Whether another connection to that peer is free, while whoever has used this one last is in flight.
    fn has_free(&self, id: u64, link: &Link, key: PeerKey) -> bool {
        let (Some(peer), Some(process)) = (self.peers.get(&key), self.processes.get(&key.0)) else { return false };
        let oldest_ns = process.begun.first().map_or(u64::MAX, |(begin_ns, _)| *begin_ns);
        let is_over = |link: &Link| {
            link.last.is_some_and(|(_, _, end_ns)| end_ns < oldest_ns)
                || link.last_open.is_some_and(|last| !process.begun.contains(&last))
        };
        let is_free = |link: &Link| link.is_pooled && !link.is_shared && link.is_idle() && is_over(link);
        !process.is_dark
            && !peer.is_several
            && link.last_open.is_some_and(|last| process.begun.contains(&last))
            && peer.links.iter().filter(|other| **other != id).filter_map(|other| self.links.get(other)).any(is_free)
            && self.of(peer).all(|link| link.is_known)
    }

    pub(super) fn forget(&mut self, id: u64) {
        let Some(key) = self.links.remove(&id).and_then(|link| link.peer) else { return };
        if let Some(peer) = self.peers.get_mut(&key) {
            peer.links.retain(|other| *other != id);
        }
    }

    pub(super) fn renew(&mut self, pid: u32) {
        if self.processes.remove(&pid).is_none() {
            return;
        }
        self.peers.retain(|(owner, _), _| *owner != pid);
        self.links.retain(|_, link| link.pid != pid);
    }

    pub(super) fn sweep(&mut self) {
        if self.peers.len() >= MAX_LINKS {
            self.peers.retain(|_, peer| !peer.links.is_empty());
        }
        room::give_back(&mut self.links);
        room::give_back(&mut self.peers);
        room::give_back(&mut self.processes);
    }
}

/// A number for an address.
fn number(endpoint: &Endpoint) -> u64 {
    let mut hasher = FxHasher::default();
    endpoint.hash(&mut hasher);
    hasher.finish()
}
