//! From an exchange to a span: names, kinds, attributes and status of the semantic conventions.
//!
//! Layout, from the bottom up:
//! - [`span`], [`spare`]: what comes out;
//! - [`ids`], [`clock`], [`traceparent`], [`sampler`]: the parts, each testable alone;
//! - [`connection`]: what a span needs of its connection, rendered once;
//! - [`context`]: which request of its process an operation was done for;
//! - [`peers`]: names of the other ends of connections; [`ends`]: who is at both;
//! - [`passed`], [`relayed`]: which one a proxy passes on, by its header or by what is asked;
//! - [`named`]: whether the ids that a call carries are its own; [`sdk`]: which processes export their own telemetry;
//! - [`links`]: which of the requests that clients on this host made a server's is;
//! - `tied`: what a span says of what its exchange is tied to;
//! - [`setup`]: spans of how a connection was set up; [`lookup`]: look-ups, which wait for the connect that they are for;
//! - [`treatment`]: what a rule says about processes; [`weights`]: how often exchanges count;
//! - [`Tracer`]: puts them together;
//! - [`observation`]: what the floors above are told.
//!
//! What an exchange says, it says itself: [`wirespan_protocols::describe`].
//!
//! Nothing here reads a clock: event times come in, and [`clock::Clock`] maps them to Unix times.

pub mod askers;
pub mod clock;
pub mod connection;
pub mod context;
pub mod ends;
pub mod ids;
pub mod links;
pub mod lookup;
pub mod named;
pub mod observation;
pub mod passed;
pub mod peers;
mod probability;
pub mod relayed;
pub mod sampler;
pub mod sdk;
pub mod setup;
pub mod span;
pub mod spare;
pub mod spoken;
#[cfg(test)]
mod testing;
mod tied;
pub mod traceparent;
pub mod treatment;
pub mod weights;

use std::sync::Arc;

pub use wirespan_protocols::describe::{redact, route};

use wirespan_protocols::describe::Scene;
use wirespan_protocols::describe::family::Family;
use wirespan_protocols::describe::options::Options;
use wirespan_protocols::describe::route::{Recent, Route};
use wirespan_protocols::describe::spoken::FamilyName;
use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::http;
use wirespan_semconv as semconv;

use crate::conn::fact::Use;
use connection::ConnectionFacts;
use context::{Owner, RequestKey};
use sampler::{Decision, Sampler};
use sdk::Deference;
use setup::Paid;
use span::{Kind, Resource, Span, TraceId, Value};
use tied::{refer, state_of, tie};
use traceparent::TraceParent;

/// What a user can choose about spans.
#[derive(Clone, Debug)]
pub struct Config {
    /// `OTEL_TRACES_SAMPLER`; `parentbased_always_on` by default.
    pub sampler: Sampler,
    /// Whether set-ups of connections become spans.
    pub connection_spans: bool,
    /// Whether spans say by which name the other end's can be found ([`links::ExchangeId`]).
    pub exchange_ids: bool,
    /// Whether what processes encrypt with TLS is read, where no rule says otherwise.
    pub tls: bool,
    /// What is left to the SDKs of processes that export.
    pub deference: Deference,
    /// What the descriptions of exchanges need.
    pub options: Options,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sampler: Sampler::default(),
            connection_spans: true,
            exchange_ids: false,
            tls: false,
            deference: Deference::All,
            options: Options::default(),
        }
    }
}

/// What an exchange is tied to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ties<'a> {
    /// The ids that were promised when it began ([`Tracer::begin`]).
    pub promised: Option<Owner>,
    /// For what a client did: the request that it was done for.
    pub owner: Option<Owner>,
    /// That request was over before this was.
    pub is_late: bool,
    /// Which use of its connection it is.
    pub usage: Option<Use>,
    /// How the connection was set up, if it is the first one after that.
    pub paid: Option<Paid>,
    /// Its route ([`Tracer::route`]).
    pub route: Option<&'a Route>,
    /// Its name at both ends.
    pub id: Option<links::ExchangeId>,
}

/// Why an exchange did not become a span although all of it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Filtered {
    /// It carried a `traceparent` whose sampled flag is 0, and the sampler follows the parent.
    ParentNotSampled,
    /// The sampler said no.
    Sampler,
    /// The SDK of its process exports it ([`sdk`]).
    Sdk,
    /// The rule that takes its process in leaves its protocol out.
    Protocol,
}

impl Filtered {
    /// Every reason, in the order of their discriminants.
    pub const ALL: [Self; 4] = [Self::ParentNotSampled, Self::Sampler, Self::Sdk, Self::Protocol];

