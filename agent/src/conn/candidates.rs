//! Secrets of sessions that go on, by process, and the connections of it that may be theirs: those that were encrypted before anybody
//! looked. Which is whose, each connection finds out by itself.

use std::collections::VecDeque;
use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};
use wirespan_protocols::plain::{Candidate, Random, Secret, SecretKind};

/// Most secrets that are kept, of a process and of all.
const MAX_OF_ONE: usize = 1024;
const MAX_ALL: usize = 8 * 1024;
/// How long they are kept, ns: then they are erased.
const KEPT_NS: u64 = 60_000_000_000;
/// Most connections that wait for theirs, of a process and of all.
const MAX_WAITING_OF_ONE: usize = 1024;
const MAX_WAITING: usize = 8 * 1024;
/// Most that are tried on one record, and most connections that one is tried on.
pub(super) const MAX_TRIALS: usize = 64;

/// A process.
#[derive(Debug, Default)]
struct Process {
    /// Numbered, in the order in which they came.
    candidates: VecDeque<(u64, Candidate)>,
    /// Of which the other half has not come: at most the last few.
    halves: VecDeque<(Random, Secret)>,
    waiting: FxHashSet<u64>,
    /// Connections that ever waited.
    waited: u64,
}

/// A process of which connections wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The process.
    pub pid: u32,
    /// How many of its connections ever waited: what it was before tells whether there are new ones.
    pub waited: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Candidates {
    processes: FxHashMap<u32, Process>,
    /// Connections that wait, and of which process.
    waiting: FxHashMap<u64, u32>,
    /// When each candidate came.
    order: VecDeque<(u64, u32, u64)>,
    next: u64,
}

impl Candidates {
    /// A secret of a session of a process. Its number, if both of that session are there now.
    pub fn tell(&mut self, pid: u32, random: Random, secret: &Secret, at_ns: u64) -> Option<u64> {
        /// Most halves of a process.
        const MAX_HALVES: usize = 64;
        // Without a connection that waits nobody wants it.
        let process = self.processes.get_mut(&pid).filter(|process| !process.waiting.is_empty())?;
        let is_other = |half: &(Random, Secret)| half.0 == random && half.1.kind != secret.kind;
        let Some(at) = process.halves.iter().position(is_other) else {
            if process.halves.len() >= MAX_HALVES {
                process.halves.pop_front();
            }
            process.halves.push_back((random, secret.clone()));
            return None;
        };
        let (_, other) = process.halves.remove(at)?;
        let (client, server) = match (other.kind, secret.kind) {
            (SecretKind::ClientTraffic, SecretKind::ServerTraffic) => (other, secret.clone()),
            (SecretKind::ServerTraffic, SecretKind::ClientTraffic) => (secret.clone(), other),
            _ => return None,
        };
        if process.candidates.len() >= MAX_OF_ONE {
            process.candidates.pop_front();
        }
        let number = self.next;
        self.next += 1;
        process.candidates.push_back((number, Candidate { client, server }));
        self.order.push_back((at_ns, pid, number));
        while self.order.len() > MAX_ALL {
            self.forget_first();
        }
        Some(number)
    }

    /// A connection of a process waits for its secrets.
    pub fn wait(&mut self, connection: u64, pid: u32) {
        if self.waiting.get(&connection) == Some(&pid) || pid == 0 {
            return;
        }
        self.decided(connection);
        if self.waiting.len() >= MAX_WAITING {
            return;
        }
        let process = self.processes.entry(pid).or_default();
        if process.waiting.len() < MAX_WAITING_OF_ONE && process.waiting.insert(connection) {
            process.waited += 1;
            self.waiting.insert(connection, pid);
        }
    }

    /// A connection does not wait any more.
    pub fn decided(&mut self, connection: u64) {
        if let Some(pid) = self.waiting.remove(&connection)
            && let Some(process) = self.processes.get_mut(&pid)
        {
            process.waiting.remove(&connection);
            if process.waiting.is_empty() {
                (process.candidates, process.halves) = (VecDeque::new(), VecDeque::new());
            }
        }
    }

    /// Connections of a process that wait, some of them.
    #[must_use]
    pub fn waiting(&self, pid: u32) -> Vec<u64> {
        let waiting = self.processes.get(&pid).map(|process| process.waiting.iter().copied());
        waiting.into_iter().flatten().take(MAX_TRIALS).collect()
    }

    /// Processes of which connections wait.
    pub fn processes(&self) -> impl Iterator<Item = Waiting> {
        let waits = |(pid, process): (&u32, &Process)| {
            (!process.waiting.is_empty()).then_some(Waiting { pid: *pid, waited: process.waited })
        };
        self.processes.iter().filter_map(waits)
    }

    /// What to try next on a record of a process, where what is numbered so was tried before: what came since, the newest first, then
    /// what is older. What will have been tried then.
    #[must_use]
    pub fn untried(&self, pid: u32, tried: &Range<u64>) -> (Vec<(u64, Candidate)>, Range<u64>) {
        let Some(process) = self.processes.get(&pid) else { return (Vec::new(), tried.clone()) };
        let newer = process.candidates.iter().rev().take_while(|(number, _)| *number >= tried.end);
        let mut untried: Vec<_> = newer.take(MAX_TRIALS).cloned().collect();
        let is_all = untried.len() < MAX_TRIALS;
        if is_all {
            let older = process.candidates.iter().rev().skip_while(|(number, _)| *number >= tried.start);
            untried.extend(older.take(MAX_TRIALS - untried.len()).cloned());
        }
        let (Some((first, _)), Some((last, _))) =
            (untried.iter().min_by_key(|one| one.0), untried.iter().max_by_key(|one| one.0))
        else {
            return (untried, tried.clone());
        };
        let then = if is_all { tried.start.min(*first)..tried.end.max(last + 1) } else { *first..last + 1 };
        (untried, then)
    }

