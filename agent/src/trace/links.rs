//! The two ends of a call on one host: the span of the one who asked is the parent of the other's, with no header at all.
//!
//! Both ends of a TCP connection give the same byte the same number. So the connection that the server sees is found by the client's
//! address and the number of its first byte, or by both addresses where its beginning was not seen; and in it a request by
//! the number of its first byte. An address that a load balancer on the host has replaced for the client alone does no harm: it is
//! the server's. Of a unix connection both ends know the other's socket, and count bytes from first sight: mostly that is the same
//! byte, and what is asked and when tells whether it is.
//!
//! Who asks an HTTP server is promised the ids of its span when it asks, so that whatever is done for the request names the right
//! trace from the beginning. Of other protocols a server does nothing for others: its span waits until the client has the answer.

mod exchange_id;
mod waiting;

use std::collections::VecDeque;
use std::net::SocketAddr;

use rustc_hash::{FxHashMap, FxHashSet};
use wirespan_protocols::phase::Print;

use super::context::{Owner, RequestKey};
use super::span::Span;
use crate::event::{Endpoint, Open, Role, Transport, Vantage};
pub use exchange_id::ExchangeId;
use waiting::Waiting;

/// Most connections whose other end can be found.
const MAX_CONNECTIONS: usize = 64 * 1024;
/// Most requests of one connection whose ids are kept.
const MAX_ON_CONNECTION: usize = 512;

/// A connection as both ends can name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Name {
    /// The client's address, and the number of the first byte that it sent.
    Beginning(SocketAddr, u32),
    /// The client's address and the server's.
    Addresses(SocketAddr, SocketAddr),
    /// The client's end of a unix connection and the server's, as the kernel knows them.
    Sockets(u64, u64),
}

/// A name, and the network namespace where an address means something only there.
type Wire = (Name, u32);

/// The ends of a connection, as the socket of one of them sees them.
enum Ends {
    Inet { local: SocketAddr, remote: SocketAddr, namespace: u32 },
    Unix { own: u64, other: u64 },
}

impl Ends {
    fn of(open: &Open) -> Option<Self> {
        if open.transport == Transport::Unix && open.sock != 0 && open.peer_sock != 0 {
            return Some(Self::Unix { own: open.sock, other: open.peer_sock });
        }
        let (Endpoint::Inet(local), Endpoint::Inet(remote)) = (&open.local, &open.remote) else { return None };
        if open.transport != Transport::Tcp || open.vantage != Vantage::Socket {
            return None;
        }
        let plain = |address: &SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        let (local, remote) = (plain(local), plain(remote));
        let is_inner = local.ip().is_loopback();
        Some(Self::Inet { local, remote, namespace: if is_inner { open.network_namespace } else { 0 } })
    }

    /// The names that it has when this end is the client.
    fn as_client(&self, open: &Open) -> [Option<Wire>; 2] {
        match *self {
            Self::Inet { local, remote, namespace } => Self::names((local, remote), open.first_sent, namespace, open),
            Self::Unix { own, other } => [Some((Name::Sockets(own, other), 0)), None],
        }
    }

    /// Those that the other end has then.
    fn as_server(&self, open: &Open) -> [Option<Wire>; 2] {
        match *self {
            Self::Inet { local, remote, namespace } => {
                Self::names((remote, local), open.first_received, namespace, open)
            }
            Self::Unix { own, other } => [Some((Name::Sockets(other, own), 0)), None],
        }
    }

    fn names((client, server): (SocketAddr, SocketAddr), first: u64, namespace: u32, open: &Open) -> [Option<Wire>; 2] {
        let beginning = (open.from_start && first != 0).then_some(Name::Beginning(client, first as u32));
        [beginning, Some(Name::Addresses(client, server))].map(|name| Some((name?, namespace)))
    }
}

/// What a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The ids of its span.
    pub ids: Owner,
    /// What is asked, where that can be told from others.
    pub print: Option<Print>,
    /// The request that it passes on, and what is asked, where that is how its parent is known.
    pub relays: Option<(Owner, Print)>,
}

