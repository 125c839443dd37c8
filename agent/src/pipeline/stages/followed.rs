//! What the stages keep with a connection.

use std::net::SocketAddr;

use super::sole::Sole;
use crate::conn::Connection;
use crate::conn::fact::Lookup;
use crate::event::{Endpoint, Role, Vantage};
use crate::trace::connection::{ConnectionFacts, Site};
use crate::trace::peers::Peers;
use crate::trace::route::Recent;
use crate::trace::setup::Paid;

/// See the module.
pub struct Followed {
    /// What spans need to know of it.
    pub facts: ConnectionFacts,
    /// Whether the observers know of it.
    pub observed: bool,
    /// Where the client's end of a server's connection is.
    pub caller: Caller,
    /// The last request that a server's connection was told of: its position, and by which event.
    pub begun: (u64, u64),
    /// Of a client's connection: whether a request was the only one.
    pub sole: Sole,
    /// The route of its last request.
    pub recent_route: Recent,
    /// Its peer's address, unless that is a path.
    remote: Option<SocketAddr>,
    /// When it was opened, kernel time, ns.
    opened_ns: u64,
    /// What was known of peers when its own was looked for in vain.
    pub unnamed: Option<u32>,
    /// What its set-up and its first request need.
    pub beginning: Option<Box<Beginning>>,
}

/// The client's end of a server's connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// Not looked for.
    #[default]
    Unknown,
    /// So often looked for, and not found.
    Missed(u8),
    /// The connection of which it is the other end.
    Found(u64),
}

/// What is kept of a connection until it was used.
#[derive(Default)]
pub struct Beginning {
    /// Look-ups of its address.
    pub lookups: Vec<Lookup>,
    /// What its set-up took.
    pub paid: Option<Paid>,
}

impl Followed {
    /// That of a connection, with its role as it is known now.
    pub fn of(connection: &mut Connection<Self>) -> &mut Self {
        let is_encrypted = connection.is_encrypted();
        let open = &connection.open;
        let followed = connection.extra.get_or_insert_with(|| Self {
            facts: ConnectionFacts::new(connection.role, open.vantage, &open.local, &open.remote),
            observed: false,
            caller: Caller::default(),
            begun: (0, 0),
            sole: Sole::default(),
            recent_route: Recent::default(),
            remote: match open.remote {
                Endpoint::Inet(remote) => Some(remote),
                Endpoint::Unix(_) => None,
            },
            opened_ns: open.at_ns,
            unnamed: None,
            beginning: None,
        });
        followed.facts.role = connection.role;
        followed.facts.is_encrypted = is_encrypted;
        if let Some(client) = connection.client.filter(|_| followed.facts.client.is_none()) {
            followed.facts.client = Some(Site::from(&Endpoint::Inet(client)));
        }
        followed
    }

    /// Looks for the name of the peer: once, and again only while nobody knows it and more is known of others.
    pub fn named(&mut self, peers: &Peers) -> &mut Self {
        let revision = Some(peers.revision());
        let Some(remote) = self.remote.filter(|_| self.facts.peer.is_none() && self.unnamed != revision) else {
            return self;
        };
        self.unnamed = revision;
        let name = match (self.facts.vantage, self.facts.role) {
            (Vantage::Socket, Some(Role::Client)) => peers.asked(remote, self.opened_ns),
            (Vantage::Socket, Some(Role::Server)) => peers.asking(remote.ip(), self.opened_ns),
            (Vantage::Wire, _) | (_, None) => None,
        };
        self.facts.peer = name.cloned();
        self
    }
}
