//! How much processor time the agent takes: its own threads', which the system knows, and that of the kernel programs, which
//! runs in the targets' calls and which nobody knows for nothing.
//!
//! The kernel can measure its programs (`BPF_ENABLE_STATS`, since 5.8), at about 40 ns a run. So that is done for
//! [`WINDOW`] out of every [`EVERY`], and soon after something else is left out: it tells what a call costs, and the calls are counted anyway.

use std::time::Duration;

/// How long the kernel measures its programs.
pub const WINDOW: Duration = Duration::from_millis(50);

/// Time between two measurements.
pub const EVERY: Duration = Duration::from_secs(10);

/// Time until the next one after much more, or less, is left out: a call that is costs a fraction of another.
pub const AGAIN: Duration = Duration::from_millis(300);

/// What a call costs in the kernel before it was measured, or where that is not permitted, ns.
pub const USUAL_CALL_NS: f64 = 700.0;

/// Fewer calls in a window tell nothing.
const ENOUGH: u64 = 200;

/// Weight of the newest measurement.
const NEWEST: f64 = 0.8;

/// What has been used since the start, and what was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Time of the reading, ns.
    pub at_ns: u64,
    /// Processor time of the agent's threads, ns.
    pub agent_ns: u64,
    /// Calls that the kernel programs looked at.
    pub calls: u64,
}

/// Time and calls that the kernel measured in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Run time of all programs, ns.
    pub run_ns: u64,
    /// Calls that they looked at meanwhile.
    pub calls: u64,
}

/// From readings to processors.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    last: Reading,
    call_ns: f64,
}

impl Usage {
    /// From a first reading on.
    #[must_use]
    pub const fn new(first: Reading) -> Self {
        Self { last: first, call_ns: USUAL_CALL_NS }
    }

    /// What a call costs in the kernel, ns.
    #[must_use]
    pub const fn call_ns(&self) -> f64 {
        self.call_ns
    }

    /// Corrects what a call costs by what the kernel has measured.
    pub fn learn(&mut self, measured: Measured) {
        if measured.calls >= ENOUGH {
            let call_ns = measured.run_ns as f64 / measured.calls as f64;
            self.call_ns += (call_ns - self.call_ns) * NEWEST;
        }
    }

    /// Processors used since the last reading: by the agent, and in the kernel. `None` when no time has passed.
    pub fn since(&mut self, now: Reading) -> Option<(f64, f64)> {
        let elapsed = now.at_ns.saturating_sub(self.last.at_ns);
        if elapsed == 0 {
            return None;
        }
        let share = |ns: f64| ns / elapsed as f64;
        let agent = share(now.agent_ns.saturating_sub(self.last.agent_ns) as f64);
        let kernel = share(now.calls.saturating_sub(self.last.calls) as f64 * self.call_ns);
        self.last = now;
        Some((agent, kernel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_are_told() {
        let mut usage = Usage::new(Reading::default());
        let now = Reading { at_ns: 1_000_000_000, agent_ns: 100_000_000, calls: 100_000 };
        assert_eq!(usage.since(now), Some((0.1, 0.07)));
        assert_eq!(usage.since(now), None);
    }

    #[test]
    fn what_the_kernel_measured_corrects_the_estimate() {
        let mut usage = Usage::new(Reading::default());
        usage.learn(Measured { run_ns: 1_000_000, calls: 100 });
        assert_eq!(usage.call_ns(), USUAL_CALL_NS, "too few calls");
        for _ in 0..20 {
            usage.learn(Measured { run_ns: 400_000, calls: 1000 });
        }
        assert!((usage.call_ns() - 400.0).abs() < 1.0);
    }
}
