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
    /// When the first byte of the answer came, ns since the Unix epoch; `None` where there was none. Not exported: it is for those who
    /// look.
    pub answered_unix_ns: Option<u64>,
    /// Kernel id of the thread that began it; 0 when unknown. Not exported.
    pub thread: u32,
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

    /// How long it took, ns.
    #[must_use]
    pub fn duration_ns(&self) -> u64 {
        self.end_unix_ns.saturating_sub(self.start_unix_ns)
    }

    /// Bytes that it holds, what it shares with others left out.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let own = |text: &Cow<'static, str>| if let Cow::Owned(text) = text { text.len() } else { 0 };
        let status = if let Status::Error(message) = &self.status { own(message) } else { 0 };
        let values: usize = self.attributes.iter().map(|(_, value)| held(value)).sum();
        let buffers = self.attributes.capacity() * size_of::<Attribute>() + self.links.capacity() * size_of::<Link>();
        size_of::<Self>()
            + buffers
            + values
            + held(self.name.value())
            + status
            + self.trace_state.as_deref().map_or(0, str::len)
    }
}

/// Memory that a value holds beside itself.
#[must_use]
pub fn held(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Shared(text) => text.len(),
        Value::List(items) => items.iter().map(|item| item.len() + size_of::<Box<str>>()).sum(),
        Value::Static(_) | Value::Short(_) | Value::Int(_) | Value::Double(_) | Value::Bool(_) => 0,
    }
}