    /// The value of the attribute `reason` on the agent's own metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ParentNotSampled => "parent_not_sampled",
            Self::Sampler => "sampler",
            Self::Sdk => "traced_by_sdk",
            Self::Protocol => "protocol_off",
        }
    }
}

/// Attributes of the richest usual span (an HTTP server's) fit without growing.
pub(crate) const TYPICAL_ATTRIBUTES: usize = 20;

/// Makes spans of exchanges. One per pipeline; not shared between threads.
#[derive(Debug)]
pub struct Tracer {
    config: Config,
    ids: ids::Ids,
    clock: clock::Clock,
    /// Names of the other ends of connections.
    pub peers: peers::Peers,
    buffers: spare::AtHand,
    filtered: [u64; Filtered::ALL.len()],
}

impl Tracer {
    /// A tracer whose ids come from `ids`: [`ids::Ids::from_os`] for live tracing, [`ids::Ids::seeded`] for replay.
    #[must_use]
    pub fn new(config: Config, ids: ids::Ids) -> Self {
        let (clock, buffers) = (clock::Clock::default(), spare::AtHand::default());
        let peers = peers::Peers::default();
        Self { config, ids, clock, peers, buffers, filtered: [0; Filtered::ALL.len()] }
    }

    /// Makes spans with buffers that others have done with.
    pub fn reuse(&mut self, spare: spare::Spare) {
        self.buffers = spare::AtHand::of(spare);
    }

    /// Takes the offset of an `Event::Clock`; valid for spans made from now on.
    pub fn set_clock(&mut self, offset_ns: i64) {
        self.clock.set_offset(offset_ns);
    }

    /// The mapping from kernel to Unix times, for the other stages that print times.
    #[must_use]
    pub fn clock(&self) -> clock::Clock {
        self.clock
    }

    /// Exchanges that did not become spans, indexed by [`Filtered`].
    #[must_use]
    pub fn filtered(&self) -> &[u64; Filtered::ALL.len()] {
        &self.filtered
    }

    /// The sampler for what a process does.
    fn sampler(&self, resource: &Resource) -> Sampler {
        resource.treatment.as_ref().and_then(|treatment| treatment.sampler).unwrap_or(self.config.sampler)
    }

    /// What descriptions of what a process does need.
    fn options<'a>(&'a self, resource: &'a Resource) -> &'a Options {
        resource.treatment.as_ref().and_then(|treatment| treatment.options.as_ref()).unwrap_or(&self.config.options)
    }

    /// What a user has chosen.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Replaces what a user can choose.
    pub fn configure(&mut self, config: Config) {
        self.config = config;
    }

    /// A request of a process began: the ids of the span that it will be, so that what is done for it meanwhile can name it.
    pub fn begin(&mut self, request: RequestKey, parent: Option<TraceParent>, of: &Resource) -> Owner {
        let trace_id = parent.map_or_else(|| self.ids.trace_id(), |parent| parent.trace_id);
        let decision = self.sampler(of).decide(&trace_id, parent.map(|parent| parent.sampled));
        let parent = parent.map(|parent| parent.span_id);
        Owner { request, trace_id, span_id: self.ids.span_id(), parent, decision }
    }

    /// The ids of a client's span that its request carries. `owner`: what it is done for, which is its parent if it is in the
    /// same trace.
    #[must_use]
    pub fn carried(&self, request: RequestKey, named: TraceParent, owner: Option<Owner>, of: &Resource) -> Owner {
        let TraceParent { trace_id, span_id, sampled } = named;
        let parent = owner.and_then(TraceParent::of).filter(|parent| parent.trace_id == trace_id);
        let decision = self.sampler(of).decide(&trace_id, Some(sampled));
        Owner { request, trace_id, span_id, parent: parent.map(|parent| parent.span_id), decision }
    }

    /// [`begin`](Self::begin) of a request that may yet find its parent: its span is made in any case, for
    /// [`settle`](Self::settle).
    pub fn begin_open(&mut self, request: RequestKey, of: &Resource) -> Owner {
        Owner { decision: Decision::Sample, ..self.begin(request, None, of) }
    }

    /// A span after [`begin_open`](Self::begin_open), with the parent that was found, or none; `None` when it is filtered.
    pub fn settle(&mut self, mut span: Span, parent: Option<TraceParent>) -> Option<Span> {
        if let Some(parent) = parent {
            (span.trace_id, span.parent) = (parent.trace_id, Some(parent.span_id));
        }
        match self.sampler(&span.resource).decide(&span.trace_id, parent.map(|parent| parent.sampled)) {
            Decision::Sample => Some(span),
            decision => self.leave_out(decision),
        }
    }

