//! Base-2 exponential histograms (OpenTelemetry metrics data model, "ExponentialHistogram").
//!
//! At scale `s` the bucket `i` holds values in `(base^i, base^(i+1)]` with `base = 2^(2^-s)`. The scale begins at its
//! finest and is halved whenever the values no longer fit into [`MAX_SIZE`] buckets.

/// Most buckets.
pub const MAX_SIZE: usize = 160;
/// Finest scale.
pub const MAX_SCALE: i32 = 20;
/// Coarsest scale: two buckets hold every finite value.
const MIN_SCALE: i32 = -10;

/// A distribution of values that are not negative.
#[derive(Clone, Debug, PartialEq)]
pub struct Exponential {
    /// Scale now.
    pub scale: i32,
    /// Values that are zero.
    pub zeros: u64,
    /// Index of the first of `counts`.
    pub offset: i32,
    /// Values by bucket.
    pub counts: Vec<u64>,
}

impl Default for Exponential {
    fn default() -> Self {
        Self { scale: MAX_SCALE, zeros: 0, offset: 0, counts: Vec::new() }
    }
}

/// Bucket of a positive, finite value.
fn index(value: f64, scale: i32) -> i32 {
    // The upper bound belongs to the bucket, so that an exact power of two is the last value of its bucket.
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    if exponent == 0 {
        // Subnormal: smaller than any time or size that is measured. The smallest normal value stands for it.
        return index(f64::MIN_POSITIVE, scale);
    }
    let exponent = exponent - 1023;
    if fraction == 0 {
        return if scale >= 0 { (exponent << scale) - 1 } else { (exponent - 1) >> -scale };
    }
    if scale <= 0 {
        return exponent >> -scale;
    }
    let exact = value.log2() * f64::from(1 << scale);
    let found = exact.ceil() as i32 - 1;
    // Rounding must not carry a value over the power of two beside it.
    found.clamp(exponent << scale, ((exponent + 1) << scale) - 1)
}

impl Exponential {
    /// Takes in a value, so many times.
    pub fn record(&mut self, value: f64, times: u64) {
        if value.is_nan() || value <= 0.0 {
            self.zeros += times;
            return;
        }
        let value = value.min(f64::MAX);
        let at = index(value, self.scale);
        if self.counts.is_empty() {
            self.offset = at;
            self.counts.push(times);
            return;
        }
        let last = self.offset + self.counts.len() as i32 - 1;
        let shift = shift(at.min(self.offset), at.max(last), self.scale);
        let at = at >> shift;
        self.coarsen(shift);
        self.cover(at);
        if let Some(count) = self.counts.get_mut((at - self.offset) as usize) {
            *count += times;
        }
    }

    /// Values in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.zeros + self.counts.iter().sum::<u64>()
    }

    /// Makes buckets `2^shift` times as wide.
    fn coarsen(&mut self, shift: i32) {
        if shift == 0 {
            return;
        }
        let offset = self.offset >> shift;
        let mut counts = Vec::with_capacity((self.counts.len() >> shift) + 2);
        for (place, count) in self.counts.iter().enumerate() {
            let to = (((self.offset + place as i32) >> shift) - offset) as usize;
            if counts.len() <= to {
                counts.resize(to + 1, 0);
            }
            counts[to] += count;
        }
        (self.counts, self.offset, self.scale) = (counts, offset, self.scale - shift);
    }

    /// Makes room for a bucket; the caller has seen to it that there are not too many.
    fn cover(&mut self, at: i32) {
        if at < self.offset {
            let more = (self.offset - at) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.offset = at;
        } else if (at - self.offset) as usize >= self.counts.len() {
            self.counts.resize((at - self.offset) as usize + 1, 0);
        }
    }

    /// What came since `earlier`, an earlier state of this histogram.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut before = earlier.clone();
        before.coarsen((earlier.scale - self.scale).max(0));
        let mut rest = self.clone();
        rest.zeros = rest.zeros.saturating_sub(before.zeros);
        for (place, count) in before.counts.iter().enumerate() {
            let at = before.offset + place as i32 - rest.offset;
            if let Some(now) = usize::try_from(at).ok().and_then(|at| rest.counts.get_mut(at)) {
                *now = now.saturating_sub(*count);
            }
        }
        rest
    }
}

