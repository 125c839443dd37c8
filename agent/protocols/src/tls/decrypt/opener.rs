//! One direction: from captured bytes to plaintext.

use super::frame::{Found, Framer};
use super::records::{Certainty, Records, Step};
use crate::session::{Output, Reason};
use crate::stream::{Chunk, Direction, Stamp};

/// See the module.
pub(super) struct Opener {
    pub framer: Framer,
    pub records: Records,
}

impl Opener {
    pub fn new(direction: Direction) -> Self {
        Self { framer: Framer::default(), records: Records::new(direction) }
    }

    /// Reads on in `chunk` from byte `at`, up to its end or to a record that has to wait.
    pub fn data(&mut self, chunk: &Chunk<'_>, at: &mut usize, out: &mut Output) -> Step {
        loop {
            let found = self.framer.next(chunk, at);
            if found == Found::Invalid {
                // All before it was counted: what passes is not encrypted any more where we look, as with TLS in the kernel.
                return Step::GiveUp(Reason::Malformed);
            }
            let Some(frame) = self.framer.frame(found, chunk, *at) else { return Step::Done };
            match self.records.record(&frame, out) {
                Step::Done => self.framer.pass(found, at),
                Step::Refused if matches!(found, Found::Perhaps(_)) => self.framer.refuse(found),
                Step::Refused => self.framer.pass(found, at),
                step => return step,
            }
        }
    }

    /// Tries the record again that had to wait, if it came in parts.
    pub fn retry(&mut self, out: &mut Output) -> Step {
        let Some(frame) = self.framer.joined() else { return Step::Done };
        match self.records.record(&frame, out) {
            Step::Done | Step::Refused => {
                self.framer.pass(Found::Joined, &mut 0);
                Step::Done
            }
            step => step,
        }
    }

    /// `len` bytes passed unseen.
    pub fn gap(&mut self, len: u64, stamp: Stamp, out: &mut Output) -> Step {
        if self.framer.gap(len, stamp) {
            if self.framer.is_lost() {
                self.records.lose(stamp, out);
            }
            return self.retry(out);
        }
        let mut step = Step::Done;
        if self.records.certain == Certainty::Sure
            && let Some(frame) = self.framer.broken()
        {
            step = self.records.record(&frame, out);
        }
        self.lose(stamp, out);
        step
    }

    fn lose(&mut self, stamp: Stamp, out: &mut Output) {
        self.framer.lose();
        self.records.lose(stamp, out);
    }

    /// Its key did not come in time: what waited is lost.
    pub fn forsake(&mut self, out: &mut Output) {
        self.records.is_deaf = true;
        self.retry(out);
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.framer.heap_bytes() + self.records.heap_bytes()
    }
}