    /// A candidate.
    #[must_use]
    pub fn get(&self, pid: u32, number: u64) -> Option<Candidate> {
        let candidates = &self.processes.get(&pid)?.candidates;
        candidates.iter().rev().find(|one| one.0 == number).map(|(_, candidate)| candidate.clone())
    }

    /// A candidate has found its connection.
    pub fn claim(&mut self, pid: u32, number: u64) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.candidates.retain(|one| one.0 != number);
        }
    }

    /// Forgets what is older than it may be, and processes that nobody asks for.
    pub fn sweep(&mut self, now_ns: u64, is_there: impl Fn(u64) -> bool) {
        let before_ns = now_ns.saturating_sub(KEPT_NS);
        while self.order.front().is_some_and(|(at_ns, ..)| *at_ns < before_ns) {
            self.forget_first();
        }
        let gone: Vec<u64> = self.waiting.keys().copied().filter(|connection| !is_there(*connection)).collect();
        gone.into_iter().for_each(|connection| self.decided(connection));
        if self.waiting.is_empty() && self.processes.len() > MAX_WAITING {
            self.processes = FxHashMap::default();
        }
    }

    fn forget_first(&mut self) {
        let Some((_, pid, number)) = self.order.pop_front() else { return };
        self.claim(pid, number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(kind: SecretKind, byte: u8) -> Secret {
        Secret::new(kind, &[byte; 64]).unwrap()
    }

    /// Tells a pair to a process.
    fn pair(candidates: &mut Candidates, pid: u32, number: u64, at_ns: u64) -> Option<u64> {
        let mut random = [0; 32];
        random[..8].copy_from_slice(&number.to_ne_bytes());
        assert_eq!(candidates.tell(pid, random, &secret(SecretKind::ServerTraffic, 1), at_ns), None);
        candidates.tell(pid, random, &secret(SecretKind::ClientTraffic, 2), at_ns)
    }

    #[test]
    fn pairs_are_tried_newest_first_and_once() {
        let mut candidates = Candidates::default();
        assert_eq!(pair(&mut candidates, 7, 0, 0), None, "nobody waits");
        candidates.wait(1, 7);
        for number in 0..100 {
            assert_eq!(pair(&mut candidates, 7, number, 0), Some(number));
        }
        let numbers = |all: &[(u64, Candidate)]| all.iter().map(|one| one.0).collect::<Vec<_>>();
        let (first, tried) = candidates.untried(7, &(0..0));
        assert_eq!((numbers(&first), tried.clone()), ((36..100).rev().collect(), 36..100));
        assert_eq!(first[0].1.client.kind, SecretKind::ClientTraffic);
        pair(&mut candidates, 7, 100, 0);
        let (second, tried) = candidates.untried(7, &tried);
        assert_eq!((numbers(&second), tried.clone()), ([100].into_iter().chain((0..36).rev()).collect(), 0..101));
        assert_eq!(candidates.untried(7, &tried), (Vec::new(), tried));
        candidates.claim(7, 100);
        assert_eq!(candidates.get(7, 100), None);
        assert!(candidates.get(7, 99).is_some() && candidates.get(8, 99).is_none());
    }

    #[test]
    fn what_nobody_waits_for_is_erased() {
        let mut candidates = Candidates::default();
        candidates.wait(1, 7);
        candidates.wait(2, 7);
        candidates.wait(2, 7);
        assert_eq!(candidates.processes().collect::<Vec<_>>(), [Waiting { pid: 7, waited: 2 }]);
        pair(&mut candidates, 7, 0, 0);
        candidates.decided(1);
        assert_eq!((candidates.waiting(7), candidates.get(7, 0).is_some()), (vec![2], true));
        candidates.sweep(KEPT_NS, |_| true);
        assert!(candidates.get(7, 0).is_some());
        candidates.sweep(KEPT_NS + 1, |_| true);
        assert!(candidates.get(7, 0).is_none());
        pair(&mut candidates, 7, 1, KEPT_NS);
        candidates.sweep(KEPT_NS + 1, |connection| connection != 2);
        assert!(candidates.get(7, 1).is_none());
        assert_eq!(candidates.processes().count(), 0);
        candidates.wait(3, 7);
        assert_eq!(candidates.processes().collect::<Vec<_>>(), [Waiting { pid: 7, waited: 3 }]);
    }

    #[test]
    fn there_are_only_so_many() {
        let mut candidates = Candidates::default();
        for pid in 1..=20 {
            candidates.wait(u64::from(pid), pid);
            for number in 0..MAX_OF_ONE as u64 + 10 {
                pair(&mut candidates, pid, number, 0);
            }
        }
        let kept =
            |candidates: &Candidates| candidates.processes.values().map(|one| one.candidates.len()).sum::<usize>();
        assert!(kept(&candidates) <= MAX_ALL && candidates.order.len() <= MAX_ALL);
        assert!(candidates.processes.values().all(|one| one.candidates.len() <= MAX_OF_ONE));
        for connection in 0..3000 {
            candidates.wait(100 + connection, 5);
        }
        assert_eq!(candidates.processes[&5].waiting.len(), MAX_WAITING_OF_ONE);
    }
}
