//! Exponential back-off with jitter.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// First wait, before jitter.
const FIRST: Duration = Duration::from_millis(500);
/// Longest wait, before jitter: how late a receiver's return can be noticed.
const LONGEST: Duration = Duration::from_secs(5);

/// The waits of one batch: each twice as long as the one before, spread over half to one and a half of that, so that many agents
/// do not come back to a receiver in step.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    random: RandomState,
    step: u64,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST, random: RandomState::new(), step: 0 }
    }
}

impl Backoff {
    /// The next wait.
    pub fn wait(&mut self) -> Duration {
        let base = self.next;
        self.next = (base * 2).min(LONGEST);
        self.step += 1;
        // The standard library's hasher is seeded at random: enough for this, and no dependency.
        let percent = self.random.hash_one(self.step) % 101;
        base / 2 + base * u32::try_from(percent).unwrap_or(0) / 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_differ() {
        let mut backoff = Backoff::default();
        let mut base = FIRST;
        for _ in 0..100 {
            let wait = backoff.wait();
            assert!(wait >= base / 2 && wait <= base * 3 / 2, "{wait:?} for {base:?}");
            base = (base * 2).min(LONGEST);
        }
        let waits: std::collections::HashSet<_> = (0..100).map(|_| Backoff::default().wait()).collect();
        assert!(waits.len() > 10);
    }
}
