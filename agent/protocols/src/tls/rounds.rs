//! Turns of application data: what the client sends, and what answers it until the client speaks again.

use super::names;
use super::record::Record;
use crate::exchange::Window;
use crate::stream::{Direction, Stamp};

/// Bytes of an alert.
pub(super) const FAREWELL: u64 = 2;

/// A sum that is void once a part of it is unknown.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    bytes: u64,
    records: u32,
    last: u64,
    unknown: bool,
}

/// The answer without its last record: that may be a farewell.
#[derive(Clone, Copy, Debug)]
struct Earlier {
    response: Option<Window>,
    answered: Sum,
}

/// A request and what answered it so far.
#[derive(Debug)]
pub(super) struct Round {
    pub request: Window,
    pub actor: crate::stream::Actor,
    pub response: Option<Window>,
    asked: Sum,
    answered: Sum,
    /// The response's last byte was in calls that were lost.
    untimed: bool,
    earlier: Earlier,
    /// No server had spoken since the handshake when it began.
    pub is_first_word: bool,
}

impl Round {
    pub fn request_bytes(&self) -> Option<u64> {
        (!self.asked.unknown).then_some(self.asked.bytes)
    }

    pub fn response_bytes(&self) -> Option<u64> {
        (!self.answered.unknown).then_some(self.answered.bytes)
    }

    pub fn response_records(&self) -> Option<u32> {
        (!self.answered.unknown).then_some(self.answered.records)
    }

    pub fn last_record_bytes(&self) -> Option<u64> {
        (!self.answered.unknown).then_some(self.answered.last)
    }
}

/// What is seen of the rounds.
#[derive(Debug)]
pub(super) struct Rounds {
    /// Version and suite.
    agreed: (u16, u16),
    /// Padding of the client's and of the server's records.
    padding: [u16; 2],
    current: Option<Round>,
    /// A round that is over if nothing of its response was lost: the server's next bytes tell.
    held: Option<Round>,
    /// What the client sends next does not begin a round: the server has not spoken since it last did, or since bytes were
    /// lost.
    doubtful: bool,
    server_spoke: bool,
    /// Some round is not known, because bytes were lost.
    is_torn: bool,
}

impl Rounds {
    pub fn new(agreed: (u16, u16), padding: [u16; 2]) -> Self {
        Self { agreed, padding, current: None, held: None, doubtful: false, server_spoke: false, is_torn: false }
    }

    /// A record of application data passed. Gives a round that is over.
    pub fn record(&mut self, direction: Direction, record: &Record) -> Option<Round> {
        let bytes = self.plaintext(direction, record);
        self.passed(direction, record, record.end(), record.last, bytes)
    }

    /// Plaintext bytes of a record.
    pub fn plaintext(&self, direction: Direction, record: &Record) -> Option<u64> {
        let padding = self.padding[usize::from(direction == Direction::ToClient)];
        let overhead = names::overhead(self.agreed.1, self.agreed.0)?;
        Some(u64::from(record.len.saturating_sub(overhead + padding)))
    }

    /// A record began, and more bytes passed up to `end`, where it is not known whether a record begins.
    pub fn torn(&mut self, direction: Direction, record: &Record, end: u64, last: Stamp) -> Option<Round> {
        self.passed(direction, &Record { timed: true, ..*record }, end, last, None)
    }

    fn passed(
        &mut self,
        direction: Direction,
        record: &Record,
        end: u64,
        last: Stamp,
        bytes: Option<u64>,
    ) -> Option<Round> {
        if direction == Direction::ToClient {
            return self.answer((record.pos, record.first), (end, last), bytes, record.timed);
        }
        self.turn_to_client();
        if self.current.is_none() && !self.doubtful {
            self.current = Some(Round {
                request: Window::open(record.pos, record.first),
                actor: record.first.actor,
                response: None,
                asked: Sum::default(),
                answered: Sum::default(),
                untimed: false,
                earlier: Earlier { response: None, answered: Sum::default() },
                is_first_word: !self.server_spoke,
            });
        }
        self.doubtful = true;
        self.ask(end, last, bytes);
        None
    }

