//! Traces for the tests of viewers.

use std::sync::Arc;

use super::traces::Trace;
use crate::trace::span::{Kind, Resource, Span, SpanId, Status, Value};

/// One millisecond, ns.
pub(crate) const MS: u64 = 1_000_000;
/// When traces of tests begin, ns since the Unix epoch.
pub(crate) const BEGIN: u64 = 1_795_246_367_000_000_000;

/// The id of a span.
pub(crate) fn id(number: u64) -> SpanId {
    number.to_be_bytes()
}

/// A span of a service, from `from` to `to` ms after [`BEGIN`].
pub(crate) fn span(
    service: &str,
    kind: Kind,
    name: &str,
    number: u64,
    parent: Option<u64>,
    (from, to): (u64, u64),
) -> Span {
    Span {
        trace_id: [7; 16],
        span_id: id(number),
        parent: parent.map(id),
        trace_state: None,
        kind,
        name: name.to_owned().into(),
        start_unix_ns: BEGIN + from * MS,
        end_unix_ns: BEGIN + to * MS,
        answered_unix_ns: None,
        thread: 0,
        attributes: vec![("server.address", Value::text("10.0.0.7")), ("server.port", Value::Int(5432))],
        status: Status::Unset,
        links: Vec::new(),
        resource: Arc::new(Resource { service_name: service.into(), ..Resource::default() }),
    }
}

/// A request to `web` with `calls` calls of a database, one after another.
pub(crate) fn trace(calls: u64) -> Trace {
    let mut spans = vec![span("web", Kind::Server, "GET /checkout", 1, None, (0, 10 + 10 * calls))];
    for call in 0..calls {
        spans.push(span("web", Kind::Client, "SELECT orders", 2 + call, Some(1), (5 + 10 * call, 14 + 10 * call)));
    }
    Trace::of([7; 16], spans)
}
