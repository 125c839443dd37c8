//! One line for one span. What is scanned down the screen stands in fixed columns on the left, what is read along the line follows:
//!
//! ```text
//! START (UTC)   SERVICE           KIND      STATUS     DURATION  OPERATION                          PEER
//! 07:32:47.123  api               SERVER    200         12.4 ms  GET /users/{id}  /users/42         ← 10.0.0.7:51234
//! 07:32:47.125  api               CLIENT  ✗ 42P01        812 µs  SELECT ordres                      → db:5432  relation "ordres" …
//! 07:32:47.126  api               SETUP     ok           480 ms  connection_setup  tcp 120 ms, …    → db:5432
//! ```
//!
//! The time is the span's start, in UTC. [`Layout`] says how much of it a terminal has room for.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::fit::{Row, middle, width};
use super::layout::{DURATION, Layout, MARK, TraceIds};
use super::text::{append, clean, clock, duration};
use crate::trace::setup;
use crate::trace::span::{Kind, Span, Status, Value};
use wirespan_protocols::registry::PROTOCOLS;

/// Slower than this is worth a look.
const SLOW_NS: u64 = 1_000_000_000;
/// No limit of its own: the layout shortens, and where there is no terminal, nothing does.
const WHOLE: usize = usize::MAX;

const DIM: &str = "\x1b[2m";
const CYAN: &str = "\x1b[36m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const BOLD_RED: &str = "\x1b[1;31m";

/// Writes lines of a layout, in colour or not.
#[derive(Clone, Copy, Debug)]
pub struct Painter {
    /// Whether to use colours.
    pub colour: bool,
    /// The columns.
    pub layout: Layout,
}

/// How a span came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Fine,
    /// Refused, but what a driver asked for on the off chance.
    Refused,
    Failed,
}

impl Painter {
    /// Appends the line of a span, with its end.
    pub fn line(self, out: &mut String, span: &Span) {
        let layout = self.layout;
        let mut row = Row::new(out, self.colour, layout.width.unwrap_or(usize::MAX));
        let outcome = outcome(span);
        let failed = outcome == Outcome::Failed;
        if layout.time > 0 {
            let mut time = String::new();
            clock(&mut time, span.start_unix_ns);
            row.put(DIM, time.get(..layout.time).unwrap_or(&time));
            row.gap(layout.gap);
        }
        if layout.service > 0 {
            let name = clean(&span.resource.service_name, WHOLE);
            let limit = if layout.width.is_some() { layout.service } else { WHOLE };
            row.column(CYAN, &middle(&name, limit), layout.service);
            row.gap(layout.gap);
        }
        let kind = match span.kind {
            Kind::Server => ["SERVER", "S"],
            Kind::Client => ["CLIENT", "C"],
            // Set-ups of connections, and look-ups.
            Kind::Internal => ["SETUP", "+"],
        };
        row.column("", kind[usize::from(layout.kind == 1)], layout.kind);
        row.gap(layout.gap);
        row.column(if failed { BOLD_RED } else { "" }, if failed { "✗" } else { "" }, MARK);
        let code = code(span);
        let shown = code.as_deref().unwrap_or(match outcome {
            Outcome::Fine => "ok",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
        });
        let limit = if layout.width.is_some() { layout.status } else { WHOLE };
        row.column(status_colour(outcome, shown), &ending(shown, limit), layout.status);
        let took = span.end_unix_ns.saturating_sub(span.start_unix_ns);
        let duration = duration(took);
        row.gap(1 + DURATION.saturating_sub(width(&duration)));
        row.put(if took >= SLOW_NS { YELLOW } else { "" }, &duration);
        row.gap(layout.gap);
        self.rest(&mut row, span, outcome, code.as_deref());
        row.end();
        if layout.trace == TraceIds::Below {
            let mut row = Row::new(out, self.colour, layout.width.unwrap_or(usize::MAX));
            let id = hex(span);
            row.gap(layout.width.unwrap_or(usize::MAX).saturating_sub(id.len()).min(layout.time + layout.gap));
            row.put(DIM, &id);
            row.end();
        }
    }

