//! What the tracker tells of a connection, in the order in which it became known.

use crate::event::{Change, Stats};
use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::phase::{Phase, RequestStart};
use wirespan_protocols::stream::Actor;

/// Something that became known of a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// First sight, or a connect that failed. Comes first.
    Opened,
    /// A request began. Its exchange comes later, or never.
    Request(RequestStart),
    /// The connection is set up, or failed to be. At most once a connection, and before its first exchange that is no
    /// part of the set-up.
    SetUp(Box<SetUp>),
    /// A request and its response.
    Exchange(Exchange, Use),
    /// What the kernel knows of its quality now.
    Stats(Stats),
    /// It is over. Comes last.
    Ended(End),
}

/// Which use of its connection an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// It is a part of the set-up: a driver's preamble, or a start-up that failed.
    Preamble,
    /// The connection was set up for it: it is the first one, and came within a second of the set-up.
    First,
    /// The first one, on a connection that had been ready for over a second: it did not wait for the set-up.
    Ready,
    /// Others came before it.
    Again,
    /// The beginning of the connection was not seen.
    Unknown,
}

/// How a connection was set up: the TCP handshake and what came before the first real request. Kernel times, ns.
#[derive(Clone, Debug, PartialEq)]
pub struct SetUp {
    /// Beginning of the first phase.
    pub start_ns: u64,
    /// End of the last phase, or of the failure.
    pub end_ns: u64,
    /// Who connected, or accepted; the process is 0 when unknown.
    pub actor: Actor,
    /// Look-ups of the address that was connected to (client only), in the order of their beginnings; at most
    /// [`MAX_LOOKUPS`]. They pass over other connections: the tracker leaves this empty, the trace stage fills it.
    pub lookups: Vec<Lookup>,
    /// SYN sent to established (client only).
    pub tcp: Option<TcpConnect>,
    /// Established to accepted (server only), where a hook shows it.
    pub accept_wait_ns: Option<u64>,
    /// TLS, encryption request, authentication, in the order of their beginnings; at most [`MAX_PHASES`].
    pub phases: Vec<Phase>,
    /// What a driver sends before the first real request; at most [`MAX_PREAMBLE`] steps.
    pub preamble: Vec<PreambleStep>,
    /// Why it failed, in the words of `error.type`; `None` when it succeeded.
    pub error: Option<Box<str>>,
}

impl SetUp {
    /// One that begins at this time, ns, and of which nothing else is known yet.
    #[must_use]
    pub const fn beginning(at_ns: u64, actor: Actor) -> Self {
        Self {
            start_ns: at_ns,
            end_ns: at_ns,
            actor,
            lookups: Vec::new(),
            tcp: None,
            accept_wait_ns: None,
            phases: Vec::new(),
            preamble: Vec::new(),
            error: None,
        }
    }
}

/// The TCP handshake of the connecting side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpConnect {
    /// SYN sent.
    pub start_ns: u64,
    /// Established, or failed.
    pub end_ns: u64,
    /// SYNs sent again.
    pub retransmits: u32,
    /// `errno` of the failure, 0 if none.
    pub error: u32,
}

/// A DNS look-up whose answer was connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// First byte of the question.
    pub start_ns: u64,
    /// Last byte of the answer, or the end of the wait for it.
    pub end_ns: u64,
    /// Name asked for.
    pub name: Box<str>,
    /// Type of the question: `A`, `AAAA`.
    pub question: Box<str>,
    /// Why it failed, in the words of `error.type`: `nxdomain`, `timeout`. The answer that helped was another one's.
    pub error: Option<Box<str>>,
}

/// One exchange of a driver's preamble: what it sends before the first request of its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreambleStep {
    /// First byte of the request.
    pub start_ns: u64,
    /// End of the exchange.
    pub end_ns: u64,
    /// Operation or statement summary, low in cardinality: `HELLO`, `SET`, `SELECT version()`; empty when encrypted.
    pub what: Box<str>,
}

/// Most phases kept of one set-up.
pub const MAX_PHASES: usize = 8;
/// Most look-ups kept of one set-up.
pub const MAX_LOOKUPS: usize = 4;
/// Most steps kept of one preamble.
pub const MAX_PREAMBLE: usize = 16;

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// How it ended.
    pub change: Change,
    /// Kernel time, ns.
    pub at_ns: u64,
    /// `errno` of the socket, 0 if none.
    pub error: u32,
    /// Whether the peer had ended its direction before.
    pub peer_first: bool,
    /// Exchanges that passed over it.
    pub exchanges: u64,
    /// It may live on, but nothing more will be told of it: it was silent for too long, or its session took too much
    /// memory, or its end was not seen. When it speaks again it is told as a new one, without a set-up.
    pub forgotten: bool,
}
