//! What the floors above the trace stage are told: each fact of a connection, with what is known of its process, its
//! cause and its span. Metrics and advice are made of these and of nothing else.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use wirespan_protocols::describe::route::Route;
use wirespan_protocols::describe::spoken::Spoken;

use super::connection::ConnectionFacts;
use super::context::{Owner, RequestKey};
use super::span::{Name, Resource, Span};
use crate::conn::fact::Fact;
use crate::event::{Listener, Transport};

/// A fact and its surroundings. Facts of processes that are not selected are not observed; sampling plays no part.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// What became known. The first one of a connection is [`Fact::Opened`], the last one [`Fact::Ended`].
    pub fact: &'a Fact,
    /// Connection id, unique among live connections.
    pub id: u64,
    /// Both ends, rendered; the role of this one, if it is known by now.
    pub connection: &'a ConnectionFacts,
    /// What carries the connection.
    pub transport: Transport,
    /// Inode of its network namespace, 0 when unknown: addresses compare only within one.
    pub network_namespace: u32,
    /// Kernel time of its set-up, or of first sight, ns.
    pub opened_ns: u64,
    /// Whether it was followed from its set-up.
    pub from_start: bool,
    /// The process that acted: that of the exchange or set-up, else the last one seen on the connection; 0 when unknown.
    pub pid: u32,
    /// The resource of that process. Compare by pointer.
    pub resource: &'a Arc<Resource>,
    /// The protocol: inside TLS what is known to be there, else TLS.
    pub protocol: Option<Spoken>,
    /// Whether TLS was spoken on it.
    pub encrypted: bool,
    /// For what a client does (exchange, set-up): the server request of the same process that it was done for. `None`
    /// when that is not certain.
    pub owner: Option<&'a Owner>,
    /// Whether the SDK of the process is taken to measure it.
    pub is_measured: bool,
    /// For what a server answered: its route.
    pub route: Option<&'a Route>,
    /// The name of its span, where one is made, also of one that is yet to find its parent.
    pub name: Option<&'a Name>,
    /// For the first exchange after a set-up: how long that took, ns; else 0.
    pub paid_ns: u64,
    /// The span that the fact became, if it did and was sampled.
    pub span: Option<&'a Span>,
}

impl Observation<'_> {
    /// The key of the request that this fact is about, which [`Owner::request`] names in what was done for it.
    #[must_use]
    pub fn request(&self) -> Option<RequestKey> {
        let (stream, pos) = match self.fact {
            Fact::Request(request) => (request.stream, request.pos),
            Fact::Exchange(exchange, _) => (exchange.stream, exchange.request.pos),
            Fact::Opened | Fact::SetUp(_) | Fact::Stats(_) | Fact::Ended(_) => return None,
        };
        Some(RequestKey { connection: self.id, stream, pos })
    }
}

/// Something above the trace stage that learns of every fact.
pub trait Observer {
    /// Takes a fact in, in the order in which the engine learned them.
    fn observe(&mut self, observation: &Observation<'_>);

    /// Takes in a span that is exported. It may come later than the fact that it is of.
    fn emitted(&mut self, _span: &Span) {}

    /// Takes in how full a listening socket's queue is.
    fn listener(&mut self, _listener: &Listener) {}

    /// Event time has come to `at_ns`.
    fn tick(&mut self, _at_ns: u64) {}
}

/// An observer whose findings others of the same thread read, when nothing is being observed.
impl<O: Observer> Observer for Rc<RefCell<O>> {
    fn observe(&mut self, observation: &Observation<'_>) {
        self.borrow_mut().observe(observation);
    }

    fn emitted(&mut self, span: &Span) {
        self.borrow_mut().emitted(span);
    }

    fn listener(&mut self, listener: &Listener) {
        self.borrow_mut().listener(listener);
    }

    fn tick(&mut self, at_ns: u64) {
        self.borrow_mut().tick(at_ns);
    }
}
