//! What proves that a connection that was joined midway is understood.
//!
//! Joined in the middle of an upload whose writes look like requests, every one of them would be taken for one. So nothing
//! is believed until the positions fit in both directions: a client's turn that holds whole requests and nothing else,
//! then a server's turn that holds as many whole responses. Until then what was read is held back; then it is told, with
//! its own times. What does not fit is counted, and the next turn is looked at. A request can only begin where a turn of
//! the client does, and not after an interim response, which asks for a body.
//!
//! One thing is not seen: the very last write of an upload, if nothing before it was seen and it is a whole request.

use super::request::State;
use super::response;
use super::session::Http1;
use crate::exchange::{Ending, Exchange};
use crate::session::{Close, Output, Reason};
use crate::stream::{Chunk, Direction, Stamp};

/// Most exchanges that are held back.
const MAX_HELD: usize = 64;
/// More requests than responses were seen: there may be responses on their way, until the server was silent for so long, ns.
const REST_NS: u64 = 1_000_000_000;

/// A connection that is not understood yet.
#[derive(Debug, Default)]
pub(super) struct Trial {
    /// What was read.
    held: Output,
    /// Which way the last bytes went.
    last: Option<Direction>,
    /// No request can begin before the server speaks.
    inside: bool,
    /// The server's turn is an interim response.
    interim: bool,
    /// Responses may be on their way to requests that may have been none.
    owed: bool,
    /// Time of the server's last byte, ns.
    answered_ns: u64,
}

impl Trial {
    pub(super) fn heap_bytes(&self) -> usize {
        self.held.exchanges.len() * (size_of::<Exchange>() + 512)
    }

    /// Bytes of the client begin. False when they cannot be of a request.
    fn may_ask(&mut self, stamp: Stamp, is_new_turn: bool) -> bool {
        if is_new_turn {
            self.inside = self.interim;
        }
        self.owed &= stamp.first_ns.saturating_sub(self.answered_ns) < REST_NS;
        !self.inside && !self.owed
    }
}

impl Http1 {
    /// Captured bytes of a connection on trial.
    pub(super) fn try_data(
        &mut self,
        mut trial: Box<Trial>,
        direction: Direction,
        chunk: &Chunk<'_>,
        out: &mut Output,
    ) {
        let is_new_turn = self.turn(&mut trial, direction, out);
        match direction {
            Direction::ToServer => {
                let may_ask = trial.may_ask(chunk.stamp, is_new_turn);
                if !may_ask && matches!(self.up.state, State::Lost) {
                    trial.inside = true;
                    self.trial = Some(trial);
                    return;
                }
            }
            Direction::ToClient => {
                let interim = self.queue.len() == 0 && chunk.bytes.get(9) == Some(&b'1');
                trial.interim = is_new_turn && interim && chunk.bytes.starts_with(b"HTTP/1.");
                trial.answered_ns = trial.answered_ns.max(chunk.stamp.last_ns);
            }
        }
        self.read(direction, chunk, &mut trial.held);
        self.judge(trial, direction, out);
    }

    /// Lost bytes of a connection on trial.
    pub(super) fn try_gap(
        &mut self,
        mut trial: Box<Trial>,
        direction: Direction,
        len: u64,
        stamp: Stamp,
        out: &mut Output,
    ) {
        self.turn(&mut trial, direction, out);
        let skipped = match direction {
            Direction::ToServer => matches!(self.up.state, State::Lost),
            Direction::ToClient => matches!(self.down.state, response::State::Lost) && self.queue.len() == 0,
        };
        if direction == Direction::ToClient {
            trial.interim = false;
            trial.answered_ns = trial.answered_ns.max(stamp.last_ns);
        }
        if skipped {
            trial.inside |= direction == Direction::ToServer;
            out.count(Reason::Resync);
            self.trial = Some(trial);
            return;
        }
        self.pass(direction, len, stamp, &mut trial.held);
        self.judge(trial, direction, out);
    }

