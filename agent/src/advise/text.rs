//! A report as plain text, for a person at a terminal: 80 to 100 columns, no colours.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::report::{Finding, Kind, Part, PeerConnections, Report, RouteTime, Unread};
use super::words::{count, counted, cut, duration, percent};
use crate::shown::shown;

/// Columns of running text.
const WIDTH: usize = 96;
/// Columns of the longest bar.
const BAR: usize = 30;
/// Connections shown where there is nothing to find.
const PEERS: usize = 10;

/// Renders a report.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut out = String::with_capacity(4096);
    let window = &report.window;
    let _ = writeln!(
        out,
        "wirespan advise · {} · {} · {} · {} · {} opened",
        duration(window.seconds * 1e9),
        counted(window.services, "service"),
        counted(window.requests, "request"),
        counted(window.operations, "operation"),
        counted(window.connections_opened, "connection"),
    );
    match report.findings.len() as u64 {
        0 if report.unread.is_empty() => out.push_str("\nNothing to advise: no finding is above its threshold.\n"),
        0 => out.push_str("\nNothing to advise in what could be read: no finding is above its threshold.\n"),
        findings => {
            let _ = writeln!(out, "\n{}, failures first, then the most expensive:", counted(findings, "finding"));
        }
    }
    for (index, finding) in report.findings.iter().enumerate() {
        render_finding(&mut out, index + 1, finding);
    }
    if !report.routes.is_empty() {
        out.push_str("\nWhere the time goes\n");
        report.routes.iter().for_each(|route| render_route(&mut out, route));
    }
    render_connections(&mut out, &report.connections);
    render_unread(&mut out, &report.unread);
    for (what, lost) in &report.lost {
        let _ = writeln!(
            out,
            "\nNot looked at, beyond the advisor's limits: {} {}",
            count(*lost),
            shown(&what.replace('_', " "))
        );
    }
    out
}

fn render_finding(out: &mut String, number: usize, finding: &Finding) {
    let title = format!("{number:>2}  {}", finding.kind.title());
    let cost = match finding.kind {
        Kind::FailingDependency => {
            format!("{} of {} fail", count(finding.concerned.count), counted(finding.concerned.of, "request"))
        }
        _ if finding.cost_ms > 0.0 => format!("{} of waiting", duration(finding.cost_ms * 1e6)),
        _ => String::new(),
    };
    let pad = WIDTH.saturating_sub(title.chars().count() + cost.chars().count()).max(2);
    let line = format!("{title}{}{cost}", " ".repeat(pad));
    let _ = writeln!(out, "\n{}", line.trim_end());
    wrap(out, "    ", &finding.text);
    if !finding.parts.is_empty() {
        out.push('\n');
        table(out, "      ", &finding.parts);
    }
    wrap(out, "    → ", &finding.advice);
    for evidence in &finding.evidence {
        wrap(out, "    · ", evidence);
    }
    if !finding.examples.is_empty() {
        let traces: Vec<&str> = finding.examples.iter().map(|example| example.trace_id.as_str()).collect();
        wrap(out, "    · ", &format!("traces: {}", traces.join(" ")));
    }
}

fn render_route(out: &mut String, route: &RouteTime) {
    let failed = if route.failed > 0 { format!(", {} failed", count(route.failed)) } else { String::new() };
    let _ = writeln!(
        out,
        "\n    {} · {}  {}, {} each{failed}",
        shown(&route.service),
        shown(&route.route),
        counted(route.requests, "request"),
        duration(route.mean_ms * 1e6),
    );
    table(out, "      ", &route.parts);
    if let Some(caveat) = &route.caveat {
        wrap(out, "      · ", caveat);
    }
}

fn render_connections(out: &mut String, connections: &[PeerConnections]) {
    if connections.is_empty() {
        return;
    }
    out.push_str("\nConnections opened\n\n");
    let label =
        |one: &PeerConnections| cut(&shown(&format!("{} → {}", one.service, one.peer.label())), 64).into_owned();
    let width = connections.iter().take(PEERS).map(|one| label(one).chars().count()).max().unwrap_or(0);
    for one in connections.iter().take(PEERS) {
        let label = label(one);
        let pad = " ".repeat(width - label.chars().count());
        let failed = format!("{} failed", count(one.failed));
        let over = if one.partial { "over " } else { "" };
        let opened = format!(
            "{} opened for {over}{}, {} of the time waited",
            count(one.opened),
            counted(one.operations, "operation"),
            one.share(),
        );
        let opened =
            if one.operations == 0 { format!("{} opened, no operation seen", count(one.opened)) } else { opened };
        let what = match (one.opened, one.failed) {
            (0, _) => failed,
            (_, 0) => opened,
            _ => format!("{opened}; {failed}"),
        };
        let _ = writeln!(out, "    {label}{pad}  {what}");
    }
    if let more @ 1.. = connections.len().saturating_sub(PEERS) {
        let _ = writeln!(out, "    … and {more} more (see --output json)");
    }
}

