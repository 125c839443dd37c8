//! One connection: what is known of its framing and of the pairing of requests and responses.
//!
//! Two things can be lost independently. *Framing*: where a message begins ([`Framing`], per direction). *Pairing*:
//! which request the next response answers; the connection is then `adrift`, and nothing is reported until it is
//! quiescent: ReadyForQuery was the last that the server said, and a later request begins. A client that was seen to
//! send requests before the last one was answered (`deep`) might have others on their way, so for it some silence must
//! lie between the two. A client that starts to do that in the very bytes that were lost is the one case that this
//! cannot see; the shape of the answers and their command tags must fit the requests, which catches nearly all of it.

use super::names::Names;
use super::step::{Kind, Step};
use crate::exchange::{Ending, Window};
use crate::session::{Close, Output, Reason, Session};
use crate::stream::{Chunk, Direction, Inbox, Stamp};
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes of one direction that may wait.
pub(super) const CAPACITY: usize = 64 * 1024;
/// Chunks are taken in parts of this size, so that one alone never fills an inbox.
const PART: usize = 16 * 1024;
/// Messages that may wait for their answer.
pub(super) const MAX_PENDING: usize = 16 * 1024;
/// Bytes of texts and names that they may hold.
const MAX_WEIGHT: usize = 2 * 1024 * 1024;
/// Silence after which nothing of a pipeline is taken to be on its way, ns.
const SILENCE_NS: u64 = 20_000_000;

/// What is known about where messages begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// The next byte is where the parser thinks it is.
    Known,
    /// The first call after the pending request begins a message.
    Await,
    /// Nothing.
    Lost,
}

/// What the client's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Packets without tags.
    Opening,
    /// Messages.
    Messages,
    /// Nothing of interest (a cancel request, after a fatal error).
    Over,
}

/// A PostgreSQL connection.
#[derive(Debug)]
pub(super) struct Postgres {
    pub to_server: Inbox,
    pub to_client: Inbox,
    pub phase: Phase,
    pub front: Framing,
    pub back: Framing,
    /// The next chunk of the direction begins a call.
    pub front_call: bool,
    pub back_call: bool,
    /// The next message of the client is the first of its call.
    pub first_in_call: bool,
    /// The last step's message is longer than what came of it.
    pub stretching: bool,
    pub pending: VecDeque<Step>,
    /// Steps in `pending` that ReadyForQuery answers.
    pub turns: usize,
    pub adrift: bool,
    pub deep: bool,
    /// The pairing is certain, not only likely: the server was seen to be done before a request began.
    proven: bool,
    /// Bytes of texts and names in `pending`.
    pub weight: usize,
    /// Time of ReadyForQuery, if neither side said anything after it.
    pub ready: Option<u64>,
    /// The server skips everything up to the next Sync.
    pub skipping: bool,
    /// The server takes CopyData now, and ignores Sync.
    pub copy_in: bool,
    /// First byte of the messages that lead to the next Execute.
    pub group: Option<(u64, Stamp)>,
    pub batch: u64,
    pub executes: u32,
    /// The response of the current execution.
    pub response: Option<Window>,
    /// Rows of it, if all were seen.
    pub rows: Option<u64>,
    pub names: Names,
    pub user: Option<Arc<str>>,
    pub database: Option<Arc<str>>,
    /// `standard_conforming_strings` is off.
    pub backslash: bool,
    last_ns: u64,
}

impl Postgres {
    pub fn new(from_start: bool) -> Self {
        Self {
            to_server: Inbox::new(CAPACITY),
            to_client: Inbox::new(CAPACITY),
            phase: if from_start { Phase::Opening } else { Phase::Messages },
            front: if from_start { Framing::Known } else { Framing::Lost },
            back: if from_start { Framing::Known } else { Framing::Lost },
            front_call: true,
            back_call: true,
            first_in_call: true,
            stretching: false,
            pending: VecDeque::new(),
            turns: 0,
            adrift: !from_start,
            deep: false,
            proven: from_start,
            weight: 0,
            ready: None,
            skipping: false,
            copy_in: false,
            group: None,
            batch: 0,
            executes: 0,
            response: None,
            rows: Some(0),
            names: Names::default(),
            user: None,
            database: None,
            backslash: false,
            last_ns: 0,
        }
    }

