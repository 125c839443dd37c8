//! Repeated preamble: the same statement first on every connection, or before every query.

use super::super::edge::{Edge, Statement};
use super::super::input::Purpose;
use super::super::limits::{PREAMBLE_COUNT, PREAMBLE_PRECEDES, PREAMBLE_SHARE};
use super::super::report::{Concerned, Finding, Kind};
use super::super::tables::Tables;
use super::super::words::{count, counted, duration, list, percent, ratio};
use super::{ms, number, numbers};

pub(super) fn find(tables: &Tables, out: &mut Vec<Finding>) {
    for (_, edge) in tables.edges() {
        first_on_connections(edge, out);
        for statement in edge.statements.iter().filter(|one| one.purpose == Purpose::Session) {
            before_queries(edge, statement, out);
        }
    }
}

/// What drivers send at the beginning of connections that do little else.
fn first_on_connections(edge: &Edge, out: &mut Vec<Finding>) {
    let settled = edge.settled();
    let opened = edge.set_ups.count;
    let alike: Vec<&Statement> = edge
        .statements
        .iter()
        .filter(|one| one.first >= PREAMBLE_COUNT && ratio(one.first, opened) >= PREAMBLE_PRECEDES)
        .collect();
    let ns = edge.set_ups.preamble_ns;
    let share = ratio(ns, settled.waited_ns());
    if alike.is_empty() || share < PREAMBLE_SHARE {
        return;
    }
    let names: Vec<String> = alike.iter().map(|one| format!("\"{}\"", one.summary)).collect();
    let service = edge.key.service.to_string();
    let peer = edge.peer();
    out.push(Finding {
        kind: Kind::RepeatedPreamble,
        text: format!(
            "Each of {} that {service} opened to {} begins with {}. That takes {} a connection, {} of the time that \
             callers wait.",
            counted(opened, "connection"),
            peer.label(),
            list(&names),
            duration(ratio(ns, opened)),
            percent(share),
        ),
        advice: "Keep connections open, so that it is paid once; or make these settings the default of the user or \
                 database and switch them off in the driver."
            .to_owned(),
        service,
        peer: Some(peer),
        route: None,
        statement: Some(alike.iter().map(|one| &*one.summary).collect::<Vec<_>>().join(", ")),
        cost_ms: ms(ns),
        concerned: Concerned {
            count: alike.iter().map(|one| one.first).max().unwrap_or(0),
            of: opened,
            unit: "connections".to_owned(),
        },
        numbers: numbers([
            ("preamble_share", share),
            ("preamble_ms", ms(ns)),
            ("connections_opened", number(opened)),
            ("statements", number(alike.len() as u64)),
        ]),
        parts: Vec::new(),
        evidence: Vec::new(),
        examples: edge.examples.clone(),
    });
}

/// What is sent before every query: a ping, a setting.
fn before_queries(edge: &Edge, statement: &Statement, out: &mut Vec<Finding>) {
    let precedes = ratio(statement.followed, edge.data);
    let share = ratio(statement.total_ns, edge.settled().waited_ns());
    if statement.followed < PREAMBLE_COUNT || precedes < PREAMBLE_PRECEDES || share < PREAMBLE_SHARE {
        return;
    }
    let service = edge.key.service.to_string();
    let peer = edge.peer();
    out.push(Finding {
        kind: Kind::RepeatedPreamble,
        text: format!(
            "{service} sends \"{}\" to {} before {} of {} ({}). It takes {} each time, {} of the time that callers wait.",
            statement.summary,
            peer.label(),
            count(statement.followed),
            counted(edge.data, "operation"),
            percent(precedes),
            duration(ratio(statement.total_ns, statement.count)),
            percent(share),
        ),
        advice: "Send it once a connection, or not at all: a pool can check connections that were idle for long instead \
                 of each one it hands out."
            .to_owned(),
        service,
        peer: Some(peer),
        route: None,
        statement: Some(statement.summary.to_string()),
        cost_ms: ms(statement.total_ns),
        concerned: Concerned { count: statement.followed, of: edge.data, unit: "operations".to_owned() },
        numbers: numbers([
            ("preamble_share", share),
            ("preamble_ms", ms(statement.total_ns)),
            ("count", number(statement.count)),
            ("precedes_share", precedes),
        ]),
        parts: Vec::new(),
        evidence: Vec::new(),
        examples: edge.examples.clone(),
    });
}
