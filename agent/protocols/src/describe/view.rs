//! A connection as one span sees it: its ends as text, and who is who.

use std::sync::Arc;

use wirespan_semconv as semconv;

use super::value::{Attribute, Kind, Value};

/// One end of a connection, ready to be put into attributes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    /// IP address (an IPv4 address in IPv6 clothes is shown as IPv4), or path of a unix socket; may be empty.
    pub address: Arc<str>,
    /// TCP port; `None` for unix sockets.
    pub port: Option<u16>,
}

impl Site {
    /// As text: `10.0.0.7:5432`, `[::1]:5432`, `/run/db.sock`.
    #[must_use]
    pub fn text(&self) -> Arc<str> {
        match self.port {
            Some(port) if self.address.contains(':') => format!("[{}]:{port}", self.address).into(),
            Some(port) => format!("{}:{port}", self.address).into(),
            None => Arc::clone(&self.address),
        }
    }
}

/// A connection as one span sees it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Which side the span is told from.
    pub kind: Kind,
    /// The end that answers.
    pub server: &'a Site,
    /// The end that is not the span's own.
    pub peer: &'a Site,
    /// The client, as far as the connection tells.
    pub client: &'a Site,
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
}

impl View<'_> {
    /// `network.peer.*`, and `network.transport` where it is not the usual TCP.
    pub fn peer_attributes(&self, attributes: &mut Vec<Attribute>) {
        if !self.peer.address.is_empty() {
            attributes.push((semconv::NETWORK_PEER_ADDRESS, Value::shared(&self.peer.address)));
        }
        match self.peer.port {
            Some(port) => attributes.push((semconv::NETWORK_PEER_PORT, Value::Int(port.into()))),
            None => attributes.push((semconv::NETWORK_TRANSPORT, Value::Static("unix"))),
        }
    }

    /// `server.address`, and `server.port` where it is not `usual_port`.
    pub fn server_attributes(&self, usual_port: u16, attributes: &mut Vec<Attribute>) {
        if !self.server.address.is_empty() {
            attributes.push((semconv::SERVER_ADDRESS, Value::shared(&self.server.address)));
        }
        if let Some(port) = self.server.port.filter(|port| *port != usual_port) {
            attributes.push((semconv::SERVER_PORT, Value::Int(port.into())));
        }
    }
}
