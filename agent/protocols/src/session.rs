//! The trait that each protocol implements for one connection, and the output it writes to.

use std::any::Any;
use std::sync::Arc;

use crate::describe::headers::Headers;
use crate::describe::spoken::Spoken;
use crate::exchange::Exchange;
use crate::exchange::detail::Detail;
use crate::phase::{Phase, RequestStart};
use crate::plain::{Candidate, Plain, Random, Secret};
use crate::stream::{Chunk, Direction, Stamp};

/// How a connection (or one direction of it) ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// FIN: an orderly end.
    Orderly,
    /// RST, or an error that tore the connection down.
    Reset,
}

/// Why something did not become an exchange, or only a partial one. Counted, exported as the agent's own metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// Bytes were lost or started in the middle; the parser looked for the next certain frame boundary.
    Resync,
    /// A frame broke the rules of its protocol.
    Malformed,
    /// A response came whose request is not known: it was under way when the connection was joined, or is counted as lost.
    /// These are responses, and not further requests.
    UnmatchedResponse,
    /// A request that began before our eyes, and of which too much was lost, or of what passed before it, to say anything
    /// about it. One whose beginning was not seen is counted by the kernel.
    LostRequest,
    /// A response whose outcome was lost in a gap: its exchange is not reported.
    LostResponse,
    /// More requests were waiting for a response than the limit; the oldest was given up.
    TooManyPending,
    /// A request was not answered in the time that its protocol's clients wait (DNS).
    Unanswered,
    /// What looked like a request, on a connection that was joined midway, and was not proven to be none of a body's bytes.
    Unproven,
    /// A request had no whole response yet when its connection was followed no longer: memory was needed, the connection
    /// was silent for too long, or its end was not seen.
    Forgotten,
    /// A request had no whole response yet when the input ended, or the agent.
    UnderWay,
    /// A frame was larger than the parser's buffer and its unseen part could not be skipped by length.
    BufferFull,
    /// A cache of statements, portals or names reached its limit; the oldest entry was forgotten.
    CacheFull,
    /// An encrypted connection whose secrets did not come.
    NoKey,
    /// Secrets came, and what was encrypted was not proved to be under them: they are others, or bytes were lost or changed.
    NotProved,
    /// More was encrypted before its secret came than waits for it, or it waited for too long.
    KeyLate,
    /// Encrypted in a way that is not decrypted: an old version or cipher.
    UnsupportedSuite,
    /// The two sides agreed on new keys in a way that is not followed.
    Renegotiated,
}

impl Reason {
    /// Every reason, in the order of their discriminants.
    pub const ALL: [Self; 17] = [
        Self::Resync,
        Self::Malformed,
        Self::UnmatchedResponse,
        Self::LostRequest,
        Self::LostResponse,
        Self::TooManyPending,
        Self::Unanswered,
        Self::Unproven,
        Self::Forgotten,
        Self::UnderWay,
        Self::BufferFull,
        Self::CacheFull,
        Self::NoKey,
        Self::NotProved,
        Self::KeyLate,
        Self::UnsupportedSuite,
        Self::Renegotiated,
    ];

    /// The value of the attribute `reason` on the agent's own metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Resync => "resync",
            Self::Malformed => "malformed",
            Self::UnmatchedResponse => "unmatched_response",
            Self::LostRequest => "lost_request",
            Self::LostResponse => "lost_response",
            Self::TooManyPending => "too_many_pending",
            Self::Unanswered => "unanswered",
            Self::Unproven => "unproven",
            Self::Forgotten => "forgotten",
            Self::UnderWay => "under_way",
            Self::BufferFull => "buffer_full",
            Self::CacheFull => "cache_full",
            Self::NoKey => "no_key",
            Self::NotProved => "not_proved",
            Self::KeyLate => "key_late",
            Self::UnsupportedSuite => "unsupported_suite",
            Self::Renegotiated => "renegotiated",
        }
    }
}

/// A [`Session::budget`] for framing of which no byte may be missing: long calls are copied in pieces then. (A single call still gives no
/// more than it can.)
pub const EVERYTHING: u32 = 1 << 30;

/// Payload bytes of a turn of a connection that may be encrypted, until it is known whether that can be read, and what is inside: proof needs a
/// whole record of each direction, and of many requests at once (HTTP/2) no byte may be missing.
pub const BEFORE_KNOWN: u32 = 16 * 1024;

/// Which turns of a connection the capture layer may leave out when the agent has to save work, together with their answers.
/// It may only leave out what changes nothing for later exchanges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shedding {
    /// None.
    #[default]
    Never,
    /// Any.
    Any,
    /// Turns of messages that begin with a tag and a length, which counts itself (4 bytes, big-endian).
    Tagged {
        /// Turns with such a message stay.
        stays: u8,
        /// Turns with such a message stay, unless its body begins with a zero byte.
        stays_if_named: u8,
    },
}

/// Another protocol that a connection goes on in, by agreement.
#[derive(Debug)]
pub struct Upgrade {
    /// The protocol.
    pub to: Spoken,
    /// Position of the first byte of the server in it.
    pub server_at: u64,
    /// The request that asked for it, and is answered in it: for [`Session::take_over`].
    pub request: Box<dyn Any + Send>,
}

