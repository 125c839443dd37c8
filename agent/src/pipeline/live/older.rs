//! When the sessions of a process are looked for: while connections of it wait for their secrets that were encrypted before anybody
//! looked, not for long, and not often.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::conn::candidates::Waiting;

/// How long a process is probed at most.
const LONGEST: Duration = Duration::from_secs(30);
/// How often.
const MAX_TIMES: u8 = 3;
/// Most processes of which it is known how often they were.
const MAX_PROCESSES: usize = 8 * 1024;

/// How a process was probed.
#[derive(Debug, Default)]
struct Window {
    /// It is, until then.
    until: Option<Instant>,
    times: u8,
    /// How many of its connections had waited by then.
    waited: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Windows(HashMap<u32, Window>);

impl Windows {
    /// Whether no process is probed.
    pub(super) fn is_idle(&self) -> bool {
        self.0.values().all(|window| window.until.is_none())
    }

    /// Processes that are to be probed no longer.
    pub(super) fn over(&mut self, now: Instant, waiting: &[Waiting]) -> Vec<u32> {
        let mut over = Vec::new();
        for (pid, window) in &mut self.0 {
            let waits = waiting.iter().find(|one| one.pid == *pid);
            if let Some(one) = waits.filter(|_| window.until.is_some()) {
                window.waited = one.waited;
            }
            if window.until.take_if(|until| waits.is_none() || *until <= now).is_some() {
                over.push(*pid);
            }
        }
        over
    }

    /// Processes that are to be probed, if they can be: [`Windows::opened`] says that they are.
    pub(super) fn due(&mut self, now: Instant, waiting: &[Waiting]) -> Vec<u32> {
        if self.0.len() > MAX_PROCESSES {
            self.0.retain(|_, window| window.until.is_some_and(|until| until > now));
        }
        let mut due = Vec::new();
        for Waiting { pid, waited } in waiting {
            let window = self.0.get(pid);
            let may = |window: &Window| window.until.is_none() && window.times < MAX_TIMES && *waited > window.waited;
            if window.is_none_or(may) {
                due.push(*pid);
            }
        }
        due
    }

    /// A process is probed from now on.
    pub(super) fn opened(&mut self, pid: u32, now: Instant) {
        let window = self.0.entry(pid).or_default();
        window.until = Some(now + LONGEST);
        window.times += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_stay_as_long_as_somebody_waits_and_come_back_for_others() {
        let (mut windows, mut now) = (Windows::default(), Instant::now());
        let waiting = |waited| [Waiting { pid: 7, waited }];
        assert_eq!(windows.due(now, &waiting(1)), [7]);
        windows.opened(7, now);
        assert_eq!((windows.due(now, &waiting(2)), windows.over(now, &waiting(2))), (vec![], vec![]));
        assert_eq!(windows.over(now, &[]), [7], "all of them are known");
        assert!(windows.is_idle() && windows.due(now, &waiting(2)).is_empty(), "none is new");
        assert_eq!(windows.due(now, &waiting(3)), [7]);
        windows.opened(7, now);
        now += LONGEST;
        assert_eq!((windows.over(now, &waiting(3)), windows.due(now, &waiting(3))), (vec![7], vec![]));
        windows.opened(7, now);
        assert_eq!(windows.over(now, &[]), [7]);
        assert!(windows.due(now, &waiting(9)).is_empty(), "often enough");
    }
}
