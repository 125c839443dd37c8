//! Encrypted records of one direction, one after the other: which number each has, what is in it, and what a loss costs.

use zeroize::Zeroizing;

use super::super::message::{KEY_UPDATE, Messages, NEW_SESSION_TICKET};
use super::super::record::{ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE};
use super::early::Early;
use super::frame::Frame;
use super::keys::{Keys, Torn};
use super::number::Effort;
use super::suite::Suite;
use super::tell;
use crate::session::{Output, Reason};
use crate::stream::{Direction, Stamp};

/// Records that the right keys may refuse before they prove one: those of the handshake have other keys.
pub(super) const MAX_REFUSED: u32 = 64;
/// The alert that ends a direction (RFC 8446, section 6.1).
const CLOSE_NOTIFY: u8 = 0;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is done with.
    Done,
    /// It is none, or not under these keys.
    Refused,
    /// Its key is not there yet.
    Wait,
    /// This connection cannot be decrypted.
    GiveUp(Reason),
}

/// What is known of the number of the next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// No record was proved yet.
    Unproven,
    /// All between a proved record and the next were counted.
    Sure,
    /// Records passed that were not counted.
    Lost,
}

/// One direction.
pub(super) struct Records {
    pub direction: Direction,
    /// Once it was agreed.
    pub suite: Option<Suite>,
    pub keys: Option<Keys>,
    pub early: Option<Early>,
    /// Its key did not come in time: what passes is lost.
    pub is_deaf: bool,
    /// It encrypts (TLS 1.2: has said so).
    sealed: bool,
    pub certain: Certainty,
    /// Number of the next record under these keys, as far as is known.
    pub number: u64,
    /// Records under the keys before them.
    pub earlier: u64,
    /// Position after the last record whose number is known; before that, of the first that is encrypted.
    pub counted: Option<u64>,
    /// Position of the next byte of plaintext.
    next: u64,
    /// Its beginning was not seen, nor how many records there were before.
    pub joined: bool,
    /// Added to positions, which are counted from 0 again after 4 GiB: those of plaintext have to be before them.
    before: u64,
    /// Last bytes that were lost and are not told yet.
    pub owed: Option<Stamp>,
    /// Records of which not all was seen before one was proved, and fewest bytes of plaintext in them.
    pub torn: u64,
    missed: u64,
    pub framing_lost: bool,
    refused: u32,
    pub effort: Effort,
    /// The last nonce that a record carried, and the number of that record.
    pub explicit: Option<(u64, u64)>,
    messages: Messages,
    ended: bool,
}

impl Records {
    pub fn new(direction: Direction) -> Self {
        Self {
            direction,
            suite: None,
            keys: None,
            early: None,
            is_deaf: false,
            sealed: false,
            certain: Certainty::Unproven,
            number: 0,
            earlier: 0,
            counted: None,
            next: 0,
            joined: false,
            before: 0,
            owed: None,
            torn: 0,
            missed: 0,
            framing_lost: false,
            refused: 0,
            effort: Effort::default(),
            explicit: None,
            messages: Messages::default(),
            ended: false,
        }
    }

    pub fn is_proved(&self) -> bool {
        self.certain != Certainty::Unproven
    }

    /// Takes in a record.
    pub fn record(&mut self, frame: &Frame<'_>, out: &mut Output) -> Step {
        let kind = frame.kind();
        let Some(suite) = self.suite else {
            return if kind == APPLICATION_DATA { Step::Wait } else { Step::Done };
        };
        if suite.is_13 {
            if kind != APPLICATION_DATA {
                return Step::Done;
            }
        } else if !self.sealed {
            self.sealed = kind == CHANGE_CIPHER_SPEC;
            return Step::Done;
        }
        let counted = *self.counted.get_or_insert(frame.pos);
        self.effort.earn(frame.total());
        if let Some(step) = self.early_data(frame, out) {
            return step;
        }
        let Some(keys) = &self.keys else {
            if self.is_deaf {
                self.owed = Some(frame.stamp);
                self.torn += 1;
                return Step::Refused;
            }
            return Step::Wait;
        };
        if frame.hole.is_some() {
            let least = keys.least(frame.total());
            return match self.certain {
                Certainty::Sure => self.torn_record(frame, out),
                Certainty::Unproven | Certainty::Lost => {
                    self.owed = Some(frame.stamp);
                    self.torn += 1;
                    self.missed += least;
                    Step::Done
                }
            };
        }
        let start = out.plain.bytes.len();
        if self.certain == Certainty::Sure {
            if let Some(kind) = keys.open(self.number, frame.bytes, &mut out.plain.bytes) {
                return self.proved(frame, kind, start, out);
            }
            out.count(Reason::NotProved);
            self.certain = Certainty::Lost;
        }
        let was = (self.certain, self.number, self.next);
        if let Some(kind) = self.find(frame, counted, &mut out.plain.bytes) {
            self.tell_missed(frame, was, start, out);
            return self.proved(frame, kind, start, out);
        }
        self.owed = Some(frame.stamp);
        self.refused += 1;
        if self.certain == Certainty::Unproven && self.refused >= MAX_REFUSED {
            return Step::GiveUp(Reason::NotProved);
        }
        Step::Refused
    }

