//! Where a thread and its process are kept: both are looked up once for each thing that is told of them.

use std::collections::hash_map::Entry;

use rustc_hash::FxHashMap;
use wirespan_protocols::stream::Actor;

use super::{Id, MAX_REQUESTS, Process, Thread};

/// What is kept of a thread and of its process.
pub(super) struct Kept<'a> {
    pub(super) thread: &'a mut Thread,
    pub(super) process: &'a mut Process,
    /// The latest time at which the thread was heard of before.
    pub(super) heard_ns: u64,
}

/// What is kept of a thread and of its process, made if there is room; else no thread of the process is trusted.
pub(super) fn of<'a>(
    threads: &'a mut FxHashMap<Id, Thread>,
    processes: &'a mut FxHashMap<u32, Process>,
    Actor { pid, tid, .. }: Actor,
    at_ns: u64,
) -> Option<Kept<'a>> {
    if tid == 0 {
        return None;
    }
    let process = process(processes, pid, at_ns)?;
    let has_room = threads.len() < MAX_REQUESTS;
    let thread = match threads.entry((pid, tid)) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) if has_room => {
            process.tids.push(tid);
            entry.insert(Thread::default())
        }
        Entry::Vacant(_) => {
            process.is_crowded = true;
            return None;
        }
    };
    let heard_ns = thread.last_ns;
    thread.last_ns = heard_ns.max(at_ns);
    Some(Kept { thread, process, heard_ns })
}

/// What is kept of a process, made if there is room.
pub(super) fn process(processes: &mut FxHashMap<u32, Process>, pid: u32, at_ns: u64) -> Option<&mut Process> {
    if pid == 0 || processes.len() >= MAX_REQUESTS && !processes.contains_key(&pid) {
        return None;
    }
    let process = processes.entry(pid).or_default();
    process.last_ns = process.last_ns.max(at_ns);
    Some(process)
}

/// It may work for something that is no request.
pub(super) fn unreadable(kept: Option<Kept<'_>>) {
    if let Some(Kept { thread, .. }) = kept {
        thread.is_loop = true;
    }
}