    /// Bytes passed of which it is not known where records begin. A request that begins so is none for certain.
    pub fn unframed(&mut self, direction: Direction, pos: u64, len: u64, stamp: Stamp) -> Option<Round> {
        match direction {
            Direction::ToServer => {
                self.turn_to_client();
                self.doubtful = true;
                self.ask(pos + len, stamp, None);
                None
            }
            Direction::ToClient => self.answer((pos, stamp), (pos + len, stamp), None, true),
        }
    }

    /// The client speaks: what was answered is over.
    fn turn_to_client(&mut self) {
        if self.current.as_ref().is_some_and(|round| round.response.is_some()) {
            self.held = self.current.take().filter(|round| !round.untimed);
            self.is_torn |= self.held.is_none();
        }
    }

    fn ask(&mut self, end: u64, last: Stamp, bytes: Option<u64>) {
        if let Some(round) = &mut self.current {
            round.request.extend(end, last);
            round.asked.add(bytes);
        }
    }

    fn answer(&mut self, first: (u64, Stamp), last: (u64, Stamp), bytes: Option<u64>, timed: bool) -> Option<Round> {
        self.doubtful = false;
        self.server_spoke = true;
        if let Some(round) = &mut self.current {
            round.earlier = Earlier { response: round.response, answered: round.answered };
            round.response.get_or_insert_with(|| Window::open(first.0, first.1)).extend(last.0, last.1);
            round.answered.add(bytes);
            round.untimed = !timed;
        }
        self.held.take()
    }

    /// The server's bytes stop in the middle of a record while the client speaks: the answer is not whole.
    pub fn interrupted(&mut self) {
        if self.current.as_ref().is_some_and(|round| round.response.is_some()) {
            self.current = None;
            self.is_torn = true;
        }
    }

    /// Whole calls of `direction` were lost: the round that is open is not known any more, and neither is what the client
    /// sends before the server speaks.
    pub fn lose(&mut self, direction: Direction) {
        if direction == Direction::ToClient {
            self.held = None;
        }
        self.current = None;
        self.doubtful = true;
        self.is_torn = true;
    }

    /// Whether some round is not known, because bytes were lost.
    pub fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// The connection is over: in TLS 1.3 a last record of two bytes is taken for a farewell, an alert.
    pub fn without_farewell(&mut self) {
        if self.agreed.0 != names::TLS13 {
            return;
        }
        // Java says two.
        let said = |round: &Round| round.response.is_some() || !round.asked.is_farewell();
        self.current = self.current.take().filter(said);
        let last = if self.current.is_some() { &mut self.current } else { &mut self.held };
        if let Some(round) = last
            && round.last_record_bytes() == Some(FAREWELL)
        {
            round.response = round.earlier.response;
            round.answered = round.earlier.answered;
        }
    }

    /// The rounds that have an answer.
    pub fn answered(&mut self) -> [Option<Round>; 2] {
        let last = self.current.take_if(|round| round.response.is_some() && !round.untimed);
        [self.held.take(), last].map(|round| round.filter(|round| round.response.is_some()))
    }

    /// Nothing more will come: the rounds that are over. A request without an answer may be none: a farewell needs none.
    pub fn finish(&mut self) -> [Option<Round>; 2] {
        let last = self.current.take().filter(|round| !round.untimed);
        [self.held.take(), last].map(|round| round.filter(|round| round.response.is_some()))
    }

    /// Whether session tickets may come among the server's records.
    pub fn may_have_tickets(&self) -> bool {
        self.agreed.0 == names::TLS13
    }

    /// The server has sent application data.
    pub fn note_server(&mut self) {
        self.server_spoke = true;
    }
}

impl Sum {
    fn is_farewell(&self) -> bool {
        !self.unknown && self.bytes == FAREWELL * u64::from(self.records)
    }

    fn add(&mut self, bytes: Option<u64>) {
        match bytes {
            Some(bytes) => {
                self.bytes += bytes;
                self.records += 1;
                self.last = bytes;
            }
            None => self.unknown = true,
        }
    }
}
