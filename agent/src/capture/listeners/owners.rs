//! Which listening sockets are those of targets. To find out takes a look at every open file of every target, so it is remembered as
//! long as there are the same targets, and asked anew only when another socket listens.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{MAX_NAMESPACES, Question};
use crate::process::socket_inodes;

/// How long it is remembered at most: a process may hand a socket to another one, or go to another namespace.
const REMEMBERED: Duration = Duration::from_secs(60);

/// What is remembered.
#[derive(Default)]
pub(super) struct Owners {
    /// Since when, and for which targets.
    since: Option<Instant>,
    pids: Vec<u32>,
    all: bool,
    /// Targets by the inode of their network namespace.
    namespaces: HashMap<u32, Vec<u32>>,
    /// Whether a socket is one of a target, by its namespace and its inode.
    judged: HashMap<(u32, u32), bool>,
}

impl Owners {
    /// The targets of a question by the inode of their network namespace.
    pub(super) fn namespaces(&mut self, question: &Question, now: Instant) -> Vec<(u32, Vec<u32>)> {
        let mut pids = question.pids.clone();
        pids.sort_unstable();
        let is_fresh = self.since.is_some_and(|since| now.duration_since(since) < REMEMBERED);
        if !is_fresh || (&pids, question.all) != (&self.pids, self.all) {
            let namespaces = namespaces(&pids);
            *self = Self { since: Some(now), pids, all: question.all, namespaces, judged: HashMap::new() };
        }
        self.namespaces.iter().map(|(namespace, pids)| (*namespace, pids.clone())).collect()
    }

    /// Of the sockets that listen in a namespace, which are those of targets, by their inodes. `look` looks at their files.
    pub(super) fn judge<W: Fn(u64) -> bool>(
        &mut self,
        namespace: u32,
        inodes: impl Iterator<Item = u32> + Clone,
        look: impl FnOnce() -> W,
    ) -> HashSet<u32> {
        if inodes.clone().any(|inode| !self.judged.contains_key(&(namespace, inode))) {
            let is_wanted = look();
            self.judged.retain(|(of, _), _| *of != namespace);
            self.judged.extend(inodes.clone().map(|inode| ((namespace, inode), is_wanted(u64::from(inode)))));
        }
        inodes.filter(|inode| self.judged.get(&(namespace, *inode)) == Some(&true)).collect()
    }
}

/// Targets by the inode of their network namespace.
fn namespaces(pids: &[u32]) -> HashMap<u32, Vec<u32>> {
    let mut namespaces: HashMap<u32, Vec<u32>> = HashMap::new();
    for pid in pids {
        let Some(namespace) = std::fs::read_link(namespace_path(*pid)).ok().and_then(|link| inode(&link)) else {
            continue;
        };
        if namespaces.len() < MAX_NAMESPACES || namespaces.contains_key(&namespace) {
            namespaces.entry(namespace).or_default().push(*pid);
        }
    }
    namespaces
}

/// Where the namespace of a process can be opened.
pub(super) fn namespace_path(pid: u32) -> PathBuf {
    format!("/proc/{pid}/ns/net").into()
}

/// The number of `net:[4026531833]`.
pub(super) fn inode(link: &Path) -> Option<u32> {
    link.to_str()?.strip_prefix("net:[")?.strip_suffix(']')?.parse().ok()
}

/// Which sockets are those of targets, by their inodes: a look at the open files of these processes.
pub(super) fn wanted(all: bool, pids: &[u32]) -> impl Fn(u64) -> bool + use<> {
    let own = [std::process::id()];
    let inodes: HashSet<u64> = if all { &own[..] } else { pids }
        .iter()
        .flat_map(|pid| socket_inodes(Path::new(&format!("/proc/{pid}"))))
        .collect();
    move |inode| inodes.contains(&inode) != all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_looked_at_when_another_socket_listens_and_when_there_are_other_targets() {
        let (mut owners, begin, mut looks) = (Owners::default(), Instant::now(), 0);
        let own = std::process::id();
        let mut ask = |pids: Vec<u32>, seconds: u64, inodes: &[u32]| {
            let question = Question { pids, all: false };
            let found = owners.namespaces(&question, begin + Duration::from_secs(seconds));
            let mut answer = Vec::new();
            for (namespace, _) in found {
                answer.extend(owners.judge(namespace, inodes.iter().copied(), || {
                    looks += 1;
                    |inode: u64| inode % 2 == 1
                }));
            }
            answer.sort_unstable();
            (answer, looks)
        };
        assert_eq!(ask(vec![own], 0, &[]), (vec![], 0), "nobody listens");
        assert_eq!(ask(vec![own], 10, &[1, 2, 3]), (vec![1, 3], 1));
        assert_eq!(ask(vec![own], 20, &[3, 2, 1]), (vec![1, 3], 1));
        assert_eq!(ask(vec![own], 30, &[2, 3]), (vec![3], 1), "one has gone");
        assert_eq!(ask(vec![own], 40, &[2, 3, 5]), (vec![3, 5], 2));
        assert_eq!(ask(vec![own, 0], 50, &[2, 3, 5]), (vec![3, 5], 3), "other targets");
        assert_eq!(ask(vec![0, own], 60, &[2, 3, 5]), (vec![3, 5], 3), "the same");
        assert_eq!(ask(vec![own, 0], 110, &[2, 3, 5]), (vec![3, 5], 4), "a minute later");
    }

    #[test]
    fn the_number_of_a_namespace_is_read() {
        assert_eq!(inode(Path::new("net:[4026531833]")), Some(4_026_531_833));
        assert_eq!(inode(Path::new("mnt:[4026531833]")), None);
    }
}
