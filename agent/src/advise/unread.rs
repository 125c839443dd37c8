//! Connections that carried something in this window which cannot be read: encrypted before our time, or of another protocol.
//! Only the kernel's count of turns tells that somebody waited there.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::limits;
use super::report::{Peer, Unread};
use crate::event::{Role, Stats, Transport, Vantage};
use crate::trace::connection::Site;
use crate::trace::observation::Observation;

/// One connection.
#[derive(Debug)]
struct One {
    service: Arc<str>,
    local: Site,
    remote: Site,
    is_client: bool,
    /// Changes of direction as of the last look; none at first sight of a connection that was there before.
    turns: Option<u32>,
    /// Changes of direction in this window.
    recent: u64,
    /// It is over: kept until the end of the window.
    is_over: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Unreads {
    connections: FxHashMap<u64, One>,
}

impl Unreads {
    /// Takes in what the kernel counted of a connection.
    pub fn stats(&mut self, seen: &Observation<'_>, stats: &Stats) {
        let is_ours = seen.transport == Transport::Tcp && seen.connection.vantage == Vantage::Socket;
        // What a server's end carries is the matter of whoever calls it.
        if !is_ours || seen.protocol.is_some() || seen.connection.role == Some(Role::Server) {
            self.connections.remove(&seen.id);
            return;
        }
        if self.connections.len() >= limits::CONNECTIONS && !self.connections.contains_key(&seen.id) {
            return;
        }
        let one = self.connections.entry(seen.id).or_insert_with(|| One {
            service: Arc::clone(&seen.resource.service_name),
            local: seen.connection.local.clone(),
            remote: seen.connection.remote.clone(),
            is_client: seen.connection.role == Some(Role::Client),
            turns: seen.from_start.then_some(0),
            recent: 0,
            is_over: false,
        });
        one.recent += u64::from(stats.turns.saturating_sub(one.turns.unwrap_or(stats.turns)));
        one.turns = Some(stats.turns);
        one.is_over |= stats.last;
    }

    /// What was not read, by service and peer, the most first.
    #[must_use]
    pub fn report(&self) -> Vec<Unread> {
        // Who called is not known of a connection that was there before. Several at one port of one's own are a server's:
        // clients have a port for each.
        let mut ports = FxHashSet::default();
        let mut servers = FxHashSet::default();
        for one in self.connections.values().filter(|one| !one.is_client) {
            let port = (&one.service, one.local.port);
            if !ports.insert(port) {
                servers.insert(port);
            }
        }
        let mut sums: BTreeMap<(&str, &str, Option<u16>), (u64, u64)> = BTreeMap::new();
        for one in self.connections.values() {
            let is_server = !one.is_client && servers.contains(&(&one.service, one.local.port));
            if one.recent < 2 || is_server {
                continue;
            }
            let sum = sums.entry((&*one.service, &*one.remote.address, one.remote.port)).or_default();
            sum.0 += 1;
            sum.1 += one.recent / 2;
        }
        let mut all: Vec<Unread> = sums
            .into_iter()
            .map(|((service, address, port), (connections, round_trips))| Unread {
                service: service.to_owned(),
                peer: Peer { address: address.to_owned(), port, protocol: None, namespace: None },
                connections,
                round_trips,
            })
            .collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.round_trips));
        all.truncate(limits::EDGES);
        all
    }

    /// The next window begins.
    pub fn begin_window(&mut self) {
        self.connections.retain(|_, one| !std::mem::replace(&mut one.is_over, false));
        self.connections.values_mut().for_each(|one| one.recent = 0);
    }

    /// A connection is over.
    pub fn ended(&mut self, id: u64) {
        if let Some(one) = self.connections.get_mut(&id) {
            one.is_over = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::advise::testing::World;
    use crate::advise::text;

    #[test]
    fn a_pool_older_than_the_window_is_said_to_be_unread() {
        let mut world = World::new();
        for port in [40_000, 40_001] {
            world.older("shop", &format!("10.0.0.1:{port}"), "10.0.0.7:5432", [1_000, 1_500]);
        }
        // Clients of its own TLS end, and what carried nothing.
        for port in [50_000, 50_001] {
            world.older("shop", "10.0.0.1:443", &format!("10.9.9.9:{port}"), [10, 90]);
        }
        world.older("shop", "10.0.0.1:40002", "10.0.0.8:9092", [70, 70]);
        let server = world.server("shop");
        for number in 0..10 {
            let key = world.begin(&server, number * 100);
            world.finish(&server, key, number * 100, number * 100 + 50, "/checkout", 200);
        }
        let report = world.report();
        let unread: Vec<_> =
            report.unread.iter().map(|one| (one.peer.address(), one.connections, one.round_trips)).collect();
        assert_eq!(unread, [("10.0.0.7:5432".to_owned(), 2, 500)]);
        let caveat = report.routes[0].caveat.clone().unwrap();
        assert_eq!(caveat, "self includes 500 round trips to 10.0.0.7:5432 that cannot be read");
        let text = text::render(&report);
        assert!(text.contains("Nothing to advise in what could be read"), "{text}");
        assert!(text.contains("shop → 10.0.0.7:5432  2 connections, 500 round trips"), "{text}");
        assert!(world.report().unread.is_empty(), "nothing passed in the next window");
    }
}
