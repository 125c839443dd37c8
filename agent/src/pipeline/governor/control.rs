//! From what was used to how much is shed. No clock, no I/O.
//!
//! What an exchange costs when it is followed is many times what it costs when it is left out. So the share that is
//! followed is scaled by how far the use is from the aim, again and again: what does not shrink with it is made up for by
//! the next steps. It falls at once when the use is over the budget, and rises slowly, by a tenth in a step, so that it
//! does not swing.

/// Exchanges are left out in steps of one in so many.
pub const STEPS: u32 = 256;

/// Shares of the budget: what is aimed at while something is left out, and below what more is followed again.
const AIM: f64 = 0.9;
const CALM: f64 = 0.8;

/// Share of the ring buffer that may wait.
const CROWDED: f64 = 0.5;

/// Growth of the followed share in one step, at most.
const GROWTH: f64 = 1.1;

/// Weight of the newest measurement of what is used, unless it is over the budget by far.
const NEWEST: f64 = 0.5;

/// What is left out, and what was used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Control {
    /// Processors that may be used, as a number of them.
    budget: f64,
    /// Processors used lately, smoothed.
    used: f64,
    /// Share of the exchanges that are followed.
    kept: f64,
}

impl Control {
    /// For a budget in processors (0.2 is a fifth of one).
    #[must_use]
    pub const fn new(budget: f64) -> Self {
        Self { budget, used: 0.0, kept: 1.0 }
    }

    /// Processors that may be used.
    #[must_use]
    pub const fn budget(&self) -> f64 {
        self.budget
    }

    /// Processors used lately.
    #[must_use]
    pub const fn used(&self) -> f64 {
        self.used
    }

    /// Exchanges to leave out, of [`STEPS`]. Never all of them.
    #[must_use]
    pub fn rejected(&self) -> u8 {
        let left_out = (1.0 - self.kept) * f64::from(STEPS);
        left_out.round().clamp(0.0, f64::from(STEPS - 1)) as u8
    }

    /// `used` processors were used since the last step, and `backlog` of the ring buffer waits to be read (0 to 1): how many of
    /// [`STEPS`] exchanges to leave out from now on.
    ///
    /// An agent that others leave no processor to uses little, and still cannot follow.
    pub fn step(&mut self, used: f64, backlog: f64) -> u8 {
        // A storm does not wait until an average has noticed it.
        let newest = if used > 2.0 * self.budget { 1.0 } else { NEWEST };
        self.used += (used - self.used) * newest;
        if backlog > CROWDED {
            self.scale(0.5);
        } else if self.used > self.budget {
            self.scale(self.budget * AIM / self.used);
        } else if self.kept < 1.0 && self.used < self.budget * CALM {
            self.scale((self.budget * AIM / self.used.max(f64::MIN_POSITIVE)).min(GROWTH));
        }
        self.rejected()
    }

    /// What is used goes with what is followed: the average would know that only later.
    fn scale(&mut self, by: f64) {
        let least = 1.0 / f64::from(STEPS);
        let kept = (self.kept * by).clamp(least, 1.0);
        self.used *= kept / self.kept;
        self.kept = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host on which `rate` exchanges a second come, each followed one costing `followed` µs, each left out `left_out` µs.
    struct Host {
        rate: f64,
        followed: f64,
        left_out: f64,
    }

    impl Host {
        fn used(&self, rejected: u8) -> f64 {
            let share = f64::from(rejected) / f64::from(STEPS);
            self.rate * ((1.0 - share) * self.followed + share * self.left_out) / 1e6
        }

        fn settle(&self, control: &mut Control, steps: usize) -> f64 {
            (0..steps).fold(control.rejected(), |rejected, _| control.step(self.used(rejected), 0.0));
            self.used(control.rejected())
        }
    }

    #[test]
    fn below_the_budget_nothing_is_left_out() {
        let host = Host { rate: 90_000.0, followed: 2.0, left_out: 0.3 };
        let mut control = Control::new(0.2);
        host.settle(&mut control, 1000);
        assert_eq!(control.rejected(), 0);
    }

    #[test]
    fn above_it_the_use_comes_to_the_aim_and_stays() {
        for rate in [120_000.0, 200_000.0, 400_000.0] {
            let host = Host { rate, followed: 3.0, left_out: 0.2 };
            let mut control = Control::new(0.2);
            let used = host.settle(&mut control, 50);
            assert!((0.155..=0.2).contains(&used), "{rate}: {used}");
            let before = control.rejected();
            host.settle(&mut control, 50);
            assert!(before.abs_diff(control.rejected()) <= 8, "{rate}: {before} {}", control.rejected());
        }
    }

    #[test]
    fn a_storm_is_met_within_two_steps_and_forgotten_after_it() {
        let mut control = Control::new(0.2);
        let calm = Host { rate: 1_000.0, followed: 3.0, left_out: 0.1 };
        calm.settle(&mut control, 100);
        let storm = Host { rate: 1_500_000.0, followed: 3.0, left_out: 0.05 };
        let used = storm.settle(&mut control, 3);
        assert!(used < 0.4, "{used}");
        assert!(storm.settle(&mut control, 20) <= 0.2);
        calm.settle(&mut control, 60);
        assert_eq!(control.rejected(), 0);
    }

    #[test]
    fn who_cannot_follow_leaves_out_more() {
        let mut control = Control::new(0.2);
        assert_eq!([0.4, 0.6, 1.0].map(|backlog| control.step(0.01, backlog)), [0, 128, 192]);
    }

    #[test]
    fn something_is_always_followed() {
        let mut control = Control::new(0.2);
        let host = Host { rate: 1e9, followed: 3.0, left_out: 1.0 };
        host.settle(&mut control, 100);
        assert_eq!(control.rejected(), 255);
        assert_eq!(control.step(0.0, 0.0), 255, "not at once");
    }
}
