//! Whether a client rests before it asks again.
//!
//! After a loss it is not known how many answers are still on their way, unless nothing can be: when a client begins to
//! ask again that always waited for all answers first. A pipeline that is sent at once and waited for is no exception;
//! a client that asks for more while answers are outstanding is one. This remembers which of the last turns began at
//! rest, as far as that was certain.

/// Turns that are remembered.
const KEPT: u32 = 32;
/// Rounds that are asked for when nothing is known of the client.
const STRANGER: u32 = 32;
/// Most rounds that are asked for: who needs more is hardly ever seen at rest, so that looks prove nothing.
const MOST: u32 = 128;

/// The last turns of one client. A turn begins with the first call of requests after an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habit {
    /// One bit a turn, the last one lowest: it began ahead of an answer.
    ahead: u32,
    /// Turns that were seen, up to [`KEPT`].
    seen: u32,
}

impl Habit {
    /// A turn began; `ahead`: an answer was outstanding.
    pub fn turn(&mut self, ahead: bool) {
        self.ahead = self.ahead << 1 | u32::from(ahead);
        self.seen = (self.seen + 1).min(KEPT);
    }

    /// Whether none of the turns that are remembered began ahead of an answer.
    #[must_use]
    pub fn never_ahead(&self) -> bool {
        self.ahead == 0
    }

    /// How many turns in a row must look as if each began at rest, until that is believed of all of them: a client that
    /// begins one ahead as often as this one did, and once more, would have been caught out with a probability of 9999
    /// in 10000. `None`: there is no such number.
    #[must_use]
    pub fn rounds(&self) -> Option<u32> {
        if self.seen == 0 {
            return Some(STRANGER);
        }
        let (ahead, all) = (u64::from(self.ahead.count_ones()) + 1, u64::from(self.seen) + 1);
        let (mut rounds, mut chance) = (0, 1_000_000_000);
        while chance > 100_000 {
            rounds += 1;
            chance = chance * ahead / all;
            if rounds > MOST {
                return None;
            }
        }
        Some(rounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn habit(turns: &[bool]) -> Habit {
        let mut habit = Habit::default();
        turns.iter().for_each(|ahead| habit.turn(*ahead));
        habit
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        assert!(habit(&[]).never_ahead());
        assert!(!habit(&[true, false, false, false, false]).never_ahead());
        assert!(habit(&[&[true][..], &[false; 32]].concat()).never_ahead());
    }

    #[test]
    fn the_less_it_rests_the_more_is_asked_for() {
        for (turns, rounds) in [
            (vec![], Some(32)),
            (vec![false], Some(14)),
            (vec![false; 4], Some(6)),
            (vec![false; 40], Some(3)),
            (vec![true, false, true, false], Some(19)),
            ([[false; 16], [true; 16]].concat(), Some(14)),
            ([&[true; 31][..], &[false]].concat(), None),
            (vec![true; 40], None),
        ] {
            assert_eq!(habit(&turns).rounds(), rounds, "{turns:?}");
        }
    }
}
