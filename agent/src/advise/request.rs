//! Server requests in progress, and the calls that were made on their behalf.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::edge::{EdgeId, StatementId};
use super::failure::Failure;
use super::limits;
use crate::trace::context::RequestKey;
use crate::trace::span::{SpanId, TraceId};

/// A request as both ends name it: addresses of client and server, and the position of its first byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WireKey {
    /// Client.
    pub client: (Arc<str>, u16),
    /// Server.
    pub server: (Arc<str>, u16),
    /// Position.
    pub pos: u64,
}

/// What was done for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A connection was set up.
    SetUp,
    /// A statement or request; `None` when there are too many different ones.
    Call(Option<StatementId>),
    /// A name was looked up.
    LookUp,
    /// A statement that only begins or ends a transaction.
    Transaction,
}

/// Something done for a request.
#[derive(Clone, Debug)]
pub struct Child {
    /// Between whom.
    pub edge: EdgeId,
    /// What.
    pub work: Work,
    /// Whether it went together with others in one round trip.
    pub batched: bool,
    /// Beginning, ns.
    pub start_ns: u64,
    /// End, ns.
    pub end_ns: u64,
    /// Whether and why it failed; with it, the request as its server saw it.
    pub failure: Option<Box<(Failure, Option<WireKey>)>>,
}

/// How a request ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Method and route.
    pub route: Arc<str>,
    /// First byte of the request, ns.
    pub start_ns: u64,
    /// Last byte of the response, ns.
    pub end_ns: u64,
    /// `error.type`, if it failed.
    pub error: Option<Arc<str>>,
    /// Its span.
    pub span: Option<(TraceId, SpanId)>,
    /// Its name on the wire.
    pub wire: Option<WireKey>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who handles it.
    pub service: Arc<str>,
    /// When it began, ns.
    pub began_ns: u64,
    /// Calls.
    pub children: Vec<Child>,
    /// Calls are missing: there were too many.
    pub incomplete: bool,
    /// Set when it has ended.
    pub outcome: Option<Outcome>,
}

/// All requests in progress, and those that ended so recently that their calls may still be told.
#[derive(Debug, Default)]
pub struct Requests {
    all: FxHashMap<RequestKey, Request>,
    ended: VecDeque<(u64, RequestKey)>,
    children: usize,
    /// Requests and calls that found no place.
    pub lost: u64,
    /// Calls that found no place.
    pub children_lost: u64,
}

impl Requests {
    /// Whether the end of a request counts: it is known, or there is room. Asked before anything is made of it, since
    /// under load most of them find none; counted if not.
    pub fn takes(&mut self, key: RequestKey) -> bool {
        let takes = self.has_room() || self.all.contains_key(&key);
        self.lost += u64::from(!takes);
        takes
    }

    fn has_room(&self) -> bool {
        self.all.len() < limits::REQUESTS && self.ended.len() < limits::LINGERING
    }

    /// A request began. Without room it is left out.
    pub fn begin(&mut self, key: RequestKey, service: &Arc<str>, at_ns: u64) {
        if !self.has_room() {
            return;
        }
        self.all.entry(key).or_insert_with(|| Request {
            service: Arc::clone(service),
            began_ns: at_ns,
            children: Vec::new(),
            incomplete: false,
            outcome: None,
        });
    }

    /// Something was done for a request.
    pub fn child(&mut self, key: RequestKey, child: Child) {
        let Some(request) = self.all.get_mut(&key) else { return };
        if request.children.len() >= limits::CHILDREN || self.children >= limits::ALL_CHILDREN {
            self.children_lost += 1;
            request.incomplete = true;
            return;
        }
        self.children += 1;
        request.children.push(child);
    }

    /// A request ended.
    pub fn end(&mut self, key: RequestKey, service: &Arc<str>, outcome: Outcome) {
        self.begin(key, service, outcome.start_ns);
        if let Some(request) = self.all.get_mut(&key)
            && request.outcome.is_none()
        {
            self.ended.push_back((outcome.end_ns, key));
            request.outcome = Some(outcome);
        }
    }

    /// Whether a request ended before `until_ns`.
    #[must_use]
    #[inline]
    pub fn is_due(&self, until_ns: u64) -> bool {
        self.ended.front().is_some_and(|(end_ns, _)| *end_ns <= until_ns)
    }

    /// The next request that ended before `until_ns`; all its calls are told.
    pub fn settled(&mut self, until_ns: u64) -> Option<Request> {
        if !self.is_due(until_ns) {
            return None;
        }
        let (_, key) = self.ended.pop_front()?;
        let request = self.all.remove(&key)?;
        self.children -= request.children.len();
        Some(request)
    }

    /// Forgets requests that will have no end.
    pub fn abandon(&mut self, mut is_gone: impl FnMut(RequestKey, &Request) -> bool) {
        let children = &mut self.children;
        self.all.retain(|key, request| {
            let gone = request.outcome.is_none() && is_gone(*key, request);
            if gone {
                *children -= request.children.len();
            }
            !gone
        });
    }

    /// Every call of them.
    pub fn children_mut(&mut self) -> impl Iterator<Item = &mut Child> {
        self.all.values_mut().flat_map(|request| &mut request.children)
    }

    /// Every request that is known now.
    pub fn iter(&self) -> impl Iterator<Item = &Request> {
        self.all.values()
    }
}