    /// A direction ended.
    pub(super) fn try_half_close(&mut self, mut trial: Box<Trial>, direction: Direction, out: &mut Output) {
        self.end_direction(direction, &mut trial.held);
        self.judge(trial, direction, out);
    }

    /// The connection ended: what has no whole answer by now was not proven.
    pub(super) fn try_close(&mut self, mut trial: Box<Trial>, how: Close, at_ns: u64, out: &mut Output) {
        self.end(how, at_ns, &mut trial.held);
        self.judge(trial, Direction::ToClient, out);
        if let Some(mut trial) = self.trial.take() {
            self.reject(&mut trial, out);
        }
    }

    /// Counts what is held back.
    pub(super) fn abandon_trial(&mut self, out: &mut Output) {
        if let Some(trial) = self.trial.take() {
            for _ in &trial.held.exchanges {
                out.count(Reason::Unproven);
            }
        }
    }

    /// Whether a turn begins with bytes that go this way. What came before must fit then.
    fn turn(&mut self, trial: &mut Trial, direction: Direction, out: &mut Output) -> bool {
        if trial.last.replace(direction) == Some(direction) {
            return false;
        }
        let waiting = self.queue.len();
        // The client asked whether it may send its body.
        let asked =
            waiting == 1 && self.up.head.expects && matches!(self.up.state, State::Length(_) | State::Chunked(_));
        let fits = waiting == 0
            || asked
            || match direction {
                Direction::ToClient => matches!(self.up.state, State::Idle | State::Tunnel),
                // The next request ends a response whose end is not known otherwise.
                Direction::ToServer => {
                    waiting == 1 && matches!(self.down.state, response::State::Unknown | response::State::UntilClose)
                }
            };
        if !fits {
            trial.owed |= direction == Direction::ToServer && !trial.held.exchanges.is_empty();
            self.reject(trial, out);
        }
        true
    }

    /// Tells what is held back if it is proven now, and drops it if it is refuted.
    fn judge(&mut self, mut trial: Box<Trial>, direction: Direction, out: &mut Output) {
        for (total, count) in out.counts.iter_mut().zip(&mut trial.held.counts) {
            *total += std::mem::take(count);
        }
        let left = std::mem::take(&mut trial.held.left);
        out.left |= left;
        out.tunnel = out.tunnel.or(trial.held.tunnel.take());
        let exchanges = &trial.held.exchanges;
        let fits = self.queue.len() == 0 && matches!(self.up.state, State::Idle | State::Tunnel);
        let answered = exchanges.iter().all(|exchange| exchange.ending == Ending::Answered);
        if fits && answered && !exchanges.is_empty() {
            out.requests.append(&mut trial.held.requests);
            out.exchanges.append(&mut trial.held.exchanges);
            self.on_trial = false;
            return;
        }
        let broken = match direction {
            Direction::ToServer => matches!(self.up.state, State::Lost | State::Perhaps | State::UntilResponse),
            Direction::ToClient => false,
        };
        if broken || !answered || self.queue.doubt || exchanges.len() > MAX_HELD {
            self.reject(&mut trial, out);
        }
        trial.inside |= direction == Direction::ToServer && broken;
        self.trial = Some(trial);
    }

    /// What was read is not what it looked like.
    fn reject(&mut self, trial: &mut Trial, out: &mut Output) {
        let mut count = trial.held.exchanges.len();
        trial.held.exchanges.clear();
        trial.held.requests.clear();
        while let Some(pending) = self.queue.pop() {
            count += usize::from(!pending.lost);
        }
        for _ in 0..count {
            out.count(Reason::Unproven);
        }
        self.queue.doubt = false;
        self.queue.pipelining = false;
        self.forget_parked();
        self.up.state = State::Lost;
        self.up.lines.reset();
        self.down.state = response::State::Lost;
        self.down.status = None;
        self.down.lines.reset();
        // The rest of a turn that was refuted holds no request.
        trial.inside |= trial.last == Some(Direction::ToServer);
    }
}