    /// Takes a message of the client into the queue, unless it cannot be paired with its answer.
    pub fn ask(&mut self, step: Step, out: &mut Output) {
        self.settle_head(out);
        if self.adrift && !self.is_quiescent(&step) {
            self.ready = None;
            self.doubt(&step);
            return;
        }
        let was_adrift = self.adrift;
        if self.adrift {
            let silence = self.ready.and_then(|ready| step.request.first_ns.checked_sub(ready));
            self.proven = silence.is_some_and(|silence| silence >= SILENCE_NS);
            self.adrift = false;
            self.skipping = false;
            self.copy_in = false;
            self.response = None;
            self.rows = Some(0);
            self.executes = u32::from(matches!(step.kind, Kind::Execute(_)));
            if self.back == Framing::Lost {
                self.back = Framing::Await;
                self.to_client.clear();
            }
        } else if self.back == Framing::Lost && self.turns > 0 && self.pending.back().is_some_and(Step::ends_turn) {
            // The end of the last response was not seen. A client that waits for it has got it.
            let clear = !self.deep && self.first_in_call;
            self.set_adrift(Reason::LostResponse, out);
            self.deep |= !clear;
            return self.ask(step, out);
        }
        self.proven |=
            !was_adrift && self.pending.is_empty() && self.ready.is_some_and(|ready| ready <= step.request.first_ns);
        self.ready = None;
        if matches!(self.pending.back(), Some(Step { kind: Kind::Lost, .. })) {
            return self.doubt(&step);
        }
        if self.skipping && !matches!(step.kind, Kind::Sync) {
            return;
        }
        self.skipping = false;
        let weight = step.weight();
        if self.pending.len() >= MAX_PENDING || self.weight + weight > MAX_WEIGHT {
            self.deep = true;
            self.set_adrift(Reason::TooManyPending, out);
            return self.doubt(&step);
        }
        self.deep |= self.turns > 0;
        if self.deep && !self.proven {
            // A pipeline may have been under way before the first of its requests was seen.
            self.set_adrift(Reason::LostRequest, out);
            return self.doubt(&step);
        }
        self.turns += usize::from(step.ends_turn());
        self.weight += weight;
        self.pending.push_back(step);
    }

    /// Whether nothing can be on its way when `step` begins.
    fn is_quiescent(&self, step: &Step) -> bool {
        match self.ready {
            Some(ready) => {
                let silence = step.request.first_ns.checked_sub(ready);
                silence.is_some_and(|silence| !self.deep || silence >= SILENCE_NS)
            }
            // Nothing is known of the server's side; its first answer must have the right shape at the right place.
            None => self.back == Framing::Lost && !self.deep && self.first_in_call,
        }
    }

    /// Removes the step at the head of the queue.
    pub fn pop(&mut self) -> Option<Step> {
        let step = self.pending.pop_front()?;
        self.turns = self.turns.saturating_sub(usize::from(step.ends_turn()));
        self.weight = self.weight.saturating_sub(step.weight());
        Some(step)
    }

    /// Gives up the pairing: each execution that waits is counted, and not reported.
    pub fn set_adrift(&mut self, reason: Reason, out: &mut Output) {
        let steps = std::mem::take(&mut self.pending);
        let mut lost = 0;
        for step in &steps {
            lost += step.executions();
            self.doubt(step);
        }
        for _ in 0..lost.max(1) {
            out.count(reason);
        }
        (self.turns, self.weight) = (0, 0);
        self.adrift = true;
        self.ready = None;
        self.group = None;
        self.response = None;
        self.copy_in = false;
        self.skipping = false;
    }

    /// The effect of `step` will not be seen: names that it may have changed are forgotten.
    fn doubt(&mut self, step: &Step) {
        match &step.kind {
            Kind::Parse { name, .. } | Kind::CloseStatement(name) => self.names.forget_statement(name),
            Kind::Bind { portal, .. } | Kind::ClosePortal(portal) => self.names.forget_portal(portal),
            Kind::Query(query) => {
                self.names.forget_unnamed();
                let harmless = |text: &str| !matches!(text.as_bytes().first(), Some(b'd' | b'D' | b'p' | b'P'));
                let pieces = &query.digest.pieces;
                if query.digest.total != Some(pieces.len())
                    || !pieces.iter().all(|piece| harmless(&piece.statement.text))
                {
                    self.names.clear();
                }
            }
            Kind::Lost => self.names.clear(),
            _ => {}
        }
    }

    /// Bytes of the client were lost.
    pub fn lose_front(&mut self, stamp: Stamp, reason: Reason, out: &mut Output) {
        out.count(reason);
        let pos = self.to_server.position();
        self.to_server.clear();
        self.front = Framing::Lost;
        if self.phase == Phase::Opening {
            self.phase = Phase::Messages;
        }
        self.stretching = false;
        self.group = None;
        self.ready = None;
        self.names.clear();
        self.executes = 0;
        self.batch += 1;
        if self.pending.is_empty() {
            if !self.adrift {
                self.set_adrift(Reason::LostRequest, out);
            }
        } else if !matches!(self.pending.back(), Some(Step { kind: Kind::Lost, .. })) {
            let request = Window::open(pos, stamp);
            let (batch, actor) = (self.batch, stamp.actor);
            self.pending.push_back(Step { kind: Kind::Lost, request, actor, batch, batch_size: 0 });
        }
    }

