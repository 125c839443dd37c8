//! Containers of processes: which ones somebody must ask about, and what came of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::ProcessTable;
use crate::process::Process;
use crate::process::container::{Container, Described, Placement};

/// Most containers that are followed; processes of others stay without what their runtime says.
const MAX_CONTAINERS: usize = 4096;

/// The containers in which there are processes.
#[derive(Debug, Default)]
pub(super) struct Containers {
    known: HashMap<Arc<str>, Inhabited>,
    /// Came since the last call of [`ProcessTable::placements`].
    new: Vec<Placement>,
    /// The last process is gone, since the last call of [`ProcessTable::left`].
    left: Vec<Arc<str>>,
}

#[derive(Debug, Default)]
struct Inhabited {
    pids: HashSet<u32>,
    container: Option<Arc<Container>>,
}

impl Containers {
    /// What is known of the container of a process.
    fn of(&self, process: &Process) -> Option<Arc<Container>> {
        self.known.get(process.group.container_id.as_ref()?)?.container.clone()
    }

    /// A process is in the table.
    /// `false` if it cannot be followed.
    pub(super) fn enter(&mut self, process: &Process) -> bool {
        let Some(id) = &process.group.container_id else { return true };
        if let Some(known) = self.known.get_mut(id) {
            known.pids.insert(process.pid);
        } else if self.known.len() < MAX_CONTAINERS {
            self.known.insert(Arc::clone(id), Inhabited { pids: HashSet::from([process.pid]), container: None });
            self.new.push(Placement { id: Arc::clone(id), pod_uid: process.group.pod_uid.clone() });
        } else {
            return false;
        }
        true
    }

    /// A process is no longer in the table, or no longer in this container.
    fn leave(&mut self, process: &Process) {
        let Some(id) = &process.group.container_id else { return };
        if let Some(known) = self.known.get_mut(id) {
            known.pids.remove(&process.pid);
            if known.pids.is_empty() {
                self.known.remove(id);
                self.left.push(Arc::clone(id));
            }
        }
    }
}

impl ProcessTable {
    /// What was known of a process is replaced, or it is gone. Its container is let go of unless it is still there.
    pub(super) fn left_its_container(&mut self, before: &Process) {
        let now = self.entries.get(&before.pid).and_then(|entry| entry.process.group.container_id.as_ref());
        if now != before.group.container_id.as_ref() {
            self.containers.leave(before);
        }
    }

    /// Gives a process what is known of its container.
    pub(super) fn place(&self, process: &mut Process) {
        process.container = self.containers.of(process);
    }

    /// Containers that were not there before, since the last call.
    pub fn placements(&mut self) -> impl Iterator<Item = Placement> {
        self.containers.new.drain(..)
    }

    /// Containers whose last process is gone, since the last call.
    pub fn left(&mut self) -> impl Iterator<Item = Arc<str>> {
        self.containers.left.drain(..)
    }

    /// Takes in what a runtime or Kubernetes says of a container, at any time and as often as it changes. Its processes are
    /// selected and named anew.
    pub fn described(&mut self, described: Described) {
        let Some(known) = self.containers.known.get_mut(&described.id) else { return };
        if known.container == described.container {
            return;
        }
        known.container = described.container;
        for pid in known.pids.iter().copied().collect::<Vec<_>>() {
            let Some(entry) = self.entries.get(&pid) else { continue };
            let mut process = Process { revision: entry.process.revision + 1, ..entry.process.clone() };
            self.place(&mut process);
            self.again(process);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Group;
    use crate::process::table::{Change, Decision};

    const ID: &str = "4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a";

    fn process(pid: u32) -> Process {
        let group = Group { container_id: Some(ID.into()), pod_uid: Some("1-2".into()), ..Group::default() };
        Process { pid, group: Arc::new(group), ..Process::default() }
    }

    fn described(name: &str) -> Described {
        let container = Container { name: Some(name.into()), ..Container::default() };
        Described { id: ID.into(), container: Some(Arc::new(container)) }
    }

    #[test]
    fn a_container_is_asked_about_once_and_let_go_of() {
        let mut table = ProcessTable::replay(
            ["container.name=web"]
                .iter()
                .map(|text| text.parse::<crate::process::Selector>().unwrap())
                .collect::<crate::process::Selectors>(),
        );
        for pid in [7, 8] {
            table.insert(process(pid));
        }
        let placement = Placement { id: ID.into(), pod_uid: Some("1-2".into()) };
        assert_eq!(table.placements().collect::<Vec<_>>(), [placement]);
        assert_eq!(table.decision(7), Decision::Ignore);
        table.described(described("web"));
        assert_eq!((table.decision(7), table.decision(8)), (Decision::Trace, Decision::Trace));
        let revision = table.get(7).unwrap().revision;
        assert!(revision > 0);
        let changes: Vec<Change> = table.changes().map(|order| order.change).collect();
        assert_eq!(changes, [Change::Set(Decision::Trace); 2]);
        table.described(described("web"));
        assert_eq!(table.get(7).unwrap().revision, revision, "nothing new");
        table.insert(process(9));
        assert_eq!(table.decision(9), Decision::Trace, "what is known of the container holds for all");
        table.described(described("job"));
        assert_eq!(table.decision(9), Decision::Ignore, "its name was changed");
        for pid in [7, 8, 9] {
            table.insert(Process { group: Arc::default(), ..process(pid) });
        }
        assert_eq!(table.left().collect::<Vec<_>>(), [Arc::from(ID)]);
        assert_eq!(table.get(9).unwrap().container, None);
    }
}
