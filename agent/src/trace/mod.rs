//! From an exchange to a span: names, kinds, attributes and status of the semantic conventions.
//!
//! Layout, from the bottom up:
//! - [`span`]: what comes out;
//! - [`ids`], [`clock`], [`traceparent`], [`sampler`], [`redact`], [`url`], [`route`]: the parts, each testable alone;
//! - [`connection`]: what a span needs of its connection, rendered once;
//! - [`http`], [`postgres`], [`redis`]: the attributes of one protocol each;
//! - [`Tracer`]: puts them together.
//!
//! Nothing here reads a clock: event times come in, and [`clock::Clock`] maps them to Unix times.

pub mod clock;
pub mod connection;
pub mod http;
pub mod ids;
pub mod outcome;
pub mod postgres;
pub mod redact;
pub mod redis;
pub mod route;
pub mod sampler;
pub mod span;
#[cfg(test)]
mod testing;
pub mod traceparent;
pub mod url;

use std::borrow::Cow;
use std::sync::Arc;

use wirespan_protocols::exchange::{Detail, Exchange};

use connection::{ConnectionFacts, View};
use sampler::{Decision, Sampler};
use span::{Attribute, Resource, Span, Status};
use traceparent::TraceParent;

/// What a user can choose about spans.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `OTEL_TRACES_SAMPLER`; `parentbased_always_on` by default.
    pub sampler: Sampler,
    /// Configured route patterns, for `http.route`.
    pub routes: route::Routes,
    /// `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`: replaces the list of known methods. `None`: [`http::KNOWN_METHODS`].
    pub known_methods: Option<Vec<Box<str>>>,
    /// Opt-in: `db.response.returned_rows`.
    pub returned_rows: bool,
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
pub(crate) const TYPICAL_ATTRIBUTES: usize = 18;

/// Makes spans of exchanges. One per pipeline; not shared between threads.
#[derive(Debug)]
pub struct Tracer {
    config: Config,
    ids: ids::Ids,
    clock: clock::Clock,
    filtered: [u64; Filtered::ALL.len()],
}

impl Tracer {
    /// A tracer whose ids come from `ids`: [`ids::Ids::from_os`] for live tracing, [`ids::Ids::seeded`] for replay.
    #[must_use]
    pub fn new(config: Config, ids: ids::Ids) -> Self {
        Self { config, ids, clock: clock::Clock::default(), filtered: [0; Filtered::ALL.len()] }
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

    /// The span of `exchange`, or `None` when it was filtered (and counted in [`filtered`](Self::filtered)).
    ///
    /// The parent comes from a `traceparent` header of the exchange and from nothing else; without one the span is
    /// the root of a new trace.
    pub fn span(
        &mut self,
        exchange: &Exchange,
        connection: &ConnectionFacts,
        resource: &Arc<Resource>,
    ) -> Option<Span> {
        let (parent, trace_state) = match &exchange.detail {
            Detail::Http(http) => parent_of(http.traceparent.as_deref(), http.tracestate.as_deref()),
            Detail::Postgres(_) | Detail::Redis(_) => (None, None),
        };
        let trace_id = parent.map_or_else(|| self.ids.trace_id(), |parent| parent.trace_id);
        match self.config.sampler.decide(&trace_id, parent.map(|parent| parent.sampled)) {
            Decision::Sample => {}
            Decision::ParentNotSampled => return self.count(Filtered::ParentNotSampled),
            Decision::Drop => return self.count(Filtered::Sampler),
        }
        let (kind, described) = match &exchange.detail {
            Detail::Http(http) => {
                let view = View::of_http(connection);
                (view.kind, http::describe(http, exchange, &view, &self.config, &resource.service_name))
            }
            Detail::Postgres(postgres) => {
                let view = View::of_database(connection);
                (view.kind, postgres::describe(postgres, exchange, &view, &self.config))
            }
            Detail::Redis(redis) => {
                let view = View::of_database(connection);
                (view.kind, redis::describe(redis, exchange, &view))
            }
        };
        let (start_unix_ns, end_unix_ns) = self.clock.interval(exchange.request.first_ns, exchange.end_ns);
        Some(Span {
            trace_id,
            span_id: self.ids.span_id(),
            parent: parent.map(|parent| parent.span_id),
            trace_state,
            kind,
            name: described.name,
            start_unix_ns,
            end_unix_ns,
            attributes: described.attributes,
            status: described.status,
            links: Vec::new(),
            resource: Arc::clone(resource),
        })
    }

    fn count(&mut self, reason: Filtered) -> Option<Span> {
        self.filtered[reason as usize] += 1;
        None
    }
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
