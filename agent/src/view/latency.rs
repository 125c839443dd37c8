//! Durations by size: eight buckets for each doubling, so that a quantile is at most 6 % off, in a few hundred bytes.

/// Buckets of a doubling, as a power of two.
const FINE: u32 = 3;
/// Buckets in all: up to 2^42 ns, which is over an hour. What takes longer counts there.
const BUCKETS: usize = 40 << FINE;

/// How long things took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// Number of the first bucket that is kept.
    first: usize,
    counts: Vec<u32>,
    count: u64,
    sum_ns: u64,
    max_ns: u64,
}

fn bucket(ns: u64) -> usize {
    if ns < 1 << FINE {
        return ns as usize;
    }
    let exponent = 63 - ns.leading_zeros();
    let part = (ns >> (exponent - FINE)) & ((1 << FINE) - 1);
    ((((exponent - FINE + 1) as usize) << FINE) | part as usize).min(BUCKETS - 1)
}

/// The smallest duration of a bucket, ns.
fn lower(bucket: usize) -> u64 {
    if bucket < 1 << FINE {
        return bucket as u64;
    }
    let (row, part) = (bucket >> FINE, bucket & ((1 << FINE) - 1));
    ((1 << FINE) | part as u64) << (row - 1)
}

impl Latency {
    /// Something took `ns`, as often as `times`.
    pub fn record(&mut self, ns: u64, times: u64) {
        self.count += times;
        self.sum_ns = self.sum_ns.saturating_add(ns.saturating_mul(times));
        self.max_ns = self.max_ns.max(ns);
        self.add(bucket(ns), times);
    }

    fn add(&mut self, bucket: usize, times: u64) {
        if self.counts.is_empty() {
            self.first = bucket;
        }
        if bucket < self.first {
            let more = self.first - bucket;
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.first = bucket;
        }
        let at = bucket - self.first;
        if at >= self.counts.len() {
            self.counts.resize(at + 1, 0);
        }
        self.counts[at] = self.counts[at].saturating_add(u32::try_from(times).unwrap_or(u32::MAX));
    }

    /// Adds what another one has counted.
    pub fn merge(&mut self, other: &Self) {
        for (at, times) in other.counts.iter().enumerate().filter(|(_, times)| **times > 0) {
            self.add(other.first + at, (*times).into());
        }
        self.count += other.count;
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// The duration that a share of all do not exceed, ns; `None` if there are none. `share`: 0 to 1.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let total: u64 = self.counts.iter().map(|times| u64::from(*times)).sum();
        let wanted = (total as f64 * share).ceil().max(1.0) as u64;
        let mut passed = 0;
        for (lower, upper, times) in self.buckets() {
            passed += times;
            if passed >= wanted {
                let back = (passed - wanted) as f64 / times as f64;
                let inside = upper - ((upper - lower) as f64 * back) as u64;
                return Some(inside.min(self.max_ns));
            }
        }
        None
    }

    /// Buckets that are not empty: from (ns), up to (ns), how many; the shortest first.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let kept = self.counts.iter().enumerate().filter(|(_, times)| **times > 0);
        kept.map(|(at, times)| (lower(self.first + at), lower(self.first + at + 1), u64::from(*times)))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How long all took together, ns.
    #[must_use]
    pub fn sum_ns(&self) -> u64 {
        self.sum_ns
    }

    /// The longest, ns.
    #[must_use]
    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_lies_in_its_bucket() {
        let mut last = 0;
        for shift in 0..42 {
            for part in 0..64_u64 {
                let ns = (1_u64 << shift) + ((1_u64 << shift) * part) / 64;
                let at = bucket(ns);
                assert!(at >= last, "{ns}");
                last = at;
                assert!(lower(at) <= ns && (ns < lower(at + 1)), "{ns} in {at}: {} to {}", lower(at), lower(at + 1));
            }
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_close_whatever_came_first() {
        let (mut up, mut down) = (Latency::default(), Latency::default());
        for ms in 1..=1000 {
            up.record(ms * 1_000_000, 1);
            down.record((1001 - ms) * 1_000_000, 1);
        }
        for (share, expected) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0), (1.0, 1000.0)] {
            let value = up.quantile(share).unwrap() as f64 / 1e6;
            assert!((value / expected - 1.0).abs() < 0.07, "{share}: {value}");
            assert_eq!(down.quantile(share), up.quantile(share));
        }
        assert_eq!(Latency::default().quantile(0.5), None);
        let mut both = up.clone();
        both.merge(&down);
        assert_eq!((both.count(), both.sum_ns(), both.quantile(0.5)), (2000, 2 * up.sum_ns(), up.quantile(0.5)));
    }

    #[test]
    fn one_value_is_its_own_quantile() {
        let mut one = Latency::default();
        one.record(1_234_567, 3);
        assert_eq!((one.quantile(0.5), one.quantile(0.95)), (Some(1_234_567), Some(1_234_567)));
    }
}
