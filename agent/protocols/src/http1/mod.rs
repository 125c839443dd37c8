//! HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112).
//!
//! Nothing but header lines is ever buffered: both directions are read as a stream, bodies are skipped by length or by
//! chunk, so sizes and times are exact whether a body was captured or not.
//!
//! - [`probe`]: recognition by content;
//! - `newline`, `lines`, `start`, `fields`: lines, and what start lines and header lines are;
//! - `again`: an exchange made of an earlier one, without allocations;
//! - `head`, `chunked`, `keep`: what a header block says about framing, the chunked coding, what a span needs;
//! - `pending`: requests that wait for a response, in order, and what is known about that order after a loss;
//! - `request`, `response`: the reader of each direction; `settle`, `finish`: ends of requests that only the response shows, and of responses;
//! - `loss`: how the latter gets back in step after a loss;
//! - `unsent`: bodies that the client may or may not send after it was refused;
//! - `upgrade`: how a connection goes on in another version;
//! - `trial`: what proves that a connection that was joined midway is understood;
//! - `session`: both together, and how a connection ends.
//!
//! What a loss means here. A body that is skipped by its length loses nothing. Request bytes that were lost elsewhere
//! may have held requests: whatever is sent before everything that is known was answered is not paired
//! (`Queue::doubt`). Response bytes that were lost between messages may have held responses: every request that waited
//! is given up. Limits: a connection that was never seen to pipeline is taken not to, so a pipeline whose very first
//! requests were lost may be misread; one that was seen to is trusted again only after it was idle.

mod again;
mod blank;
mod chunked;
mod describe;
mod fields;
mod finish;
mod head;
mod keep;
mod lines;
mod loss;
mod newline;
mod pending;
mod probe;
mod request;
mod response;
mod session;
mod settle;
mod shed;
mod start;
#[cfg(test)]
mod tests;
mod trial;
mod unsent;
mod upgrade;

use crate::blank::Blanking;
use crate::describe::headers::Kept;
use crate::describe::spoken::{FamilyName, Spoken};
use crate::http::foreign::Foreign;
use crate::http::texts::Buffers;
use crate::protocol::{Opening, Protocol};
use crate::rpc::grpc::Call;
use crate::session::Session;
use probe::probe;
use std::borrow::Cow;
use std::sync::Arc;

/// The facts of one HTTP exchange that a span needs. Text is as on the wire (lossy UTF-8), not redacted, and capped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpExchange {
    /// Request method as sent; any token is possible.
    pub method: Cow<'static, str>,
    /// Request target as sent (origin, absolute, authority or asterisk form); capped at [`MAX_TARGET`].
    pub target: String,
    /// The target is longer than what was captured or kept.
    pub target_truncated: bool,
    /// Minor version of the request line: 0 or 1.
    pub version_minor: u8,
    /// Status code of the final response; `None` when there was none.
    pub status: Option<u16>,
    /// `Host` header.
    pub host: Option<String>,
    /// `User-Agent` header.
    pub user_agent: Option<String>,
    /// `traceparent` header (W3C Trace Context), unparsed. Shared with what was told when the request began.
    pub traceparent: Option<Arc<str>>,
    /// `tracestate` header, unparsed.
    pub tracestate: Option<String>,
    /// First address of `Forwarded: for=` or `X-Forwarded-For`, for `client.address`.
    pub forwarded_for: Option<String>,
    /// Headers of other tracing systems, if there are any.
    pub foreign: Option<Box<Foreign>>,
    /// Header fields that somebody asked for, of the request and of the final response.
    pub kept: Kept,
    /// `Content-Type` of the request is one that OpenTelemetry's exports have.
    pub has_otlp_type: bool,
    /// Request body in bytes, without chunk framing; `None` when bytes were lost that make it uncertain, or when the
    /// response was complete before the request.
    pub request_body: Option<u64>,
    /// Response body in bytes, without chunk framing; `None` when there was no response or it is uncertain.
    pub response_body: Option<u64>,
    /// The connection left HTTP with this exchange (101 Switching Protocols, or a 2xx to CONNECT).
    pub upgraded: bool,
    /// What it was as a call of gRPC-Web, if it was one.
    pub call: Option<Box<Call>>,
    /// Buffers for its texts.
    pub buffers: Buffers,
}

/// Longest request target that is kept, bytes.
pub const MAX_TARGET: usize = 4096;

/// Name and family.
const SPOKEN: Spoken = Spoken { name: "http", family: FamilyName::Http };

/// The same of calls of gRPC-Web: the connection is one of HTTP/1 all the same, and is chosen and left out as such.
const CALLS: Spoken = Spoken { name: SPOKEN.name, family: FamilyName::Rpc };

/// The registry entry of HTTP/1.
pub static PROTOCOL: Protocol = Protocol {
    is_self_evident: true,
    blank: Some(Blanking { what: "headers with credentials", scan: blank::headers }),
    ..Protocol::new(SPOKEN, "HTTP/1", probe, open)
};

fn open(opening: &Opening) -> Box<dyn Session> {
    Box::new(session::Http1::new(opening.from_start, opening.registry))
}
