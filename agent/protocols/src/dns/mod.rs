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
mod describe;
mod kinds;
mod lookups;
mod message;
mod stream;
#[cfg(test)]
mod tests;

use crate::describe::spoken::{FamilyName, Spoken};
use crate::protocol::{Context, Opening, Probe, Protocol};
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

/// Name and family.
const SPOKEN: Spoken = Spoken { name: "dns", family: FamilyName::Lookup };

/// The registry entry of DNS: over TCP, and in [`datagrams`](Protocol::datagrams).
pub static PROTOCOL: Protocol =
    Protocol { datagrams: Some(&DATAGRAMS), ..Protocol::new(SPOKEN, "DNS", stream::probe, open) };

/// Over UDP. Its probe looks at one datagram, and each call is one.
static DATAGRAMS: Protocol = Protocol::new(SPOKEN, "DNS", probe_datagram, |_| Box::new(datagram::Datagrams::default()));

fn open(opening: &Opening) -> Box<dyn Session> {
    Box::new(stream::Stream::new(opening.from_start))
}

fn probe_datagram(bytes: &[u8], _context: Context) -> Probe {
    stream::whole(bytes).map_or(Probe::No, Probe::Yes)
}
