//! A log record: what the agent has to say to people, beside spans and metrics.

use std::borrow::Cow;
use std::sync::Arc;

use super::queue::Item;
use crate::trace::span::held;
use crate::trace::span::{Resource, SpanId, TraceId, Value};

/// `SeverityNumber` of the OpenTelemetry log data model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Severity {
    /// Worth knowing.
    Info = 9,
    /// Worth acting upon.
    Warn = 13,
}

impl Severity {
    /// `SeverityText`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
        }
    }
}

/// One log record of the kind that OpenTelemetry calls an event.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRecord {
    /// What kind of event it is.
    pub event_name: &'static str,
    /// When, ns since the Unix epoch; 0 when unknown.
    pub time_unix_ns: u64,
    /// How grave.
    pub severity: Severity,
    /// The sentence.
    pub body: String,
    /// Attributes; each key at most once.
    pub attributes: Vec<(Cow<'static, str>, Value)>,
    /// A span that it is about.
    pub span: Option<(TraceId, SpanId)>,
    /// What it belongs to.
    pub resource: Arc<Resource>,
}

impl Item for LogRecord {
    fn weight(&self) -> u64 {
        1
    }

    fn bytes(&self) -> usize {
        let attributes = self.attributes.iter().map(|(key, value)| key.len() + held(value) + 64).sum::<usize>();
        size_of::<Self>() + self.body.len() + attributes
    }
}
