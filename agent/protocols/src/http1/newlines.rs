//! Line feeds, many at a time.
//!
//! Header lines are short: a search begun anew for each of them spends its time beginning. This one looks at a word of
//! eight bytes at once and keeps its place between two finds.

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const LOW: u64 = ONES * 0x7f;
const LINE_FEEDS: u64 = ONES * b'\n' as u64;

/// The indices of the line feeds in some bytes, in order.
pub(super) struct Newlines<'a> {
    words: &'a [[u8; 8]],
    /// What is left after the words, filled up with zeros.
    tail: u64,
    /// How many words were looked at, the tail being the last.
    seen: usize,
    /// The highest bit of each byte of the last of them that is a line feed not yet told.
    found: u64,
}

impl<'a> Newlines<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let (words, tail) = bytes.as_chunks();
        let tail = tail.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        Self { words, tail, seen: 0, found: 0 }
    }
}

impl Iterator for Newlines<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.found == 0 {
            let word = match self.words.get(self.seen) {
                Some(word) => u64::from_le_bytes(*word),
                None if self.seen == self.words.len() => self.tail,
                None => return None,
            };
            let other = word ^ LINE_FEEDS;
            // The zero bytes of `other`, exactly: no carry leaves its byte.
            self.found = !(((other & LOW) + LOW) | other | LOW);
            self.seen += 1;
        }
        let at = self.seen * 8 - 8 + self.found.trailing_zeros() as usize / 8;
        self.found &= self.found - 1;
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_are_found_and_nothing_else(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(0x0b), Just(0x8a), any::<u8>()], 0..60)) {
            let expected: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').collect();
            prop_assert_eq!(Newlines::new(&bytes).collect::<Vec<_>>(), expected);
        }
    }
}
