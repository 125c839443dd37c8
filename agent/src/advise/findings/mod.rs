//! From sums to findings: one file a kind. Each is silent below its thresholds in [`limits`](super::limits).

mod failing_dependency;
mod idle_pool_too_large;
mod n_plus_one;
mod no_pool;
mod pool_too_small;
mod repeated_preamble;
mod routes;
mod sequential_calls;

use std::collections::BTreeMap;

use super::edge::{EdgeId, StatementId};
use super::limits;
use super::report::{Finding, Kind, Report, VERSION, Window};
use super::tables::Tables;

/// The report of what the tables hold.
#[must_use]
pub fn report(tables: &Tables) -> Report {
    let mut findings = Vec::new();
    failing_dependency::find(tables, &mut findings);
    no_pool::find(tables, &mut findings);
    repeated_preamble::find(tables, &mut findings);
    n_plus_one::find(tables, &mut findings);
    sequential_calls::find(tables, &mut findings);
    pool_too_small::find(tables, &mut findings);
    idle_pool_too_large::find(tables, &mut findings);
    // Failures first: a request that fails at once waits for nothing and is still the worst.
    let key = |finding: &Finding| {
        let failures = if finding.kind == Kind::FailingDependency { finding.concerned.count } else { 0 };
        (std::cmp::Reverse(failures), -finding.cost_ms)
    };
    findings.sort_by(|a, b| {
        let (a, b) = ((key(a), a.identity()), (key(b), b.identity()));
        a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut lost = lost(tables);
    if let more @ 1.. = findings.len().saturating_sub(limits::FINDINGS) {
        lost.insert("findings".to_owned(), more as u64);
    }
    findings.truncate(limits::FINDINGS);
    for part in findings.iter_mut().flat_map(|finding| &mut finding.parts) {
        (part.ms, part.share) = (round(part.ms), round(part.share));
    }
    Report {
        version: VERSION,
        wirespan: env!("CARGO_PKG_VERSION").to_owned(),
        window: window(tables),
        findings,
        routes: routes::routes(tables),
        connections: connections(tables),
        unread: tables.unread.report(),
        lost,
    }
}

fn window(tables: &Tables) -> Window {
    Window {
        seconds: seconds(tables.now_ns.saturating_sub(tables.start_ns)),
        services: services(tables),
        requests: tables.services.values().map(|service| service.requests).sum(),
        operations: tables.edges().map(|(_, edge)| edge.settled().operations).sum(),
        connections_opened: tables.edges().map(|(_, edge)| edge.set_ups.count).sum(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds of a window need few digits")]
fn seconds(ns: u64) -> f64 {
    (ns as f64 / 1e6).round() / 1e3
}

fn services(tables: &Tables) -> u64 {
    tables.services.len() as u64
}

fn connections(tables: &Tables) -> Vec<super::report::PeerConnections> {
    let rounded = |one: super::report::PeerConnections| super::report::PeerConnections {
        setup_ms: round(one.setup_ms),
        operation_ms: round(one.operation_ms),
        setup_share: round(one.setup_share),
        ..one
    };
    let mut all: Vec<_> = tables.edges().filter_map(|(_, edge)| edge.connections()).map(rounded).collect();
    all.sort_by(|a, b| (&a.service, &a.peer).cmp(&(&b.service, &b.peer)));
    all
}

fn lost(tables: &Tables) -> BTreeMap<String, u64> {
    let statements: u64 = tables.edges().map(|(_, edge)| edge.statements_lost).sum();
    let parts: u64 = tables.routes.values().map(|route| route.lost).sum();
    let all = [
        ("peers", tables.lost.peers),
        ("connections", tables.lost.connections),
        ("routes", tables.lost.routes),
        ("services", tables.lost.services),
        ("requests", tables.requests.lost),
        ("calls", tables.requests.children_lost),
        ("statements", statements),
        ("parts_of_routes", parts),
    ];
    all.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name.to_owned(), count)).collect()
}

/// Numbers of a finding.
fn numbers<const N: usize>(numbers: [(&str, f64); N]) -> BTreeMap<String, f64> {
    numbers.into_iter().map(|(name, number)| (name.to_owned(), round(number))).collect()
}

/// Four digits after the point: below 0.1 µs, and JSON that a person can read.
fn round(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

/// Nanoseconds as milliseconds.
#[expect(clippy::cast_precision_loss, reason = "times of a window need no more than 52 bits")]
fn ms(ns: u64) -> f64 {
    round(ns as f64 / 1e6)
}

/// A count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts of a window need no more than 52 bits")]
fn number(count: u64) -> f64 {
    count as f64
}

/// A statement, as a call of it is spoken of: `"SELECT orders"`, `GET`.
fn statement(tables: &Tables, edge: EdgeId, statement: Option<StatementId>) -> Option<String> {
    let edge = tables.edge(edge)?;
    let statement = edge.statements.get(usize::from(statement?))?;
    Some(super::words::cut(&statement.summary, limits::NAME).into_owned())
}
