//! Where the time goes, per route.

use super::super::edge::{Edge, EdgeId};
use super::super::limits::{ROUTE_REQUESTS, ROUTES_SHOWN, UNTIED_CALLS};
use super::super::report::{Part, RouteTime, Unread};
use super::super::route::{PartOf, Route};
use super::super::tables::Tables;
use super::super::words::{counted, percent, ratio};

pub(super) fn routes(tables: &Tables) -> Vec<RouteTime> {
    let mut all: Vec<_> = tables.routes.iter().filter(|(_, route)| route.requests >= ROUTE_REQUESTS).collect();
    all.sort_by(|(a_name, a), (b_name, b)| b.total_ns.cmp(&a.total_ns).then_with(|| a_name.cmp(b_name)));
    // The unknown is not shown as the service's own: such routes are left out.
    let told = all.into_iter().filter(|((service, _), _)| untied(tables, service) <= UNTIED_CALLS);
    let unread = tables.unread.report();
    told.take(ROUTES_SHOWN).map(|((service, name), route)| time(tables, &unread, service, name, route)).collect()
}

fn untied(tables: &Tables, service: &str) -> f64 {
    tables.services.get(service).map_or(0.0, |service| ratio(service.untied, service.calls))
}

fn time(tables: &Tables, unread: &[Unread], service: &str, name: &str, route: &Route) -> RouteTime {
    let part = |name: String, ns: u64| Part {
        name,
        ms: super::round(ratio(ns, route.requests) / 1e6),
        share: super::round(ratio(ns, route.total_ns)),
    };
    let mut parts: Vec<Part> = route
        .parts
        .iter()
        .filter_map(|(of, ns)| {
            let (PartOf::Calls(id) | PartOf::SetUp(id)) = of;
            let edge = tables.edge(*id)?;
            let preamble_ns = preamble(edge, *id, route);
            Some(match of {
                PartOf::Calls(_) => part(edge.peer().label(), ns.saturating_sub(preamble_ns)),
                PartOf::SetUp(_) => {
                    part(format!("set-up of connections to {}", edge.peer().address()), ns + preamble_ns)
                }
            })
        })
        .filter(|part| part.ms > 0.0)
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
        caveat: caveat(tables, unread, service, route),
    }
}

/// Time of a route's calls that is a preamble by its sizes: it belongs to the set-up, here as in what is said of the peer.
fn preamble(edge: &Edge, id: EdgeId, route: &Route) -> u64 {
    let of = |part| route.parts.get(&part).copied().unwrap_or(0);
    let (set_up, settled) = (edge.set_ups.total_ns, edge.settled().set_ups.total_ns);
    let share = u128::from(of(PartOf::SetUp(id))) * u128::from(settled.saturating_sub(set_up));
    let ns = share.checked_div(u128::from(set_up)).unwrap_or(0);
    u64::try_from(ns).unwrap_or(u64::MAX).min(of(PartOf::Calls(id)))
}

fn caveat(tables: &Tables, unread: &[Unread], service: &str, route: &Route) -> Option<String> {
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
    let mut unread = unread.iter().filter(|one| one.service == service);
    if let Some(first) = unread.next() {
        let more = if unread.next().is_some() { " and others" } else { "" };
        reasons.push(format!(
            "{} to {}{more} that cannot be read",
            counted(first.round_trips, "round trip"),
            first.peer.address()
        ));
    }
    if untied > 0.0 {
        reasons.push(format!("{} of the service's calls, which could not be tied to a request", percent(untied)));
    }
    if route.incomplete || route.lost > 0 {
        reasons.push("calls beyond the advisor's limits".to_owned());
    }
    (!reasons.is_empty()).then(|| format!("self includes {}", reasons.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{MS, World};
    use super::super::super::words::ratio;
    use wirespan_protocols::exchange::detail::Detail;
    use wirespan_protocols::tls::OpaqueExchange;

    fn round_trip(number: u32, request: u64, response: u64) -> Box<dyn Detail> {
        Box::new(OpaqueExchange {
            number,
            request_bytes: Some(request),
            response_bytes: Some(response),
            ..OpaqueExchange::default()
        })
    }

    #[test]
    fn the_set_up_of_a_peer_is_the_same_wherever_it_is_told() {
        let mut world = World::new();
        let server = world.server("web");
        for number in 0..20 {
            let from = number * 200;
            let key = world.begin(&server, from);
            let mut socket = world.client("web", "10.0.0.7:6379", Some("tls"));
            let up = world.set_up(&mut socket, Some(key), from, [10, 20, 0]);
            // A small first round trip that is the same on all connections is a preamble.
            let greeted = world.call(&socket, Some(key), up, 7, round_trip(0, 30, 5));
            let end = world.call(&socket, Some(key), greeted, 5, round_trip(1, 300 + number, 900 + 3 * number));
            world.end(&socket, end);
            world.finish(&server, key, from, end, "/checkout", 200);
        }
        let report = world.report();
        let peer = &report.connections[0];
        let part = report.routes[0].parts.iter().find(|part| part.name.starts_with("set-up")).unwrap();
        assert!((part.ms - peer.setup_ms).abs() < 0.01, "{part:?} {peer:?}");
        assert!((peer.setup_ms - ratio(37 * MS, MS)).abs() < 0.01, "{peer:?}");
        let total: f64 = report.routes[0].parts.iter().map(|part| part.share).sum();
        assert!((total - 1.0).abs() < 0.001);
    }
}
