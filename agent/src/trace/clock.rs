//! Kernel times to Unix times.

/// Maps `CLOCK_MONOTONIC` to Unix time by the last known offset.
///
/// Both ends of an interval are always mapped with the same offset, so that a wall clock which is stepped or slewed
/// in the middle of a request moves its span, but never changes its duration or makes it negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    offset_ns: i64,
}

impl Clock {
    /// `CLOCK_REALTIME - CLOCK_MONOTONIC`, ns (0 for times that are Unix times already).
    pub fn set_offset(&mut self, offset_ns: i64) {
        self.offset_ns = offset_ns;
    }

    /// The Unix time of a kernel time, ns; clamped to the epoch.
    #[must_use]
    pub fn unix(self, kernel_ns: u64) -> u64 {
        kernel_ns.saturating_add_signed(self.offset_ns)
    }

    /// The Unix times of a start and an end. The end is never before the start, and their distance is the kernel's.
    #[must_use]
    pub fn interval(self, first_ns: u64, last_ns: u64) -> (u64, u64) {
        let start = self.unix(first_ns);
        (start, start.saturating_add(last_ns.saturating_sub(first_ns)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_keeps_its_duration_whatever_the_offset() {
        for offset in [0, 5, -5, 1_700_000_000_000_000_000, -1_000] {
            let mut clock = Clock::default();
            clock.set_offset(offset);
            let (start, end) = clock.interval(100, 350);
            assert_eq!(end - start, 250, "{offset}");
        }
    }

    #[test]
    fn a_step_moves_both_ends() {
        let mut clock = Clock::default();
        clock.set_offset(1_000);
        assert_eq!(clock.interval(10, 20), (1_010, 1_020));
        clock.set_offset(-5);
        assert_eq!(clock.interval(10, 20), (5, 15));
        assert_eq!(clock.unix(3), 0, "clamped");
    }

    #[test]
    fn an_end_before_the_start_is_the_start() {
        assert_eq!(Clock::default().interval(20, 10), (20, 20));
    }
}
