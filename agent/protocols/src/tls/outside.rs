//! A TLS connection as anybody sees it, without keys: the handshake, then the first rounds of what is inside.

use super::handshake::{Failure, Handshake, Progress};
use super::inside::Inside;
use super::names::TLS13;
use super::opaque::OpaqueExchange;
use super::record::{APPLICATION_DATA, Hole, Piece, Reader, Record};
use super::rounds::{FAREWELL, Round, Rounds};
use crate::exchange::{Ending, Exchange};
use crate::phase::Phase;
use crate::protocol::Opening;
use crate::session::{Close, Output, Reason, Session};
use crate::stream::{Chunk, Direction, Stamp};

/// Rounds of application data that are told; after them the connection is only counted.
pub(super) const MAX_ROUNDS: u32 = 32;
/// Payload bytes of a turn after the handshake: the headers of some small records. Those of longer ones begin calls.
const BUDGET: u32 = 4096;
/// An answer after which nothing passed for so long, ns, beyond the common silence, is taken to be whole.
const ANSWERED_NS: u64 = 3_300_000_000_000;

/// How far the connection is understood.
#[derive(Debug, PartialEq, Eq)]
enum Stage {
    Handshake,
    Data,
    /// Nothing more is read.
    Over,
}

/// A TLS connection, from outside.
#[derive(Debug)]
pub(super) struct Outside {
    up: Reader,
    down: Reader,
    /// Position of the next byte of each direction.
    ends: [u64; 2],
    stage: Stage,
    handshake: Box<Handshake>,
    /// A handshake in which the client showed a certificate: in TLS 1.3 the server may still refuse it. With the time of
    /// a record that looks like that refusal.
    unconfirmed: Option<(Phase, Option<Stamp>)>,
    rounds: Option<Rounds>,
    inside: Inside,
    told: u32,
    last_ns: u64,
}

impl Outside {
    pub fn new(opening: &Opening) -> Self {
        Self {
            up: Reader::new(),
            down: Reader::new(),
            ends: [0; 2],
            stage: Stage::Handshake,
            handshake: Box::default(),
            unconfirmed: None,
            rounds: None,
            inside: Inside::new(opening),
            told: 0,
            last_ns: 0,
        }
    }

