//! What a span says about its connection: addresses as text, rendered once per connection, and who is who.

use std::sync::Arc;

use wirespan_protocols::describe::spoken::FamilyName;
use wirespan_protocols::describe::value::Kind;
pub use wirespan_protocols::describe::view::{Site, View};

use super::peers::Name;
use crate::event::{Endpoint, Role, Vantage};

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
    /// Which service the peer is, if somebody knows.
    pub peer: Option<Arc<Name>>,
    /// Whether it is encrypted.
    pub is_encrypted: bool,
}

impl ConnectionFacts {
    /// Renders the addresses.
    #[must_use]
    pub fn new(role: impl Into<Option<Role>>, vantage: Vantage, local: &Endpoint, remote: &Endpoint) -> Self {
        Self {
            role: role.into(),
            vantage,
            local: local.into(),
            remote: remote.into(),
            client: None,
            peer: None,
            is_encrypted: false,
        }
    }

    /// The connection as the span of an exchange of a family sees it: the kind is that of the observed end. On the wire each
    /// exchange is told once, from the side that tells those of its family.
    #[must_use]
    pub fn view(&self, family: FamilyName) -> View<'_> {
        // What has no role yet has no exchange, and so no view.
        let role = self.role.unwrap_or(Role::Client);
        let (server, client) = match role {
            Role::Server => (&self.local, &self.remote),
            Role::Client => (&self.remote, &self.local),
        };
        let kind = match (self.vantage, role) {
            (Vantage::Wire, _) => family.on_the_wire(),
            (Vantage::Socket, Role::Server) => Kind::Server,
            (Vantage::Socket, Role::Client) => Kind::Client,
        };
        let peer = if kind == Kind::Server { client } else { server };
        View { kind, server, peer, client: self.client.as_ref().unwrap_or(client), is_encrypted: self.is_encrypted }
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
            let view = facts.view(if database { FamilyName::Database } else { FamilyName::Http });
            let seen = (view.kind, view.server.port, view.peer.port);
            assert_eq!(seen, (kind, Some(server), Some(peer)), "{role:?} {vantage:?} {database}");
        }
    }
}
