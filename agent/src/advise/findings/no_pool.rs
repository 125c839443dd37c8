//! No pool: connections are opened for one or a few operations and closed again.

use super::super::edge::{Edge, Settled};
use super::super::limits::{NO_POOL_CONNECTIONS, NO_POOL_OPERATIONS, NO_POOL_SHARE};
use super::super::report::{Concerned, Finding, Kind, Part};
use super::super::tables::Tables;
use super::super::words::{count, counted, decimal, duration, list, percent, ratio};
use super::{ms, number, numbers};
use wirespan_protocols::describe::spoken::FamilyName;

pub(super) fn find(tables: &Tables, out: &mut Vec<Finding>) {
    for (_, edge) in tables.edges() {
        // Those that a pool holds may go to the same peer: they are not meant.
        let settled = edge.settled_short();
        let opened = settled.set_ups.count;
        let churns = opened >= NO_POOL_CONNECTIONS && opened * 2 >= edge.set_ups.count;
        // Without an operation there is nothing that waited: probes of a port, connections kept for later.
        let few = settled.operations > 0 && ratio(settled.operations, opened) <= NO_POOL_OPERATIONS;
        let family = edge.protocol.map(|spoken| spoken.family);
        if churns && few && family != Some(FamilyName::Lookup) && settled.set_up_share() >= NO_POOL_SHARE {
            out.extend(finding(tables, edge, &settled));
        }
    }
}

fn finding(tables: &Tables, edge: &Edge, settled: &Settled) -> Option<Finding> {
    let set_ups = &settled.set_ups;
    let (opened, operations) = (set_ups.count, settled.operations);
    // As many connections as were open at a time would have done.
    let enough = edge.open_peak.max(1);
    let saved = set_ups.total_ns - set_ups.total_ns / opened * enough.min(opened);
    if saved == 0 {
        return None;
    }
    let per = |ns: u64| ratio(ns, operations);
    let family = edge.protocol.map(|spoken| spoken.family);
    let share = settled.set_up_share();
    let peer = edge.peer();
    let service = edge.key.service.to_string();
    let each = if operations == opened {
        "one for each".to_owned()
    } else if operations < opened {
        "more than one for each".to_owned()
    } else {
        format!("one for every {}", decimal(ratio(operations, opened)))
    };
    let phases: Vec<String> = set_ups
        .phases()
        .into_iter()
        .filter(|(_, ns)| ratio(*ns, set_ups.total_ns) >= 0.02)
        .map(|(name, ns)| format!("{name} {}", duration(per(ns))))
        .collect();
    let what = if family == Some(FamilyName::Opaque) { "round trip" } else { "operation" };
    let text = format!(
        "{service} opened {} to {} for {}: {each}. Of the {} that its callers wait for each {what}, {} ({}) are the \
         set-up of the connection: {}.",
        counted(opened, "connection"),
        peer.label(),
        counted(operations, what),
        duration(per(settled.waited_ns())),
        duration(per(set_ups.total_ns)),
        percent(share),
        list(&phases),
    );
    let http =
        family == Some(FamilyName::Http) || edge.encrypted && edge.no_heads && family == Some(FamilyName::Opaque);
    let means = if http {
        "Keep connections open (HTTP keep-alive, one client object for all requests)"
    } else {
        "Use a connection pool"
    };
    let advice = format!(
        "{means}: {} would have done, and each {what} would take about {} instead of {}.",
        counted(enough, "connection"),
        duration(per(settled.waited_ns() - saved)),
        duration(per(settled.waited_ns())),
    );
    let mut parts = set_ups.parts(operations, settled.waited_ns());
    parts.push(Part { name: what.to_owned(), ms: per(settled.operations_ns) / 1e6, share: 1.0 - share });
    let served = tables.services.get(&edge.key.service).map_or(0, |service| service.requests);
    Some(Finding {
        kind: Kind::NoPool,
        service,
        peer: Some(peer),
        route: None,
        statement: None,
        cost_ms: ms(saved),
        concerned: Concerned { count: opened.min(operations), of: operations, unit: "operations".to_owned() },
        text,
        advice,
        numbers: numbers([
            ("connections_opened", number(opened)),
            ("connections_enough", number(enough)),
            ("operations", number(operations)),
            ("setup_share", share),
            ("setup_ms", ms(set_ups.total_ns)),
            ("operations_ms", ms(settled.operations_ns)),
            ("dns_ms", ms(set_ups.dns_ns)),
            ("tcp_ms", ms(set_ups.tcp_ns)),
            ("encryption_request_ms", ms(set_ups.encryption_ns)),
            ("tls_ms", ms(set_ups.tls_ns)),
            ("authentication_ms", ms(set_ups.authentication_ns)),
            ("preamble_ms", ms(set_ups.preamble_ns)),
            ("between_ms", ms(set_ups.between_ns())),
            ("saved_ms", ms(saved)),
            ("requests_waited", number(edge.waited)),
        ]),
        parts,
        evidence: evidence(edge, settled, served),
        examples: edge.examples.clone(),
    })
}

fn evidence(edge: &Edge, settled: &Settled, served: u64) -> Vec<String> {
    let mut evidence = vec![format!(
        "each was closed after few operations; at most {} {} open at a time",
        counted(edge.open_peak, "connection"),
        if edge.open_peak == 1 { "was" } else { "were" },
    )];
    if let others @ 1.. = edge.operations.saturating_sub(edge.short_lived.operations) {
        evidence.push(format!("{} went over connections that were kept", counted(others, "more operation")));
    }
    if edge.waited > 0 {
        evidence.push(format!(
            "{} of {} waited for a connection",
            count(edge.waited),
            counted(served.max(edge.waited), "request")
        ));
    }
    if settled.set_ups.by_size > 0 {
        evidence.push(format!(
            "{} are encrypted and counted as preamble by their sizes: the same on nearly all connections",
            counted(settled.set_ups.by_size, "round trip"),
        ));
    }
    if settled.set_ups.retransmits > 0 {
        evidence.push(format!("{} sent again", counted(settled.set_ups.retransmits, "SYN")));
    }
    evidence
}