    /// The handshake is over, and went well.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Data
    }

    /// Nothing more will be told of the handshake.
    pub fn is_settled(&self) -> bool {
        self.is_done() && self.unconfirmed.is_none()
    }

    /// The handshake, as long as it goes on.
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    fn reader(&mut self, direction: Direction) -> &mut Reader {
        match direction {
            Direction::ToServer => &mut self.up,
            Direction::ToClient => &mut self.down,
        }
    }

    fn leave(&mut self, out: &mut Output) {
        self.stage = Stage::Over;
        self.rounds = None;
        *self.handshake = Handshake::default();
        out.left = true;
    }

    /// Not all of the handshake was seen: nothing is told of it.
    fn lose_handshake(&mut self, reason: Reason, out: &mut Output) {
        out.count(reason);
        self.leave(out);
    }

    fn fail(&mut self, at_ns: u64, error: Box<str>, out: &mut Output) {
        out.phases.extend(self.inside.phase(&mut self.handshake, at_ns, Some(error)));
        self.leave(out);
    }

    /// Takes in a record that is over.
    fn record(&mut self, direction: Direction, record: &Record, out: &mut Output) {
        match self.stage {
            Stage::Handshake => self.handshake_record(direction, record, out),
            Stage::Data if record.kind == APPLICATION_DATA => {
                self.confirm(direction, record, out);
                self.data_record(direction, record, out);
            }
            Stage::Data | Stage::Over => {}
        }
    }

    fn handshake_record(&mut self, direction: Direction, record: &Record, out: &mut Output) {
        match self.handshake.record(direction, record) {
            Progress::Open => {
                // The client may send data before it has the server's Finished (up to TLS 1.2: RFC 7918).
                if record.kind == APPLICATION_DATA
                    && let Some(agreed) = self.handshake.agreed().filter(|(version, _)| *version < TLS13)
                {
                    self.rounds.get_or_insert_with(|| Rounds::new(agreed, [0, 0]));
                    self.data_record(direction, record, out);
                }
            }
            Progress::Done(stamp) => self.finish_handshake(direction, stamp, out),
            Progress::Failed(stamp, failure) => self.fail(stamp.last_ns, failure.name(), out),
            Progress::Lost => self.lose_handshake(Reason::Resync, out),
        }
    }

    fn finish_handshake(&mut self, direction: Direction, last: Stamp, out: &mut Output) {
        let Some(agreed) = self.handshake.agreed() else { return self.lose_handshake(Reason::Malformed, out) };
        self.inside.begin(&self.handshake);
        let padding = self.handshake.padding();
        let rounds = self.rounds.get_or_insert_with(|| Rounds::new(agreed, padding));
        if agreed.0 == TLS13 && direction == Direction::ToClient {
            rounds.note_server();
        }
        let refusable = agreed.0 == TLS13 && self.handshake.certificate_asked() == Some(true);
        let refusal = self.handshake.suspect();
        let phase = self.inside.phase(&mut self.handshake, last.last_ns, None);
        *self.handshake = Handshake::default();
        self.stage = Stage::Data;
        match phase {
            Some(phase) if refusable => self.unconfirmed = Some((phase, refusal)),
            phase => out.phases.extend(phase),
        }
    }

    /// What follows a handshake with a client's certificate tells whether the server took it: an alert is the last that it
    /// says.
    fn confirm(&mut self, direction: Direction, record: &Record, out: &mut Output) {
        if direction == Direction::ToServer {
            return;
        }
        let bytes = self.rounds.as_ref().and_then(|rounds| rounds.plaintext(direction, record));
        if let Some((_, suspect @ None)) = &mut self.unconfirmed
            && bytes == Some(FAREWELL)
        {
            *suspect = Some(record.last);
        } else if let Some((phase, _)) = self.unconfirmed.take() {
            out.phases.push(phase);
        }
    }

    /// The connection is over, or silent: what the last record was is as certain as it will be.
    fn confirm_at_end(&mut self, out: &mut Output) {
        if let Some((mut phase, suspect)) = self.unconfirmed.take() {
            if let Some(stamp) = suspect {
                phase.error = Some(Failure::EncryptedAlert.name());
                phase.end_ns = stamp.last_ns.max(phase.start_ns);
                self.rounds = None;
            }
            out.phases.push(phase);
        }
    }

    fn data_record(&mut self, direction: Direction, record: &Record, out: &mut Output) {
        let interrupted = direction == Direction::ToServer && self.down.is_inside();
        let Some(rounds) = &mut self.rounds else { return };
        if interrupted {
            rounds.interrupted();
        }
        if let Some(round) = rounds.record(direction, record) {
            self.tell(round, out);
        }
    }

    fn unframed(&mut self, direction: Direction, pos: u64, len: u64, stamp: Stamp, out: &mut Output) {
        if let Some(rounds) = &mut self.rounds
            && let Some(round) = rounds.unframed(direction, pos, len, stamp)
        {
            self.tell(round, out);
        }
    }

    /// A round is over: a part of the authentication, or an exchange.
    fn tell(&mut self, round: Round, out: &mut Output) {
        if self.inside.signs_in() {
            if self.rounds.as_ref().is_some_and(Rounds::is_torn) {
                // What belongs to the authentication, and what comes after it, cannot be told apart.
                return self.leave(out);
            }
            out.phases.extend(self.inside.round(&round));
            return;
        }
        let Some(response) = round.response else { return };
        let detail = OpaqueExchange {
            inside: self.inside.spoken(),
            number: self.told,
            request_bytes: round.request_bytes(),
            response_bytes: round.response_bytes(),
            response_records: round.response_records(),
            last_record_bytes: round.last_record_bytes(),
            perhaps_tickets: round.is_first_word && self.rounds.as_ref().is_some_and(Rounds::may_have_tickets),
        };
        out.exchanges.push(Exchange {
            stream: 0,
            request: round.request,
            response: Some(response),
            actor: round.actor,
            ending: Ending::Answered,
            end_ns: response.last_ns.max(round.request.first_ns),
            detail: Box::new(detail),
        });
        self.told += 1;
        if self.told >= MAX_ROUNDS {
            self.leave(out);
        }
    }

    /// Tells the rounds that are over because nothing more comes.
    fn flush(&mut self, out: &mut Output) {
        self.confirm_at_end(out);
        let Some(rounds) = &mut self.rounds else { return };
        if self.down.is_inside() {
            rounds.interrupted();
        }
        rounds.without_farewell();
        let over = rounds.finish();
        self.tell_all(over, out);
    }

    /// Nothing came for long: what was answered is over, unless the answer stopped within a record.
    fn settle(&mut self, out: &mut Output) {
        self.confirm_at_end(out);
        if let Some(rounds) = &mut self.rounds
            && !self.down.is_inside()
        {
            let over = rounds.answered();
            self.tell_all(over, out);
        }
    }

    fn tell_all(&mut self, rounds: [Option<Round>; 2], out: &mut Output) {
        rounds.into_iter().flatten().for_each(|round| {
            if self.stage != Stage::Over {
                self.tell(round, out);
            }
        });
    }

    /// The connection ended, or one direction of it.
    fn cut_short(&mut self, at_ns: u64, error: &str, out: &mut Output) {
        match self.stage {
            Stage::Handshake if self.handshake.has_begun() => match self.handshake.suspect() {
                Some(stamp) => self.fail(stamp.last_ns, Failure::EncryptedAlert.name(), out),
                None => self.fail(at_ns, error.into(), out),
            },
            Stage::Data => self.flush(out),
            Stage::Handshake | Stage::Over => {}
        }
    }
}

