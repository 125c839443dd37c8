//! What a span says about its connection: addresses as text, rendered once per connection, and who is who.

use std::sync::Arc;

use super::span::{Attribute, Kind, Value};
use crate::event::{Endpoint, Role, Vantage};

/// One end of a connection, ready to be put into attributes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    /// IP address (an IPv4 address in IPv6 clothes is shown as IPv4), or path of a unix socket; may be empty.
    pub address: Arc<str>,
    /// TCP port; `None` for unix sockets.
    pub port: Option<u16>,
}

impl From<&Endpoint> for Site {
    fn from(endpoint: &Endpoint) -> Self {
        match endpoint {
            Endpoint::Inet(address) => {
                Self { address: address.ip().to_canonical().to_string().into(), port: Some(address.port()) }
            }
            Endpoint::Unix(path) => Self { address: Arc::clone(path), port: None },
        }
    }
}

/// What spans need to know of a connection. Rendered once and kept with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionFacts {
    /// Which end the observed socket is: from the set-up, or from the direction in which requests travel. Known of
    /// every connection whose protocol is.
    pub role: Option<Role>,
    /// From where it is observed.
    pub vantage: Vantage,
    /// The observed socket's own address.
    pub local: Site,
    /// Its peer's.
    pub remote: Site,
    /// The client's address, if a proxy said for whom it made the connection.
    pub client: Option<Site>,
}

impl ConnectionFacts {
    /// Renders the addresses.
    #[must_use]
    pub fn new(role: impl Into<Option<Role>>, vantage: Vantage, local: &Endpoint, remote: &Endpoint) -> Self {
        Self { role: role.into(), vantage, local: local.into(), remote: remote.into(), client: None }
    }
}

/// A connection as one span sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub(crate) kind: Kind,
    /// The end that answers.
    pub(crate) server: &'a Site,
    /// The end that is not the span's own.
    pub(crate) peer: &'a Site,
    /// The client, as far as the connection tells.
    pub(crate) client: &'a Site,
}

impl<'a> View<'a> {
    /// HTTP: the kind is that of the observed end; on the wire each exchange is told once, as the server's.
    pub(crate) fn of_http(connection: &'a ConnectionFacts) -> Self {
        Self::new(connection, Kind::Server)
    }

    /// Databases: a database process is a server; on the wire each exchange is told once, as the client's, which is
    /// how the conventions describe a database call.
    pub(crate) fn of_database(connection: &'a ConnectionFacts) -> Self {
        Self::new(connection, Kind::Client)
    }

    fn new(connection: &'a ConnectionFacts, on_the_wire: Kind) -> Self {
        // What has no role yet has no exchange, and so no view.
        let role = connection.role.unwrap_or(Role::Client);
        let (server, client) = match role {
            Role::Server => (&connection.local, &connection.remote),
            Role::Client => (&connection.remote, &connection.local),
        };
        let kind = match (connection.vantage, role) {
            (Vantage::Wire, _) => on_the_wire,
            (Vantage::Socket, Role::Server) => Kind::Server,
            (Vantage::Socket, Role::Client) => Kind::Client,
        };
        let peer = if kind == Kind::Server { client } else { server };
        Self { kind, server, peer, client: connection.client.as_ref().unwrap_or(client) }
    }

    /// `network.peer.*`, and `network.transport` where it is not the usual TCP.
    pub(crate) fn peer_attributes(&self, attributes: &mut Vec<Attribute>) {
        if !self.peer.address.is_empty() {
            attributes.push(("network.peer.address", Value::shared(&self.peer.address)));
        }
        match self.peer.port {
            Some(port) => attributes.push(("network.peer.port", Value::Int(port.into()))),
            None => attributes.push(("network.transport", Value::Static("unix"))),
        }
    }

    /// `server.address`, and `server.port` where it is not `usual_port`.
    pub(crate) fn server_attributes(&self, usual_port: u16, attributes: &mut Vec<Attribute>) {
        if !self.server.address.is_empty() {
            attributes.push(("server.address", Value::shared(&self.server.address)));
        }
        if let Some(port) = self.server.port.filter(|port| *port != usual_port) {
            attributes.push(("server.port", Value::Int(port.into())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_rendered_as_a_person_writes_them() {
        let site = |text: &str| Site::from(&Endpoint::Inet(text.parse().unwrap()));
        assert_eq!(site("10.0.0.1:80"), Site { address: "10.0.0.1".into(), port: Some(80) });
        assert_eq!(&*site("[::1]:80").address, "::1");
        assert_eq!(&*site("[::ffff:127.0.0.1]:80").address, "127.0.0.1");
        assert_eq!(Site::from(&Endpoint::Unix("@bus".into())), Site { address: "@bus".into(), port: None });
    }

    #[test]
    fn who_is_who() {
        let near = Endpoint::Inet("10.0.0.1:5000".parse().unwrap());
        let far = Endpoint::Inet("10.0.0.2:6000".parse().unwrap());
        // Role, vantage, database? → kind, port of the server, port of the peer.
        let cases = [
            (Role::Server, Vantage::Socket, false, Kind::Server, 5000, 6000),
            (Role::Client, Vantage::Socket, false, Kind::Client, 6000, 6000),
            (Role::Server, Vantage::Socket, true, Kind::Server, 5000, 6000),
            (Role::Client, Vantage::Socket, true, Kind::Client, 6000, 6000),
            (Role::Server, Vantage::Wire, false, Kind::Server, 5000, 6000),
            (Role::Client, Vantage::Wire, false, Kind::Server, 6000, 5000),
            (Role::Server, Vantage::Wire, true, Kind::Client, 5000, 5000),
            (Role::Client, Vantage::Wire, true, Kind::Client, 6000, 6000),
        ];
        for (role, vantage, database, kind, server, peer) in cases {
            let facts = ConnectionFacts::new(role, vantage, &near, &far);
            let view = if database { View::of_database(&facts) } else { View::of_http(&facts) };
            let seen = (view.kind, view.server.port, view.peer.port);
            assert_eq!(seen, (kind, Some(server), Some(peer)), "{role:?} {vantage:?} {database}");
        }
    }
}
