//! From an exchange to a span: names, kinds, attributes and status of the semantic conventions.
//!
//! Layout, from the bottom up:
//! - [`span`], [`short`], [`spare`]: what comes out;
//! - [`ids`], [`clock`], [`traceparent`], [`sampler`], [`redact`], [`url`], [`route`]: the parts, each testable alone;
//! - [`connection`]: what a span needs of its connection, rendered once;
//! - [`http`], [`postgres`], [`redis`]: the attributes of one protocol each;
//! - [`context`]: which request of its process an operation was done for;
//! - [`setup`]: spans of how a connection was set up; [`dns`]: look-ups, which wait for the connect that they are for;
//! - [`Tracer`]: puts them together;
//! - [`observation`]: what the floors above are told.
//!
//! Nothing here reads a clock: event times come in, and [`clock::Clock`] maps them to Unix times.

pub mod clock;
pub mod connection;
pub mod context;
pub mod dns;
pub mod http;
pub mod ids;
pub mod observation;
pub mod outcome;
pub mod postgres;
pub mod redact;
pub mod redis;
pub mod route;
pub mod sampler;
pub mod setup;
pub mod short;
pub mod span;
pub mod spare;
#[cfg(test)]
mod testing;
pub mod traceparent;
pub mod url;

use std::borrow::Cow;
use std::sync::Arc;

use wirespan_protocols::exchange::{Detail, Exchange};

use crate::conn::fact::Use;
use connection::{ConnectionFacts, View};
use context::{Owner, RequestKey};
use sampler::{Decision, Sampler};
use setup::Paid;
use span::{Attribute, Kind, Resource, Span, Status, TraceId, Value};
use traceparent::TraceParent;

/// What a user can choose about spans.
#[derive(Clone, Debug)]
pub struct Config {
    /// `OTEL_TRACES_SAMPLER`; `parentbased_always_on` by default.
    pub sampler: Sampler,
    /// Configured route patterns, for `http.route`.
    pub routes: route::Routes,
    /// `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`: replaces the list of known methods. `None`: [`http::KNOWN_METHODS`].
    pub known_methods: Option<Vec<Box<str>>>,
    /// Opt-in: `db.response.returned_rows`.
    pub returned_rows: bool,
    /// Whether set-ups of connections become spans.
    pub connection_spans: bool,
    /// Names of parameters whose values are hidden.
    pub secrets: redact::names::Names,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sampler: Sampler::default(),
            routes: route::Routes::default(),
            known_methods: None,
            returned_rows: false,
            connection_spans: true,
            secrets: redact::names::Names::default(),
        }
    }
}

/// What an exchange is tied to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ties {
    /// For a server's request: the ids that were promised when it began ([`Tracer::begin`]).
    pub promised: Option<Owner>,
    /// For what a client did: the request that it was done for.
    pub owner: Option<Owner>,
    /// Which use of its connection it is.
    pub usage: Option<Use>,
    /// How the connection was set up, if it is the first one after that.
    pub paid: Option<Paid>,
}

/// Why an exchange did not become a span although all of it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Filtered {
    /// It carried a `traceparent` whose sampled flag is 0, and the sampler follows the parent.
    ParentNotSampled,
    /// The sampler said no.
    Sampler,
}

impl Filtered {
    /// Every reason, in the order of their discriminants.
    pub const ALL: [Self; 2] = [Self::ParentNotSampled, Self::Sampler];

    /// The value of the attribute `reason` on the agent's own metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ParentNotSampled => "parent_not_sampled",
            Self::Sampler => "sampler",
        }
    }
}

/// The protocol-specific part of a span.
pub(crate) struct Described {
    pub(crate) name: Cow<'static, str>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) status: Status,
}

/// Attributes of the richest usual span (an HTTP server's) fit without growing.
pub(crate) const TYPICAL_ATTRIBUTES: usize = 20;

/// Makes spans of exchanges. One per pipeline; not shared between threads.
#[derive(Debug)]
pub struct Tracer {
    config: Config,
    ids: ids::Ids,
    clock: clock::Clock,
    buffers: spare::AtHand,
    filtered: [u64; Filtered::ALL.len()],
}