    /// What is left to SDKs.
    #[must_use]
    pub fn deference(&self) -> Deference {
        self.config.deference
    }

    fn samples(&self, trace_id: &TraceId, parent: Option<bool>, of: &Resource) -> bool {
        self.sampler(of).decide(trace_id, parent) == Decision::Sample
    }

    /// The span of `exchange`, or `None` when it was filtered (and counted in [`filtered`](Self::filtered)), or is of a
    /// kind that makes none (look-ups: see [`lookup`](Self::lookup)).
    ///
    /// Its ids and parent are those that were promised when it began. Else the parent comes from a `traceparent` header of the
    /// exchange, else it is the request that the exchange was done for; without both the span is the root of a new trace.
    pub fn span(
        &mut self,
        exchange: &Exchange,
        connection: &ConnectionFacts,
        resource: &Arc<Resource>,
        ties: &Ties<'_>,
    ) -> Option<Span> {
        let family = exchange.detail.spoken().family;
        if !family.has_requests() {
            return None;
        }
        // Decided when the request began: nothing of what is left out is looked at again.
        if let Some(promised) = ties.promised.filter(|promised| promised.decision != Decision::Sample) {
            return self.leave_out(promised.decision);
        }
        let named = exchange.detail.parent();
        let header = named.traceparent.and_then(TraceParent::parse);
        let own = ties.promised.unwrap_or_else(|| {
            let parent = header.or_else(|| ties.owner.and_then(TraceParent::of));
            self.begin(RequestKey::default(), parent, resource)
        });
        if own.decision != Decision::Sample {
            return self.leave_out(own.decision);
        }
        let trace_id = own.trace_id;
        let trace_state = state_of(header, named);
        let trace_state = match exchange.request.rejected {
            0 => trace_state,
            rejected => Some(probability::note(trace_state.as_deref(), rejected, &trace_id)),
        };
        let view = connection.view(family);
        let buffer = self.buffers.buffer();
        let scene = Scene { view, route: ties.route, options: self.options(resource) };
        let (mut described, status) = exchange.describe(&scene, buffer);
        if let Some(id) = ties.id.filter(|_| self.config.exchange_ids) {
            described.attributes.push((semconv::WIRESPAN_EXCHANGE_ID, Value::text(&id.to_string())));
        }
        if let Some(peer) = &connection.peer {
            described.attributes.push((semconv::SERVICE_PEER_NAME, Value::Shared(Arc::clone(&peer.name))));
            if let Some(namespace) = &peer.namespace {
                described.attributes.push((semconv::SERVICE_PEER_NAMESPACE, Value::Shared(Arc::clone(namespace))));
            }
        }
        let mut links = tie(exchange, view.kind, ties, &mut described.attributes);
        refer(exchange, (&own, header), ties.owner, &mut links);
        let (start_unix_ns, end_unix_ns) = self.clock.interval(exchange.request.first_ns, exchange.end_ns);
        Some(Span {
            trace_id,
            span_id: own.span_id,
            parent: own.parent,
            trace_state,
            kind: view.kind,
            name: described.name,
            start_unix_ns,
            end_unix_ns,
            answered_unix_ns: exchange.response.map(|response| self.clock.unix(response.first_ns)),
            thread: exchange.actor.tid,
            attributes: described.attributes,
            status,
            links,
            resource: Arc::clone(resource),
        })
    }

    /// The route of a request, as its server sees it. `recent`: of the same connection.
    #[must_use]
    pub fn route(
        &self,
        exchange: &Exchange,
        connection: &ConnectionFacts,
        resource: &Resource,
        recent: &mut Recent,
    ) -> Option<Arc<Route>> {
        let is_server = connection.view(FamilyName::Http).kind == Kind::Server;
        match exchange.detail.family() {
            Family::Http(http) if is_server => {
                http::route(&http, self.options(resource), &resource.service_name, recent)
            }
            _ => None,
        }
    }

    /// An exchange is left out because of its protocol.
    pub fn leave_out_protocol(&mut self) {
        self.filtered[Filtered::Protocol as usize] += 1;
    }

    fn leave_out(&mut self, decision: Decision) -> Option<Span> {
        let reason = match decision {
            Decision::Sample => return None,
            Decision::ParentNotSampled => Filtered::ParentNotSampled,
            Decision::Drop => Filtered::Sampler,
            Decision::Exported | Decision::Told => Filtered::Sdk,
        };
        self.filtered[reason as usize] += 1;
        None
    }
}

#[cfg(test)]
mod tests;
