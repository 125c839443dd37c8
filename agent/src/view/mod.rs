//! What was seen lately, for those who look: the terminal, the page, reports, assistants. One store in bounded memory, below all of
//! them.
//!
//! It learns what the trace floor tells (live, or from a recording or a pcap). Rates, errors and durations count everything; spans are
//! kept by whole traces, a choice of them. It reads no clock: times are those of the events.
//!
//! Layout, from the bottom up:
//! - [`text`], [`said`]: what a span says in few words;
//! - [`latency`], [`recent`], [`table`]: what is counted, and by what;
//! - [`operations`], [`calls`], [`connections`]: what is told of those;
//! - [`traces`]: which traces are kept; [`tree`], [`phases`]: one as a waterfall;
//! - [`filter`]: what is looked for; [`rows`]: the answers; [`told`]: those as JSON;
//! - [`Store`]: all of it; [`ask`]: how other threads ask.

pub mod ask;
pub mod calls;
pub mod connections;
mod fair;
pub mod filter;
pub mod latency;
pub mod operations;
pub mod phases;
pub mod recent;
pub mod rows;
pub mod said;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod text;
pub mod told;
pub mod traces;
pub mod tree;

use std::sync::Arc;

use rustc_hash::FxHashMap;
use wirespan_protocols::describe::Scene;
use wirespan_protocols::describe::name::Name;
use wirespan_protocols::describe::options::Options;
use wirespan_protocols::describe::spoken::FamilyName;
use wirespan_protocols::exchange::Exchange;

use crate::conn::fact::{Fact, SetUp, Use};
use crate::event::{Role, Transport, Vantage};
use crate::trace::ends::{Edge, Ends};
use crate::trace::observation::{Observation, Observer};
use crate::trace::span::{Kind, Span};
use crate::trace::weights::Weights;
use calls::Calls;
use connections::Connections;
use operations::Operations;
use recent::Happening;
use said::is_failed;
use traces::Traces;

/// Share of the memory that is for traces; the rest is for what is counted.
const FOR_TRACES: f64 = 0.75;
/// What an operation and an edge may take together, bytes: their last minute has seven parts with up to a hundred buckets each.
const MEMORY_OF_KEY: usize = 16 * 1024;
/// Fewest and most operations, and edges, that are told apart.
const MIN_KEYS: usize = 64;
const MAX_KEYS: usize = 2048;
/// How often what is silent is looked for, ns of event time.
const SWEEP_NS: u64 = 30_000_000_000;
/// Connections that have not been heard of for so long are taken for over, ns.
const FORGET_NS: u64 = 3_600 * 1_000_000_000;
/// Most connections whose other end is remembered.
const MAX_EDGES: usize = 32 * 1024;

/// See the module's text. Lives on the main thread.
#[derive(Debug)]
pub struct Store {
    /// What services answer and ask.
    pub operations: Operations,
    /// Who calls whom.
    pub calls: Calls,
    /// Connections.
    pub connections: Connections,
    /// Traces.
    pub traces: Traces,
    /// Exchanges of connections that cannot be read, by what hides them.
    pub unread: u64,
    /// Event time: of the latest event, and of the first one; kernel time, ns.
    pub now_ns: u64,
    /// The first event time.
    pub began_ns: u64,
    ends: Ends,
    edges: FxHashMap<u64, Edge>,
    /// The same as those of spans.
    options: Options,
    weights: Weights,
    swept_ns: u64,
    nobody: Arc<str>,
}

impl Store {
    /// An empty store that holds at most about `memory` bytes. `options`: what names of spans need.
    #[must_use]
    pub fn new(memory: usize, options: Options) -> Self {
        let keys = (memory / MEMORY_OF_KEY).clamp(MIN_KEYS, MAX_KEYS);
        Self {
            operations: Operations::new(keys),
            calls: Calls::new(keys),
            connections: Connections::default(),
            traces: Traces::new((memory as f64 * FOR_TRACES) as usize),
            unread: 0,
            now_ns: 0,
            began_ns: 0,
            ends: Ends::default(),
            edges: FxHashMap::default(),
            options,
            weights: Weights::default(),
            swept_ns: 0,
            nobody: "".into(),
        }
    }

    /// No more comes: what waits is complete.
    pub fn finish(&mut self) {
        self.traces.finish();
    }

    fn passed(&mut self, at_ns: u64) {
        self.now_ns = self.now_ns.max(at_ns);
        if self.began_ns == 0 {
            self.began_ns = at_ns;
        }
    }

    /// Who is at the other end of a connection.
    fn edge(&mut self, seen: &Observation<'_>) -> Option<Edge> {
        if let Some(edge) = self.edges.get(&seen.id) {
            return Some(edge.clone());
        }
        self.enter(seen);
        let edge = self.ends.edge(seen)?;
        if self.edges.len() < MAX_EDGES {
            self.edges.insert(seen.id, edge.clone());
        }
        Some(edge)
    }

