//! One line for one span. What is scanned down the screen stands in fixed columns on the left, what is read along the line follows:
//!
//! ```text
//! 07:32:47.123  api               SERVER    200        12.4 ms  GET /users/{id}  /users/42          ← 10.0.0.7:51234
//! 07:32:47.125  api               CLIENT  ✗ 42P01       812 µs  SELECT ordres                       → db:5432  relation "ordres" …
//! 07:32:47.126  api               SETUP     ok          480 ms  connection_setup  tcp 120 ms, tls 240 ms, auth 118 ms  → db:5432
//! ```
//!
//! The time is the span's start, in UTC.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::text::{append, clean, clock, duration};
use crate::trace::setup;
use crate::trace::span::{Kind, Span, Status, Value};

/// Width of the service column; longer names are cut.
const SERVICE: usize = 16;
/// Width of the status column: an SQLSTATE, `WRONGTYPE`, a status code.
const STATUS: usize = 9;
/// Width of what was done; longer ones push the peer to the right.
const OPERATION: usize = 48;
/// Most characters of the span's name.
const NAME_LIMIT: usize = 80;
/// Most characters of path, URL or statement.
const DETAIL_LIMIT: usize = 100;
/// Most characters of a description of an error.
const MESSAGE_LIMIT: usize = 120;
/// Slower than this is worth a look.
const SLOW_NS: u64 = 1_000_000_000;

const DIM: &str = "\x1b[2m";
const CYAN: &str = "\x1b[36m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const BOLD_RED: &str = "\x1b[1;31m";
const RESET: &str = "\x1b[0m";

/// Writes lines, in colour or not.
#[derive(Clone, Copy, Debug)]
pub struct Painter {
    /// Whether to use colours.
    pub colour: bool,
}

impl Painter {
    /// Appends the line of a span, with its end.
    pub fn line(self, out: &mut String, span: &Span) {
        self.paint(out, DIM, |out| clock(out, span.start_unix_ns));
        out.push_str("  ");
        self.paint(out, CYAN, |out| padded(out, &clean(&span.resource.service_name, SERVICE - 1), SERVICE));
        let kind = match span.kind {
            Kind::Server => "SERVER",
            Kind::Client => "CLIENT",
            // Set-ups of connections, and look-ups.
            Kind::Internal => "SETUP",
        };
        let _ = write!(out, "  {kind:<8}");
        let failed = span.status != Status::Unset;
        let code = code(span);
        let error_type = string(span, "error.type");
        let shown = code.clone().unwrap_or_else(|| if failed { "failed" } else { "ok" }.to_owned());
        out.push_str(if failed { "✗ " } else { "  " });
        self.paint(out, status_colour(failed, &shown), |out| padded(out, &shown, STATUS));
        let took = span.end_unix_ns.saturating_sub(span.start_unix_ns);
        out.push(' ');
        self.paint(out, if took >= SLOW_NS { YELLOW } else { "" }, |out| {
            let _ = write!(out, "{:>8}", duration(took));
        });
        out.push_str("  ");
        let operation = operation(span);
        self.paint(out, if failed { RED } else { "" }, |out| padded(out, &operation, OPERATION));
        if let Some(peer) = peer(span) {
            out.push_str("  ");
            self.paint(out, DIM, |out| out.push_str(&peer));
        }
        if failed {
            self.trouble(out, span, code.as_deref(), error_type);
        }
        while out.ends_with(' ') {
            out.pop();
        }
        out.push('\n');
    }

    /// What the status column does not say of a failure.
    fn trouble(self, out: &mut String, span: &Span, code: Option<&str>, error_type: Option<&str>) {
        let error_type = error_type.filter(|kind| Some(*kind) != code);
        let message = match &span.status {
            Status::Error(message) => message.trim(),
            Status::Unset => "",
        };
        if error_type.is_none() && message.is_empty() {
            return;
        }
        out.push_str("  ");
        self.paint(out, BOLD_RED, |out| {
            if let Some(kind) = error_type {
                append(out, kind, STATUS * 4);
            }
            if !message.is_empty() {
                out.push_str(if error_type.is_some() { ": " } else { "" });
                append(out, message, MESSAGE_LIMIT);
            }
        });
    }

    fn paint(self, out: &mut String, colour: &str, body: impl FnOnce(&mut String)) {
        let coloured = self.colour && !colour.is_empty();
        if coloured {
            out.push_str(colour);
        }
        body(out);
        if coloured {
            out.push_str(RESET);
        }
    }
}

fn padded(out: &mut String, text: &str, width: usize) {
    let _ = write!(out, "{text:<width$}");
}

fn status_colour(failed: bool, shown: &str) -> &'static str {
    if failed {
        BOLD_RED
    } else if shown.len() == 3 && shown.starts_with('4') {
        YELLOW
    } else {
        GREEN
    }
}

fn string<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    span.attribute(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The protocol's own status: HTTP code, SQLSTATE, Redis error prefix.
fn code(span: &Span) -> Option<String> {
    match span.attribute("http.response.status_code").or_else(|| span.attribute("db.response.status_code"))? {
        Value::Int(code) => Some(code.to_string()),
        value => value.as_str().filter(|code| !code.is_empty()).map(|code| clean(code, STATUS - 1)),
    }
}

/// The name, and what makes this request another than its neighbours: path, URL or statement.
fn operation(span: &Span) -> String {
    let mut out = clean(&span.name, NAME_LIMIT);
    if let Some(method) = string(span, "http.request.method_original") {
        out.push(' ');
        append(&mut out, method, NAME_LIMIT);
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
    let route = string(span, "http.route");
    if route.is_some_and(|route| route == detail) {
        return out;
    }
    // After a bare method the path reads as a request line; after a route or a summary it is set off.
    out.push_str(if route.is_none() && string(span, "http.request.method").is_some() { " " } else { "  " });
    out.push_str(&detail);
    out
}

fn detail(span: &Span) -> String {
    if span.kind == Kind::Internal {
        return string(span, "dns.question.name").map_or_else(|| phases(span), |name| clean(name, DETAIL_LIMIT));
    }
    if let Some(path) = string(span, "url.path") {
        let mut text = clean(path, DETAIL_LIMIT);
        if let Some(query) = string(span, "url.query") {
            let rest = DETAIL_LIMIT.saturating_sub(text.chars().count() + 1);
            if rest > 0 {
                text.push('?');
                append(&mut text, query, rest);
            }
        }
        return text;
    }
    let keys = ["url.full", "db.query.text", "db.query.summary"];
    keys.into_iter().find_map(|key| string(span, key)).map(|text| clean(text, DETAIL_LIMIT)).unwrap_or_default()
}

/// The phases of a connection's set-up: `dns 2.00 ms, tcp 120 ms`.
fn phases(span: &Span) -> String {
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
fn peer(span: &Span) -> Option<String> {
    let socket = ("network.peer.address", "network.peer.port");
    let (arrow, candidates) = match span.kind {
        Kind::Server => ('←', [socket, ("client.address", "client.port")]),
        Kind::Client | Kind::Internal => ('→', [("server.address", "server.port"), socket]),
    };
    candidates.into_iter().find_map(|(address, port)| {
        let address = clean(string(span, address)?, NAME_LIMIT);
        let port = match span.attribute(port).or_else(|| default_port(span, port)) {
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
    (key == "server.port").then(|| span.attribute("network.peer.port"))?
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
