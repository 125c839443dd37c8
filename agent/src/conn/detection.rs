//! Holds the first bytes of a connection back until their protocol is certain, or it is certain that it is none.
//!
//! From the start of a connection the first bytes settle it. In mid-connection they do not: a body may look like a request
//! of any protocol. There a protocol is believed when both directions agree: what looks like a message where a turn of
//! its direction begins, and then an answer of the other direction that is one of the same protocol.

mod prefaces;

pub use prefaces::Prefaced;

use crate::event::Flow;
use wirespan_protocols::preface;
use wirespan_protocols::protocol::{Context, Probe, Protocol, Registry, Verdict};
use wirespan_protocols::stream::{Direction, Stamp};

/// Most bytes held back for one connection, but for the call that reaches it.
const MAX_HELD: usize = 8 * 1024;
/// Most calls held back for one connection.
const MAX_CALLS: usize = 16;
/// Turns, and calls, of a connection that was joined midway at which its protocol may still be recognised: the first ones
/// may lie in the middle of a message.
const MIDWAY: (u32, u32) = (64, 4096);
/// The same for one whose first bytes were none of ours: it may have begun oddly.
const AGAIN: (u32, u32) = (8, 64);
/// Most prefaces of one connection.
const MAX_PREFACES: usize = 4;
/// Bytes of one way that are looked at.
const ENOUGH: usize = 2048;

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

/// What a connection that was joined midway may be speaking, if the other side agrees.
#[derive(Clone, Copy)]
struct Candidate {
    protocol: &'static Protocol,
    flow: Flow,
    direction: Direction,
    /// It may be the beginning of the connection.
    begins: bool,
}

/// The state of detection for one connection.
pub struct Detection {
    registry: Registry,
    from_start: bool,
    /// The next piece may be the connection's first.
    may_begin: bool,
    /// The first bytes were none of ours.
    again: bool,
    /// Turns and calls at which it may still be recognised.
    left: (u32, u32),
    /// The server's first bytes were none of ours, the client's may be.
    refuted: bool,
    /// Which way the last bytes went.
    turn: Option<Flow>,
    /// They hold what is not understood: nothing begins before the other side speaks.
    inside: bool,
    candidate: Option<Candidate>,
    /// What proxies said first.
    pub prefaces: Vec<Prefaced>,
    bytes: usize,
    /// What was held back, in order.
    pub held: Vec<Held>,
}

impl Detection {
    /// `from_start`: the first byte of both directions will be seen.
    #[must_use]
    pub fn new(from_start: bool, registry: Registry) -> Self {
        Self {
            registry,
            from_start,
            may_begin: false,
            again: false,
            left: MIDWAY,
            refuted: false,
            turn: None,
            inside: false,
            candidate: None,
            prefaces: Vec::new(),
            bytes: 0,
            held: Vec::new(),
        }
    }

    /// Unix sockets do not tell whether something passed before: if the first bytes seen make no sense but as a
    /// beginning, they are one.
    #[must_use]
    pub fn perhaps_from_start(registry: Registry) -> Self {
        Self { may_begin: true, ..Self::new(false, registry) }
    }

    /// Whether both directions were held from their first byte.
    #[must_use]
    pub fn is_from_start(&self) -> bool {
        self.from_start
    }

    /// Whether the first bytes were none of ours, and later ones are looked at only in case it began oddly.
    #[must_use]
    pub fn is_second_look(&self) -> bool {
        self.again
    }

    /// Whether something that looks like a request waits for its answer.
    #[must_use]
    pub fn has_request(&self) -> bool {
        self.candidate.is_some_and(|candidate| candidate.direction == Direction::ToServer)
    }

    /// Whether it may be one of ours, if the other side agrees.
    #[must_use]
    pub fn has_candidate(&self) -> bool {
        self.candidate.is_some()
    }