    /// What has no column: what was done, with whom, and what went wrong.
    fn rest(self, row: &mut Row<'_>, span: &Span, outcome: Outcome, code: Option<&str>) {
        let failed = outcome == Outcome::Failed;
        let (peer, trouble) = (peer(span).unwrap_or_default(), trouble(span, code));
        // The kind says already that it is a set-up; where there is little room, its phases alone say more.
        let set_up = if self.layout.width.is_some() && span.name == setup::NAME { phases(span) } else { String::new() };
        let operation = if set_up.is_empty() { operation(span) } else { set_up };
        let shares = self.layout.share(width(&operation), width(&peer), width(&trouble));
        row.column(if failed { RED } else { "" }, &middle(&operation, shares.operation), shares.operation);
        if shares.peer > 0 {
            row.gap(2);
            row.column(DIM, &middle(&peer, shares.peer), shares.peer);
        }
        if shares.trouble > 0 {
            row.gap(2);
            row.column(if failed { BOLD_RED } else { DIM }, &ending(&trouble, shares.trouble), shares.trouble);
        }
        if self.layout.trace == TraceIds::Inline {
            let id = hex(span);
            let free = row.left().saturating_sub(row.waiting() + id.len());
            row.gap(if self.layout.width.is_some() { free } else { 2 });
            row.put(DIM, &id);
        }
    }
}

fn hex(span: &Span) -> String {
    span.trace_id.iter().fold(String::with_capacity(32), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Failed, refused or neither.
fn outcome(span: &Span) -> Outcome {
    match span.status {
        Status::Unset => Outcome::Fine,
        Status::Error(_) if is_optional(span) => Outcome::Refused,
        Status::Error(_) => Outcome::Failed,
    }
}

/// Whether the console counts a span as failed: by its status, unless a driver only tried what its server may lack.
pub fn is_failed(span: &Span) -> bool {
    outcome(span) == Outcome::Failed
}

/// What a driver's preamble only tries: older servers and proxies refuse it, and it does without then.
fn is_optional(span: &Span) -> bool {
    // The first request of a program and all later ones say whether their connection was used before; a preamble does not.
    if span.attribute("wirespan.connection.reused").is_some() {
        return false;
    }
    let code = string(span, "db.response.status_code").unwrap_or_default();
    let operation =
        string(span, "db.operation.name").or_else(|| string(span, "db.query.summary")).unwrap_or(&span.name);
    let protocol = string(span, "db.system.name").and_then(|system| PROTOCOLS.named(system));
    protocol.and_then(|protocol| protocol.is_optional).is_some_and(|is_optional| is_optional(operation, code))
}

/// What the status column does not say of a failure.
fn trouble(span: &Span, code: Option<&str>) -> String {
    let Status::Error(message) = &span.status else { return String::new() };
    let mut out = String::new();
    if let Some(kind) = string(span, "error.type").filter(|kind| Some(*kind) != code) {
        append(&mut out, kind, WHOLE);
    }
    if !message.trim().is_empty() {
        out.push_str(if out.is_empty() { "" } else { ": " });
        append(&mut out, message, WHOLE);
    }
    out
}

/// The text without its end, if it is too long.
fn ending(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut out = String::new();
    for char in text.chars() {
        out.push(char);
        if width(&out) >= limit {
            out.pop();
            break;
        }
    }
    out.push('…');
    out
}

fn status_colour(outcome: Outcome, shown: &str) -> &'static str {
    match outcome {
        Outcome::Failed => BOLD_RED,
        Outcome::Refused => YELLOW,
        Outcome::Fine if shown.len() == 3 && shown.starts_with('4') => YELLOW,
        Outcome::Fine => GREEN,
    }
}

fn string<'a>(span: &'a Span, key: &str) -> Option<&'a str> {
    span.attribute(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The protocol's own status.
fn code(span: &Span) -> Option<String> {
    match span.attribute("http.response.status_code").or_else(|| span.attribute("db.response.status_code"))? {
        Value::Int(code) => Some(code.to_string()),
        value => value.as_str().filter(|code| !code.is_empty()).map(|code| clean(code, WHOLE)),
    }
}

/// The name, and what makes this request another than its neighbours: path, URL or statement.
fn operation(span: &Span) -> String {
    let mut out = clean(&span.name, WHOLE);
    if let Some(method) = string(span, "http.request.method_original") {
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
        return string(span, "dns.question.name").map_or_else(|| phases(span), |name| clean(name, WHOLE));
    }
    if let Some(path) = string(span, "url.path") {
        let mut text = clean(path, WHOLE);
        if let Some(query) = string(span, "url.query") {
            text.push('?');
            append(&mut text, query, WHOLE);
        }
        return text;
    }
    let keys = ["url.full", "db.query.text", "db.query.summary"];
    keys.into_iter().find_map(|key| string(span, key)).map(|text| clean(text, WHOLE)).unwrap_or_default()
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
        // A set-up that names a client is one of a server.
        Kind::Internal if span.attribute("client.address").is_some() => {
            ('←', [socket, ("client.address", "client.port")])
        }
        Kind::Server => ('←', [socket, ("client.address", "client.port")]),
        Kind::Client | Kind::Internal => ('→', [("server.address", "server.port"), socket]),
    };
    candidates.into_iter().find_map(|(address, port)| {
        let address = clean(string(span, address)?, WHOLE);
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
