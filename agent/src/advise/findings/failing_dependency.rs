//! Failing dependency: what stands behind the failed requests of a route.

use super::super::limits::{FAILING_ELSEWHERE, FAILING_REQUESTS, FAILING_SHARE};
use super::super::report::{Concerned, Finding, Kind};
use super::super::route::{Cause, Route};
use super::super::tables::Tables;
use super::super::words::{count, counted, duration, percent, ratio};
use super::{ms, number, numbers};

pub(super) fn find(tables: &Tables, out: &mut Vec<Finding>) {
    for ((service, name), route) in &tables.routes {
        for cause in &route.causes {
            let failing: u64 = cause.failing.values().sum();
            let among_failing = ratio(failing, route.failed);
            let elsewhere = ratio(cause.elsewhere, route.requests - route.failed);
            let frequent = failing >= FAILING_REQUESTS && ratio(failing, route.requests) >= FAILING_SHARE;
            // What happens in successful requests as often explains nothing.
            if frequent && elsewhere <= among_failing * FAILING_ELSEWHERE {
                out.extend(finding(tables, service, name, route, cause, failing));
            }
        }
    }
}

fn finding(tables: &Tables, service: &str, name: &str, route: &Route, cause: &Cause, failing: u64) -> Option<Finding> {
    let culprit = &cause.culprit;
    let edge = tables.edge(culprit.edge)?;
    let peer = edge.peer();
    let mut by_status: Vec<(&str, u64)> = cause.failing.iter().map(|(status, count)| (&**status, *count)).collect();
    by_status.sort_by_key(|(status, count)| (std::cmp::Reverse(*count), *status));
    let status = by_status.first().map_or("", |(status, _)| *status);
    let call = culprit.failure.text(edge.protocol);
    let whose = match culprit.via.last() {
        Some(deepest) => format!("the call of {deepest} to {} {call}", peer.label()),
        None => format!("its call to {} {call}", peer.label()),
    };
    let mut evidence = Vec::new();
    if !culprit.via.is_empty() {
        let way: Vec<&str> = std::iter::once(service).chain(culprit.via.iter().map(|service| &**service)).collect();
        evidence.push(format!("followed from {} to {}", way.join(" to "), peer.address()));
    }
    if by_status.len() > 1 {
        let each: Vec<String> =
            by_status.iter().map(|(status, number)| format!("{} with {status}", count(*number))).collect();
        evidence.push(format!("they fail {}", each.join(", ")));
    }
    if cause.elsewhere > 0 {
        let fine = route.requests - route.failed;
        evidence.push(format!(
            "it also happened in {} of {} that succeeded",
            count(cause.elsewhere),
            counted(fine, "request")
        ));
    } else if failing < route.requests {
        evidence.push("it happened in no request that succeeded".to_owned());
    }
    if let others @ 1.. = route.failed - failing {
        evidence.push(format!(
            "{} of the route failed for other reasons, or none that is seen",
            counted(others, "more request")
        ));
    }
    let statement = format!("{} {}", culprit.failure.stage.name(), culprit.failure.code);
    Some(Finding {
        kind: Kind::FailingDependency,
        text: format!(
            "{name} of service {service} fails with {status} in {} of {}: {whose}. That call takes {}, the request {}.",
            count(failing),
            counted(route.requests, "request"),
            duration(ratio(cause.call_ns, failing)),
            duration(ratio(cause.failing_ns, failing)),
        ),
        advice: format!(
            "Look at {} first: it is behind {} of this route's failures.",
            peer.address(),
            percent(ratio(failing, route.failed))
        ),
        service: service.to_owned(),
        peer: Some(peer),
        route: Some(name.to_owned()),
        statement: Some(statement),
        cost_ms: ms(cause.failing_ns),
        concerned: Concerned { count: failing, of: route.requests, unit: "requests".to_owned() },
        numbers: numbers([
            ("failing", number(failing)),
            ("failed", number(route.failed)),
            ("requests", number(route.requests)),
            ("elsewhere", number(cause.elsewhere)),
            ("call_ms", ms(cause.call_ns) / number(failing)),
            ("depth", number(culprit.via.len() as u64 + 1)),
        ]),
        parts: Vec::new(),
        evidence,
        examples: cause.examples.clone(),
    })
}
