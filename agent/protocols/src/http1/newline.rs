//! The end of a line, which is mostly near.

use memchr::memchr;

/// How many words are looked at here: most header lines end before that. To begin the vector search, which sees more at
/// once, costs as much as these.
const NEAR: usize = 6;

/// The index of the first line feed.
#[inline]
pub(super) fn find_newline(bytes: &[u8]) -> Option<usize> {
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().take(NEAR).enumerate() {
        let found = newlines(u64::from_le_bytes(*word));
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let from = if words.len() > NEAR { NEAR * 8 } else { bytes.len() - tail.len() };
    let far = bytes.get(from..).unwrap_or_default();
    let at = if far.len() < 8 { far.iter().position(|byte| *byte == b'\n') } else { memchr(b'\n', far) };
    at.map(|at| from + at)
}

/// Non-zero when a byte is a line feed. Of the bits that are set the lowest is the highest bit of the first one.
#[inline]
fn newlines(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let other = word ^ (ONES * u64::from(b'\n'));
    // A zero byte borrows; a one behind it may look like another.
    other.wrapping_sub(ONES) & !other & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_is_found(
            before in prop::collection::vec(any::<u8>().prop_filter("no line feed", |byte| *byte != b'\n'), 0..150),
            after in prop::collection::vec(prop_oneof![Just(b'\n'), Just(0x0b), Just(0x8a), any::<u8>()], 0..12),
        ) {
            let line = [&before[..], b"\n", &after].concat();
            prop_assert_eq!(find_newline(&line), Some(before.len()));
            prop_assert_eq!(find_newline(&before), None);
        }
    }
}
