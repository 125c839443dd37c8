//! Attributes, and what else a span has of a few values: its kind and its status.

use std::borrow::Cow;
use std::sync::Arc;

use super::short::Short;

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

impl From<Cow<'static, str>> for Value {
    fn from(text: Cow<'static, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Static(text),
            Cow::Owned(text) => Self::text(&text),
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

/// Status of a span. Success is `Unset`, never `Ok`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Status {
    /// No error.
    #[default]
    Unset,
    /// An error, with a description that adds something to `error.type`, or empty.
    Error(Cow<'static, str>),
}
