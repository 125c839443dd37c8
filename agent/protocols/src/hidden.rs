//! What a protocol tells of itself where its bytes are encrypted: by which name it is offered, and what the sizes of its
//! messages say. Whoever follows the encryption asks for it, and knows no protocol.

use std::fmt::Debug;

use crate::phase::Phase;
use crate::stream::Actor;

/// What is known of an encrypted protocol.
#[derive(Clone, Copy, Debug)]
pub struct Hidden {
    /// Name by which clients offer it (ALPN, RFC 7301), if they do.
    pub offer: Option<&'static str>,
    /// Follows its authentication.
    pub sign_in: Option<fn() -> Box<dyn SignIn>>,
    /// Knows the preambles of its drivers.
    pub preamble: Option<fn() -> Box<dyn Preamble>>,
    /// Sizes of a request that ends a connection, and of its answer.
    pub farewell: Option<Sizes>,
    /// How a user sees its requests all the same, for a try.
    pub in_clear: Option<&'static str>,
}

impl Hidden {
    /// Nothing is known.
    pub const NOTHING: Self = Self { offer: None, sign_in: None, preamble: None, farewell: None, in_clear: None };
}

/// Sizes of a round trip, bytes of plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Of the request.
    pub request: u64,
    /// Of the response.
    pub response: u64,
}

/// A round trip of an authentication.
#[derive(Clone, Copy, Debug)]
pub struct RoundTrip {
    /// First byte of the request, ns.
    pub start_ns: u64,
    /// Last byte of the response, ns.
    pub end_ns: u64,
    /// Who asked.
    pub actor: Actor,
    /// Plaintext bytes of the request.
    pub request: u64,
    /// Plaintext bytes of the last record of the response: a server sends each request for authentication by itself, after
    /// session tickets, if any.
    pub answer: u64,
}

/// What is known after a round trip.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// More of them belong to it.
    Goes,
    /// It is over.
    Over(Phase),
    /// The client's answer was met with what looks like an error. If the server ends the connection now, it was one.
    Refused,
    /// The sizes fit no method.
    Unknown,
}

/// The authentication of one connection, by the sizes of its messages.
pub trait SignIn: Debug + Send {
    /// Takes in a round trip.
    fn round(&mut self, round: &RoundTrip) -> Verdict;

    /// The server ended the connection: the phase, if it had refused the client.
    fn refused(self: Box<Self>) -> Option<Phase>;
}

/// Round trips with requests of one size, at one place of many connections.
#[derive(Clone, Copy, Debug)]
pub struct Alike {
    /// Plaintext bytes of the requests.
    pub request: u64,
    /// Those of the smallest response.
    pub smallest: u64,
    /// Those of the largest one.
    pub largest: u64,
}

/// What drivers send before the first request of a program, by the sizes of its messages. One for the places of the same
/// connections, in order.
pub trait Preamble {
    /// Whether the next round trips are such, which have not been met before as often as they come.
    fn take(&mut self, alike: &Alike) -> bool;
}
