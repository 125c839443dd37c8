//! Processes that are looked at again: those whose interpreter or event loop was not there yet, and those whose SDK may publish
//! something.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// How long after a look at a program the next one comes.
pub(super) const PROGRAM: &[Duration] = &[ms(20), ms(100), ms(400), ms(2_000), ms(10_000)];
/// The same of what a process publishes: SDKs do when they are set up. The last one goes on for those that publish.
pub(super) const PUBLISHED: &[Duration] = &[ms(100), ms(400), ms(2_000), ms(10_000), ms(30_000)];
const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Most processes that wait for it.
const MAX_WAITING: usize = 1024;

/// Processes that are to be looked at again.
#[derive(Debug)]
pub(super) struct Again {
    /// How long after a look the next one comes.
    after: &'static [Duration],
    /// How often each was looked at, and when it is time, unless a look is under way.
    waiting: HashMap<u32, (usize, Option<Instant>)>,
}

impl Again {
    pub(super) fn new(after: &'static [Duration]) -> Self {
        Self { after, waiting: HashMap::new() }
    }

    /// A process was looked at. `is_unsettled`: something was not there.
    pub(super) fn looked(&mut self, pid: u32, is_unsettled: bool, now: Instant) {
        if !is_unsettled {
            self.waiting.remove(&pid);
        } else if self.waiting.len() < MAX_WAITING || self.waiting.contains_key(&pid) {
            let (looks, due) = self.waiting.entry(pid).or_insert((0, None));
            if due.is_none() {
                match self.after.get(*looks) {
                    Some(after) => *due = Some(now + *after),
                    None => _ = self.waiting.remove(&pid),
                }
            }
        }
    }

    /// A process was looked at, and is to be as long as it is there.
    pub(super) fn goes_on(&mut self, pid: u32, now: Instant) {
        if let Some((looks, _)) = self.waiting.get_mut(&pid) {
            *looks = (*looks).min(self.after.len() - 1);
        }
        self.looked(pid, true, now);
    }

    /// Processes for which it is time. Those that are not `there` any more are forgotten.
    pub(super) fn due(&mut self, now: Instant, there: impl FnOnce() -> HashSet<u32>) -> Vec<u32> {
        if !self.waiting.values().any(|(_, due)| due.is_some_and(|at| at <= now)) {
            return Vec::new();
        }
        let there = there();
        self.waiting.retain(|pid, _| there.contains(pid));
        let is_due = |due: &mut Option<Instant>| due.take_if(|at| *at <= now).is_some();
        let mut pids = Vec::new();
        for (pid, (looks, due)) in &mut self.waiting {
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
        let (mut again, start) = (Again::new(PROGRAM), Instant::now());
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
        assert!(again.waiting.is_empty());
    }

    #[test]
    fn who_publishes_is_looked_at_for_good() {
        let (mut again, start) = (Again::new(PUBLISHED), Instant::now());
        again.looked(7, true, start);
        let mut looks = Vec::new();
        for second in 0..200 {
            for pid in again.due(start + Duration::from_secs(second), || HashSet::from([7])) {
                looks.push(second);
                again.goes_on(pid, start + Duration::from_secs(second));
            }
        }
        assert_eq!(looks, [1, 2, 4, 14, 44, 74, 104, 134, 164, 194]);
    }

    #[test]
    fn who_is_gone_is_forgotten() {
        let (mut again, now) = (Again::new(PROGRAM), Instant::now());
        (0..2000).for_each(|pid| again.looked(pid, true, now));
        assert_eq!(again.waiting.len(), MAX_WAITING);
        let later = now + PROGRAM[0];
        assert!(again.due(later, HashSet::new).is_empty() && again.waiting.is_empty());
    }
}
