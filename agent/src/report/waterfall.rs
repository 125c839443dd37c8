//! Traces as waterfalls.

use std::fmt::Write as _;

use super::html::{Html, escaped};
use crate::trace::span::Span;
use crate::view::phases::{Phase, segments};
use crate::view::rows::TraceRow;
use crate::view::said::{self, is_failed};
use crate::view::text::{clock, duration};
use crate::view::traces::Trace;
use crate::view::tree::{self, Row};

/// Most spans that are drawn of a trace.
const MAX_SPANS: usize = 500;
/// Deepest indentation.
const MAX_INDENT: usize = 20;
/// Width of a bar, in its own units.
const WIDTH: f64 = 1000.0;

/// Every trace, closed at first.
pub fn all(html: &mut Html, traces: &[Trace]) {
    if traces.is_empty() {
        return html.paragraph("No trace was kept.");
    }
    for trace in traces {
        let Some(row) = TraceRow::of(trace) else { continue };
        let mut at = String::new();
        clock(&mut at, row.start_unix_ns);
        let failed = if row.failed > 0 { format!(", {} failed", row.failed) } else { String::new() };
        let summary =
            format!("{at} {} {}: {}, {} spans{failed}", row.service, row.name, duration(row.duration_ns), row.spans);
        html.details(&summary, |html| one(html, trace));
    }
}

fn one(html: &mut Html, trace: &Trace) {
    html.paragraph(&format!("trace {}", said::hex(&trace.id)));
    html.raw("<div class=\"tree\">\n");
    let (start, end) = trace.interval();
    let rows = tree::rows(trace);
    for row in rows.iter().take(MAX_SPANS) {
        let line = line(&trace.spans[row.span], row, (start, end));
        html.raw(&line);
    }
    html.raw("</div>\n");
    if rows.len() > MAX_SPANS {
        html.paragraph(&format!("and {} more spans", rows.len() - MAX_SPANS));
    }
}

fn class(phase: Phase) -> &'static str {
    match phase {
        Phase::FirstByte => "first-byte",
        Phase::Whole => "time-of-it",
        other => other.title(),
    }
}

fn line(span: &Span, row: &Row, (start, end): (u64, u64)) -> String {
    let length = end.saturating_sub(start).max(1) as f64;
    let x = |at: u64| at.saturating_sub(start) as f64 / length * WIDTH;
    let mut bars = String::new();
    for segment in segments(span) {
        let from = x(segment.start_ns.max(start));
        let width = (x(segment.end_ns) - from).max(1.5);
        let title = format!("{} {}", segment.phase.title(), duration(segment.end_ns - segment.start_ns));
        let _ = write!(
            bars,
            "<rect class=\"{}\" x=\"{from:.1}\" y=\"2\" width=\"{width:.1}\" height=\"12\"><title>{title}</title></rect>",
            class(segment.phase)
        );
    }
    let failed = is_failed(span);
    let marks = match (failed, row.is_critical) {
        (true, true) => "name bad critical",
        (true, false) => "name bad",
        (false, true) => "name critical",
        (false, false) => "name",
    };
    let name = format!("{} {}", span.resource.service_name, said::operation(span));
    let trouble = said::trouble(span, None);
    let told = if trouble.is_empty() { name.clone() } else { format!("{name}: {trouble}") };
    format!(
        "<div class=\"row\"><span class=\"{marks}\" title=\"{}\">{}{}</span>\
         <svg viewBox=\"0 0 1000 16\" preserveAspectRatio=\"none\" role=\"img\">{bars}</svg><span class=\"time\">{}</span></div>\n",
        escaped(&told),
        "\u{a0}".repeat(row.depth.min(MAX_INDENT) * 2),
        escaped(&name),
        duration(span.duration_ns())
    )
}
