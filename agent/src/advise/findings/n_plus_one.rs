//! N+1: the same statement again and again within one request.

use super::super::limits::{N_PLUS_ONE, N_PLUS_ONE_REQUESTS, N_PLUS_ONE_SHARE};
use super::super::report::{Concerned, Finding, Kind};
use super::super::tables::Tables;
use super::super::words::{counted, duration, percent, ratio};
use super::{ms, number, numbers, statement};
use wirespan_protocols::describe::spoken::FamilyName;

pub(super) fn find(tables: &Tables, out: &mut Vec<Finding>) {
    for ((service, name), route) in &tables.routes {
        for ((edge, index), repeats) in &route.repeats {
            let median = repeats.median();
            let share = ratio(repeats.total_ns, repeats.requests_ns);
            if median < N_PLUS_ONE || repeats.requests < N_PLUS_ONE_REQUESTS || share < N_PLUS_ONE_SHARE {
                continue;
            }
            let (Some(edge), Some(summary)) = (tables.edge(*edge), statement(tables, *edge, Some(*index))) else {
                continue;
            };
            let peer = edge.peer();
            let is_http = edge.protocol.is_some_and(|spoken| spoken.family == FamilyName::Http);
            // One for all would take about as long as one.
            let saved = repeats.total_ns - repeats.total_ns / repeats.count.max(1) * repeats.requests;
            let each = ratio(repeats.total_ns, repeats.count);
            let whole = ratio(repeats.requests_ns, repeats.requests);
            let together = ratio(repeats.total_ns, repeats.requests);
            out.push(Finding {
                kind: Kind::NPlusOne,
                text: format!(
                    "{name} of {service} sends \"{summary}\" to {} {median} times within one request (median of {}; at most \
                     {}). At {} each that is {} of the {} that such a request takes ({}).",
                    peer.label(),
                    counted(repeats.requests, "request"),
                    repeats.most,
                    duration(each),
                    duration(together),
                    duration(whole),
                    percent(share),
                ),
                advice: if is_http {
                    "Ask for all at once, if the service that is called offers it, or side by side.".to_owned()
                } else {
                    "Fetch all at once: a join, `IN (…)` or `= ANY(…)`, a pipeline; in an ORM, eager loading.".to_owned()
                },
                service: service.to_string(),
                peer: Some(peer),
                route: Some(name.to_string()),
                statement: Some(summary),
                cost_ms: ms(saved),
                concerned: Concerned { count: repeats.requests, of: route.requests, unit: "requests".to_owned() },
                numbers: numbers([
                    ("median", f64::from(median)),
                    ("most", f64::from(repeats.most)),
                    ("count", number(repeats.count)),
                    ("share", share),
                    ("each_ms", each / 1e6),
                    ("saved_ms", ms(saved)),
                ]),
                parts: Vec::new(),
                evidence: Vec::new(),
                examples: repeats.examples.clone(),
            });
        }
    }
}
