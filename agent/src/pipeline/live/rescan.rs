//! When to look at all processes again.

use std::time::{Duration, Instant};

/// Time between two looks at all processes, where selectors need them or process records were lost.
const RESCAN: Duration = Duration::from_secs(5);

/// Remembers when all processes were last looked at.
pub(super) struct Rescan {
    pub(super) always: bool,
    last: Instant,
    lost: u64,
}

impl Rescan {
    pub(super) fn new(always: bool) -> Self {
        Self { always, last: Instant::now(), lost: 0 }
    }

    pub(super) fn is_due(&mut self, now: Instant, lost: impl Fn() -> u64) -> bool {
        if now.duration_since(self.last) < RESCAN {
            return false;
        }
        self.last = now;
        let lost = lost();
        let is_more = std::mem::replace(&mut self.lost, lost) != lost;
        self.always || is_more
    }

    /// Whether the record of an exec may have been lost.
    pub(super) const fn may_miss(&self) -> bool {
        self.lost > 0
    }
}
