//! Who is at both ends of a connection, and who calls whom by that. Peers that no agent watches are known by their address.
//!
//! Where both ends of a connection are on this host, they are known by their addresses, and each is named by its
//! service.
//!
//! Either end may be gone before the other one tells of a request, or before the other one is seen at all. An end that is
//! gone keeps its name as long as that may happen, and a client whose server was not seen yet takes the name of the
//! service that has other connections at the same address.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::connection::Site;
use super::observation::Observation;
use super::span::Resource;
use crate::conn::room;
use crate::event::Role;

/// A client that says nothing of itself: a unix socket has no address at its client's end.
const UNKNOWN: &str = "unknown";
/// Most connections whose ends are kept.
const MAX_PAIRS: usize = 128 * 1024;

/// Both ends of a connection, the client first. Loopback addresses mean something within their network namespace only.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pair {
    client: Site,
    server: Site,
    network_namespace: u32,
}

impl Pair {
    /// Where the server was called.
    fn place(&self) -> Place {
        (self.server.clone(), self.network_namespace)
    }
}

/// A server's address, with the network namespace where it means something within that only.
type Place = (Site, u32);

/// One watched end of a connection.
#[derive(Clone, Debug)]
struct End {
    id: u64,
    resource: Arc<Resource>,
    /// When it ended.
    gone_ns: Option<u64>,
}

/// What watches a connection on this host.
#[derive(Debug, Default)]
struct Watched {
    client: Option<End>,
    server: Option<End>,
    heard_ns: u64,
}

impl Watched {
    /// The end of a role, and the other one.
    fn of(&mut self, role: Role) -> (&mut Option<End>, &mut Option<End>) {
        match role {
            Role::Client => (&mut self.client, &mut self.server),
            Role::Server => (&mut self.server, &mut self.client),
        }
    }
}

/// The watched ends of all connections.
#[derive(Debug, Default)]
pub struct Ends {
    pairs: FxHashMap<Pair, Watched>,
    /// The service that answers at an address, and its connections there that are open. No more than `pairs`.
    servers: FxHashMap<Place, (Arc<Resource>, u32)>,
}

/// A connection's place in the graph of services.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Who calls.
    pub client: Arc<str>,
    /// Who is called.
    pub server: Arc<str>,
    /// Whether the client's end is watched too (of a server's edge).
    pub is_client_watched: bool,
}

fn pair(seen: &Observation<'_>) -> Option<(Role, Pair)> {
    let role = seen.connection.role?;
    let (client, server) = match role {
        Role::Client => (&seen.connection.local, &seen.connection.remote),
        Role::Server => (&seen.connection.remote, &seen.connection.local),
    };
    // A unix socket's client has no name: nothing tells one connection from another.
    client.port?;
    let is_local = |site: &Site| site.address.starts_with("127.") || &*site.address == "::1";
    let network_namespace = if is_local(client) || is_local(server) { seen.network_namespace } else { 0 };
    Some((role, Pair { client: client.clone(), server: server.clone(), network_namespace }))
}

impl Ends {
    /// An end of a connection is there. Returns the connection at its other end, if that did not know it: its edge has a
    /// better name now.
    pub fn enter(&mut self, seen: &Observation<'_>, now_ns: u64) -> Option<u64> {
        let (role, pair) = pair(seen)?;
        if self.pairs.len() >= MAX_PAIRS && !self.pairs.contains_key(&pair) {
            return None;
        }
        let place = (role == Role::Server).then(|| pair.place());
        let ends = self.pairs.entry(pair).or_default();
        ends.heard_ns = now_ns;
        let (own, other) = ends.of(role);
        let is_here = |end: &&End| end.id == seen.id && end.gone_ns.is_none();
        let known = own.as_ref().filter(is_here);
        let is_same = known.is_some_and(|end| Arc::ptr_eq(&end.resource, seen.resource));
        // The ports were used before: what had gone before this end was there was another connection.
        let is_older = |end: &End| end.gone_ns.is_some_and(|gone_ns| gone_ns < seen.opened_ns);
        if known.is_none() && other.as_ref().is_some_and(is_older) {
            *other = None;
        }
        // An end that was there until now, without a word about its end, was counted already.
        let was_open = own.replace(End { id: seen.id, resource: Arc::clone(seen.resource), gone_ns: None });
        let is_counted = was_open.is_some_and(|end| end.gone_ns.is_none());
        if let Some(place) = place.filter(|_| !is_same) {
            let (resource, open) = self.servers.entry(place).or_insert_with(|| (Arc::clone(seen.resource), 0));
            *resource = Arc::clone(seen.resource);
            *open += u32::from(!is_counted);
        }
        other.as_ref().filter(|_| !is_same).map(|end| end.id)
    }

