//! What the kernel programs counted.

use super::*;
use wirespan_common::limits::SLOTS;

impl Capture {
    /// The kernel's counters, summed over CPUs, indexed by [`Counter`].
    #[must_use]
    pub fn counters(&self) -> [u64; Counter::COUNT] {
        // One row that all programs share, one for each that records data.
        let mut counters = Counter::ALL.map(|counter| self.counter(counter));
        // The programs count such a record once.
        counters[Counter::Delivered as usize] += counters[Counter::DeliveredCalls as usize];
        counters[Counter::Missed as usize] =
            (self.missed + self.missed()).saturating_sub(counters[Counter::MadeUp as usize]);
        let entered =
            counters[Counter::Entered as usize].saturating_sub(counters[Counter::Left as usize] + self.forgotten);
        counters[Counter::Evicted as usize] = self.evicted(entered);
        counters[Counter::PoliciesFull as usize] += self.policies.refused();
        counters[Counter::RuntimesFull as usize] += self.runtimes.refused() + self.spans.refused();
        counters[Counter::UprobesRefused as usize] += self.uprobes.refused();
        counters[Counter::PortsFull as usize] += self.ports_refused;
        counters
    }

    pub(super) fn counter(&self, counter: Counter) -> u64 {
        let rows = (0..=SLOTS).map(|row| counter as u32 + row * Counter::COUNT as u32);
        rows.filter_map(|index| self.counters.get(&index, 0).ok()).flat_map(|values| values.to_vec()).sum()
    }

    /// Connections that the table let go of, when `inside` have been entered and not taken out: those that are not there
    /// any more. The entries are only counted when the table was so full that there may be some.
    fn evicted(&self, inside: u64) -> u64 {
        if inside > u64::from(MAX_CONNECTIONS) * 3 / 4 {
            let there = self.connections.keys().filter(Result::is_ok).count() as u64;
            // Entries come and go while they are counted; the number never shrinks.
            self.evicted.set(self.evicted.get().max(inside.saturating_sub(there)));
        }
        self.evicted.get()
    }
}
