//! What changed between two reports, in sentences.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::report::{Finding, PeerConnections, Report, RouteTime};
use super::text::wrap;
use super::words::{count, counted, duration};

/// Times and shares that changed by less than this, relative to the larger one, are the same.
const SAME: f64 = 0.1;
/// Shares that changed by less than this are the same.
const SAME_SHARE: f64 = 0.03;

/// What changed from one report to the next: one line each.
#[must_use]
pub fn changes(before: &Report, after: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    connections(before, after, &mut lines);
    findings(before, after, &mut lines);
    routes(before, after, &mut lines);
    lines
}

/// The changes as text for a person.
#[must_use]
pub fn render(before: &Report, after: &Report) -> String {
    let mut out = String::new();
    let seconds = |report: &Report| duration(report.window.seconds * 1e9);
    let _ = writeln!(
        out,
        "wirespan advise --diff · before: {}, {} · after: {}, {}\n",
        seconds(before),
        counted(before.findings.len() as u64, "finding"),
        seconds(after),
        counted(after.findings.len() as u64, "finding"),
    );
    let lines = changes(before, after);
    if lines.is_empty() {
        out.push_str("Nothing changed that is worth a sentence.\n");
    }
    lines.iter().for_each(|line| wrap(&mut out, "  · ", line));
    out
}

fn differ(before: f64, after: f64) -> bool {
    (before - after).abs() > SAME * before.abs().max(after.abs())
}

/// Set-up shares: the number that a pool changes, whether it is a finding before, after, both or never.
fn connections(before: &Report, after: &Report, lines: &mut Vec<String>) {
    fn by_key(report: &Report) -> BTreeMap<(&str, &str, Option<u16>), &PeerConnections> {
        report.connections.iter().map(|one| ((&*one.service, &*one.peer.address, one.peer.port), one)).collect()
    }
    let (old, new) = (by_key(before), by_key(after));
    for (key, old) in &old {
        let who = format!("{} → {}", old.service, old.peer.label());
        match new.get(key) {
            Some(new) if (old.setup_share - new.setup_share).abs() >= SAME_SHARE => lines.push(format!(
                "{who}: the set-up of connections was {} of the time that callers wait and is {} ({} opened for {} \
                 operations before, {} for {} after).",
                old.share(),
                new.share(),
                count(old.opened),
                count(old.operations),
                count(new.opened),
                count(new.operations),
            )),
            Some(_) => {}
            None if old.setup_share >= SAME_SHARE => lines.push(format!(
                "{who}: no connection is opened any more; before, their set-up was {} of the time that callers wait.",
                old.share(),
            )),
            None => {}
        }
    }
    for (_, new) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
        if new.setup_share >= SAME_SHARE && new.opened >= 5 {
            lines.push(format!(
                "{} → {}: {} connections are opened that were not before; their set-up is {} of the time that callers wait.",
                new.service,
                new.peer.label(),
                count(new.opened),
                new.share(),
            ));
        }
    }
}

/// Cost by time of the window, so that windows of different lengths compare.
fn rate(finding: &Finding, report: &Report) -> f64 {
    if report.window.seconds > 0.0 { finding.cost_ms / report.window.seconds } else { finding.cost_ms }
}

fn name(finding: &Finding) -> String {
    let mut name = format!("{}: {}", finding.kind.title(), finding.service);
    if let Some(route) = &finding.route {
        let _ = write!(name, " {route}");
    }
    if let Some(peer) = &finding.peer {
        let _ = write!(name, " → {}", peer.label());
    }
    if let Some(statement) = &finding.statement {
        let _ = write!(name, ", \"{statement}\"");
    }
    name
}

fn findings(before: &Report, after: &Report, lines: &mut Vec<String>) {
    for old in &before.findings {
        let Some(new) = after.findings.iter().find(|new| new.identity() == old.identity()) else {
            lines.push(format!("Gone: {} (it cost {} a second).", name(old), duration(rate(old, before) * 1e6)));
            continue;
        };
        let (was, is) = (rate(old, before), rate(new, after));
        if differ(was, is) {
            let word = if is > was { "Worse" } else { "Better" };
            lines.push(format!(
                "{word}: {} costs {} a second, before {}.",
                name(new),
                duration(is * 1e6),
                duration(was * 1e6)
            ));
        }
    }
    for new in &after.findings {
        if !before.findings.iter().any(|old| old.identity() == new.identity()) {
            lines.push(format!("New: {}. {}", name(new), new.text));
        }
    }
}

fn routes(before: &Report, after: &Report, lines: &mut Vec<String>) {
    for old in &before.routes {
        let same = |new: &&RouteTime| (&new.service, &new.route) == (&old.service, &old.route);
        let Some(new) = after.routes.iter().find(same) else { continue };
        if differ(old.mean_ms, new.mean_ms) {
            let direction = if new.mean_ms < old.mean_ms { "faster" } else { "slower" };
            lines.push(format!(
                "{} of {} is {direction}: {} a request, before {}.",
                new.route,
                new.service,
                duration(new.mean_ms * 1e6),
                duration(old.mean_ms * 1e6),
            ));
        }
    }
}
