//! What was counted of something in the last minute, by the second, and since the beginning.

use std::collections::VecDeque;

use super::latency::Latency;

/// Seconds that are told: a sparkline's length.
pub const SECONDS: usize = 60;
/// A part of the minute whose durations are kept together, s.
const PART: u64 = 10;
const SECOND_NS: u64 = 1_000_000_000;

/// One thing that happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Happening {
    /// When it was over, kernel time, ns.
    pub at_ns: u64,
    /// How long it took, ns.
    pub took_ns: u64,
    /// Whether it failed.
    pub failed: bool,
    /// How long connections were set up for it, ns.
    pub set_up_ns: u64,
    /// For how many it stands.
    pub times: u64,
}

/// Sums of a time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// How many failed.
    pub failed: u64,
    /// How long connections were set up for them, ns.
    pub set_up_ns: u64,
    /// How many, and how long each took.
    pub latency: Latency,
}

impl Sums {
    fn add(&mut self, one: &Happening) {
        self.failed += if one.failed { one.times } else { 0 };
        self.set_up_ns = self.set_up_ns.saturating_add(one.set_up_ns.saturating_mul(one.times));
        self.latency.record(one.took_ns, one.times);
    }

    fn merge(&mut self, other: &Self) {
        self.failed += other.failed;
        self.set_up_ns = self.set_up_ns.saturating_add(other.set_up_ns);
        self.latency.merge(&other.latency);
    }

    /// Share of the waiting that was the set-up of connections, 0 to 1.
    #[must_use]
    pub fn set_up_share(&self) -> f64 {
        match self.latency.sum_ns() {
            0 => 0.0,
            sum_ns => (self.set_up_ns as f64 / sum_ns as f64).min(1.0),
        }
    }
}

/// One second: how many, and how many failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Second {
    at: u64,
    count: u32,
    failed: u32,
}

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    /// Since the beginning.
    pub total: Sums,
    /// The latest last; seconds without anything have none.
    seconds: VecDeque<Second>,
    /// Parts of the minute, by their number; the latest last.
    parts: VecDeque<(u64, Sums)>,
    /// When something was last counted, kernel time, ns.
    pub last_ns: u64,
}

impl Recent {
    /// Counts something.
    pub fn add(&mut self, one: &Happening) {
        self.last_ns = self.last_ns.max(one.at_ns);
        self.total.add(one);
        // What comes a little late counts in the latest second that there is.
        let second = (one.at_ns / SECOND_NS).max(self.seconds.back().map_or(0, |last| last.at));
        if self.seconds.back().is_none_or(|last| last.at != second) {
            self.seconds.push_back(Second { at: second, ..Second::default() });
            while self.seconds.front().is_some_and(|first| first.at + (SECONDS as u64) < second) {
                self.seconds.pop_front();
            }
        }
        if let Some(last) = self.seconds.back_mut() {
            let times = u32::try_from(one.times).unwrap_or(u32::MAX);
            last.count = last.count.saturating_add(times);
            last.failed = last.failed.saturating_add(if one.failed { times } else { 0 });
        }
        let part = second / PART;
        if self.parts.back().is_none_or(|(last, _)| *last != part) {
            self.parts.push_back((part, Sums::default()));
            while self.parts.len() > SECONDS / PART as usize + 1 {
                self.parts.pop_front();
            }
        }
        if let Some((_, sums)) = self.parts.back_mut() {
            sums.add(one);
        }
    }

    /// Sums of the minute before `now_ns`, to within ten seconds.
    #[must_use]
    pub fn minute(&self, now_ns: u64) -> Sums {
        let first = (now_ns / SECOND_NS).saturating_sub(SECONDS as u64) / PART;
        let mut sums = Sums::default();
        self.parts.iter().filter(|(part, _)| *part > first).for_each(|(_, part)| sums.merge(part));
        sums
    }

    /// How many a second, over the time of the last minute in which anything is known: since `began_ns` at the earliest.
    #[must_use]
    pub fn rate(&self, now_ns: u64, began_ns: u64) -> f64 {
        let now = now_ns / SECOND_NS;
        // The second that goes on would lower it.
        let from = now.saturating_sub(SECONDS as u64).max(began_ns / SECOND_NS);
        let whole = self.seconds.iter().filter(|second| (from..now).contains(&second.at));
        let count: u64 = whole.map(|second| u64::from(second.count)).sum();
        if now > from {
            return count as f64 / (now - from) as f64;
        }
        let begun = self.seconds.iter().filter(|second| second.at >= now).map(|second| u64::from(second.count)).sum();
        u64::max(begun, count) as f64
    }

    /// How many in each of the last [`SECONDS`] seconds before that of `now_ns`, and how many of them failed; the oldest first.
    #[must_use]
    pub fn by_second(&self, now_ns: u64) -> Vec<[u32; 2]> {
        let now = now_ns / SECOND_NS;
        let mut all = vec![[0; 2]; SECONDS];
        for second in &self.seconds {
            let Some(ago) = now.checked_sub(second.at + 1) else { continue };
            if let Some(place) = (SECONDS as u64 - 1).checked_sub(ago).and_then(|at| all.get_mut(at as usize)) {
                *place = [second.count, second.failed];
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64, failed: bool) -> Happening {
        Happening { at_ns: second * SECOND_NS, took_ns: 1_000_000, failed, set_up_ns: 250_000, times: 1 }
    }

    #[test]
    fn a_minute_is_told_by_the_second_and_as_a_whole() {
        let mut recent = Recent::default();
        for second in 100..220 {
            recent.add(&at(second, second % 2 == 0));
            recent.add(&at(second, false));
        }
        let now = 220 * SECOND_NS;
        let seconds = recent.by_second(now);
        assert_eq!((seconds.len(), seconds[59], seconds[58]), (60, [2, 0], [2, 1]));
        assert_eq!(recent.total.latency.count(), 240);
        let minute = recent.minute(now);
        assert!((100..=120).contains(&minute.latency.count()), "{minute:?}");
        assert!((minute.set_up_share() - 0.25).abs() < 1e-9);
        assert!((recent.rate(now, 0) - 2.0).abs() < 1e-9);
        assert!((recent.rate(now + 30 * SECOND_NS, 0) - 1.0).abs() < 1e-9, "silence counts");
        assert_eq!(recent.minute(now + 120 * SECOND_NS).latency.count(), 0);
    }

    #[test]
    fn a_rate_counts_only_the_time_since_the_beginning() {
        let mut recent = Recent::default();
        (0..10).for_each(|_| recent.add(&at(1000, false)));
        assert!((recent.rate(1000 * SECOND_NS + 5, 1000 * SECOND_NS) - 10.0).abs() < 1e-9);
        assert!((recent.rate(1001 * SECOND_NS, 1000 * SECOND_NS) - 10.0).abs() < 1e-9);
        assert!((recent.rate(1002 * SECOND_NS, 1000 * SECOND_NS) - 5.0).abs() < 1e-9);
    }
}
