//! HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112).

use crate::registry::{Context, Probe, Protocol};
use crate::session::Session;

/// The facts of one HTTP exchange that a span needs. Text is as on the wire (lossy UTF-8), not redacted, and capped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpExchange {
    /// Request method as sent; any token is possible.
    pub method: Box<str>,
    /// Request target as sent (origin, absolute, authority or asterisk form); capped at [`MAX_TARGET`].
    pub target: Box<str>,
    /// The target is longer than what was captured or kept.
    pub target_truncated: bool,
    /// Minor version of the request line: 0 or 1.
    pub version_minor: u8,
    /// Status code of the final response; `None` when there was none.
    pub status: Option<u16>,
    /// `Host` header.
    pub host: Option<Box<str>>,
    /// `User-Agent` header.
    pub user_agent: Option<Box<str>>,
    /// `traceparent` header (W3C Trace Context), unparsed.
    pub traceparent: Option<Box<str>>,
    /// `tracestate` header, unparsed.
    pub tracestate: Option<Box<str>>,
    /// First address of `Forwarded: for=` or `X-Forwarded-For`, for `client.address`.
    pub forwarded_for: Option<Box<str>>,
    /// Request body in bytes, without chunk framing; `None` when bytes were lost that make it uncertain.
    pub request_body: Option<u64>,
    /// Response body in bytes, without chunk framing; `None` when there was no response or it is uncertain.
    pub response_body: Option<u64>,
    /// The connection left HTTP with this exchange (101 Switching Protocols, or a 2xx to CONNECT).
    pub upgraded: bool,
}

/// Longest request target that is kept, bytes.
pub const MAX_TARGET: usize = 4096;

/// The registry entry of HTTP/1.
pub const PROTOCOL: Protocol = Protocol { name: "http", probe, open };

fn probe(_bytes: &[u8], _context: Context) -> Probe {
    Probe::No
}

fn open(_from_start: bool) -> Box<dyn Session> {
    unimplemented!()
}