/// Where a session writes what it found. Reused between calls: the caller drains it.
#[derive(Debug, Default)]
pub struct Output {
    /// Finished exchanges, in the order in which they ended: within a stream that in which they began.
    pub exchanges: Vec<Exchange>,
    /// Finished phases of the connection's set-up, in the order in which they ended.
    pub phases: Vec<Phase>,
    /// Requests that began, in order. Each comes before its exchange, which may never come. The first one ends the set-up, so
    /// a protocol whose exchanges may be a driver's preamble tells none.
    pub requests: Vec<RequestStart>,
    /// What was counted, indexed by [`Reason`].
    pub counts: [u64; Reason::ALL.len()],
    /// Set when the stream left the protocol (TLS that was asked for, an upgrade, a tunnel, replication, or so
    /// many broken frames that it never was this protocol): the session is dropped and the connection only counted.
    pub left: bool,
    /// Set together with `left` when what follows is another connection inside this one (a tunnel), of which nothing
    /// has passed yet: the position of the server's first byte of it.
    pub tunnel: Option<u64>,
    /// Set together with `left` when both ends go on in another protocol, in which the last request is answered.
    pub upgrade: Option<Upgrade>,
    /// Set together with `left` when what follows is TLS.
    pub to_tls: bool,
    /// Set when a handshake began whose secrets would let the session decrypt: they are wanted from now on, each by
    /// [`Session::secret`].
    pub wants_secrets: Option<Random>,
    /// Set when a session that was joined midway holds something by which it can tell whether secrets are its own: those of sessions of
    /// the same process that go on are wanted, each by [`Session::candidate`].
    pub wants_candidates: bool,
    /// Set when it has shown that the two directions are the other way round than the session was told. From then on it is to be told
    /// the right ones.
    pub reversed: bool,
    /// What was decrypted. What it is, is for others to find out.
    pub plain: Plain,
    /// Header fields that somebody asked for, on behalf of whatever process.
    pub headers: Arc<Headers>,
    /// What an exchange said that nobody needs any more: a session may make the next one of it.
    pub spare: Option<Box<dyn Detail>>,
}

impl Output {
    /// Counts one occurrence of `reason`.
    pub fn count(&mut self, reason: Reason) {
        self.counts[reason as usize] += 1;
    }
}

/// The state of one connection in one protocol.
///
/// Chunks and gaps of one direction come in stream order; the two directions interleave in the order of their kernel
/// times, except that a response may come slightly before the request that caused it (two threads on one socket): keep
/// it until its request arrives. Nothing here reads a clock.
pub trait Session: Send {
    /// It follows another session, whose last request it answers ([`Upgrade::request`]). Comes before all else, if at all.
    fn take_over(&mut self, _request: Box<dyn Any + Send>, _out: &mut Output) {}

    /// Captured bytes passed.
    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output);

    /// `len` bytes passed that nobody could read (over budget, lost, unreadable). The next chunk follows them.
    fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output);

    /// `len` bytes passed that were left out on purpose, to save work: whole exchanges, of which nobody will be told. What
    /// comes next in this direction begins a turn, unless client and server spoke at the same time. Nothing of it is
    /// counted. By default, and wherever the session is not between two exchanges, the same as a [`gap`](Self::gap).
    fn skip(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        self.gap(direction, len, stamp, out);
    }

    /// Which of its turns may be left out to save work, as things stand.
    fn shedding(&self) -> Shedding {
        Shedding::Never
    }

    /// A secret of the handshake that it has asked for with [`Output::wants_secrets`]: in any order, perhaps more than once, perhaps after
    /// what it encrypts.
    fn secret(&mut self, _secret: &Secret, _at_ns: u64, _out: &mut Output) {}

    /// Secrets of a session of the same process that goes on, after [`Output::wants_candidates`]. True if they are its own: then it wants
    /// no others.
    fn candidate(&mut self, _candidate: &Candidate, _out: &mut Output) -> bool {
        false
    }

    /// One direction ended (FIN seen): whatever is delimited by the end of the stream is complete.
    fn half_close(&mut self, direction: Direction, at_ns: u64, out: &mut Output);

    /// The connection ended: exchanges without a complete response end now.
    fn close(&mut self, how: Close, at_ns: u64, out: &mut Output);

    /// Nothing more will be told of this connection, although it may live on: counts each request without a whole response
    /// as `reason`, and tells what is certain by now. Nothing else is called after it but [`close`](Self::close), which
    /// finds nothing to tell.
    fn abandon(&mut self, reason: Reason, out: &mut Output);

    /// Time passes: tells what was held back until a short silence would prove it. Called every second or so.
    fn rest(&mut self, _now_ns: u64, _out: &mut Output) {}

    /// Much time passes: decides what a long silence decides, and frees the buffers of a connection on which nothing
    /// passed since `before_ns`. A request is *not* given up here, however long it takes: it is over when it is answered or
    /// when its connection ends. (The exception is a protocol whose clients are known to give up, and which says so in
    /// [`patience_ns`](Self::patience_ns).) It is now at least that, or the common limit if that is shorter, later than
    /// `before_ns`.
    fn expire(&mut self, before_ns: u64, out: &mut Output);

    /// Payload bytes of a turn that framing needs from now on, where that differs from
    /// [`Protocol::turn_budget`](crate::protocol::Protocol::turn_budget).
    fn budget(&self) -> Option<u32> {
        None
    }

    /// How long after its last activity a request is given up, ns, for protocols whose clients give up by themselves.
    fn patience_ns(&self) -> u64 {
        u64::MAX
    }

    /// Heap bytes held, for the limit on all connections together.
    fn heap_bytes(&self) -> usize;
}