    fn enter(&mut self, seen: &Observation<'_>) {
        if seen.connection.vantage == Vantage::Socket
            && seen.transport != Transport::Udp
            && let Some(other) = self.ends.enter(seen, self.now_ns)
        {
            self.edges.remove(&other);
        }
    }

    fn exchange(&mut self, seen: &Observation<'_>, exchange: &Exchange, usage: Use) {
        let Some(role) = seen.connection.role else { return };
        let family = exchange.detail.spoken().family;
        if !family.has_requests() {
            self.unread += u64::from(family == FamilyName::Opaque);
            return;
        }
        let view = seen.connection.view(family);
        let failed = match seen.span {
            Some(span) => is_failed(span),
            // A driver only tries what its server may lack.
            None => usage != Use::Preamble && exchange.error_type(view.kind).is_some(),
        };
        let one = Happening {
            at_ns: exchange.end_ns,
            took_ns: exchange.end_ns.saturating_sub(exchange.request.first_ns),
            failed,
            set_up_ns: seen.paid_ns,
            times: self.weights.times(exchange),
        };
        if failed {
            self.connections.failed(seen.id);
        }
        let is_first = !self.edges.contains_key(&seen.id);
        let edge = self.edge(seen);
        let peer = edge
            .as_ref()
            .map_or(&self.nobody, |edge| if view.kind == Kind::Client { &edge.server } else { &edge.client });
        match seen.name {
            Some(name) => self.operations.add(seen, (view.kind, name), peer, one),
            // Nobody has described what is not sampled.
            None => {
                let scene = Scene { view, route: seen.route, options: &self.options };
                let name: Name = exchange.describe(&scene, Vec::new()).0.name;
                self.operations.add(seen, (view.kind, &name), peer, one);
            }
        }
        // Of a connection that is older than the agent, the client's end may be seen a moment later.
        let is_vague = is_first && !seen.from_start;
        let is_counted = |edge: &Edge| role == Role::Client || !edge.is_client_watched && !is_vague;
        if let Some(edge) = edge.filter(is_counted) {
            let protocol = seen.protocol.map_or("", |spoken| spoken.name);
            self.calls.add(edge, protocol, seen.encrypted, &one);
        }
    }

    fn set_up(&mut self, seen: &Observation<'_>, set_up: &SetUp) {
        let took_ns = set_up.end_ns.saturating_sub(set_up.start_ns);
        if seen.connection.role != Some(Role::Client) {
            return;
        }
        if let Some(owner) = seen.owner {
            self.operations.paid(owner.request, took_ns);
        }
        if let Some(edge) = self.edge(seen) {
            let failed = set_up.error.is_some();
            self.calls.set_up(
                edge,
                seen.protocol.map_or("", |spoken| spoken.name),
                seen.encrypted,
                took_ns,
                failed,
                set_up.end_ns,
            );
        }
    }
}

impl Observer for Store {
    fn observe(&mut self, seen: &Observation<'_>) {
        let at_ns = match seen.fact {
            Fact::Opened => seen.opened_ns,
            Fact::Request(request) => request.at_ns,
            Fact::SetUp(set_up) => set_up.end_ns,
            Fact::Exchange(exchange, _) => exchange.end_ns,
            Fact::Stats(stats) => stats.at_ns,
            Fact::Ended(end) => end.at_ns,
        };
        self.passed(at_ns);
        match seen.fact {
            Fact::Opened => self.enter(seen),
            Fact::SetUp(set_up) => self.set_up(seen, set_up),
            Fact::Exchange(exchange, usage) => self.exchange(seen, exchange, *usage),
            Fact::Request(_) => return,
            Fact::Stats(_) | Fact::Ended(_) => {}
        }
        let known = self.edges.get(&seen.id);
        let peer = known.map_or(&self.nobody, |edge| {
            if seen.connection.role == Some(Role::Server) { &edge.client } else { &edge.server }
        });
        self.connections.observe(seen, peer, at_ns);
        if let Fact::Ended(end) = seen.fact {
            self.ends.leave(seen, end.at_ns);
            self.edges.remove(&seen.id);
        }
    }

    fn emitted(&mut self, span: &Span) {
        self.traces.add(span, self.now_ns);
    }

    fn tick(&mut self, at_ns: u64) {
        self.passed(at_ns);
        self.traces.tick(self.now_ns);
        if self.now_ns.saturating_sub(self.swept_ns) >= SWEEP_NS {
            self.swept_ns = self.now_ns;
            self.operations.table.sweep(self.now_ns);
            self.calls.table.sweep(self.now_ns);
            let before_ns = self.now_ns.saturating_sub(FORGET_NS);
            self.connections.forget(before_ns);
            self.ends.forget(before_ns, self.now_ns.saturating_sub(SWEEP_NS));
        }
    }
}
