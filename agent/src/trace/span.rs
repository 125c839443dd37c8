//! The span as the agent holds it between the trace stage and the exporters.

use std::borrow::Cow;
use std::sync::Arc;

use super::treatment::Treatment;
pub use wirespan_protocols::describe::name::Name;
pub use wirespan_protocols::describe::value::{Attribute, Kind, Status, Value};

/// 16 random bytes, not all zero (W3C Trace Context).
pub type TraceId = [u8; 16];
/// 8 random bytes, not all zero.
pub type SpanId = [u8; 8];

/// What a span belongs to: one per process. Compared by pointer, so keep the `Arc`.
#[derive(Clone, Debug, Default)]
pub struct Resource {
    /// `service.name`, also in `attributes`.
    pub service_name: Arc<str>,
    /// All resource attributes, `service.name` included. Keys may come from the target's environment.
    pub attributes: Vec<(Cow<'static, str>, Value)>,
    /// What the rule that takes its process in says.
    pub treatment: Option<Arc<Treatment>>,
}

/// What is exported is compared.
impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        (&self.service_name, &self.attributes) == (&other.service_name, &other.attributes)
    }
}

/// A link to another span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Trace of the linked span.
    pub trace_id: TraceId,
    /// The linked span.
    pub span_id: SpanId,
}

/// One finished span.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// Its parent, when known for certain.
    pub parent: Option<SpanId>,
    /// W3C `tracestate` that came with the parent, unparsed.
    pub trace_state: Option<Box<str>>,
    /// Kind.
    pub kind: Kind,
    /// Low-cardinality name.
    pub name: Name,
    /// Start, ns since the Unix epoch.
    pub start_unix_ns: u64,
    /// End, ns since the Unix epoch; never before the start.
    pub end_unix_ns: u64,
    /// Attributes; each key at most once.
    pub attributes: Vec<Attribute>,
    /// Status.
    pub status: Status,
    /// Links.
    pub links: Vec<Link>,
    /// What it belongs to.
    pub resource: Arc<Resource>,
}

impl Span {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        self.attributes.iter().find(|(candidate, _)| *candidate == key).map(|(_, value)| value)
    }
}
