//! Programs whose interpreter or event loop was not there yet when they were looked at: they are looked at again.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// How long after a look the next one comes.
const AFTER: [Duration; 5] = [ms(20), ms(100), ms(400), ms(2_000), ms(10_000)];
const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Most processes that wait for it.
const MAX_WAITING: usize = 1024;

/// Processes that are to be looked at again: how often they were, and when it is time, unless a look is under way.
#[derive(Debug, Default)]
pub(super) struct Again(HashMap<u32, (usize, Option<Instant>)>);

impl Again {
    /// A process was looked at. `is_unsettled`: something was not there.
    pub(super) fn looked(&mut self, pid: u32, is_unsettled: bool, now: Instant) {
        if !is_unsettled {
            self.0.remove(&pid);
        } else if self.0.len() < MAX_WAITING || self.0.contains_key(&pid) {
            let (looks, due) = self.0.entry(pid).or_insert((0, None));
            if due.is_none() {
                match AFTER.get(*looks) {
                    Some(after) => *due = Some(now + *after),
                    None => _ = self.0.remove(&pid),
                }
            }
        }
    }

    /// Processes for which it is time. Those that are not `there` any more are forgotten.
    pub(super) fn due(&mut self, now: Instant, there: impl FnOnce() -> HashSet<u32>) -> Vec<u32> {
        if !self.0.values().any(|(_, due)| due.is_some_and(|at| at <= now)) {
            return Vec::new();
        }
        let there = there();
        self.0.retain(|pid, _| there.contains(pid));
        let is_due = |due: &mut Option<Instant>| due.take_if(|at| *at <= now).is_some();
        let mut pids = Vec::new();
        for (pid, (looks, due)) in &mut self.0 {
            if is_due(due) {
                *looks += 1;
                pids.push(*pid);
            }
        }
        pids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_few_and_end_when_something_is_found() {
        let (mut again, start) = (Again::default(), Instant::now());
        let mut now = start;
        again.looked(7, true, now);
        again.looked(8, true, now);
        let mut looks = Vec::new();
        for _ in 0..2000 {
            now += Duration::from_millis(10);
            for pid in again.due(now, || HashSet::from([7, 8])) {
                looks.push((pid, now.duration_since(start).as_millis()));
                again.looked(pid, pid == 7, now);
            }
        }
        let of = |pid| looks.iter().filter(|look| look.0 == pid).map(|look| look.1).collect::<Vec<_>>();
        assert_eq!((of(7), of(8)), (vec![20, 120, 520, 2520, 12520], vec![20]));
        assert!(again.0.is_empty());
    }

    #[test]
    fn who_is_gone_is_forgotten() {
        let (mut again, now) = (Again::default(), Instant::now());
        (0..2000).for_each(|pid| again.looked(pid, true, now));
        assert_eq!(again.0.len(), MAX_WAITING);
        let later = now + AFTER[0];
        assert!(again.due(later, HashSet::new).is_empty() && again.0.is_empty());
    }
}