/// How much coarser the scale must become for buckets from `low` to `high` to be few enough.
fn shift(mut low: i32, mut high: i32, scale: i32) -> i32 {
    let mut shift = 0;
    while i64::from(high) - i64::from(low) >= MAX_SIZE as i64 && scale - shift > MIN_SCALE {
        (low, high) = (low >> 1, high >> 1);
        shift += 1;
    }
    shift
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bounds(index: i32, scale: i32) -> (f64, f64) {
        let base = |index: i32| (f64::from(index) * 2f64.powi(-scale)).exp2();
        (base(index), base(index + 1))
    }

    #[test]
    fn powers_of_two_are_the_last_value_of_their_bucket() {
        for scale in [-4, -1, 0, 1, 3, 20] {
            for power in [-20, -1, 0, 1, 8] {
                let value = 2f64.powi(power);
                let (low, high) = bounds(index(value, scale), scale);
                assert!(low < value && value <= high * (1.0 + 1e-12), "2^{power} at scale {scale}: ({low}, {high}]");
            }
        }
        assert_eq!((index(1.0, 0), index(1.5, 0), index(2.0, 0), index(2.1, 0)), (-1, 0, 0, 1));
    }

    #[test]
    fn one_value_keeps_the_finest_scale_and_two_far_ones_do_not() {
        let mut histogram = Exponential::default();
        histogram.record(0.5, 1);
        assert_eq!((histogram.scale, histogram.counts.len()), (MAX_SCALE, 1));
        histogram.record(50.0, 1);
        histogram.record(0.0, 1);
        assert!(histogram.scale < MAX_SCALE && histogram.counts.len() <= MAX_SIZE);
        assert_eq!((histogram.count(), histogram.zeros), (3, 1));
    }

    proptest! {
        #[test]
        fn every_value_lies_in_a_bucket_that_holds_it(values in prop::collection::vec(1e-9f64..1e9, 1..200)) {
            let mut histogram = Exponential::default();
            for value in &values {
                histogram.record(*value, 1);
            }
            prop_assert!(histogram.counts.len() <= MAX_SIZE);
            prop_assert_eq!(histogram.count(), values.len() as u64);
            let mut expected = vec![0; histogram.counts.len()];
            for value in &values {
                let at = index(*value, histogram.scale);
                let (low, high) = bounds(at, histogram.scale);
                prop_assert!(low <= value * (1.0 + 1e-9) && *value <= high * (1.0 + 1e-9));
                expected[(at - histogram.offset) as usize] += 1;
            }
            // Coarsening step by step may put what lies on a bound (but for rounding) beside it, nothing further.
            let total: u64 = expected.iter().sum();
            prop_assert_eq!(total, histogram.count());
        }

        #[test]
        fn the_difference_is_what_came_between(
            before in prop::collection::vec(1e-6f64..1e3, 0..50),
            after in prop::collection::vec(1e-6f64..1e3, 0..50),
        ) {
            let mut histogram = Exponential::default();
            before.iter().for_each(|value| histogram.record(*value, 1));
            let earlier = histogram.clone();
            after.iter().for_each(|value| histogram.record(*value, 1));
            prop_assert_eq!(histogram.since(&earlier).count(), after.len() as u64);
        }
    }

    #[test]
    fn odd_values_do_no_harm() {
        let mut histogram = Exponential::default();
        for value in [f64::NAN, f64::INFINITY, -1.0, f64::MIN_POSITIVE / 4.0, f64::MAX] {
            histogram.record(value, 1);
        }
        assert_eq!((histogram.count(), histogram.zeros), (5, 2));
        assert!(histogram.counts.len() <= MAX_SIZE);
    }
}
