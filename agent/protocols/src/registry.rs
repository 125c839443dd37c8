//! The list of protocols and detection by content. Never by port.

use crate::session::Session;
use crate::stream::Direction;

/// What is known about bytes that are to be recognised.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The direction, if the connection's roles are known.
    pub direction: Option<Direction>,
    /// Whether these are the first bytes of their direction (false: attached in mid-connection, or after a gap).
    pub from_start: bool,
}

/// A protocol's opinion on some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Certainly this protocol, and bytes of this kind travel in this direction.
    Yes(Direction),
    /// Could be, with more bytes.
    Maybe,
    /// Certainly not, as far as these bytes go (in mid-connection: not at a recognisable boundary).
    No,
}

/// Whether a request and the answer to it are certainly of one protocol.
pub type Answers = fn(request: &[u8], response: &[u8]) -> bool;

/// A protocol: a name, a way to recognise it and a way to follow it.
pub struct Protocol {
    /// Short lower-case name, used in metrics and configuration.
    pub name: &'static str,
    /// Looks at the bytes of one direction from a system-call boundary on (at most a few hundred are given).
    pub probe: fn(&[u8], Context) -> Probe,
    /// Whether a client's first bytes and the server's first answer to them are certainly of this protocol, where neither
    /// alone is. `None`: there is no such case.
    pub answers: Option<Answers>,
    /// Opens a session. `from_start`: both directions are followed from their first byte.
    pub open: fn(from_start: bool) -> Box<dyn Session>,
    /// Payload bytes of a turn (a run of calls in one direction) that framing needs, where the default of the capture
    /// layer, enough for headers, is too small.
    pub turn_budget: Option<u32>,
}

/// Every protocol that wirespan understands, most common first. A new protocol is a folder and a line here.
pub static PROTOCOLS: &[Protocol] = &[
    crate::http1::PROTOCOL,
    crate::postgres::PROTOCOL,
    crate::redis::PROTOCOL,
    crate::tls::PROTOCOL,
    crate::dns::PROTOCOL,
];

/// The protocol of which `response` answers `request`, where neither alone was certain.
#[must_use]
pub fn agree(request: &[u8], response: &[u8]) -> Option<&'static Protocol> {
    PROTOCOLS.iter().find(|protocol| protocol.answers.is_some_and(|answers| answers(request, response)))
}

/// The verdict on a connection's bytes.
#[derive(Clone, Copy)]
pub enum Verdict {
    /// It is this protocol, and the probed bytes travelled in this direction.
    Match(&'static Protocol, Direction),
    /// Not certain yet.
    Unsure,
    /// None of ours.
    None,
}

/// Asks each protocol in turn.
#[must_use]
pub fn detect(bytes: &[u8], context: Context) -> Verdict {
    let mut unsure = false;
    for protocol in PROTOCOLS {
        match (protocol.probe)(bytes, context) {
            Probe::Yes(direction) if context.direction.is_none_or(|known| known == direction) => {
                return Verdict::Match(protocol, direction);
            }
            Probe::Maybe => unsure = true,
            Probe::Yes(_) | Probe::No => {}
        }
    }
    if unsure { Verdict::Unsure } else { Verdict::None }
}