    /// Position of a record's plaintext.
    fn place(&self, frame_pos: u64) -> u64 {
        match self.suite.and_then(Suite::overhead) {
            Some(overhead) => {
                frame_pos.wrapping_add(self.before).saturating_sub(overhead * (self.earlier + self.number))
            }
            None if self.next == 0 => frame_pos,
            None => self.next,
        }
    }

    /// The first record that is proved, where many may have passed before it, stands here.
    pub fn begin_at(&mut self, frame_pos: u64) {
        /// How many bytes TCP numbers before it begins again.
        const ROUND: u64 = 1 << 32;
        let overheads = self.suite.and_then(Suite::overhead).unwrap_or(0) * self.number;
        self.before = overheads.saturating_sub(frame_pos).div_ceil(ROUND) * ROUND;
    }

    /// Between the last bytes that were told and this record, which is proved, some were lost. Its plaintext was appended
    /// already.
    fn tell_missed(&mut self, frame: &Frame<'_>, was: (Certainty, u64, u64), start: usize, out: &mut Output) {
        let owed = self.owed.take();
        // What passed before the connection was joined is nobody's loss.
        if self.joined && was.0 == Certainty::Unproven && owed.is_none() {
            return;
        }
        let stamp = owed.unwrap_or(frame.stamp);
        let (certain, number, next) = was;
        let pos = self.place(frame.pos);
        let least = if certain == Certainty::Unproven {
            // Records of the handshake are none of them.
            if self.number == 0 { 0 } else { self.missed.max(1) }
        } else if self.suite.and_then(Suite::overhead).is_some() {
            pos.saturating_sub(next)
        } else {
            let hidden = frame.pos.saturating_sub(self.counted.unwrap_or(frame.pos));
            let each = self.suite.map_or(0, Suite::most_overhead);
            hidden.saturating_sub(each * self.number.saturating_sub(number)).max(u64::from(hidden > 0))
        };
        self.missed = 0;
        self.torn = 0;
        let from = if certain == Certainty::Unproven { pos.saturating_sub(least) } else { next };
        debug_assert!(start <= out.plain.bytes.len(), "plaintext is appended");
        if !self.ended {
            tell::gap(&mut out.plain, self.direction, from, least, stamp);
        }
        if self.suite.and_then(Suite::overhead).is_none() {
            self.next = from + least;
        }
    }

    /// A record was proved, and its content is what follows `start`.
    fn proved(&mut self, frame: &Frame<'_>, kind: u8, start: usize, out: &mut Output) -> Step {
        let pos = self.place(frame.pos);
        let number = self.number;
        if let Some(explicit) = self.keys.as_ref().and_then(|keys| keys.explicit(frame.bytes)) {
            self.explicit = Some((explicit, number));
        }
        self.certain = Certainty::Sure;
        self.owed = None;
        self.pass(frame, pos, (out.plain.bytes.len() - start) as u64);
        self.effort = Effort::default();
        self.deliver(frame, pos, (kind, number), start, out)
    }

    /// The next record is the one after this.
    fn pass(&mut self, frame: &Frame<'_>, pos: u64, len: u64) {
        let overhead = self.suite.and_then(Suite::overhead);
        self.next = pos + overhead.map_or(len, |overhead| (frame.total() as u64).saturating_sub(overhead));
        self.number += 1;
        self.counted = Some(frame.end());
    }

    fn deliver(&mut self, frame: &Frame<'_>, pos: u64, what: (u8, u64), start: usize, out: &mut Output) -> Step {
        let (kind, number) = what;
        if kind == APPLICATION_DATA && !self.ended {
            tell::shown(&mut out.plain, self.direction, pos, start, frame.stamp, frame.ends_call);
            return Step::Done;
        }
        let mut step = Step::Done;
        match kind {
            HANDSHAKE if self.suite.is_some_and(|suite| suite.is_13) => {
                let mut rest = &out.plain.bytes[start..];
                while let Some(message) = self.messages.next(&mut rest) {
                    if message.kind == KEY_UPDATE && rest.is_empty() {
                        step = self.update();
                    }
                }
            }
            // Its Finished is the first that a side encrypts.
            HANDSHAKE if number > 0 => step = Step::GiveUp(Reason::Renegotiated),
            CHANGE_CIPHER_SPEC => step = Step::GiveUp(Reason::Renegotiated),
            ALERT if out.plain.bytes.get(start + 1) == Some(&CLOSE_NOTIFY) && !self.ended => {
                self.ended = true;
                if frame.ends_call {
                    tell::mark_end(&mut out.plain, self.direction, &frame.stamp);
                }
                tell::end(&mut out.plain, self.direction, pos, frame.stamp);
            }
            _ => {}
        }
        out.plain.bytes.truncate(start);
        if frame.ends_call {
            tell::mark_end(&mut out.plain, self.direction, &frame.stamp);
        }
        step
    }

