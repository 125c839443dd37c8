//! The name of an exchange that both ends of its connection make alike, so that whoever has the spans of both can join what two agents
//! saw. It is what the ends on one host find each other by: the client's address and the number of the request's first byte.
//!
//! The server's address is no part of it, because a load balancer may have replaced it for the client alone (a Kubernetes
//! Service). One that replaces the client's address, or a proxy, makes two names: then nothing is joined, and nothing wrongly.

use std::fmt;
use std::net::SocketAddr;

use super::Ends;
use crate::event::{Open, Role};

/// See the module's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeId {
    client: SocketAddr,
    /// TCP's sequence number of the request's first byte. The positions of each end are extended to 64 bits by itself; the numbers
    /// come again after 4 GiB of requests.
    number: u32,
}

impl ExchangeId {
    /// That of a request at `pos`, on a connection of which this end is the `role`. `None` where the other end could not know it:
    /// positions that are counted from first sight, or addresses that mean something on one host alone.
    #[must_use]
    pub fn of(open: &Open, role: Role, pos: u64) -> Option<Self> {
        let Ends::Inet { local, remote, .. } = Ends::of(open).filter(|_| !open.is_counted())? else { return None };
        let client = if role == Role::Client { local } else { remote };
        (!client.ip().is_loopback()).then_some(Self { client, number: pos as u32 })
    }
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.client, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::open;
    use super::*;
    use crate::event::{Transport, Vantage};

    fn told(open: &Open, role: Role, pos: u64) -> Option<String> {
        ExchangeId::of(open, role, pos).map(|id| id.to_string())
    }

    #[test]
    fn both_ends_tell_the_same() {
        let client = open(1, "10.0.0.1:40000", "10.96.0.9:80", (7001, 9001));
        // It joined midway, after 4 GiB; behind a load balancer; and writes addresses in another way.
        let server = open(2, "[::ffff:10.0.0.2]:8080", "[::ffff:10.0.0.1]:40000", (0, 4000));
        let id = told(&client, Role::Client, 0x1_0000_1234);
        assert_eq!(id.as_deref(), Some("10.0.0.1:40000/4660"));
        assert_eq!(told(&server, Role::Server, 0x1234), id);
        assert_ne!(told(&server, Role::Server, 0x1235), id);
        let v6 = open(3, "[2001:db8::1]:40000", "[2001:db8::2]:80", (7001, 9001));
        assert_eq!(told(&v6, Role::Client, u64::MAX).as_deref(), Some("[2001:db8::1]:40000/4294967295"));
    }

    #[test]
    fn what_the_other_end_cannot_know_is_not_told() {
        let counted = open(1, "10.0.0.1:40000", "10.0.0.2:80", (0, 0));
        let inner = open(1, "127.0.0.1:40000", "127.0.0.1:80", (7001, 9001));
        let datagrams = Open { transport: Transport::Udp, ..open(1, "10.0.0.1:40000", "10.0.0.2:80", (7001, 9001)) };
        let unix = Open { transport: Transport::Unix, peer_sock: 2, ..counted.clone() };
        let wire = Open { vantage: Vantage::Wire, ..open(1, "10.0.0.1:40000", "10.0.0.2:80", (7001, 9001)) };
        for open in [counted, inner, datagrams, unix, wire] {
            assert_eq!(told(&open, Role::Client, 7001), None, "{open:?}");
        }
    }
}