impl Session for Outside {
    fn data(&mut self, direction: Direction, chunk: &Chunk<'_>, out: &mut Output) {
        if self.stage == Stage::Over || chunk.bytes.is_empty() {
            return;
        }
        self.last_ns = self.last_ns.max(chunk.stamp.last_ns);
        self.ends[direction as usize] = chunk.pos + chunk.bytes.len() as u64;
        if direction == Direction::ToServer && self.stage == Stage::Handshake {
            self.handshake.begin(chunk.stamp);
        }
        self.reader(direction).begin(chunk);
        let mut at = 0;
        loop {
            let from = at;
            let Some(piece) = self.reader(direction).next(chunk, &mut at) else { break };
            match piece {
                Piece::Body(kind, bytes) => {
                    if self.stage == Stage::Handshake {
                        self.handshake.body(direction, kind, bytes);
                    }
                }
                Piece::End(record) => self.record(direction, &record, out),
                Piece::Invalid if self.stage == Stage::Handshake => {
                    return if direction == Direction::ToClient && !self.down.any {
                        self.fail(chunk.stamp.last_ns, Failure::Mismatch.name(), out)
                    } else {
                        self.lose_handshake(Reason::Malformed, out)
                    };
                }
                Piece::Invalid => out.count(Reason::Malformed),
                Piece::Unframed => {
                    let (pos, len) = (chunk.pos + from as u64, (at - from) as u64);
                    self.unframed(direction, pos, len, chunk.stamp, out);
                }
            }
            if self.stage == Stage::Over {
                return;
            }
        }
        if let Some(record) = self.reader(direction).finish() {
            self.record(direction, &record, out);
        }
    }

    fn gap(&mut self, direction: Direction, len: u64, stamp: Stamp, out: &mut Output) {
        if self.stage == Stage::Over || len == 0 {
            return;
        }
        self.last_ns = self.last_ns.max(stamp.last_ns);
        let pos = self.ends[direction as usize];
        self.ends[direction as usize] += len;
        let hole = self.reader(direction).gap(len, stamp);
        match hole {
            Hole::Body(kind, record) => {
                if self.stage == Stage::Handshake && !self.handshake.hole(direction, kind, len) {
                    return self.lose_handshake(Reason::Resync, out);
                }
                if let Some(record) = record {
                    self.record(direction, &record, out);
                }
            }
            Hole::RestOfCall(_) | Hole::Calls if self.stage == Stage::Handshake => {
                self.lose_handshake(Reason::Resync, out);
            }
            Hole::RestOfCall(None) => self.unframed(direction, pos, len, stamp, out),
            Hole::RestOfCall(Some(record)) => {
                if let Some(rounds) = &mut self.rounds
                    && let Some(round) = rounds.torn(direction, &record, pos + len, stamp)
                {
                    self.tell(round, out);
                }
            }
            Hole::Calls => {
                out.count(Reason::Resync);
                if let Some(rounds) = &mut self.rounds {
                    rounds.lose(direction);
                }
            }
        }
    }

    fn half_close(&mut self, direction: Direction, at_ns: u64, out: &mut Output) {
        // A client that says no more may still be answered.
        if self.stage == Stage::Handshake || direction == Direction::ToClient {
            self.cut_short(at_ns, "connection_closed", out);
        }
        if direction == Direction::ToClient {
            out.phases.extend(self.inside.refused());
        }
    }

    fn close(&mut self, how: Close, at_ns: u64, out: &mut Output) {
        let error = match how {
            Close::Orderly => "connection_closed",
            Close::Reset => "connection_reset",
        };
        self.cut_short(at_ns, error, out);
        self.stage = Stage::Over;
    }

    fn abandon(&mut self, _reason: Reason, out: &mut Output) {
        // Whether an encrypted request without an answer is one is not known.
        if self.stage == Stage::Data {
            self.settle(out);
        }
        self.stage = Stage::Over;
    }

    fn expire(&mut self, before_ns: u64, out: &mut Output) {
        if self.stage == Stage::Data && self.last_ns.saturating_add(ANSWERED_NS) < before_ns {
            self.settle(out);
        }
    }

    fn heap_bytes(&self) -> usize {
        size_of::<Handshake>() + self.handshake.heap_bytes()
    }

    fn budget(&self) -> Option<u32> {
        (self.stage == Stage::Data).then_some(BUDGET)
    }
}