fn render_unread(out: &mut String, unread: &[Unread]) {
    if unread.is_empty() {
        return;
    }
    out.push_str("\nNot read: encrypted before they were seen, or of another protocol\n\n");
    for one in unread.iter().take(PEERS) {
        let label = cut(&format!("{} → {}", one.service, one.peer.label()), 64).into_owned();
        let (connections, trips) = (counted(one.connections, "connection"), counted(one.round_trips, "round trip"));
        let _ = writeln!(out, "    {label}  {connections}, {trips}");
    }
    if let more @ 1.. = unread.len().saturating_sub(PEERS) {
        let _ = writeln!(out, "    … and {more} more (see --output json)");
    }
}

fn table(out: &mut String, indent: &str, parts: &[Part]) {
    let names: Vec<_> = parts.iter().map(|part| cut(&shown(&part.name), 52).into_owned()).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for (part, name) in parts.iter().zip(&names) {
        let pad = " ".repeat(width - name.chars().count());
        let line = format!(
            "{indent}{name}{pad}  {:>8}  {:>6}  {}",
            duration(part.ms * 1e6),
            percent(part.share),
            bar(part.share)
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// A bar in eighths of a column.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the bar's length")]
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * (BAR * 8) as f64).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS.get(eighths % 8).copied().unwrap_or_default())
}

/// Running text in lines of at most [`WIDTH`] columns; the first one begins with `lead`, the others as far in.
pub(super) fn wrap(out: &mut String, lead: &str, text: &str) {
    let text = shown(text);
    let indent = " ".repeat(lead.chars().count());
    let mut line = lead.to_owned();
    let mut columns = lead.chars().count();
    let mut empty = true;
    let mut words = text.split(' ').filter(|word| !word.is_empty()).peekable();
    while let Some(word) = words.next() {
        // A number and its unit stay together.
        let unit = words.next_if(|next| is_unit(next));
        let word = unit.map_or_else(|| Cow::Borrowed(word), |unit| Cow::Owned(format!("{word} {unit}")));
        let length = word.chars().count();
        if !empty && columns + 1 + length > WIDTH {
            let _ = writeln!(out, "{line}");
            line.clone_from(&indent);
            columns = indent.len();
            empty = true;
        }
        if !empty {
            line.push(' ');
            columns += 1;
        }
        line.push_str(&word);
        columns += length;
        empty = false;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

fn is_unit(word: &str) -> bool {
    let word = word.trim_matches(|letter: char| letter.is_ascii_punctuation() && letter != '%');
    matches!(word, "%" | "µs" | "ms" | "s" | "min")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_and_bars_are_whole() {
        let mut out = String::new();
        wrap(&mut out, "  → ", &"word ".repeat(40));
        assert!(out.lines().all(|line| line.chars().count() <= WIDTH), "{out}");
        assert!(
            out.starts_with("  → word word") && out.lines().nth(1).is_some_and(|line| line.starts_with("    word"))
        );
        assert_eq!(bar(1.0), "█".repeat(BAR));
        assert_eq!(bar(0.0), "");
        assert_eq!(bar(1.0 / 240.0), "▏");
        assert_eq!(bar(7.0), bar(1.0));
    }

    /// Every text of a report can come from a stranger, the report itself from a file.
    #[test]
    fn nothing_in_a_report_can_touch_the_terminal() {
        use crate::shown::testing::{HOSTILE, is_harmless};
        let peer = serde_json::json!({ "address": HOSTILE, "port": 1, "protocol": HOSTILE, "namespace": HOSTILE });
        let parts = serde_json::json!([{ "name": HOSTILE, "ms": 1.0, "share": 0.5 }]);
        let report: Report = serde_json::from_value(serde_json::json!({
            "version": 1, "wirespan": HOSTILE,
            "window": { "seconds": 1.0, "services": 1, "requests": 1, "operations": 1, "connections_opened": 1 },
            "findings": [{
                "kind": "no_pool", "service": HOSTILE, "peer": peer, "route": HOSTILE, "statement": HOSTILE,
                "cost_ms": 5.0, "concerned": { "count": 1, "of": 1, "unit": HOSTILE }, "text": HOSTILE,
                "advice": HOSTILE, "numbers": {}, "parts": parts, "evidence": [HOSTILE],
                "examples": [{ "trace_id": HOSTILE, "span_id": HOSTILE }],
            }],
            "routes": [{
                "service": HOSTILE, "route": HOSTILE, "requests": 1, "failed": 1, "mean_ms": 1.0, "parts": parts,
                "caveat": HOSTILE,
            }],
            "connections": [{
                "service": HOSTILE, "peer": peer, "opened": 9, "failed": 1, "operations": 9, "setup_ms": 1.0,
                "operation_ms": 1.0, "setup_share": 0.5,
            }],
            "lost": { HOSTILE: 3 },
        }))
        .unwrap();
        let text = render(&report);
        assert!(is_harmless(&text), "{text:?}");
        assert!(text.matches("a·[2J").count() > 10, "{text}");
        let text = crate::advise::diff::render(&Report::default(), &report);
        assert!(is_harmless(&text) && text.contains("a·[2J"), "{text:?}");
    }
}
