//! Idle pool too large: connections that are kept open and carry nothing.

use super::super::limits::{IDLE_CONNECTIONS, IDLE_SHARE, IDLE_SINCE, IDLE_WINDOW_NS, OPAQUE_TURNS};
use super::super::report::{Concerned, Finding, Kind};
use super::super::tables::Tables;
use super::super::words::{count, counted, duration, percent, ratio};
use super::{number, numbers};

pub(super) fn find(tables: &Tables, out: &mut Vec<Finding>) {
    let window = tables.now_ns.saturating_sub(tables.start_ns);
    if window < IDLE_WINDOW_NS {
        return;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a positive number")]
    let since = tables.start_ns + (number(window) * IDLE_SINCE) as u64;
    for (id, edge) in tables.edges() {
        let open = tables.links().filter(|link| link.edge == id && link.counts);
        let (mut all, mut idle) = (0, 0);
        for link in open {
            all += 1;
            // What passes on a connection that is not understood, or no longer looked at, is not known.
            let seen = link.is_understood && !(edge.encrypted && link.operations >= u64::from(OPAQUE_TURNS));
            idle += u64::from(seen && link.active_ns <= since);
        }
        let share = ratio(idle, all);
        if idle < IDLE_CONNECTIONS || share < IDLE_SHARE {
            continue;
        }
        let service = edge.key.service.to_string();
        let peer = edge.peer();
        out.push(Finding {
            kind: Kind::IdlePoolTooLarge,
            text: format!(
                "{service} keeps {} open to {}, and {} of them ({}) carried nothing for the last {} or longer.",
                counted(all, "connection"),
                peer.label(),
                count(idle),
                percent(share),
                duration(number(tables.now_ns.saturating_sub(since))),
            ),
            advice: format!(
                "Let the pool keep {} and close what is idle: each connection costs memory at both ends, and a server has \
                 a limit for all of them.",
                counted((all - idle).max(1), "connection"),
            ),
            service,
            peer: Some(peer),
            route: None,
            statement: None,
            cost_ms: 0.0,
            concerned: Concerned { count: idle, of: all, unit: "connections".to_owned() },
            numbers: numbers([("connections", number(all)), ("idle", number(idle)), ("idle_share", share)]),
            parts: Vec::new(),
            evidence: Vec::new(),
            examples: Vec::new(),
        });
    }
}
