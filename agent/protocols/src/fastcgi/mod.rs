//! FastCGI, of which each request is one of HTTP that a web server hands to an application (PHP-FPM, …).
//!
//! Source: FastCGI Specification 1.0 (Open Market, 1996), sections 3 to 6; what the parameters and the head of the answer mean: RFC 3875,
//! The Common Gateway Interface 1.1.
//!
//! A connection carries records. Those of a request have its id, and web servers send one request at a time; several are told
//! apart. What goes to standard error is passed over.

mod answer;
mod blank;
mod describe;
mod params;
mod record;
mod session;

use crate::blank::Blanking;
use crate::describe::spoken::{FamilyName, Spoken};
use crate::http::foreign::Foreign;
use crate::protocol::{Context, Opening, Probe, Protocol};
use crate::session::Session;
use crate::stream::Direction;
use record::{BEGIN_LEN, HEAD_LEN, Head, Kind};
use std::sync::Arc;

/// What a request asked, and how it was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FastCgiExchange {
    /// `REQUEST_METHOD`.
    pub method: String,
    /// `REQUEST_URI`; else `SCRIPT_NAME`, `PATH_INFO` and `QUERY_STRING` put together. Capped at [`MAX_TARGET`].
    pub target: String,
    /// The target is longer than what was captured or kept.
    pub target_truncated: bool,
    /// Whether `SERVER_PROTOCOL` is HTTP/1.0.
    pub is_old: bool,
    /// Status of the answer: that of its head, else 200. `None` when no head was seen.
    pub status: Option<u16>,
    /// `HTTP_HOST`.
    pub host: Option<String>,
    /// `HTTP_USER_AGENT`.
    pub user_agent: Option<String>,
    /// `HTTP_TRACEPARENT`, unparsed.
    pub traceparent: Option<Arc<str>>,
    /// `HTTP_TRACESTATE`, unparsed.
    pub tracestate: Option<String>,
    /// First address of `HTTP_X_FORWARDED_FOR`, else `REMOTE_ADDR`.
    pub forwarded_for: Option<String>,
    /// Headers of other tracing systems, if there are any.
    pub foreign: Option<Box<Foreign>>,
    /// Bytes of the request's body.
    pub request_body: Option<u64>,
    /// Bytes of the answer's body; `None` when some were lost.
    pub response_body: Option<u64>,
}

/// Longest target that is kept, bytes.
pub const MAX_TARGET: usize = 4096;

/// Name and family.
const SPOKEN: Spoken = Spoken { name: "fastcgi", family: FamilyName::Http };

/// The registry entry of FastCGI.
pub static PROTOCOL: Protocol = Protocol {
    is_self_evident: true,
    blank: Some(Blanking { what: "parameters with credentials", scan: blank::values }),
    ..Protocol::new(SPOKEN, "FastCGI", probe, open)
};

fn open(_opening: &Opening) -> Box<dyn Session> {
    Box::new(session::FastCgi::default())
}

/// A request begins with a record of fixed length, whose reserved bytes are zero. Of an answer the head of its first record is
/// seen.
fn probe(bytes: &[u8], _context: Context) -> Probe {
    const BEGINNING: [u8; 2] = [1, 1];
    let Some(head) = bytes.first_chunk::<HEAD_LEN>() else {
        return if BEGINNING.starts_with(&bytes[..bytes.len().min(2)]) { Probe::Maybe } else { Probe::No };
    };
    let Some(head) = Head::parse(head) else { return Probe::No };
    match head.kind {
        Kind::Begin if head.content == 8 => match bytes.get(HEAD_LEN..BEGIN_LEN) {
            None => Probe::Maybe,
            Some([0, 1..=3, 0 | 1, 0, 0, 0, 0, 0]) => Probe::Yes(Direction::ToServer),
            Some(_) => Probe::No,
        },
        Kind::Out | Kind::Error | Kind::End => Probe::Yes(Direction::ToClient),
        _ => Probe::No,
    }
}

#[cfg(test)]
mod tests;