    /// Heap bytes held.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.bytes + self.held.capacity() * size_of::<Held>()
    }

    /// Takes in a piece and looks again. `direction` of the piece's flow, if the roles are known.
    pub fn push(&mut self, held: Held, direction: Option<Direction>) -> Outcome {
        if self.from_start {
            return self.push_first(held, direction);
        }
        let flow = held.flow;
        self.left.1 = self.left.1.saturating_sub(1);
        if self.turn.replace(flow) != Some(flow) {
            self.inside = false;
            self.left.0 = self.left.0.saturating_sub(1);
        }
        if self.left.0 == 0 || self.left.1 == 0 {
            return Outcome::Foreign;
        }
        match self.candidate {
            Some(candidate) => self.follow(candidate, held, direction),
            None => self.look(held, direction),
        }
    }

    /// The beginning of a connection.
    fn push_first(&mut self, held: Held, direction: Option<Direction>) -> Outcome {
        let flow = held.flow;
        if matches!(held.piece, Piece::Gap(_)) {
            // Whatever began before the gap will not become clearer.
            self.give_up_start(flow, false);
            return Outcome::Waiting;
        }
        self.hold(held);
        loop {
            match self.preface(direction.map(|direction| (flow, direction))) {
                preface::Verdict::None => break,
                preface::Verdict::More if self.held.len() <= MAX_CALLS => return Outcome::Waiting,
                preface::Verdict::More => {
                    self.give_up_start(flow, true);
                    return Outcome::Waiting;
                }
                preface::Verdict::Whole(preface) => self.skip_preface(preface),
            }
        }
        if self.held.is_empty() {
            return Outcome::Waiting;
        }
        // Whoever spoke a preface is the client.
        let asker = self.prefaces.first().map(|prefaced| prefaced.flow);
        let direction =
            direction.or(asker.map(|asker| if asker == flow { Direction::ToServer } else { Direction::ToClient }));
        let is_second = self.refuted && direction == Some(Direction::ToServer);
        let joined = self.joined(flow);
        let verdict = self.registry.detect(&joined, Context { direction, from_start: true });
        if let Some(found) = self.agreed(&verdict, flow, direction, &joined) {
            return found;
        }
        match verdict {
            Verdict::Match(protocol, direction) => return Outcome::Found { protocol, flow, direction },
            Verdict::Unsure if self.bytes <= MAX_HELD && self.held.len() <= MAX_CALLS && !is_second => {
                return Outcome::Waiting;
            }
            Verdict::Unsure | Verdict::None => {}
        }
        // The client's first bytes settle it; what a server says first does not rule ours out when the client's bytes were
        // recognised as possible before.
        let other = self.held.iter().any(|held| held.flow != flow);
        if direction == Some(Direction::ToClient) && other && self.held.len() <= MAX_CALLS {
            self.refuted = true;
            return Outcome::Waiting;
        }
        let last = self.held.pop().filter(|_| is_second);
        self.give_up_start(flow, true);
        let Some(last) = last else { return Outcome::Waiting };
        // The client goes on after an answer: this is the beginning of a turn.
        self.inside = false;
        self.look(last, direction)
    }

    /// The beginning was not seen, or was none of ours: later turns may tell.
    fn give_up_start(&mut self, flow: Flow, again: bool) {
        self.forget();
        self.from_start = false;
        self.again = again;
        self.left = if again { AGAIN } else { MIDWAY };
        self.turn = Some(flow);
        self.inside = true;
    }

    /// A piece of a connection that was joined midway, of which nothing is known.
    fn look(&mut self, held: Held, direction: Option<Direction>) -> Outcome {
        let flow = held.flow;
        let may_begin = std::mem::take(&mut self.may_begin);
        if self.inside || matches!(held.piece, Piece::Gap(_)) {
            self.inside = true;
            self.forget();
            return Outcome::Waiting;
        }
        self.hold(held);
        let context = Context { direction, from_start: false };
        let mut joined = self.joined(flow);
        let mut verdict = self.registry.detect(&joined, context);
        if let Some(found) = self.agreed(&verdict, flow, direction, &joined) {
            return found;
        }
        if self.held.iter().any(|other| other.flow != flow) {
            // What the other side said was not understood, and this is no answer.
            let last = self.held.pop();
            self.forget();
            last.into_iter().for_each(|last| self.hold(last));
            joined = self.joined(flow);
            verdict = self.registry.detect(&joined, context);
        }
        if may_begin
            && !matches!(verdict, Verdict::Match(..))
            && let Verdict::Match(protocol, Direction::ToServer) =
                self.registry.detect(&joined, Context { direction, from_start: true })
        {
            self.from_start = true;
            return Outcome::Found { protocol, flow, direction: Direction::ToServer };
        }
        match verdict {
            Verdict::Match(protocol, direction) => {
                self.candidate = Some(Candidate { protocol, flow, direction, begins: may_begin });
                return Outcome::Waiting;
            }
            Verdict::Unsure if self.bytes <= MAX_HELD && self.held.len() <= MAX_CALLS => return Outcome::Waiting,
            Verdict::Unsure | Verdict::None => {}
        }
        self.inside = true;
        self.forget();
        Outcome::Waiting
    }

    /// Another piece, when a protocol is likely.
    fn follow(&mut self, candidate: Candidate, held: Held, direction: Option<Direction>) -> Outcome {
        if held.flow == candidate.flow {
            if let Piece::Bytes { bytes, .. } = &held.piece
                && let Some(candidate) = &mut self.candidate
            {
                // The second of what looks like a request: the first one may have been none.
                let context = Context { direction: Some(candidate.direction), from_start: false };
                candidate.begins &= !matches!((candidate.protocol.probe)(bytes, context), Probe::Yes(_));
            }
            self.hold(held);
            return Outcome::Waiting;
        }
        if matches!(held.piece, Piece::Gap(_)) {
            self.forget();
            return self.look(held, direction);
        }
        let flow = held.flow;
        self.hold(held);
        match self.agrees(candidate, flow) {
            Some(true) => {
                self.from_start = candidate.begins && candidate.protocol.is_self_evident;
                let Candidate { protocol, flow, direction, .. } = candidate;
                Outcome::Found { protocol, flow, direction }
            }
            None if self.held.len() < 2 * MAX_CALLS => Outcome::Waiting,
            Some(false) | None => {
                // The answer may be the first that is understood.
                let last = self.held.pop();
                self.forget();
                last.map_or(Outcome::Waiting, |last| self.look(last, direction))
            }
        }
    }

    /// Whether what came from the other side is of the same protocol; `None`: more is needed.
    fn agrees(&self, candidate: Candidate, flow: Flow) -> Option<bool> {
        let answer = self.joined(flow);
        let context = Context { direction: Some(candidate.direction.reverse()), from_start: false };
        match (candidate.protocol.probe)(&answer, context) {
            Probe::Yes(_) => Some(true),
            Probe::Maybe if candidate.protocol.is_self_evident => None,
            Probe::No if candidate.protocol.is_self_evident => Some(false),
            Probe::Maybe | Probe::No => Some(!matches!(self.registry.detect(&answer, context), Verdict::Match(..))),
        }
    }

    /// Holds a piece back. What is too much becomes a gap: bodies are skipped by their length.
    fn hold(&mut self, held: Held) {
        let Held { flow, piece, stamp } = held;
        let len = match &piece {
            Piece::Bytes { bytes, .. } => bytes.len() as u64,
            Piece::Gap(len) => *len,
        };
        let is_full = self.bytes > MAX_HELD || self.held.len() >= MAX_CALLS;
        if self.candidate.is_some()
            && (is_full || matches!(piece, Piece::Gap(_)))
            && let Some(last) = self.held.last_mut()
            && last.flow == flow
            && let Piece::Gap(before) = &mut last.piece
        {
            *before = before.saturating_add(len);
            last.stamp = stamp;
            return;
        }
        let is_answer = self.candidate.is_some_and(|candidate| candidate.flow != flow);
        let piece = if self.candidate.is_some() && is_full && !is_answer { Piece::Gap(len) } else { piece };
        if let Piece::Bytes { bytes, .. } = &piece {
            self.bytes += bytes.len();
        }
        self.held.push(Held { flow, piece, stamp });
    }

    /// The bytes of one way since the last gap. Bounded by [`MAX_HELD`] and one call.
    fn joined(&self, flow: Flow) -> Vec<u8> {
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

    /// The protocol of which these bytes of `flow` answer what was said before in the other way, if neither alone is certain.
    fn agreed(&self, verdict: &Verdict, flow: Flow, direction: Option<Direction>, answer: &[u8]) -> Option<Outcome> {
        if matches!(verdict, Verdict::Match(..)) || direction == Some(Direction::ToServer) {
            return None;
        }
        let first = self.held.first().filter(|held| held.flow != flow)?;
        let protocol = self.registry.agree(&self.joined(first.flow), answer)?;
        Some(Outcome::Found { protocol, flow, direction: Direction::ToClient })
    }

    fn forget(&mut self) {
        self.candidate = None;
        self.held = Vec::new();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests;