    /// A KeyUpdate: the next record is the first under new keys.
    fn update(&mut self) -> Step {
        let Some(next) = self.keys.as_ref().and_then(Keys::next) else { return Step::GiveUp(Reason::NotProved) };
        self.keys = Some(next);
        self.earlier += self.number;
        self.number = 0;
        Step::Done
    }

    /// A record whose number is certain, and whose middle is missing.
    fn torn_record(&mut self, frame: &Frame<'_>, out: &mut Output) -> Step {
        let (Some((at, _)), Some(keys)) = (frame.hole, &self.keys) else { return Step::Refused };
        let (head, tail) = frame.bytes.split_at(at);
        let (pos, start) = (self.place(frame.pos), out.plain.bytes.len());
        let least = keys.least(frame.total());
        let torn = keys.open_torn(self.number, head, tail, frame.total(), &mut out.plain.bytes);
        let (outer, before) = (frame.kind(), (self.number, self.next, self.counted));
        self.pass(frame, pos, least);
        let Some(torn) = torn else {
            if outer == APPLICATION_DATA && !self.ended {
                tell::gap(&mut out.plain, self.direction, pos, least, frame.stamp);
            }
            return Step::Done;
        };
        let is_13 = self.suite.is_some_and(|suite| suite.is_13);
        let kind =
            if is_13 { torn.kind.unwrap_or_else(|| unseen_kind(&torn, &out.plain.bytes[start..])) } else { outer };
        if is_13 && !(ALERT..=APPLICATION_DATA).contains(&kind) {
            // There is no such type: these are other keys, or another record.
            out.count(Reason::NotProved);
            out.plain.bytes.truncate(start);
            (self.number, self.next, self.counted) = before;
            self.certain = Certainty::Lost;
            self.owed = Some(frame.stamp);
            return Step::Done;
        }
        match kind {
            APPLICATION_DATA if !self.ended => self.tell_torn(frame, pos, &torn, start, out),
            HANDSHAKE if is_13 => self.messages = Messages::default(),
            HANDSHAKE if self.number > 1 => return Step::GiveUp(Reason::Renegotiated),
            _ => {}
        }
        if kind != APPLICATION_DATA || self.ended {
            out.plain.bytes.truncate(start);
        }
        Step::Done
    }

    pub fn tell_torn(&self, frame: &Frame<'_>, pos: u64, torn: &Torn, start: usize, out: &mut Output) {
        let (direction, stamp, middle) = (self.direction, frame.stamp, start + torn.head);
        let tail = Zeroizing::new(out.plain.bytes.split_off(middle));
        let hidden = torn.len.saturating_sub(torn.head + torn.tail);
        let over = hidden == 0 && torn.tail == 0;
        tell::shown(&mut out.plain, direction, pos, start, stamp, over && frame.ends_call);
        tell::gap(&mut out.plain, direction, pos + torn.head as u64, hidden as u64, stamp);
        out.plain.bytes.extend_from_slice(&tail);
        let at = pos + (torn.len - torn.tail) as u64;
        tell::shown(&mut out.plain, direction, at, middle, stamp, frame.ends_call);
    }

    /// Records passed that were not counted.
    pub fn lose(&mut self, stamp: Stamp, out: &mut Output) {
        if self.certain == Certainty::Sure {
            out.count(Reason::Resync);
            self.certain = Certainty::Lost;
        }
        self.messages = Messages::default();
        self.framing_lost = true;
        self.sealed = true;
        self.owed = Some(stamp);
    }

    /// Nothing more will come: what was lost is told, as far as it is known.
    pub fn finish(&mut self, out: &mut Output) {
        if let Some(stamp) = self.owed.take()
            && (self.certain == Certainty::Lost || self.is_deaf)
            && !self.ended
        {
            tell::gap(&mut out.plain, self.direction, self.next, 1, stamp);
        }
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        // A cipher with its key schedule, as large as for processors without instructions for it.
        const KEYS: usize = 1280;
        let keys = usize::from(self.keys.is_some()) + usize::from(self.early.is_some());
        keys * KEYS + self.messages.heap_bytes()
    }
}

/// The inner type of a record of which no end was seen: data, unless it begins like a ticket that fills it.
fn unseen_kind(torn: &Torn, head: &[u8]) -> u8 {
    match *head {
        [NEW_SESSION_TICKET, 0, high, low, ..] if usize::from(u16::from_be_bytes([high, low])) + 4 == torn.len => {
            HANDSHAKE
        }
        _ => APPLICATION_DATA,
    }
}
