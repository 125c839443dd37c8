//! Connections that are open, and those that ended lately.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::conn::fact::{End, Fact};
use crate::event::{Change, Role, Stats};
use crate::trace::connection::Site;
use crate::trace::observation::Observation;
use crate::trace::setup::{PHASES, shares};

/// Most connections that are kept, and most of those that ended.
const MAX_OPEN: usize = 4096;
const MAX_ENDED: usize = 256;

/// What is known of a connection. Times are kernel times, ns.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its number.
    pub id: u64,
    /// Whose.
    pub service: Arc<str>,
    /// The process that used it last; 0 when unknown.
    pub pid: u32,
    /// Which end it is, if that is known.
    pub role: Option<Role>,
    /// Own end.
    pub local: Site,
    /// The other end.
    pub remote: Site,
    /// The service at the other end, if it is known; else its address.
    pub peer: Arc<str>,
    /// What it speaks; empty when unknown.
    pub protocol: &'static str,
    /// Whether TLS is spoken.
    pub encrypted: bool,
    /// Set-up, or first sight.
    pub opened_ns: u64,
    /// Whether it was followed from its set-up.
    pub from_start: bool,
    /// When and how it ended.
    pub ended: Option<(u64, &'static str)>,
    /// How long its set-up took, ns, once that is over.
    pub set_up_ns: Option<u64>,
    /// The parts of that, ns, in the order of [`PHASES`].
    pub parts: [u64; PHASES.len()],
    /// Why the set-up failed.
    pub error: Option<Box<str>>,
    /// What the kernel said last.
    pub stats: Option<Stats>,
    /// Requests that passed.
    pub exchanges: u64,
    /// How many of them failed.
    pub failed: u64,
    /// What was asked last.
    pub last: Box<str>,
    /// When something was last heard of it.
    pub heard_ns: u64,
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Connections {
    open: FxHashMap<u64, Connection>,
    ended: VecDeque<Connection>,
    /// Those that found no room.
    pub left_out: u64,
}

fn how(end: &End) -> &'static str {
    match end.change {
        _ if end.forgotten => "no longer followed",
        Change::ResetByPeer => "reset by the peer",
        Change::ResetBySelf => "reset",
        Change::Failed => "failed",
        Change::Unseen => "end not seen",
        Change::Closed | Change::SentFin | Change::ReceivedFin => "closed",
    }
}

impl Connections {
    /// Takes in a fact. `peer`: who is at the other end.
    pub fn observe(&mut self, seen: &Observation<'_>, peer: &Arc<str>, at_ns: u64) {
        let is_new = !self.open.contains_key(&seen.id);
        if is_new && self.open.len() >= MAX_OPEN {
            self.left_out += u64::from(matches!(seen.fact, Fact::Opened));
            return;
        }
        let one = self.open.entry(seen.id).or_insert_with(|| begun(seen, peer));
        one.heard_ns = one.heard_ns.max(at_ns);
        one.role = seen.connection.role;
        if seen.pid != 0 {
            one.pid = seen.pid;
        }
        if *one.service != *seen.resource.service_name {
            one.service = Arc::clone(&seen.resource.service_name);
        }
        if let Some(protocol) = seen.protocol {
            one.protocol = protocol.name;
        }
        one.encrypted |= seen.encrypted;
        match seen.fact {
            Fact::Opened | Fact::Request(_) => {}
            Fact::SetUp(set_up) => {
                one.set_up_ns = Some(set_up.end_ns.saturating_sub(set_up.start_ns));
                one.parts = shares(set_up);
                one.error.clone_from(&set_up.error);
            }
            Fact::Exchange(..) => {
                one.exchanges += 1;
                if let Some(name) = seen.name.filter(|name| **name != *one.last) {
                    one.last = (**name).into();
                }
                if !peer.is_empty() && !Arc::ptr_eq(&one.peer, peer) {
                    one.peer = Arc::clone(peer);
                }
            }
            Fact::Stats(stats) => one.stats = Some(*stats),
            Fact::Ended(end) => {
                one.ended = Some((end.at_ns, how(end)));
                if let Some(one) = self.open.remove(&seen.id) {
                    self.ended.push_back(one);
                }
                if self.ended.len() > MAX_ENDED {
                    self.ended.pop_front();
                }
            }
        }
    }

    /// An exchange of a connection failed.
    pub fn failed(&mut self, id: u64) {
        if let Some(one) = self.open.get_mut(&id) {
            one.failed += 1;
        }
    }

    /// Those that are open.
    pub fn open(&self) -> impl Iterator<Item = &Connection> {
        self.open.values()
    }

    /// Those that ended lately; the last one first.
    pub fn ended(&self) -> impl Iterator<Item = &Connection> {
        self.ended.iter().rev()
    }

    /// Forgets those of which nothing was heard since `before_ns`: their end was not seen.
    pub fn forget(&mut self, before_ns: u64) {
        self.open.retain(|_, one| one.heard_ns >= before_ns);
    }
}

fn begun(seen: &Observation<'_>, peer: &Arc<str>) -> Connection {
    Connection {
        id: seen.id,
        service: Arc::clone(&seen.resource.service_name),
        pid: seen.pid,
        role: seen.connection.role,
        local: seen.connection.local.clone(),
        remote: seen.connection.remote.clone(),
        peer: Arc::clone(peer),
        protocol: "",
        encrypted: false,
        opened_ns: seen.opened_ns,
        from_start: seen.from_start,
        ended: None,
        set_up_ns: None,
        parts: [0; PHASES.len()],
        error: None,
        stats: None,
        exchanges: 0,
        failed: 0,
        last: "".into(),
        heard_ns: seen.opened_ns,
    }
}