    /// A server has one connection less at an address.
    fn less(servers: &mut FxHashMap<Place, (Arc<Resource>, u32)>, place: Place) {
        if let Entry::Occupied(mut entry) = servers.entry(place) {
            let (_, open) = entry.get_mut();
            *open = open.saturating_sub(1);
            if *open == 0 {
                entry.remove();
            }
        }
    }

    /// An end of a connection is gone. It keeps its name as long as the other end may tell of an exchange.
    pub fn leave(&mut self, seen: &Observation<'_>, at_ns: u64) {
        let Some((role, pair)) = pair(seen) else { return };
        let Some(ends) = self.pairs.get_mut(&pair) else { return };
        ends.heard_ns = ends.heard_ns.max(at_ns);
        let (own, other) = ends.of(role);
        let Some(own) = own.as_mut().filter(|end| end.id == seen.id) else { return };
        let was_open = own.gone_ns.replace(at_ns).is_none();
        let is_over = match other {
            Some(other) => other.gone_ns.is_some(),
            // A server that is watched may accept it yet.
            None => role == Role::Server || !self.servers.contains_key(&pair.place()),
        };
        if role == Role::Server && was_open {
            Self::less(&mut self.servers, pair.place());
        }
        if is_over {
            self.pairs.remove(&pair);
        }
    }

    /// Forgets connections whose end was not seen, and those whose other end did not come after one was gone.
    pub fn forget(&mut self, before_ns: u64, gone_before_ns: u64) {
        let servers = &mut self.servers;
        self.pairs.retain(|pair, ends| {
            let is_open = |end: &Option<End>| end.as_ref().is_some_and(|end| end.gone_ns.is_none());
            let limit_ns = if is_open(&ends.client) || is_open(&ends.server) { before_ns } else { gone_before_ns };
            let stays = ends.heard_ns >= limit_ns;
            if !stays && is_open(&ends.server) {
                Self::less(servers, pair.place());
            }
            stays
        });
        room::give_back(&mut self.pairs);
        room::give_back(&mut self.servers);
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.servers.is_empty()
    }

    /// Who calls whom over a connection; `None` while its role is not known.
    #[must_use]
    pub fn edge(&self, seen: &Observation<'_>) -> Option<Edge> {
        let role = seen.connection.role?;
        let own = &seen.resource.service_name;
        let pair = pair(seen).map(|(_, pair)| pair);
        let ends = pair.as_ref().and_then(|pair| self.pairs.get(pair));
        let listening =
            || self.servers.get(&pair.as_ref()?.place()).map(|(resource, _)| Arc::clone(&resource.service_name));
        let name = |end: Option<&End>| end.map(|end| Arc::clone(&end.resource.service_name));
        let remote = &seen.connection.remote;
        Some(match role {
            Role::Client => {
                let server = name(ends.and_then(|ends| ends.server.as_ref())).or_else(listening);
                let server = server.unwrap_or_else(|| remote.text());
                Edge { client: Arc::clone(own), server, is_client_watched: true }
            }
            Role::Server => {
                let client = name(ends.and_then(|ends| ends.client.as_ref()));
                let is_client_watched = client.is_some();
                let unnamed = || match &*remote.address {
                    "" => UNKNOWN.into(),
                    _ => Arc::clone(&remote.address),
                };
                Edge { client: client.unwrap_or_else(unnamed), server: Arc::clone(own), is_client_watched }
            }
        })
    }
}
