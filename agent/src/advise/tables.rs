//! Everything that the advisor keeps, bounded; what finds no place is counted.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::edge::{Edge, EdgeId, EdgeKey, StatementId};
use super::heads::Head;
use super::limits;
use super::request::{Child, Outcome, Request, Requests, WireKey, Work};
use super::route::{Culprit, Route};
use super::setup::SetUps;
use super::unread::Unreads;
use crate::advise::failure::Stage;

/// A client's connection.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Between whom.
    pub edge: EdgeId,
    /// Whether it counts as an open connection (a UDP socket does not).
    pub counts: bool,
    /// Its set-up, if that was seen.
    pub set_up: Option<SetUps>,
    /// Its protocol is known, so that silence means that nothing passed.
    pub is_understood: bool,
    /// Operations so far.
    pub operations: u64,
    /// Their time.
    pub operations_ns: u64,
    /// Operations of this window.
    pub recent: u64,
    /// End of its last operation, or of its set-up, ns.
    pub active_ns: u64,
    /// First round trips, if encrypted.
    pub head: Head,
    /// Time of the last round trip, if it looks like a farewell.
    pub farewell_ns: Option<u64>,
    /// The statement before.
    pub last: Option<StatementId>,
}

/// What the times of an operation mean for its connection.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Time that the connection was busy because of it and was not before.
    pub busy_ns: u64,
    /// It began as soon as the one before had ended.
    pub back_to_back: bool,
}

impl Link {
    /// Counts an operation.
    pub fn operation(&mut self, start_ns: u64, end_ns: u64) -> Times {
        let busy_ns = end_ns.saturating_sub(start_ns.max(self.active_ns));
        let back_to_back = self.operations > 0 && start_ns.saturating_sub(self.active_ns) <= limits::POOL_GAP_NS;
        self.operations += 1;
        self.operations_ns += end_ns.saturating_sub(start_ns);
        self.recent += 1;
        self.active_ns = self.active_ns.max(end_ns);
        Times { busy_ns, back_to_back }
    }
}

/// What is counted of a service as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Service {
    /// Requests that it served.
    pub requests: u64,
    /// Their time, ns.
    pub requests_ns: u64,
    /// Set-ups and operations of its own.
    pub calls: u64,
    /// Those of them that could not be tied to a request.
    pub untied: u64,
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Tables {
    edges: Vec<Option<Edge>>,
    by_key: FxHashMap<EdgeKey, EdgeId>,
    links: FxHashMap<u64, Link>,
    /// Connections that cannot be read.
    pub unread: Unreads,
    /// Requests in progress.
    pub requests: Requests,
    /// By name.
    pub services: FxHashMap<Arc<str>, Service>,
    /// By service and route.
    pub routes: FxHashMap<(Arc<str>, Arc<str>), Route>,
    /// Why requests failed whose callers may be observed, too; with the service that failed.
    downstream: FxHashMap<WireKey, (Arc<str>, Culprit)>,
    /// Beginning of the window, ns; 0 before the first fact.
    pub start_ns: u64,
    /// Latest event time, ns.
    pub now_ns: u64,
    /// What found no place.
    pub lost: Lost,
}

/// Entries that found no place.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lost {
    /// Pairs of service and peer.
    pub peers: u64,
    /// Connections.
    pub connections: u64,
    /// Routes.
    pub routes: u64,
    /// Services.
    pub services: u64,
}

impl Tables {
    /// An edge by its index.
    #[must_use]
    pub fn edge(&self, id: EdgeId) -> Option<&Edge> {
        self.edges.get(id as usize)?.as_ref()
    }

    /// An edge by its index.
    pub fn edge_mut(&mut self, id: EdgeId) -> Option<&mut Edge> {
        self.edges.get_mut(id as usize)?.as_mut()
    }

    /// All edges.
    pub fn edges(&self) -> impl Iterator<Item = (EdgeId, &Edge)> {
        self.edges.iter().zip(0..).filter_map(|(edge, id)| Some((id, edge.as_ref()?)))
    }

