//! The tables of a page, and the advice above them.

use super::html::{Cell, Html};
use crate::advise::report::{Finding, Peer, Report};
use crate::view::ask::Account;
use crate::view::operations::Side;
use crate::view::rows::{CallRow, Numbers, OperationRow};
use crate::view::text::duration;

/// A share as `12.4 %`; `-` for none.
#[must_use]
pub fn percent(share: f64) -> String {
    if share <= 0.0 { "-".to_owned() } else { format!("{:.1} %", share * 100.0) }
}

/// A duration, or `-`.
#[must_use]
pub fn time(ns: Option<u64>) -> String {
    ns.map_or_else(|| "-".to_owned(), duration)
}

/// Rate, errors and durations, as cells.
fn numbers(numbers: &Numbers) -> Vec<Cell> {
    let (failed, waited) = (numbers.failed_share(), numbers.set_up_share);
    vec![
        Cell::number(numbers.count),
        Cell::number(format!("{:.2}", numbers.rate)),
        Cell::number(percent(failed)).bad(numbers.failed > 0),
        Cell::number(time(numbers.p50_ns)),
        Cell::number(time(numbers.p95_ns)),
        Cell::number(duration(numbers.max_ns)),
        Cell::number(percent(waited)).bad(waited >= 0.5),
    ]
}

const NUMBERS: [&str; 7] = ["Count", "Rate/s", "Errors", "p50", "p95", "Slowest", "Set-up"];

/// Operations.
pub fn operations(html: &mut Html, rows: &[OperationRow]) {
    if rows.is_empty() {
        return html.paragraph("No request was seen.");
    }
    let titles: Vec<&str> = ["Service", "", "Operation", "Peer"].into_iter().chain(NUMBERS).collect();
    html.table(
        &titles,
        rows.iter().map(|row| {
            let operation = &row.operation;
            let side = if operation.side == Side::Server { "answers" } else { "asks" };
            let texts = [&*operation.service, side, &*operation.name, &*operation.peer];
            texts.into_iter().map(Cell::text).chain(numbers(&row.numbers)).collect()
        }),
    );
}

/// Who calls whom.
pub fn calls(html: &mut Html, rows: &[CallRow]) {
    let titles: Vec<&str> = ["Client", "Server", "By"].into_iter().chain(NUMBERS).chain(["Opened"]).collect();
    html.table(
        &titles,
        rows.iter().map(|row| {
            let by = format!("{}{}", row.call.protocol, if row.opened.encrypted { ", TLS" } else { "" });
            let texts = [Cell::text(&row.call.client), Cell::text(&row.call.server), Cell::text(by)];
            let opened = Cell::number(row.opened.count).bad(row.opened.failed > 0);
            texts.into_iter().chain(numbers(&row.numbers)).chain([opened]).collect()
        }),
    );
}

/// Findings.
pub fn advice(html: &mut Html, report: &Report) {
    if report.findings.is_empty() {
        return html.paragraph("Nothing stood out.");
    }
    for finding in &report.findings {
        html.raw("<div class=\"advice\">\n");
        html.heading(3, &title(finding));
        html.paragraph(&finding.text);
        html.paragraph(&finding.advice);
        html.raw("</div>\n");
    }
}

/// What a finding is about, in a line.
fn title(finding: &Finding) -> String {
    let place = finding.route.clone().or_else(|| finding.peer.as_ref().map(Peer::label)).unwrap_or_default();
    let cost = duration((finding.cost_ms * 1e6) as u64);
    format!("{}: {} {place} ({cost})", finding.kind.title(), finding.service)
}

/// The agent's account.
pub fn account(html: &mut Html, account: &Account) {
    if account.kernel.is_empty() {
        return html.paragraph("This is about a recording.");
    }
    html.paragraph(&format!(
        "Capture {} on Linux {}; {} targets, {} calls, {} requests, {} spans; {:.1} s of processor time, {:.1} MiB.",
        account.backend,
        account.kernel,
        account.targets,
        account.calls,
        account.requests,
        account.spans,
        account.cpu_seconds,
        account.memory / 1_048_576.0
    ));
    if account.losses.is_empty() {
        html.paragraph("Nothing was lost or left out.");
    } else {
        let rows = account.losses.iter().map(|(name, count)| vec![Cell::text(name), Cell::number(count)]);
        html.table(&["Lost or left out", "Count"], rows);
    }
    for line in &account.missing {
        html.paragraph(line);
    }
}