    /// Bytes of the server were lost.
    pub fn lose_back(&mut self, stamp: Stamp, reason: Reason, out: &mut Output) {
        out.count(reason);
        if !self.pending.is_empty() && self.response.is_none() {
            let pos = self.to_client.position();
            self.response = Some(Window::open(pos, stamp));
        }
        self.rows = None;
        self.ready = None;
        self.to_client.clear();
        self.back = Framing::Lost;
    }

    /// Bytes of one direction arrived.
    fn feed(&mut self, direction: Direction, part: &Chunk<'_>, out: &mut Output) {
        let stamp = part.stamp;
        match direction {
            Direction::ToServer => {
                let lost = self.to_server.push(part);
                self.read_client(false, out);
                if lost > 0 {
                    self.lose_front(stamp, Reason::BufferFull, out);
                }
            }
            Direction::ToClient => {
                let lost = self.to_client.push(part);
                self.read_server(false, out);
                if lost > 0 {
                    self.set_adrift(Reason::UnmatchedResponse, out);
                    self.lose_back(stamp, Reason::BufferFull, out);
                }
            }
        }
    }
}

impl Session for Postgres {
    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        if self.phase == Phase::Over || chunk.bytes.is_empty() {
            return;
        }
        self.last_ns = self.last_ns.max(chunk.stamp.last_ns);
        let wanted = match direction {
            Direction::ToServer => {
                let begins = std::mem::replace(&mut self.front_call, chunk.ends_call);
                self.first_in_call = begins;
                self.sync_front(begins, chunk)
            }
            Direction::ToClient => {
                let begins = std::mem::replace(&mut self.back_call, chunk.ends_call);
                self.sync_back(begins, chunk, out)
            }
        };
        if !wanted {
            return;
        }
        let mut pos = chunk.pos;
        for bytes in chunk.bytes.chunks(PART) {
            self.feed(direction, &Chunk { pos, bytes, ..*chunk }, out);
            pos += bytes.len() as u64;
        }
        // A response that came before its request waits here.
        if direction == Direction::ToServer && !self.to_client.is_empty() && self.back == Framing::Known {
            self.read_server(false, out);
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        if self.phase == Phase::Over || len == 0 {
            return;
        }
        self.last_ns = self.last_ns.max(stamp.last_ns);
        match direction {
            Direction::ToServer => {
                if self.front != Framing::Lost {
                    self.read_client(true, out);
                }
                if self.front == Framing::Lost {
                    self.names.clear();
                    self.ready = None;
                } else if self.to_server.gap(len, stamp) > 0 || !self.to_server.is_empty() {
                    self.lose_front(stamp, Reason::Resync, out);
                } else {
                    self.stretch();
                }
            }
            Direction::ToClient => {
                if self.back == Framing::Known {
                    self.read_server(true, out);
                }
                if self.back != Framing::Known {
                    self.to_client.clear();
                    self.back = Framing::Lost;
                    self.ready = None;
                } else if self.to_client.gap(len, stamp) > 0 || !self.to_client.is_empty() {
                    self.lose_back(stamp, Reason::Resync, out);
                }
            }
        }
    }

    fn half_close(&mut self, _direction: Direction, at_ns: u64, _out: &mut Output) {
        self.last_ns = self.last_ns.max(at_ns);
    }

    fn close(&mut self, how: Close, at_ns: u64, out: &mut Output) {
        let ending = match how {
            Close::Orderly => Ending::Closed,
            Close::Reset => Ending::Reset,
        };
        self.abandon(ending, at_ns, out);
        self.weight = 0;
        if self.pending.is_empty() && !self.adrift && !self.to_client.is_empty() {
            out.count(Reason::UnmatchedResponse);
        }
        self.pending.clear();
        self.phase = Phase::Over;
    }

    fn expire(&mut self, before_ns: u64, out: &mut Output) {
        if self.last_ns >= before_ns {
            return;
        }
        if self.pending.iter().any(|step| step.executions() > 0) {
            let waiting: u64 = self.pending.iter().map(Step::executions).sum();
            // Given up at the time from which on nothing can be said, which is the limit itself.
            self.abandon(Ending::Unanswered, before_ns, out);
            self.pending.clear();
            self.set_adrift(Reason::Unanswered, out);
            for _ in 1..waiting {
                out.count(Reason::Unanswered);
            }
        }
        self.to_server.shrink();
        self.to_client.shrink();
        self.pending.shrink_to(16);
    }

    fn heap_bytes(&self) -> usize {
        self.to_server.heap_bytes()
            + self.to_client.heap_bytes()
            + self.pending.capacity() * size_of::<Step>()
            + self.weight
            + self.names.heap_bytes()
    }
}