impl Tracer {
    /// A tracer whose ids come from `ids`: [`ids::Ids::from_os`] for live tracing, [`ids::Ids::seeded`] for replay.
    #[must_use]
    pub fn new(config: Config, ids: ids::Ids) -> Self {
        let (clock, buffers) = (clock::Clock::default(), spare::AtHand::default());
        Self { config, ids, clock, buffers, filtered: [0; Filtered::ALL.len()] }
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

    /// A server's request began: the ids of the span that it will be, so that what is done for it meanwhile can name it.
    pub fn begin(&mut self, request: RequestKey, traceparent: Option<&str>) -> Owner {
        let parent = traceparent.and_then(TraceParent::parse);
        let trace_id = parent.map_or_else(|| self.ids.trace_id(), |parent| parent.trace_id);
        let sampled = self.samples(&trace_id, parent.map(|parent| parent.sampled));
        Owner { request, trace_id, span_id: self.ids.span_id(), sampled }
    }

    fn samples(&self, trace_id: &TraceId, parent: Option<bool>) -> bool {
        self.config.sampler.decide(trace_id, parent) == Decision::Sample
    }

    /// The span of `exchange`, or `None` when it was filtered (and counted in [`filtered`](Self::filtered)), or is of a
    /// kind that makes none (look-ups: see [`lookup`](Self::lookup)).
    ///
    /// The parent comes from a `traceparent` header of the exchange, else it is the request that the exchange was done
    /// for; without both the span is the root of a new trace.
    pub fn span(
        &mut self,
        exchange: &Exchange,
        connection: &ConnectionFacts,
        resource: &Arc<Resource>,
        ties: &Ties,
    ) -> Option<Span> {
        let (header, trace_state) = match &exchange.detail {
            Detail::Http(http) => parent_of(http.traceparent.as_deref(), http.tracestate.as_deref()),
            Detail::Postgres(_) | Detail::Redis(_) => (None, None),
            Detail::Dns(_) | Detail::Opaque(_) => return None,
        };
        let parent = header.or_else(|| ties.owner.map(TraceParent::from));
        let promised = ties.promised.map(|own| own.trace_id);
        let trace_id = parent.map(|parent| parent.trace_id).or(promised).unwrap_or_else(|| self.ids.trace_id());
        match self.config.sampler.decide(&trace_id, parent.map(|parent| parent.sampled)) {
            Decision::Sample => {}
            Decision::ParentNotSampled => return self.count(Filtered::ParentNotSampled),
            Decision::Drop => return self.count(Filtered::Sampler),
        }
        let buffer = self.buffers.buffer();
        let (kind, mut described) = match &exchange.detail {
            Detail::Dns(_) | Detail::Opaque(_) => return None,
            Detail::Http(http) => {
                let view = View::of_http(connection);
                (view.kind, http::describe(http, exchange, &view, (&self.config, &resource.service_name), buffer))
            }
            Detail::Postgres(postgres) => {
                let view = View::of_database(connection);
                (view.kind, postgres::describe(postgres, exchange, &view, &self.config, buffer))
            }
            Detail::Redis(redis) => {
                let view = View::of_database(connection);
                (view.kind, redis::describe(redis, exchange, &view, buffer))
            }
        };
        let links = tie(exchange, kind, ties, &mut described.attributes);
        let (start_unix_ns, end_unix_ns) = self.clock.interval(exchange.request.first_ns, exchange.end_ns);
        Some(Span {
            trace_id,
            span_id: ties.promised.map_or_else(|| self.ids.span_id(), |own| own.span_id),
            parent: parent.map(|parent| parent.span_id),
            trace_state,
            kind,
            name: described.name,
            start_unix_ns,
            end_unix_ns,
            attributes: described.attributes,
            status: described.status,
            links,
            resource: Arc::clone(resource),
        })
    }

    fn count(&mut self, reason: Filtered) -> Option<Span> {
        self.filtered[reason as usize] += 1;
        None
    }
}

/// What a request waited for before it could be sent or read; returns the links of its span.
fn tie(exchange: &Exchange, kind: Kind, ties: &Ties, attributes: &mut Vec<Attribute>) -> Vec<span::Link> {
    let request = &exchange.request;
    if kind == Kind::Server && request.arrived_ns != 0 {
        let waited_ns = request.first_ns.saturating_sub(request.arrived_ns);
        attributes.push(("wirespan.queue.duration", setup::seconds(waited_ns)));
    }
    let first = match ties.usage {
        Some(Use::First | Use::Ready) => true,
        Some(Use::Again) => false,
        Some(Use::Preamble | Use::Unknown) | None => return Vec::new(),
    };
    attributes.push(("wirespan.connection.reused", Value::Bool(!first)));
    let Some(paid) = ties.paid.filter(|_| first) else { return Vec::new() };
    if ties.usage == Some(Use::First) && paid.duration_ns > 0 {
        attributes.push(("wirespan.connection.setup.duration", setup::seconds(paid.duration_ns)));
    }
    paid.link.into_iter().collect()
}

/// The parent that a request names, and its trace state. An invalid `traceparent` voids the `tracestate` too
/// (W3C Trace Context, section 4.3).
fn parent_of(traceparent: Option<&str>, tracestate: Option<&str>) -> (Option<TraceParent>, Option<Box<str>>) {
    let parent = traceparent.and_then(TraceParent::parse);
    let state = parent.and(tracestate).and_then(traceparent::usable_state).map(Box::from);
    (parent, state)
}

#[cfg(test)]
mod tests;
