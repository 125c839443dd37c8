//! What one attempt came to, and the messages of a response.

use std::error::Error;
use std::time::Duration;

/// The outcome of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Taken, except for `rejected` items (partial success), with the receiver's words.
    Accepted {
        /// Spans, data points or log records that the receiver refused.
        rejected: u64,
        /// Its reason, or a warning when nothing was refused.
        message: String,
    },
    /// Not now: the same request may be sent again.
    Retry {
        /// Not before this time, if the receiver said so.
        after: Option<Duration>,
        /// What happened.
        reason: String,
    },
    /// Never: the same request would fail again.
    Fatal {
        /// What happened.
        reason: String,
    },
}

/// `ExportTraceServiceResponse` (opentelemetry-proto, `collector/trace/v1/trace_service.proto`). Those of metrics and logs
/// have the same fields.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Response {
    /// Present when something was refused or is to be warned of.
    #[prost(message, optional, tag = "1")]
    pub partial_success: Option<PartialSuccess>,
}

/// `ExportTracePartialSuccess`, and its twins.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PartialSuccess {
    /// Items refused.
    #[prost(int64, tag = "1")]
    pub rejected: i64,
    /// Why.
    #[prost(string, tag = "2")]
    pub error_message: String,
}

impl From<Response> for Attempt {
    fn from(response: Response) -> Self {
        let partial = response.partial_success.unwrap_or_default();
        Self::Accepted { rejected: u64::try_from(partial.rejected).unwrap_or(0), message: partial.error_message }
    }
}

/// An error with its causes, in one line: the outer ones alone say little ("error sending request").
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        cause = error.source();
    }
    text
}
