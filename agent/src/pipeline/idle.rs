//! What much work took is given back when there is little: the allocator of glibc would keep it.

use crate::capture::memory;
use std::time::{Duration, Instant};

/// How long work is counted before it is looked at.
const WINDOW: Duration = Duration::from_secs(5);
/// Fewer events in a window are little work.
const LITTLE: usize = 1000;
/// As many events since memory was given back are much.
const MUCH: usize = 20_000;

/// Counts events.
pub struct Idle {
    since: Instant,
    in_window: usize,
    work: usize,
}

impl Idle {
    /// Nothing was done yet.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { since: now, in_window: 0, work: 0 }
    }

    /// After a turn of the main loop: gives memory back when a burst is over.
    pub fn turn(&mut self, now: Instant, events: usize) {
        if self.is_over(now, events) {
            memory::give_back();
        }
    }

    fn is_over(&mut self, now: Instant, events: usize) -> bool {
        self.in_window += events;
        self.work += events;
        if now.duration_since(self.since) < WINDOW {
            return false;
        }
        self.since = now;
        let is_quiet = std::mem::take(&mut self.in_window) < LITTLE;
        if is_quiet && self.work >= MUCH {
            self.work = 0;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_over_once() {
        let mut now = Instant::now();
        let mut idle = Idle::new(now);
        let mut turns = |events: usize| {
            now += WINDOW / 2;
            idle.is_over(now, events)
        };
        assert_eq!([30_000, 30_000, 20, 20, 20, 20].map(&mut turns), [false, false, false, true, false, false]);
        assert_eq!([10, 10, 10, 10].map(&mut turns), [false; 4]);
    }
}
