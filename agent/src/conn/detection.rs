//! Holds the first bytes of a connection back until their protocol is certain, or it is certain that it is none.

use crate::event::Flow;
use wirespan_protocols::registry::{Context, Protocol, Verdict, agree, detect};
use wirespan_protocols::stream::{Direction, Stamp};

/// Most bytes held back for one connection.
const MAX_HELD: usize = 8 * 1024;
/// Most calls held back for one connection.
const MAX_CALLS: usize = 16;
/// Calls of a connection that was joined midway at which its protocol may still be recognised: the first ones may lie in
/// the middle of a message.
const MAX_ATTEMPTS: u32 = 64;

/// A piece of a stream that waits for the verdict.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Captured bytes at `position`.
    Bytes {
        /// Position of the first.
        position: u64,
        /// The bytes.
        bytes: Vec<u8>,
        /// The last byte is the last of its call.
        ends_call: bool,
    },
    /// Bytes that nobody saw.
    Gap(u64),
}

/// A piece, its way and its stamp.
#[derive(Clone, Debug)]
pub struct Held {
    /// Which way it went.
    pub flow: Flow,
    /// The piece.
    pub piece: Piece,
    /// When and by whom.
    pub stamp: Stamp,
}

/// What detection says after another piece.
pub enum Outcome {
    /// More is needed.
    Waiting,
    /// It is this protocol; bytes of `flow` travel in `direction`. Replay what was held.
    Found {
        /// The protocol.
        protocol: &'static Protocol,
        /// Way of the bytes that were recognised.
        flow: Flow,
        /// Their direction.
        direction: Direction,
    },
    /// None of ours.
    Foreign,
}

/// The state of detection for one connection.
#[derive(Debug)]
pub struct Detection {
    from_start: bool,
    /// The next piece may be the connection's first.
    may_begin: bool,
    attempts: u32,
    bytes: usize,
    /// What was held back, in order.
    pub held: Vec<Held>,
}

impl Detection {
    /// `from_start`: the first byte of both directions will be seen.
    #[must_use]
    pub fn new(from_start: bool) -> Self {
        Self { from_start, may_begin: false, attempts: 0, bytes: 0, held: Vec::new() }
    }

    /// Unix sockets do not tell whether something passed before: if the first bytes seen make no sense but as a
    /// beginning, they are one.
    #[must_use]
    pub fn perhaps_from_start() -> Self {
        Self { may_begin: true, ..Self::new(false) }
    }

    /// Whether both directions were held from their first byte.
    #[must_use]
    pub fn is_from_start(&self) -> bool {
        self.from_start
    }

    /// Heap bytes of what is held back.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.bytes + self.held.capacity() * size_of::<Held>()
    }

    /// Takes in a piece and looks again. `direction` of the piece's flow, if the roles are known.
    pub fn push(&mut self, held: Held, direction: Option<Direction>) -> Outcome {
        let flow = held.flow;
        if let Piece::Bytes { bytes, .. } = &held.piece {
            self.bytes += bytes.len();
        }
        let is_gap = matches!(held.piece, Piece::Gap(_));
        self.held.push(held);
        if is_gap {
            // Whatever began before the gap will not become clearer.
            return if self.from_start { self.lose() } else { self.restart() };
        }
        let joined = self.joined(flow);
        let verdict = detect(&joined, Context { direction, from_start: self.from_start });
        if std::mem::take(&mut self.may_begin)
            && !matches!(verdict, Verdict::Match(..))
            && let Verdict::Match(protocol, Direction::ToServer) =
                detect(&joined, Context { direction, from_start: true })
        {
            self.from_start = true;
            return Outcome::Found { protocol, flow, direction: Direction::ToServer };
        }
        if !matches!(verdict, Verdict::Match(..))
            && direction != Some(Direction::ToServer)
            && let Some(protocol) = self.agreed(flow, &joined)
        {
            return Outcome::Found { protocol, flow, direction: Direction::ToClient };
        }
        match verdict {
            Verdict::Match(protocol, direction) => Outcome::Found { protocol, flow, direction },
            Verdict::Unsure if self.bytes <= MAX_HELD && self.held.len() <= MAX_CALLS => Outcome::Waiting,
            Verdict::Unsure | Verdict::None => self.refuse(flow, direction),
        }
    }

    /// The bytes of one way since the last gap. Bounded by [`MAX_HELD`] and one call.
    fn joined(&self, flow: Flow) -> Vec<u8> {
        const ENOUGH: usize = 2048;
        let mut joined = Vec::new();
        for held in self.held.iter().filter(|held| held.flow == flow) {
            match &held.piece {
                Piece::Bytes { bytes, .. } => {
                    joined.extend_from_slice(&bytes[..bytes.len().min(ENOUGH.saturating_sub(joined.len()))]);
                }
                Piece::Gap(_) => joined.clear(),
            }
        }
        joined
    }

    /// The protocol of which these first bytes of `flow` answer what was said before in the other way.
    fn agreed(&self, flow: Flow, answer: &[u8]) -> Option<&'static Protocol> {
        let first = self.held.first().filter(|held| held.flow != flow)?;
        agree(&self.joined(first.flow), answer)
    }

    fn refuse(&mut self, flow: Flow, direction: Option<Direction>) -> Outcome {
        // From the start, the client's first bytes settle it; what a server says first does not rule ours out when the
        // client's bytes were recognised as possible before.
        if self.from_start {
            let other = self.held.iter().any(|held| held.flow != flow);
            return if direction == Some(Direction::ToClient) && other && self.held.len() <= MAX_CALLS {
                Outcome::Waiting
            } else {
                Outcome::Foreign
            };
        }
        self.restart()
    }

    fn restart(&mut self) -> Outcome {
        self.attempts += 1;
        self.held.clear();
        self.bytes = 0;
        if self.attempts >= MAX_ATTEMPTS { Outcome::Foreign } else { Outcome::Waiting }
    }

    fn lose(&mut self) -> Outcome {
        self.from_start = false;
        self.restart()
    }
}