    /// All connections of clients that are open.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.values()
    }

    /// Whether a connection is known.
    #[must_use]
    pub fn has_link(&self, id: u64) -> bool {
        self.links.contains_key(&id)
    }

    /// A connection.
    pub fn link_mut(&mut self, id: u64) -> Option<&mut Link> {
        self.links.get_mut(&id)
    }

    /// Makes a connection known; `None` when there is no place.
    pub fn add_link(&mut self, id: u64, key: EdgeKey, counts: bool, opened_ns: u64) -> Option<()> {
        if self.links.len() >= limits::CONNECTIONS {
            self.lost.connections += 1;
            return None;
        }
        let edge = self.edge_of(key)?;
        let link = Link {
            edge,
            counts,
            set_up: None,
            is_understood: false,
            operations: 0,
            operations_ns: 0,
            recent: 0,
            active_ns: opened_ns,
            head: Head::default(),
            farewell_ns: None,
            last: None,
        };
        self.links.insert(id, link);
        if counts && let Some(edge) = self.edge_mut(edge) {
            edge.open += 1;
            edge.open_peak = edge.open_peak.max(edge.open);
        }
        Some(())
    }

    fn edge_of(&mut self, key: EdgeKey) -> Option<EdgeId> {
        if let Some(id) = self.by_key.get(&key) {
            return Some(*id);
        }
        let free = self.edges.iter().position(Option::is_none);
        if free.is_none() && self.edges.len() >= limits::EDGES {
            self.lost.peers += 1;
            return None;
        }
        let at = free.unwrap_or(self.edges.len());
        let id = EdgeId::try_from(at).ok()?;
        let edge = Some(Edge::new(key.clone()));
        match self.edges.get_mut(at) {
            Some(place) => *place = edge,
            None => self.edges.push(edge),
        }
        self.by_key.insert(key, id);
        Some(id)
    }

    /// A connection's set-up succeeded.
    pub fn opened(&mut self, id: u64, at_ns: u64, set_up: SetUps) {
        if let Some(link) = self.links.get_mut(&id) {
            link.set_up = Some(set_up);
            link.active_ns = link.active_ns.max(at_ns);
        }
    }

    /// A connection is over, or forgotten: then it may live on.
    pub fn ended(&mut self, id: u64, forgotten: bool) {
        let Some(mut link) = self.links.remove(&id) else { return };
        let Some(edge) = self.edge_mut(link.edge) else { return };
        if let Some(ns) = link.farewell_ns {
            link.operations = link.operations.saturating_sub(1);
            link.operations_ns = link.operations_ns.saturating_sub(ns);
            edge.operations = edge.operations.saturating_sub(1);
            edge.operations_ns = edge.operations_ns.saturating_sub(ns);
        }
        edge.open = edge.open.saturating_sub(u64::from(link.counts));
        let mut few = limits::NO_POOL_OPERATIONS as u64;
        if edge.encrypted {
            few += limits::HEAD_TURNS as u64;
        }
        if let Some(set_up) = link.set_up.filter(|_| !forgotten && link.operations <= few) {
            edge.short_lived.set_ups.merge(&set_up);
            edge.short_lived.operations += link.operations;
            edge.short_lived.operations_ns += link.operations_ns;
        }
    }

    /// Counts a call of a service.
    pub fn tied(&mut self, service: &Arc<str>, is_tied: bool) {
        if let Some(service) = self.service(service) {
            service.calls += 1;
            service.untied += u64::from(!is_tied);
        }
    }

    fn service(&mut self, name: &Arc<str>) -> Option<&mut Service> {
        if !self.services.contains_key(name) {
            if self.services.len() >= limits::SERVICES {
                self.lost.services += 1;
                return None;
            }
            self.services.insert(Arc::clone(name), Service::default());
        }
        self.services.get_mut(name)
    }

    /// Event time has come to `at_ns`.
    pub fn noted(&mut self, at_ns: u64) {
        if self.start_ns == 0 {
            self.start_ns = at_ns;
        }
        if at_ns > self.now_ns {
            self.now_ns = at_ns;
            let until_ns = at_ns.saturating_sub(limits::LINGER_NS);
            if self.requests.is_due(until_ns) {
                self.settle(until_ns);
            }
        }
    }

    /// Counts the requests that ended before `until_ns`.
    pub fn settle(&mut self, until_ns: u64) {
        while let Some(mut request) = self.requests.settled(until_ns) {
            if let Some(outcome) = request.outcome.take() {
                self.count(&mut request, &outcome);
            }
        }
    }

    fn count(&mut self, request: &mut Request, outcome: &Outcome) {
        if let Some(service) = self.service(&request.service) {
            service.requests += 1;
            service.requests_ns += outcome.end_ns.saturating_sub(outcome.start_ns);
        }
        let waited: FxHashSet<EdgeId> =
            request.children.iter().filter(|child| child.work == Work::SetUp).map(|child| child.edge).collect();
        for edge in waited {
            if let Some(edge) = self.edge_mut(edge) {
                edge.waited += 1;
            }
        }
        let key = (Arc::clone(&request.service), Arc::clone(&outcome.route));
        if !self.routes.contains_key(&key) && self.routes.len() >= limits::ROUTES {
            self.lost.routes += 1;
            return;
        }
        let culprits = self.culprits(request, outcome);
        let route = self.routes.entry(key).or_default();
        route.add(request, outcome);
        for (culprit, call_ns) in &culprits {
            route.blame(culprit.clone(), *call_ns, outcome);
        }
        if outcome.error.is_some()
            && let (Some((culprit, _)), Some(wire)) = (culprits.into_iter().next(), &outcome.wire)
            && self.downstream.len() < limits::DOWNSTREAM
        {
            self.downstream.insert(wire.clone(), (Arc::clone(&request.service), culprit));
        }
    }

    /// What failed of a request's calls. Of a failed request only the last one: what came before it was got over.
    fn culprits(&self, request: &Request, outcome: &Outcome) -> Vec<(Culprit, u64)> {
        let mut culprits: Vec<(Culprit, u64)> = Vec::new();
        let last_success =
            request.children.iter().filter(|child| child.failure.is_none()).map(|child| child.start_ns).max();
        let mut failed: Vec<&Child> = request.children.iter().filter(|child| child.failure.is_some()).collect();
        failed.sort_by_key(|child| std::cmp::Reverse(child.end_ns));
        for child in failed {
            let Some((failure, wire)) = child.failure.as_deref() else { continue };
            // A search list asks for names that do not exist: one that was found later makes good for it.
            if failure.stage == Stage::Dns && last_success.is_some_and(|at| at > child.start_ns) {
                continue;
            }
            let deeper = wire.as_ref().and_then(|wire| self.downstream.get(wire));
            let culprit = match deeper {
                Some((service, culprit)) => {
                    let via = std::iter::once(service).chain(&culprit.via).take(8).cloned().collect();
                    Culprit { via, ..culprit.clone() }
                }
                None => Culprit { via: Vec::new(), edge: child.edge, failure: failure.clone() },
            };
            if !culprits.iter().any(|(known, _)| *known == culprit) {
                culprits.push((culprit, child.end_ns.saturating_sub(child.start_ns)));
            }
            if outcome.error.is_some() {
                break;
            }
        }
        culprits
    }

    /// Begins the next window: sums are cleared; what is in progress stays, and edges that it refers to.
    pub fn begin_window(&mut self) {
        let abandoned = self.now_ns.saturating_sub(limits::ABANDONED_NS);
        self.requests.abandon(|_, request| request.began_ns < abandoned);
        self.start_ns = self.now_ns;
        self.unread.begin_window();
        self.services.clear();
        self.routes.clear();
        self.downstream.clear();
        self.lost = Lost::default();
        (self.requests.lost, self.requests.children_lost) = (0, 0);
        let mut used: FxHashSet<EdgeId> = self.links.values().map(|link| link.edge).collect();
        used.extend(self.requests.iter().flat_map(|request| &request.children).map(|child| child.edge));
        let mut statements: FxHashSet<(EdgeId, StatementId)> =
            self.links.values().filter_map(|link| Some((link.edge, link.last?))).collect();
        let children = self.requests.iter().flat_map(|request| &request.children);
        statements.extend(children.filter_map(|child| match child.work {
            Work::Call(statement) => Some((child.edge, statement?)),
            _ => None,
        }));
        let mut moved: FxHashMap<EdgeId, Vec<Option<StatementId>>> = FxHashMap::default();
        for (place, id) in self.edges.iter_mut().zip(0..) {
            match place {
                Some(edge) if edge.is_idle() && !used.contains(&id) => {
                    self.by_key.remove(&edge.key);
                    *place = None;
                }
                Some(edge) => {
                    moved.insert(id, edge.begin_window(|statement| statements.contains(&(id, statement))));
                }
                None => {}
            }
        }
        let place = |edge: EdgeId, statement: Option<StatementId>| {
            moved.get(&edge)?.get(usize::from(statement?)).copied().flatten()
        };
        for link in self.links.values_mut() {
            link.recent = 0;
            link.last = place(link.edge, link.last);
        }
        for child in self.requests.children_mut() {
            if let Work::Call(statement) = child.work {
                child.work = Work::Call(place(child.edge, statement));
            }
        }
    }
}
