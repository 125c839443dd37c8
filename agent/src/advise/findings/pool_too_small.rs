//! Pool too small: all connections are busy nearly all the time, each operation begins when another has ended, and more
//! requests are in progress than there are connections.

use super::super::limits::{POOL_BACK_TO_BACK, POOL_BUSY, POOL_OPERATIONS, POOL_PRESSURE};
use super::super::report::{Concerned, Finding, Kind};
use super::super::tables::Tables;
use super::super::words::{count, counted, duration, percent, ratio};
use super::{ms, number, numbers};

pub(super) fn find(tables: &Tables, out: &mut Vec<Finding>) {
    let window = tables.now_ns.saturating_sub(tables.start_ns);
    for (id, edge) in tables.edges() {
        let used = tables.links().filter(|link| link.edge == id && link.recent > 0).count() as u64;
        let Some(service) = tables.services.get(&edge.key.service) else { continue };
        let busy = ratio(edge.busy_ns, window.saturating_mul(used));
        let back_to_back = ratio(edge.back_to_back, edge.operations);
        // By Little's law, that many requests are in progress on average.
        let in_progress = ratio(service.requests_ns, window);
        let stable = edge.set_ups.count <= used && edge.operations >= POOL_OPERATIONS.max(used * 5);
        let pressed = in_progress >= number(used) * POOL_PRESSURE && in_progress >= number(used) + 1.0;
        if used == 0 || !stable || busy < POOL_BUSY || back_to_back < POOL_BACK_TO_BACK || !pressed {
            continue;
        }
        let waiting = in_progress - number(used);
        let wait_ns = waiting * number(window);
        let name = edge.key.service.to_string();
        let peer = edge.peer();
        out.push(Finding {
            kind: Kind::PoolTooSmall,
            text: format!(
                "All {} of {name} to {} are busy {} of the time, and {} of {} began the moment another one ended on their \
                 connection. Meanwhile {in_progress:.1} requests of {name} are in progress on average, so about \
                 {waiting:.1} of them wait; each of {} takes {}.",
                counted(used, "connection"),
                peer.label(),
                percent(busy),
                percent(back_to_back),
                counted(edge.operations, "operation"),
                counted(service.requests, "request"),
                duration(ratio(service.requests_ns, service.requests)),
            ),
            advice: format!(
                "Allow more connections than {}, if the server can take them; or make the operations shorter ({} each now).",
                count(used),
                duration(ratio(edge.operations_ns, edge.operations)),
            ),
            service: name,
            peer: Some(peer),
            route: None,
            statement: None,
            cost_ms: super::round(wait_ns / 1e6),
            concerned: Concerned { count: service.requests, of: service.requests, unit: "requests".to_owned() },
            numbers: numbers([
                ("connections", number(used)),
                ("busy_share", busy),
                ("back_to_back_share", back_to_back),
                ("requests_in_progress", in_progress),
                ("operations", number(edge.operations)),
                ("operation_ms", ms(edge.operations_ns) / number(edge.operations)),
            ]),
            parts: Vec::new(),
            evidence: Vec::new(),
            examples: edge.examples.clone(),
        });
    }
}