/// See the module's text.
#[derive(Debug, Default)]
pub struct Links {
    /// Connections by their names, should they be the client's.
    clients: FxHashMap<Wire, u64>,
    /// What clients asked, and what they were answered lately, by connection; in the order of its positions.
    asked: FxHashMap<u64, VecDeque<Asked>>,
    /// Clients' connections of which a server's end has looked for the other.
    met: FxHashSet<u64>,
    /// Spans of servers whose clients have not got the answer.
    waiting: Waiting,
}

impl Links {
    /// A connection was seen.
    pub fn opened(&mut self, open: &Open) {
        let Some(ends) = Ends::of(open).filter(|_| open.role != Some(Role::Server)) else { return };
        // No more than the tracker follows (`conn::Limits`), so that this is not reached.
        if self.clients.len() + 2 > 2 * MAX_CONNECTIONS {
            return;
        }
        for name in ends.as_client(open).into_iter().flatten() {
            self.clients.insert(name, open.connection);
        }
    }

    /// A connection is over. The spans of servers that waited for it.
    pub fn ended(&mut self, open: &Open) -> Vec<Span> {
        let names = Ends::of(open).map(|ends| ends.as_client(open));
        for name in names.into_iter().flatten().flatten() {
            if self.clients.get(&name) == Some(&open.connection) {
                self.clients.remove(&name);
            }
        }
        self.asked.remove(&open.connection);
        self.met.remove(&open.connection);
        self.waiting.ended(open.connection)
    }

    /// The client's end of a server's connection, if it is on this host and followed.
    pub fn client_of(&mut self, open: &Open) -> Option<u64> {
        let names = Ends::of(open)?.as_server(open);
        let found = names.into_iter().flatten().find_map(|name| self.clients.get(&name).copied());
        let client = found.filter(|client| *client != open.connection)?;
        self.met.insert(client);
        Some(client)
    }

    /// Whether a client's connection has a server's end that is followed, as far as that was seen.
    #[must_use]
    pub fn is_met(&self, client: u64) -> bool {
        !self.met.is_empty() && self.met.contains(&client)
    }

    /// A client asks, or asked: the ids of its span.
    pub fn asks(&mut self, new: Asked) {
        let asked = self.asked.entry(new.ids.request.connection).or_default();
        if asked.len() >= MAX_ON_CONNECTION {
            asked.pop_front();
        }
        asked.push_back(new);
    }

    /// Who asked for what a server has received at `pos`.
    #[must_use]
    pub fn asker(&self, client: u64, pos: u64) -> Option<Asked> {
        // Numbers of TCP, which each end has extended by itself.
        let is_same = |asked: &&Asked| asked.ids.request.pos as u32 == pos as u32;
        self.asked.get(&client)?.iter().rev().find(is_same).copied()
    }

    /// What was known of a client's request, which is over; those before it on its stream are forgotten, too.
    pub fn answered(&mut self, request: RequestKey) -> Option<Asked> {
        let asked = self.asked.get_mut(&request.connection)?;
        let at = asked.iter().position(|asked| asked.ids.request == request)?;
        if at == 0 {
            return asked.pop_front();
        }
        let found = asked.get(at).copied();
        let mut place = 0..;
        asked.retain(|asked| place.next() > Some(at) || asked.ids.request.stream != request.stream);
        found
    }

    /// The span of a server's request at `pos` waits until its client has the answer. It comes back if there is no room.
    pub fn hold(&mut self, client: u64, pos: u64, at_ns: u64, span: Span) -> Option<Span> {
        self.waiting.hold(client, pos as u32, at_ns, span)
    }

    /// The span of a server that waited for a client's request.
    pub fn release(&mut self, request: RequestKey) -> Option<Span> {
        self.waiting.take(request.connection, request.pos as u32)
    }

    /// The spans of servers that have waited long enough. Event time has come to `now_ns`.
    pub fn expired(&mut self, now_ns: u64) -> Vec<Span> {
        self.waiting.expired(now_ns)
    }
}

#[cfg(test)]
mod tests;
