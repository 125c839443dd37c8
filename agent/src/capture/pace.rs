//! How long the reader rests between two looks at the ring buffer.
//!
//! Each look finds cold caches: at a few records a look, a span costs three times what it costs at a hundred. So the less comes,
//! the longer the rest, as long as the ring buffer stays nearly empty and nobody notices. After a connection was opened
//! the rests are short: what it speaks is recognised, and how much of it is to be copied is decided, after its first bytes.

use std::time::Duration;

use wirespan_common::limits::RING_BYTES;

/// Shortest and longest rest while records come.
const REST: (Duration, Duration) = (Duration::from_millis(4), Duration::from_millis(24));
/// Of so many parts of the ring buffer one may fill during a rest.
const PARTS: u64 = 64;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Pace {
    ring_bytes: u64,
    rest: Duration,
    /// The last look found nothing.
    is_quiet: bool,
    looked_ns: u64,
}

impl Pace {
    /// For a ring buffer of so many bytes.
    pub(super) const fn new(ring_bytes: u64) -> Self {
        Self { ring_bytes, rest: REST.0, is_quiet: false, looked_ns: 0 }
    }

    /// How long to rest now.
    pub(super) const fn rest(&self) -> Duration {
        self.rest
    }

    /// Whether nothing comes: there is nothing of which more could be waited for.
    pub(super) const fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Since the last look `bytes` were read, and connections were opened (`news`), or none.
    pub(super) fn looked(&mut self, now_ns: u64, bytes: u64, news: bool) {
        let elapsed_ns = now_ns.saturating_sub(std::mem::replace(&mut self.looked_ns, now_ns));
        self.is_quiet = bytes == 0;
        let part = self.ring_bytes / PARTS;
        let until_filled = Duration::from_nanos(part.saturating_mul(elapsed_ns) / bytes.max(1));
        // A small ring buffer is filled by what may come at once, however little came before.
        let longest = REST.1.mul_f64((self.ring_bytes as f64 / f64::from(RING_BYTES)).min(1.0)).max(REST.0);
        self.rest = if news { REST.0 } else { until_filled.clamp(REST.0, longest) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest_after(ring_bytes: u32, bytes: u64, news: bool) -> Duration {
        let mut pace = Pace::new(ring_bytes.into());
        assert_eq!(pace.rest(), REST.0);
        pace.looked(1_000_000_000, 1, false);
        pace.looked(1_010_000_000, bytes, news);
        pace.rest()
    }

    #[test]
    fn the_less_comes_the_longer_the_rest() {
        // In 10 ms: nothing, 10 KiB, 100 KiB, 1 MiB.
        let rests = [0, 10 << 10, 100 << 10, 1 << 20].map(|bytes| rest_after(RING_BYTES, bytes, false));
        assert_eq!((rests[0], rests[1], rests[3]), (REST.1, REST.1, REST.0));
        assert!(rests[2] > Duration::from_millis(12) && rests[2] < Duration::from_millis(13), "{rests:?}");
    }

    #[test]
    fn it_is_quiet_when_the_last_look_found_nothing() {
        let mut pace = Pace::new(RING_BYTES.into());
        let quiet = [(10, 0), (20, 100), (30, 0)].map(|(at_ns, bytes)| {
            pace.looked(at_ns, bytes, false);
            pace.is_quiet()
        });
        assert_eq!(quiet, [true, false, true]);
    }

    #[test]
    fn after_a_new_connection_and_with_a_small_ring_buffer_it_is_short() {
        assert_eq!(rest_after(RING_BYTES, 100, true), REST.0);
        assert_eq!(rest_after(64 << 10, 100, false), REST.0);
    }
}
