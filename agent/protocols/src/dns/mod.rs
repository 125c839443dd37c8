//! DNS: look-ups over UDP and TCP (RFC 1035, RFC 7766).
//!
//! Queries and answers are matched by id and question, so many may be in flight and answers may come in any order. A
//! query that is sent again is the same look-up. EDNS options are passed over; an answer that was cut to fit into its
//! datagram (`TC`) is an answer. Updates, notifications and zone transfers are no look-ups and are passed over.
//!
//! - `message`: one message; `kinds`: names of question types;
//! - `lookups`: queries that wait for answers;
//! - `datagram`, `stream`: messages out of UDP and TCP.
//!
//! Limits: 64 queries wait at once, 6 s each since they were last sent; 16 addresses of an answer are kept. An answer
//! that was lost makes the queries that waited then unknown: they are not reported as unanswered.

mod datagram;
mod kinds;
mod lookups;
mod message;
mod stream;
#[cfg(test)]
mod tests;

use crate::registry::{Context, Probe, Protocol};
use crate::session::Session;
use std::net::IpAddr;

/// One question and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsExchange {
    /// Name asked for, without the last dot, lower case; at most 255 bytes.
    pub name: Box<str>,
    /// Type of the question by its mnemonic (`A`, `AAAA`, `SRV` …); unknown ones as `TYPE65280`.
    pub question: Box<str>,
    /// `RCODE` of the answer; `None` without one.
    pub response_code: Option<u8>,
    /// Addresses of the answer, in its order; at most 16, and fewer where its end was not captured.
    pub addresses: Vec<IpAddr>,
}

/// The registry entry of DNS over TCP.
pub const PROTOCOL: Protocol = Protocol { name: "dns", probe: stream::probe, answers: None, open, turn_budget: None };

/// DNS over UDP. Its probe looks at one datagram; it is no part of the registry, since datagrams are nothing else here.
pub static DATAGRAMS: Protocol =
    Protocol { name: "dns", probe: probe_datagram, answers: None, open: |_| open_datagram(), turn_budget: None };

fn open(from_start: bool) -> Box<dyn Session> {
    Box::new(stream::Stream::new(from_start))
}

/// Opens a session over UDP: each call is one datagram.
#[must_use]
pub fn open_datagram() -> Box<dyn Session> {
    Box::new(datagram::Datagrams::default())
}

fn probe_datagram(bytes: &[u8], _context: Context) -> Probe {
    stream::whole(bytes).map_or(Probe::No, Probe::Yes)
}
