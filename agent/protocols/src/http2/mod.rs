//! HTTP/2 (RFC 9113), with or without gRPC inside: many streams of requests at once on a connection.
//!
//! An exchange is over when its response is (`END_STREAM`) and its request is, not at the response's head. Bodies are
//! counted by the lengths of their frames, whether they were captured or not.
//!
//! - [`probe`]: recognition by content;
//! - `frame`, `event`, `reader`: heads of frames, what they tell, and the reader of each direction;
//! - `resync`: where frames begin, after a loss or in mid-connection;
//! - `hpack`, `names`: header blocks (RFC 7541), and which fields matter;
//! - `keep`, `again`: what of them a span needs; an exchange made of an earlier one;
//! - `body`: what bodies of calls say;
//! - `stream`, `streams`: requests and responses that are under way, and how they end;
//! - `session`: both directions together;
//! - `upgrade`: a request of HTTP/1.1 that the first stream answers;
//! - `blank`: what recordings do not keep;
//! - `describe`: what spans, metrics and advice get.
//!
//! What a loss means here. Within a body: nothing (but messages of gRPC are not counted then, and of gRPC-Web what the
//! call came to must be found at the end). Within a header block: that block, and what later ones take from it. Elsewhere frames are lost, perhaps with beginnings and ends of streams: whatever
//! may have ended unseen is told only if it is seen to go on. Fields that refer to what was lost are unknown. Where the method
//! is, nothing is told of the request; where the path is, the span says that it is longer than what is known.
//!
//! HPACK needs each byte of each header block, in both directions, and one connection carries the blocks of many streams
//! between bodies: so the whole of each turn is asked for ([`Session::budget`]).

mod again;
mod blank;
mod body;
mod describe;
mod event;
mod frame;
mod hpack;
mod keep;
mod names;
mod probe;
mod reader;
mod resync;
mod session;
mod stream;
mod streams;
#[cfg(test)]
mod tests;
mod torn;
mod upgrade;

use std::borrow::Cow;
use std::sync::Arc;

use crate::blank::Blanking;
use crate::describe::headers::Kept;
use crate::describe::spoken::{FamilyName, Spoken};
use crate::hidden::Hidden;
use crate::http::foreign::Foreign;
use crate::http::texts::Buffers;
use crate::protocol::{Opening, Protocol};
use crate::rpc::grpc::Call;
use crate::session::Session;
use probe::probe;

/// The facts of one exchange that a span needs. Text is as on the wire (lossy UTF-8), not redacted, and capped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Http2Exchange {
    /// `:method`; any token is possible.
    pub method: Cow<'static, str>,
    /// `:path`, or `:authority` of a CONNECT that has none; capped at [`MAX_TARGET`].
    pub target: String,
    /// The target is longer than what was kept, or not known.
    pub target_truncated: bool,
    /// `:scheme`.
    pub scheme: Cow<'static, str>,
    /// `:authority`, or `host`.
    pub host: Option<String>,
    /// `user-agent`.
    pub user_agent: Option<String>,
    /// `traceparent` (W3C Trace Context), unparsed. Shared with what was told when the request began.
    pub traceparent: Option<Arc<str>>,
    /// `tracestate`, unparsed.
    pub tracestate: Option<String>,
    /// First address of `forwarded: for=` or `x-forwarded-for`.
    pub forwarded_for: Option<String>,
    /// Headers of other tracing systems, if there are any.
    pub foreign: Option<Box<Foreign>>,
    /// Header fields that somebody asked for, of the request and of the final response.
    pub kept: Kept,
    /// `content-type` of the request is one that OpenTelemetry's exports have.
    pub has_otlp_type: bool,
    /// `:status` of the final response; `None` when there was none.
    pub status: Option<u16>,
    /// Request body in bytes, without framing and padding; `None` when it did not end, or is uncertain.
    pub request_body: Option<u64>,
    /// The same of the response.
    pub response_body: Option<u64>,
    /// Error code with which the stream ended before its response did (RFC 9113, section 7).
    pub reset: Option<u32>,
    /// What it was as a call of gRPC, if it was one.
    pub call: Option<Box<Call>>,
    /// Buffers for its texts.
    pub buffers: Buffers,
}

/// Longest request target that is kept, bytes.
pub const MAX_TARGET: usize = 4096;

/// Name and family of plain requests.
const SPOKEN: Spoken = Spoken { name: "http2", family: FamilyName::Http };

/// The same of calls of gRPC: the connection is one of HTTP/2 all the same, and is chosen and left out as such.
const CALLS: Spoken = Spoken { name: SPOKEN.name, family: FamilyName::Rpc };

/// The registry entry of HTTP/2.
pub static PROTOCOL: Protocol = Protocol {
    is_self_evident: true,
    blank: Some(Blanking { what: "headers with credentials", scan: blank::blocks }),
    upgrade: Some("h2c"),
    hidden: Hidden { offer: Some("h2"), ..Hidden::NOTHING },
    ..Protocol::new(SPOKEN, "HTTP/2", probe, open)
};

fn open(opening: &Opening) -> Box<dyn Session> {
    Box::new(session::Http2::new(opening.from_start))
}
