//! One connection: what is known of its framing and of the pairing of requests and responses.
//!
//! What of that can be lost, and how it is found again, is told in `pairing`.

use super::names::Names;
use super::oddity::Oddity;
use super::set_up::SignIn;
use super::step::{Kind, Step};
use super::wire::client;
use crate::appetite::Appetite;
use crate::exchange::{Ending, Exchange, Window};
use crate::habit::Habit;
use crate::session::{Close, Output, Reason, Session, Shedding};
use crate::stream::{Chunk, Direction, Inbox, Stamp};
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes of one direction that may wait.
pub(super) const CAPACITY: usize = 64 * 1024;
/// Chunks are taken in parts of this size, so that one alone never fills an inbox.
const PART: usize = 16 * 1024;

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
    /// Whole calls of the server are missing since its framing was lost, and with them how they ended.
    pub ends_missed: bool,
    /// ReadyForQuery was seen within a call, and at the end of one while more was outstanding.
    pub ready_within: bool,
    pub ready_at_end: bool,
    /// The next message of the client is the first of its call.
    pub first_in_call: bool,
    /// The last step's message is longer than what came of it.
    pub stretching: bool,
    pub pending: VecDeque<Step>,
    /// Steps in `pending` that ReadyForQuery answers.
    pub turns: usize,
    pub adrift: bool,
    pub habit: Habit,
    /// Something of the server passed since the last turn of the client began.
    pub turned: bool,
    /// The turn that began last seems to have begun ahead of an answer, unless that was lost.
    pub perhaps_ahead: bool,
    /// The pairing is certain, not only likely: the server was seen to be done before a request began.
    pub proven: bool,
    /// So many more turns must seem to begin at rest until the pairing is certain; 0: ReadyForQuery alone proves it.
    pub trial: u32,
    /// Bytes were lost, or the first ones not seen: the pairing may be wrong.
    pub lossy: bool,
    pub oddity: Oddity,
    /// What was answered while it was not proven: reported when ReadyForQuery comes where it should.
    pub held: Vec<Exchange>,
    /// Batch of the last one in it.
    pub held_batch: Option<u64>,
    /// The statement that is being reported is empty: the server says so.
    pub empty: bool,
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
    /// The start-up that is under way; `None` as well when a part of it was not seen.
    pub sign_in: Option<SignIn>,
    pub names: Names,
    pub user: Option<Arc<str>>,
    pub database: Option<Arc<str>>,
    /// `standard_conforming_strings` is off.
    pub backslash: bool,
    /// Requests were left out on purpose, whose answers are to be passed over.
    skipped: bool,
    last_ns: u64,
    appetite: Appetite,
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
            ends_missed: false,
            ready_within: false,
            ready_at_end: false,
            first_in_call: true,
            stretching: false,
            pending: VecDeque::new(),
            turns: 0,
            adrift: !from_start,
            habit: Habit::default(),
            turned: true,
            perhaps_ahead: false,
            proven: from_start,
            trial: 0,
            lossy: !from_start,
            oddity: Oddity::default(),
            held: Vec::new(),
            held_batch: None,
            empty: false,
            weight: 0,
            ready: None,
            skipping: false,
            copy_in: false,
            group: None,
            batch: 0,
            executes: 0,
            response: None,
            rows: Some(0),
            sign_in: None,
            names: Names::default(),
            user: None,
            database: None,
            backslash: false,
            skipped: false,
            last_ns: 0,
            appetite: Appetite::default(),
        }
    }

    /// Whether nothing speaks against what is held, if nothing more comes.
    fn is_settled(&self) -> bool {
        if self.trial > 0 {
            self.pending.is_empty() && self.to_client.is_empty() && self.back == Framing::Known
        } else {
            // At most ReadyForQuery is missing.
            self.pending.iter().all(|step| matches!(step.kind, Kind::Sync))
        }
    }

    /// Whether requests and answers are known to be paired rightly, and nothing of the set-up or of a COPY is under way.
    fn in_step(&self) -> bool {
        self.proven && self.trial == 0 && !self.adrift && !self.skipping && !self.copy_in && self.sign_in.is_none()
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
        self.appetite.chunk(direction, chunk);
        let wanted = match direction {
            Direction::ToServer => {
                let begins = std::mem::replace(&mut self.front_call, chunk.ends_call);
                self.first_in_call = begins;
                self.sync_front(begins, chunk)
            }
            Direction::ToClient => {
                let begins = std::mem::replace(&mut self.back_call, chunk.ends_call);
                self.turned = true;
                self.sync_back(begins, chunk, out)
            }
        };
        if !wanted {
            return;
        }
        let (mut pos, mut stamp) = (chunk.pos, chunk.stamp);
        for bytes in chunk.bytes.chunks(PART) {
            self.feed(direction, &Chunk { pos, bytes, stamp, ..*chunk }, out);
            pos += bytes.len() as u64;
            stamp.arrived_ns = 0;
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
                    self.names.doubt();
                    self.ready = None;
                } else if self.to_server.gap(len, stamp) > 0 || !self.to_server.is_empty() {
                    self.appetite.starved(direction);
                    self.lose_front(stamp, Reason::Resync, out);
                } else {
                    self.stretch();
                }
            }
            Direction::ToClient => {
                self.turned = true;
                if self.back == Framing::Known {
                    self.read_server(true, out);
                }
                if self.back != Framing::Known {
                    self.to_client.clear();
                    self.names.unseen();
                    self.back = Framing::Lost;
                    self.ready = None;
                    self.ends_missed |= self.back_call;
                } else if self.to_client.gap(len, stamp) > 0 || !self.to_client.is_empty() {
                    // Of one result the end is enough.
                    if self.pending.iter().map(Step::executions).sum::<u64>() > 1 {
                        self.appetite.starved(direction);
                    }
                    self.lose_back(stamp, Reason::Resync, out);
                    self.ends_missed = self.back_call;
                }
            }
        }
    }

    fn skip(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        let known = self.in_step() && self.front == Framing::Known && self.back == Framing::Known;
        match direction {
            Direction::ToServer if known && self.pending.is_empty() && self.to_server.is_idle() => {
                self.to_server.jump(len);
                // Which of them were made anew is not known; named statements were not: see `shedding`.
                self.names.forget_unnamed();
                self.names.forget_portals();
                self.ready = None;
                self.skipped = true;
            }
            Direction::ToClient if known && self.skipped && self.to_client.is_idle() && self.response.is_none() => {
                self.skipped = false;
                self.to_client.jump(len);
            }
            _ => self.gap(direction, len, stamp, out),
        }
    }

    fn shedding(&self) -> Shedding {
        if self.in_step() && self.phase == Phase::Messages {
            Shedding::Tagged { stays: client::CLOSE, stays_if_named: client::PARSE }
        } else {
            Shedding::Never
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
        self.cut_set_up(how, at_ns, out);
        if self.is_settled() {
            out.exchanges.append(&mut self.held);
        }
        self.abandon(ending, at_ns, out);
        self.weight = 0;
        self.drop_held(Reason::LostResponse, out);
        if self.pending.is_empty() && !self.adrift && !self.to_client.is_empty() {
            out.count(Reason::UnmatchedResponse);
        }
        self.pending.clear();
        self.phase = Phase::Over;
    }

    fn abandon(&mut self, reason: Reason, out: &mut Output) {
        if self.trial == 0 && self.is_settled() {
            out.exchanges.append(&mut self.held);
        }
        self.drop_held(reason, out);
        let waiting: u64 = self.pending.iter().map(Step::executions).sum();
        for _ in 0..waiting {
            out.count(reason);
        }
        self.pending.clear();
        (self.turns, self.weight) = (0, 0);
        self.response = None;
        self.phase = Phase::Over;
    }

    fn rest(&mut self, now_ns: u64, out: &mut Output) {
        if self.trial > 0 && self.is_settled() && self.is_silent(now_ns) {
            self.prove(out);
        }
    }

    fn expire(&mut self, before_ns: u64, out: &mut Output) {
        if self.last_ns >= before_ns {
            return;
        }
        if self.trial > 0 && self.is_settled() {
            out.exchanges.append(&mut self.held);
        }
        self.to_server.shrink();
        self.to_client.shrink();
        self.pending.shrink_to(16);
    }

    fn budget(&self) -> Option<u32> {
        self.appetite.budget()
    }

    fn heap_bytes(&self) -> usize {
        self.to_server.heap_bytes()
            + self.to_client.heap_bytes()
            + self.pending.capacity() * size_of::<Step>()
            + self.weight
            + self.held.len() * 512
            + self.names.heap_bytes()
    }
}
