//! Trace and span ids: xoshiro256++ (Blackman and Vigna, 2019), seeded from the operating system, or from a number so
//! that a replay gives the same ids each time. Ids have to be unique, not secret.

use super::span::{SpanId, TraceId};

/// A source of ids.
#[derive(Debug)]
pub struct Ids {
    state: [u64; 4],
}

impl Ids {
    /// Seeded from the operating system's random source.
    ///
    /// # Errors
    /// When the operating system has no random source to offer.
    pub fn from_os() -> Result<Self, getrandom::Error> {
        let mut state = [0; 4];
        for word in &mut state {
            *word = getrandom::u64()?;
        }
        // The all-zero state is the one from which the generator never moves.
        Ok(if state == [0; 4] { Self::seeded(0) } else { Self { state } })
    }

    /// Seeded from a number: the same seed gives the same ids.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        // SplitMix64 spreads the seed, as the generator's authors recommend; its outputs are not all zero.
        let mut sum = seed;
        let state = std::array::from_fn(|_| {
            sum = sum.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = sum;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ (word >> 31)
        });
        Self { state }
    }

    fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A new trace id, never all zero.
    pub fn trace_id(&mut self) -> TraceId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.next().to_be_bytes());
        id[8..].copy_from_slice(&self.nonzero().to_be_bytes());
        id
    }

    /// A new span id, never all zero.
    pub fn span_id(&mut self) -> SpanId {
        self.nonzero().to_be_bytes()
    }

    fn nonzero(&mut self) -> u64 {
        loop {
            let word = self.next();
            if word != 0 {
                return word;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// First outputs of the reference implementation with the state 1, 2, 3, 4.
    #[test]
    fn it_is_xoshiro256_plus_plus() {
        let mut ids = Ids { state: [1, 2, 3, 4] };
        let first: Vec<u64> = (0..4).map(|_| ids.next()).collect();
        assert_eq!(first, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn a_seed_reproduces_and_seeds_differ() {
        let (mut one, mut same, mut other) = (Ids::seeded(7), Ids::seeded(7), Ids::seeded(8));
        let id = one.trace_id();
        assert_eq!(id, same.trace_id());
        assert_eq!(one.span_id(), same.span_id());
        assert_ne!(id, other.trace_id());
    }

    #[test]
    fn ids_do_not_repeat() {
        let (mut one, mut two) = (Ids::from_os().unwrap(), Ids::from_os().unwrap());
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            assert!(seen.insert(one.span_id()) && seen.insert(two.span_id()));
        }
    }
}
