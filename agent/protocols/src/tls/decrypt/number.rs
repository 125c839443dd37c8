//! Which number a record has, when records before it were not counted. Whatever tells it, its tag proves it.

use std::ops::RangeInclusive;

use super::super::record::{HEADER, MAX_BODY};
use super::frame::Frame;
use super::keys::Keys;
use super::records::{Certainty, Records};
use super::suite::{Seal, Suite};

/// Generations of keys after the known one that are tried: the KeyUpdate may have been among what was lost.
const MAX_GENERATIONS: u64 = 3;
/// Most numbers that are tried for a record that does not tell its own.
const MAX_NUMBERS: u64 = 4096;
/// Most records before the agent came.
const MOST_BEFORE: u64 = 1 << 32;
/// Bytes of the longest record.
const LONGEST: u64 = (HEADER + MAX_BODY as usize) as u64;
/// Bytes that may be tried after a proof, and for each byte that passes.
const MOST: u64 = 1 << 20;
const EACH: u64 = 4;
/// Bytes that a try costs beside those of the record.
const TRY: u64 = 128;

/// How much may be tried, in bytes: in all it stays in proportion to what passes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort(u64);

impl Default for Effort {
    fn default() -> Self {
        Self(MOST)
    }
}

impl Effort {
    /// So many bytes passed.
    pub fn earn(&mut self, len: usize) {
        self.0 = self.0.saturating_add(EACH * len as u64).min(MOST);
    }

    fn spend(&mut self, len: usize) -> bool {
        let left = self.0.checked_sub(len as u64 + TRY);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

impl Records {
    /// Decrypts a whole record of unknown number onto the end of `plain`, if its tag proves one: its content type. `counted` is
    /// where the bytes begin in which there may be records that were not counted.
    pub fn find(&mut self, frame: &Frame<'_>, counted: u64, plain: &mut Vec<u8>) -> Option<u8> {
        let suite = self.suite?;
        let is_first = self.joined && self.certain == Certainty::Unproven;
        let passed = frame.pos.saturating_sub(counted) / suite.shortest();
        let hidden = if is_first { MOST_BEFORE } else { passed };
        let most = self.most_tries(hidden);
        let kind = self.keys.as_ref().and_then(|keys| {
            let least = if self.certain == Certainty::Lost { frame.pos.saturating_sub(counted) / LONGEST } else { 0 };
            let range = self.number + least..=self.number + hidden;
            let guess = guess(keys, self.explicit, frame);
            try_numbers(keys, frame, range, (guess, most), &mut self.effort, plain)
        });
        if let Some((kind, number)) = kind {
            self.number = number;
            if is_first {
                self.begin_at(frame.pos);
            }
            return Some(kind);
        }
        if self.certain != Certainty::Lost || !suite.is_13 {
            return None;
        }
        let mut keys = self.keys.as_ref()?.next()?;
        for generation in 1..=MAX_GENERATIONS.min(hidden) {
            if let Some((kind, number)) = try_numbers(&keys, frame, 0..=hidden, (None, most), &mut self.effort, plain) {
                // How many there were under the keys before is not known: as few as can be.
                self.earlier += self.number + generation;
                self.number = number;
                self.keys = Some(keys);
                return Some(kind);
            }
            keys = keys.next()?;
        }
        None
    }

    /// How many numbers to try one by one, beside the first.
    fn most_tries(&self, hidden: u64) -> u64 {
        // As long as no framing was lost, only records that were not whole can have been missed.
        let all = if self.certain == Certainty::Unproven && !self.framing_lost { self.torn } else { hidden };
        all.min(MAX_NUMBERS)
    }
}

/// The number that the nonce in a record suggests: libraries count with it, from 0 or from a random number.
fn guess(keys: &Keys, last: Option<(u64, u64)>, frame: &Frame<'_>) -> Option<u64> {
    let explicit = keys.explicit(frame.bytes).filter(|_| has_explicit(keys.suite()))?;
    Some(match last {
        Some((last, number)) => number.wrapping_add(explicit.wrapping_sub(last)),
        None => explicit,
    })
}

fn has_explicit(suite: Suite) -> bool {
    suite.explicit() > 0
}

fn try_numbers(
    keys: &Keys,
    frame: &Frame<'_>,
    range: RangeInclusive<u64>,
    (guess, most): (Option<u64>, u64),
    effort: &mut Effort,
    plain: &mut Vec<u8>,
) -> Option<(u8, u64)> {
    let mut open = |number: u64| {
        let may = range.contains(&number) && effort.spend(frame.bytes.len());
        may.then(|| keys.open(number, frame.bytes, plain)).flatten().map(|kind| (kind, number))
    };
    if keys.suite().is_13 && keys.suite().seal == Seal::Gcm {
        return keys.number(frame.bytes).and_then(open);
    }
    if let Some(opened) = guess.and_then(&mut open) {
        return Some(opened);
    }
    let first = *range.start();
    (first..=first.saturating_add(most)).find_map(open)
}
