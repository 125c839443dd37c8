//! Keeps one place in the code from filling the log: what it says over and over is told at most once a second, with how much of it
//! was left out.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Level;

/// So many notes of one place at once; the last lines of a run are some thirty.
pub(super) const AT_ONCE: u32 = 100;
/// Then one after each such time.
const EVERY: Duration = Duration::from_secs(1);

/// What each place may still say. `K`: what tells places apart; there are as many as the code has.
#[derive(Debug)]
pub struct Limits<K>(Mutex<HashMap<K, Place>>);

#[derive(Debug)]
struct Place {
    /// Notes that may be told at once.
    left: u32,
    /// Since when another one would have been due.
    since: Instant,
    left_out: u64,
}

impl<K> Default for Limits<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq> Limits<K> {
    /// How many notes of this place were left out before this one, or that this one is left out, too. Who asks for more than
    /// [`Level::Info`] looks for a reason, and gets all of them.
    pub fn pass(&self, place: K, level: Level, now: Instant) -> Option<u64> {
        if level as u8 > Level::Info as u8 {
            return Some(0);
        }
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry(place).or_insert(Place { left: AT_ONCE, since: now, left_out: 0 });
        let earned = now.saturating_duration_since(place.since).as_secs() / EVERY.as_secs();
        if earned > 0 {
            place.left = place.left.saturating_add(u32::try_from(earned).unwrap_or(u32::MAX)).min(AT_ONCE);
            place.since = now;
        }
        match place.left.checked_sub(1) {
            Some(left) => {
                place.left = left;
                Some(std::mem::take(&mut place.left_out))
            }
            None => {
                place.left_out += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_in_a_loop_does_not_flood() {
        let (limits, begin) = (Limits::default(), Instant::now());
        // For ten seconds a thousand a second.
        let told: Vec<u64> =
            (0..10_000).filter_map(|n| limits.pass("loop", Level::Warn, begin + Duration::from_millis(n))).collect();
        assert_eq!(told.len() as u64, u64::from(AT_ONCE) + 9);
        assert_eq!(
            told.iter().sum::<u64>() + told.len() as u64,
            9001,
            "each one is told or counted, until the last that was told"
        );
        // Others are not concerned, and it comes back.
        assert_eq!(limits.pass("other", Level::Info, begin), Some(0));
        let later = begin + Duration::from_secs(3600);
        assert_eq!(limits.pass("loop", Level::Warn, later), Some(999));
        assert_eq!((1..200).filter_map(|_| limits.pass("loop", Level::Warn, later)).count() as u32, AT_ONCE - 1);
    }

    #[test]
    fn who_asks_for_reasons_gets_all_of_them() {
        let (limits, now) = (Limits::default(), Instant::now());
        assert_eq!((0..1000).filter_map(|_| limits.pass("x", Level::Debug, now)).count(), 1000);
    }
}
