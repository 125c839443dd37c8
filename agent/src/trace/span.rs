//! The span as the agent holds it between the trace stage and the exporters.

use std::borrow::Cow;
use std::sync::Arc;

use super::short::Short;

/// 16 random bytes, not all zero (W3C Trace Context).
pub type TraceId = [u8; 16];
/// 8 random bytes, not all zero.
pub type SpanId = [u8; 8];

/// `SpanKind` of the OpenTelemetry trace API; the discriminants are those of OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Internal operation.
    Internal = 1,
    /// The server side of a call.
    Server = 2,
    /// The client side of a call.
    Client = 3,
}

/// An attribute value. Everything wirespan emits is one of these. Texts are equal however they are kept.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string known at compile time.
    Static(&'static str),
    /// A string shared between spans (statement texts, addresses).
    Shared(Arc<str>),
    /// A string of this span alone.
    Text(Box<str>),
    /// A short string, kept in place.
    Short(Short),
    /// A signed integer.
    Int(i64),
    /// A number, such as a duration in seconds; never NaN or infinite.
    Double(f64),
    /// A truth value.
    Bool(bool),
    /// Strings.
    List(Box<[Box<str>]>),
}

impl Value {
    /// A text, kept in place if it is short.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Short::new(text).map_or_else(|| Self::Text(text.into()), Self::Short)
    }

    /// A text that others have, too: a short one is copied.
    #[must_use]
    pub fn shared(text: &Arc<str>) -> Self {
        Short::new(text).map_or_else(|| Self::Shared(Arc::clone(text)), Self::Short)
    }

    /// The bytes of the string, if it is one.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Short(text) => Some(text.as_bytes()),
            _ => self.as_str().map(str::as_bytes),
        }
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Static(text) => Some(text),
            Self::Shared(text) => Some(text),
            Self::Text(text) => Some(text),
            Self::Short(text) => Some(text.as_str()),
            Self::Int(_) | Self::Double(_) | Self::Bool(_) | Self::List(_) => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(own), Self::Int(other)) => own == other,
            (Self::Double(own), Self::Double(other)) => own == other,
            (Self::Bool(own), Self::Bool(other)) => own == other,
            (Self::List(own), Self::List(other)) => own == other,
            _ => self.as_str().is_some_and(|text| other.as_str() == Some(text)),
        }
    }
}

/// A key and its value. Keys of spans are always known at compile time.
pub type Attribute = (&'static str, Value);

/// What a span belongs to: one per process. Compared by pointer, so keep the `Arc`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// `service.name`, also in `attributes`.
    pub service_name: Arc<str>,
    /// All resource attributes, `service.name` included. Keys may come from the target's environment.
    pub attributes: Vec<(Cow<'static, str>, Value)>,
}

/// Status of a span. Success is `Unset`, never `Ok`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Status {
    /// No error.
    #[default]
    Unset,
    /// An error, with a description that adds something to `error.type`, or empty.
    Error(Cow<'static, str>),
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
    pub name: Cow<'static, str>,
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
