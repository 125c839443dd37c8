//! Where the time goes, per route.

use super::super::edge::Edge;
use super::super::limits::{ROUTE_REQUESTS, ROUTES_SHOWN, UNTIED_CALLS};
use super::super::report::{Part, RouteTime};
use super::super::route::{PartOf, Route};
use super::super::tables::Tables;
use super::super::words::{percent, ratio};

pub(super) fn routes(tables: &Tables) -> Vec<RouteTime> {
    let mut all: Vec<_> = tables.routes.iter().filter(|(_, route)| route.requests >= ROUTE_REQUESTS).collect();
    all.sort_by(|(a_name, a), (b_name, b)| b.total_ns.cmp(&a.total_ns).then_with(|| a_name.cmp(b_name)));
    // The unknown is not shown as the service's own: such routes are left out.
    let told = all.into_iter().filter(|((service, _), _)| untied(tables, service) <= UNTIED_CALLS);
    told.take(ROUTES_SHOWN).map(|((service, name), route)| time(tables, service, name, route)).collect()
}

fn untied(tables: &Tables, service: &str) -> f64 {
    tables.services.get(service).map_or(0.0, |service| ratio(service.untied, service.calls))
}

fn time(tables: &Tables, service: &str, name: &str, route: &Route) -> RouteTime {
    let part = |name: String, ns: u64| Part {
        name,
        ms: super::round(ratio(ns, route.requests) / 1e6),
        share: super::round(ratio(ns, route.total_ns)),
    };
    let mut parts: Vec<Part> = route
        .parts
        .iter()
        .filter_map(|(of, ns)| {
            let name = match of {
                PartOf::Calls(edge) => tables.edge(*edge)?.peer().label(),
                PartOf::SetUp(edge) => format!("set-up of connections to {}", tables.edge(*edge)?.peer().address()),
            };
            Some(part(name, *ns))
        })
        .collect();
    parts.push(part("self".to_owned(), route.self_ns));
    parts.sort_by(|a, b| b.ms.total_cmp(&a.ms).then_with(|| a.name.cmp(&b.name)));
    RouteTime {
        service: service.to_owned(),
        route: name.to_owned(),
        requests: route.requests,
        failed: route.failed,
        mean_ms: super::round(ratio(route.total_ns, route.requests) / 1e6),
        parts,
        caveat: caveat(tables, service, route),
    }
}

fn caveat(tables: &Tables, service: &str, route: &Route) -> Option<String> {
    let mut blind: Vec<String> = tables
        .edges()
        .filter(|(_, edge): &(u32, &Edge)| edge.blind && &*edge.key.service == service)
        .map(|(_, edge)| edge.peer().address())
        .collect();
    blind.sort();
    let untied = untied(tables, service);
    let mut reasons = Vec::new();
    if let Some(first) = blind.first() {
        let more = if blind.len() > 1 { " and others" } else { "" };
        reasons.push(format!("calls over long encrypted connections to {first}{more}"));
    }
    if untied > 0.0 {
        reasons.push(format!("{} of the service's calls, which could not be tied to a request", percent(untied)));
    }
    if route.incomplete || route.lost > 0 {
        reasons.push("calls beyond the advisor's limits".to_owned());
    }
    (!reasons.is_empty()).then(|| format!("self includes {}", reasons.join("; ")))
}
