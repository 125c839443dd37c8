//! Sequential calls: to several peers, one after another. A candidate: the wire does not show whether one needs the
//! answer of another.

use super::super::limits::{SEQUENTIAL_CONCERNED, SEQUENTIAL_REQUESTS, SEQUENTIAL_SHARE};
use super::super::report::{Concerned, Finding, Kind, Part};
use super::super::tables::Tables;
use super::super::words::{count, counted, duration, list, percent, ratio};
use super::{ms, number, numbers, statement};

pub(super) fn find(tables: &Tables, out: &mut Vec<Finding>) {
    for ((service, name), route) in &tables.routes {
        let chains = &route.chains;
        let share = ratio(chains.saved_ns, chains.requests_ns);
        let concerned = ratio(chains.requests, route.requests);
        if chains.requests < SEQUENTIAL_REQUESTS || concerned < SEQUENTIAL_CONCERNED || share < SEQUENTIAL_SHARE {
            continue;
        }
        let label = |edge, index| {
            let what = statement(tables, edge, index).unwrap_or_else(|| "a call".to_owned());
            let to = tables.edge(edge).map(|edge| edge.peer().address()).unwrap_or_default();
            format!("{what} at {to}")
        };
        let calls: Vec<String> = chains.calls.iter().map(|(edge, index, _)| label(*edge, *index)).collect();
        let total: u64 = chains.calls.iter().map(|(.., ns)| ns).sum();
        let parts = chains.calls.iter().zip(&calls).map(|((.., ns), call)| Part {
            name: call.clone(),
            ms: ms(*ns),
            share: ratio(*ns, total),
        });
        out.push(Finding {
            kind: Kind::SequentialCalls,
            text: format!(
                "In {} of {} {name} of {service} makes {} different calls one after another: {}. If none needs the answer \
                 of another, side by side they would save about {} of {} ({}).",
                count(chains.requests),
                counted(route.requests, "request"),
                calls.len(),
                list(&calls),
                duration(ratio(chains.saved_ns, chains.requests)),
                duration(ratio(chains.requests_ns, chains.requests)),
                percent(share),
            ),
            advice: "A candidate only: whether the calls depend on each other is known to the code, not to the wire."
                .to_owned(),
            service: service.to_string(),
            peer: None,
            route: Some(name.to_string()),
            statement: None,
            cost_ms: ms(chains.saved_ns),
            concerned: Concerned { count: chains.requests, of: route.requests, unit: "requests".to_owned() },
            numbers: numbers([
                ("calls", number(calls.len() as u64)),
                ("saved_share", share),
                ("saved_ms", ms(chains.saved_ns)),
            ]),
            parts: parts.collect(),
            evidence: vec!["the table shows the calls of one such request".to_owned()],
            examples: chains.examples.clone(),
        });
    }
}
