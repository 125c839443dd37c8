//! What a span says in few words, for people: what was done, with whom, how it came out. Foreign text is made harmless here.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::text::{append, clean, duration};
use crate::trace::setup;
use crate::trace::span::{Kind, Span, Status, TraceId, Value};
use wirespan_protocols::registry::PROTOCOLS;
use wirespan_semconv as semconv;

/// No limit of its own: whoever shows it shortens it.
const WHOLE: usize = usize::MAX;

/// How a span came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well, as far as the protocol says.
    Fine,
    /// Refused, but what a driver asked for on the off chance.
    Refused,
    /// It failed.
    Failed,
}

/// Failed, refused or neither.
#[must_use]
pub fn outcome(span: &Span) -> Outcome {
    match span.status {
        Status::Unset => Outcome::Fine,
        Status::Error(_) if is_optional(span) => Outcome::Refused,
        Status::Error(_) => Outcome::Failed,
    }
}

/// Whether a span counts as failed: by its status, unless a driver only tried what its server may lack.
#[must_use]
pub fn is_failed(span: &Span) -> bool {
    outcome(span) == Outcome::Failed
}

/// What a driver's preamble only tries: older servers and proxies refuse it, and it does without then.
fn is_optional(span: &Span) -> bool {
    // The first request of a program and all later ones say whether their connection was used before; a preamble does not.
    if span.attribute(semconv::WIRESPAN_CONNECTION_REUSED).is_some() {
        return false;
    }
    let code = string(span, semconv::DB_RESPONSE_STATUS_CODE).unwrap_or_default();
    let operation = string(span, semconv::DB_OPERATION_NAME)
        .or_else(|| string(span, semconv::DB_QUERY_SUMMARY))
        .unwrap_or(&span.name);
    let protocol = string(span, semconv::DB_SYSTEM_NAME).and_then(|system| PROTOCOLS.named(system));
    protocol.and_then(|protocol| protocol.is_optional).is_some_and(|is_optional| is_optional(operation, code))
}

/// What the status column does not say of a failure.
#[must_use]
pub fn trouble(span: &Span, code: Option<&str>) -> String {
    let Status::Error(message) = &span.status else { return String::new() };
    let mut out = String::new();
    if let Some(kind) = string(span, semconv::ERROR_TYPE).filter(|kind| Some(*kind) != code) {
        append(&mut out, kind, WHOLE);
    }
    if !message.trim().is_empty() {
        out.push_str(if out.is_empty() { "" } else { ": " });
        append(&mut out, message, WHOLE);
    }
    out
}

fn string<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    span.attribute(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The protocol's own status.
#[must_use]
pub fn code(span: &Span) -> Option<String> {
    match span
        .attribute(semconv::HTTP_RESPONSE_STATUS_CODE)
        .or_else(|| span.attribute(semconv::DB_RESPONSE_STATUS_CODE))?
    {
        Value::Int(code) => Some(code.to_string()),
        value => value.as_str().filter(|code| !code.is_empty()).map(|code| clean(code, WHOLE)),
    }
}

/// The name, and what makes this request another than its neighbours: path, URL or statement.
#[must_use]
pub fn operation(span: &Span) -> String {
    let mut out = clean(&span.name, WHOLE);
    if let Some(method) = string(span, semconv::HTTP_REQUEST_METHOD_ORIGINAL) {
        out.push(' ');
        append(&mut out, method, WHOLE);
    }
    let detail = detail(span);
    if detail.is_empty() {
        return out;
    }
    // `GET` and `GET user:1`, `SELECT orders` and `SELECT orders`: once is enough.
    let prefix = detail.get(..out.len());
    if prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(&out)) {
        return detail;
    }
    let route = string(span, semconv::HTTP_ROUTE);
    if route.is_some_and(|route| route == detail) {
        return out;
    }
    // After a bare method the path reads as a request line; after a route or a summary it is set off.
    out.push_str(if route.is_none() && string(span, semconv::HTTP_REQUEST_METHOD).is_some() { " " } else { "  " });
    out.push_str(&detail);
    out
}

/// What makes this request another than its neighbours: path, URL, statement, name looked up; empty if nothing does.
#[must_use]
pub fn detail(span: &Span) -> String {
    if span.kind == Kind::Internal {
        return string(span, semconv::DNS_QUESTION_NAME).map_or_else(|| phases(span), |name| clean(name, WHOLE));
    }
    if let Some(path) = string(span, semconv::URL_PATH) {
        let mut text = clean(path, WHOLE);
        if let Some(query) = string(span, semconv::URL_QUERY) {
            text.push('?');
            append(&mut text, query, WHOLE);
        }
        return text;
    }
    let keys = [semconv::URL_FULL, semconv::DB_QUERY_TEXT, semconv::DB_QUERY_SUMMARY];
    keys.into_iter().find_map(|key| string(span, key)).map(|text| clean(text, WHOLE)).unwrap_or_default()
}

/// The phases of a connection's set-up: `dns 2.00 ms, tcp 120 ms`.
#[must_use]
pub fn phases(span: &Span) -> String {
    let mut out = String::new();
    for (key, value) in &span.attributes {
        if let Value::Double(seconds) = value
            && let Some((_, short)) = setup::PHASES.iter().find(|(phase, _)| phase == key)
        {
            let separator = if out.is_empty() { "" } else { ", " };
            let _ = write!(out, "{separator}{short} {}", duration((seconds * 1e9).round() as u64));
        }
    }
    out
}

/// The other end: `← client` of a server, `→ server` of a client.
#[must_use]
pub fn peer(span: &Span) -> Option<String> {
    let socket = (semconv::NETWORK_PEER_ADDRESS, Some(semconv::NETWORK_PEER_PORT));
    // Spans tell no port of a client besides the socket's.
    let client = (semconv::CLIENT_ADDRESS, None);
    let server = (semconv::SERVER_ADDRESS, Some(semconv::SERVER_PORT));
    let (arrow, candidates) = match span.kind {
        // A set-up that names a client is one of a server.
        Kind::Internal if span.attribute(semconv::CLIENT_ADDRESS).is_some() => ('←', [socket, client]),
        Kind::Server => ('←', [socket, client]),
        Kind::Client | Kind::Internal => ('→', [server, socket]),
    };
    candidates.into_iter().find_map(|(address, port)| {
        let address = clean(string(span, address)?, WHOLE);
        let port = match port.and_then(|port| span.attribute(port).or_else(|| default_port(span, port))) {
            Some(Value::Int(port)) => Some(*port),
            _ => None,
        };
        Some(match (port, address.parse::<IpAddr>()) {
            (Some(port), Ok(IpAddr::V6(address))) => format!("{arrow} [{address}]:{port}"),
            (Some(port), _) => format!("{arrow} {address}:{port}"),
            (None, _) => format!("{arrow} {address}"),
        })
    })
}

/// `server.port` is left out of a span when it is the default: the socket's own says it.
fn default_port<'a>(span: &'a Span, key: &str) -> Option<&'a Value> {
    (key == semconv::SERVER_PORT).then(|| span.attribute(semconv::NETWORK_PEER_PORT))?
}

/// A trace id as text.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A trace id from its text.
#[must_use]
pub fn trace_id(text: &str) -> Option<TraceId> {
    let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u128::from_str_radix(text, 16).ok().filter(|_| is_hex).map(u128::to_be_bytes)
}
