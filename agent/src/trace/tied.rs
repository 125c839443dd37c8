//! What a span says of what its exchange is tied to: how long it waited, its connection, other spans, the trace state.

use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::exchange::detail::{Identity, Parent};
use wirespan_semconv as semconv;

use super::context::Owner;
use super::sampler::Decision;
use super::span::{self, Attribute, Kind, Value};
use super::traceparent::{self, TraceParent};
use super::{Ties, setup};
use crate::conn::fact::Use;

/// What a request waited for before it could be sent or read; returns the links of its span.
pub(super) fn tie(
    exchange: &Exchange,
    kind: Kind,
    ties: &Ties<'_>,
    attributes: &mut Vec<Attribute>,
) -> Vec<span::Link> {
    let request = &exchange.request;
    if kind == Kind::Server && request.arrived_ns != 0 {
        let waited_ns = request.first_ns.saturating_sub(request.arrived_ns);
        attributes.push((semconv::WIRESPAN_QUEUE_DURATION, setup::seconds(waited_ns)));
    }
    if ties.is_late {
        attributes.push((semconv::WIRESPAN_PARENT_OVER, Value::Bool(true)));
    }
    let first = match ties.usage {
        Some(Use::First | Use::Ready) => true,
        Some(Use::Again) => false,
        Some(Use::Preamble | Use::Unknown) | None => return Vec::new(),
    };
    attributes.push((semconv::WIRESPAN_CONNECTION_REUSED, Value::Bool(!first)));
    let Some(paid) = ties.paid.filter(|_| first) else { return Vec::new() };
    if ties.usage == Some(Use::First) && paid.duration_ns > 0 {
        attributes.push((semconv::WIRESPAN_CONNECTION_SETUP_DURATION, setup::seconds(paid.duration_ns)));
    }
    paid.link.into_iter().collect()
}

/// Adds links to the spans that a request names in the words of other tracing systems; and, if the span has the ids that its request
/// carries, to that of the request that it was made for, where those ids are of another trace.
pub(super) fn refer(
    exchange: &Exchange,
    (own, header): (&Owner, Option<TraceParent>),
    owner: Option<Owner>,
    links: &mut Vec<span::Link>,
) {
    let is_carried = header.is_some_and(|header| header.span_id == own.span_id);
    let owner = owner.filter(|owner| is_carried && owner.trace_id != own.trace_id);
    if let Some(Owner { trace_id, span_id, .. }) = owner.filter(|owner| owner.decision == Decision::Sample) {
        links.push(span::Link { trace_id, span_id });
    }
    for Identity { trace_id, span_id } in exchange.detail.spans() {
        let link = span::Link { trace_id, span_id };
        // The same span may be named in the words of several systems.
        let is_told = header.is_some_and(|header| (header.trace_id, header.span_id) == (trace_id, span_id));
        if !is_told && !links.contains(&link) {
            links.push(link);
        }
    }
}

/// The trace state that came with a parent. An invalid `traceparent` voids it (W3C Trace Context, section 4.3).
pub(super) fn state_of(parent: Option<TraceParent>, named: Parent<'_>) -> Option<Box<str>> {
    parent.and(named.tracestate).and_then(traceparent::usable_state).map(Box::from)
}
