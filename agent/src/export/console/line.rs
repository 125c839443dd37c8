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

use super::fit::{Row, middle, width};
use super::layout::{BAR, DURATION, Layout, MARK, TraceIds};
use crate::trace::setup;
use crate::trace::span::{Kind, Span};
use crate::view::said::{Outcome, code, hex, operation, outcome, peer, phases, trouble};
use crate::view::text::{clean, clock, duration};

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

/// Where in its trace a span stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Spans above it.
    pub depth: usize,
    /// Whether the end of the trace waited for it.
    pub is_critical: bool,
    /// From when to when the trace is, ns since the Unix epoch.
    pub start: u64,
    /// Its end.
    pub end: u64,
}

/// Deepest indentation, cells.
const MAX_INDENT: usize = 24;

impl Place {
    /// When in its trace the span was: `[  ###     ]`; what the end waited for is `#`, the rest `-`.
    fn bar(self, span: &Span) -> String {
        const CELLS: usize = BAR - 2;
        let length = self.end.saturating_sub(self.start).max(1) as f64;
        let cell = |at: u64| at.saturating_sub(self.start) as f64 / length * CELLS as f64;
        let from = (cell(span.start_unix_ns).floor() as usize).min(CELLS - 1);
        let until = (cell(span.end_unix_ns).ceil() as usize).clamp(from + 1, CELLS);
        let mark = if self.is_critical { "#" } else { "-" };
        format!("[{}{}{}]", " ".repeat(from), mark.repeat(until - from), " ".repeat(CELLS - until))
    }
}

impl Painter {
    /// Appends the line of a span, with its end. `place`: in its trace, where that is told.
    pub fn line(self, out: &mut String, span: &Span, place: Option<Place>) {
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
        if layout.bar > 0 {
            let bar = place.map(|place| place.bar(span)).unwrap_or_default();
            row.column(DIM, &bar, layout.bar);
            row.gap(layout.gap);
        }
        let indent = place.map_or(0, |place| (2 * place.depth).min(MAX_INDENT));
        self.rest(&mut row, span, outcome, (code.as_deref(), indent, tells_id(place)));
        row.end();
        if layout.trace == TraceIds::Below && tells_id(place) {
            let mut row = Row::new(out, self.colour, layout.width.unwrap_or(usize::MAX));
            let id = hex(&span.trace_id);
            row.gap(layout.width.unwrap_or(usize::MAX).saturating_sub(id.len()).min(layout.time + layout.gap));
            row.put(DIM, &id);
            row.end();
        }
    }

    /// What has no column: what was done, with whom, and what went wrong.
    fn rest(
        self,
        row: &mut Row<'_>,
        span: &Span,
        outcome: Outcome,
        (code, indent, tells_id): (Option<&str>, usize, bool),
    ) {
        let failed = outcome == Outcome::Failed;
        let (peer, trouble) = (peer(span).unwrap_or_default(), trouble(span, code));
        // The kind says already that it is a set-up; where there is little room, its phases alone say more.
        let set_up = if self.layout.width.is_some() && span.name == setup::NAME { phases(span) } else { String::new() };
        let operation = if set_up.is_empty() { operation(span) } else { set_up };
        let operation = format!("{:indent$}{operation}", "");
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
        if self.layout.trace == TraceIds::Inline && tells_id {
            let id = hex(&span.trace_id);
            let free = row.left().saturating_sub(row.waiting() + id.len());
            row.gap(if self.layout.width.is_some() { free } else { 2 });
            row.put(DIM, &id);
        }
    }
}

/// Whether the line of a span tells the id of its trace: in a tree the first one does for all.
fn tells_id(place: Option<Place>) -> bool {
    place.is_none_or(|place| place.depth == 0)
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

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
