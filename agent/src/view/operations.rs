//! Operations: what services answer and ask, each with its rate, errors and durations. Everything that was seen counts, whether its
//! span was sampled or not.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hashbrown::Equivalent;
use rustc_hash::FxHashMap;

use super::recent::Happening;
use super::table::Table;
use crate::trace::context::RequestKey;
use crate::trace::observation::Observation;
use crate::trace::span::Kind;

/// Most requests under way whose set-ups are summed up.
const MAX_OPEN: usize = 16 * 1024;

/// Which end of a call an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// It is answered.
    Server,
    /// It is asked.
    Client,
}

impl Side {
    /// That of a span; `None` of one that is no call.
    #[must_use]
    pub fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Server => Some(Self::Server),
            Kind::Client => Some(Self::Client),
            Kind::Internal => None,
        }
    }

    /// As a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }
}

/// What an operation is told by. Texts come from strangers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operation {
    /// Whose it is.
    pub service: Arc<str>,
    /// Whether it answers or asks.
    pub side: Side,
    /// The name of its spans: method and route, statement summary, command.
    pub name: Box<str>,
    /// Whom a client asks: a service, or an address; empty for a server.
    pub peer: Arc<str>,
}

impl Hash for Operation {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&*self.service, self.side, &*self.name, &*self.peer).hash(state);
    }
}

/// An [`Operation`] that is not kept.
#[derive(Clone, Copy, Debug)]
struct Borrowed<'a> {
    service: &'a Arc<str>,
    side: Side,
    name: &'a str,
    peer: &'a Arc<str>,
}

impl Hash for Borrowed<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&**self.service, self.side, self.name, &**self.peer).hash(state);
    }
}

impl Equivalent<Operation> for Borrowed<'_> {
    fn equivalent(&self, key: &Operation) -> bool {
        self.side == key.side && **self.service == *key.service && self.name == &*key.name && **self.peer == *key.peer
    }
}

/// All operations.
#[derive(Debug)]
pub struct Operations {
    /// Their counts.
    pub table: Table<Operation>,
    nobody: Arc<str>,
    /// How long connections were set up for requests that are under way, ns.
    paid: FxHashMap<RequestKey, u64>,
}

impl Operations {
    /// None yet, and at most so many.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { table: Table::new(limit), nobody: "".into(), paid: FxHashMap::default() }
    }

    /// Takes in an exchange with the kind and the name of its span. `peer`: whom a client asks.
    pub fn add(&mut self, seen: &Observation<'_>, (kind, name): (Kind, &str), peer: &Arc<str>, one: Happening) {
        let side = Side::of(kind).unwrap_or(Side::Client);
        let set_up_ns = match side {
            Side::Server => seen.request().and_then(|request| self.paid.remove(&request)).unwrap_or_default(),
            Side::Client => seen.paid_ns,
        };
        // A request does not begin before its connection is there: both are waited for.
        let took_ns = if side == Side::Client { one.took_ns + set_up_ns } else { one.took_ns };
        let one = Happening { set_up_ns, took_ns, ..one };
        let peer = if side == Side::Client { peer } else { &self.nobody };
        let service = &seen.resource.service_name;
        let key = Borrowed { service, side, name, peer };
        let own = || Operation { service: Arc::clone(service), side, name: name.into(), peer: Arc::clone(peer) };
        self.table.add(&key, own, &one);
    }

    /// A connection was set up for a request, which took `took_ns`.
    pub fn paid(&mut self, request: RequestKey, took_ns: u64) {
        // Requests that never ended.
        if self.paid.len() >= MAX_OPEN {
            self.paid.clear();
        }
        *self.paid.entry(request).or_default() += took_ns;
    }
}
