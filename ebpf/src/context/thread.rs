//! The current thread, by its ids in the initial pid namespace, and whether it waits for what it asks.

use super::{Moving, cpython};
use crate::conn::shed;
use crate::kernel::{load, zero};
use crate::maps::offset;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::generated::bpf_get_current_task_btf;
use wirespan_common::context::{OF_NOBODY, WAITS};
use wirespan_common::layout::ABSENT;
use wirespan_common::record::{RECEIVE, ROLE_CLIENT, ROLE_SERVER, SEND};

/// A thread: its process in the upper half, its own id in the lower.
#[derive(Clone, Copy)]
pub struct Thread(u64);

/// The running task, by a pointer whose type the verifier knows (Linux 5.11).
#[derive(Clone, Copy)]
pub struct Task(pub u64);

impl Task {
    /// That of the running thread.
    #[inline(always)]
    pub fn current() -> Self {
        // SAFETY: no arguments.
        Self(unsafe { bpf_get_current_task_btf() } as u64)
    }

    /// The thread pointer of its user code; 0 where the kernel's layout of it is not known (other machines than x86-64).
    #[inline(always)]
    pub fn thread_pointer(self) -> u64 {
        let at = offset!(task_thread_pointer);
        if at == ABSENT {
            return 0;
        }
        // SAFETY: the layout's offset of a member of this size.
        unsafe { load::<u64>(self.0, at) }
    }

    /// Its ids, without a further helper.
    #[inline(always)]
    pub fn thread(self) -> Thread {
        let (process_at, id_at) = (offset!(task_tgid), offset!(task_pid));
        // SAFETY: the layout's offsets of members of this size.
        let (process, id) = unsafe { (load::<u32>(self.0, process_at), load::<u32>(self.0, id_at)) };
        Thread(u64::from(process) << 32 | u64::from(id))
    }
}

/// What an interpreter's thread asks: it waits for the answer itself, or an event loop does for all that it asks. Those have what they
/// wait for in a set of epoll(7), though not always what they ask over; others wait in the call, or by poll(2) and its like. So a thread
/// that reads a request which such a set tells of is one, where `loops_read`.
#[inline(always)]
pub fn asks(moving: Moving, loops_read: bool) -> u64 {
    match (moving.direction, moving.role) {
        (RECEIVE, ROLE_CLIENT) | (SEND, ROLE_SERVER) => zero(),
        (RECEIVE, _) => {
            if loops_read && moving.sock.is_polled() {
                cpython::is_loop(moving.thread);
            }
            zero()
        }
        _ if moving.sock.is_polled() || cpython::is_known_loop(moving.thread) => OF_NOBODY,
        _ => waits(moving.thread),
    }
}

/// A thread waits for what it asks.
#[inline(always)]
pub fn waits(thread: Thread) -> u64 {
    if shed::hides(thread) { OF_NOBODY } else { WAITS }
}

impl Thread {
    /// The one that runs.
    #[inline(always)]
    pub fn current() -> Self {
        Self(bpf_get_current_pid_tgid())
    }

    /// Thread group id.
    #[inline(always)]
    pub fn process(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Thread id.
    #[inline(always)]
    pub fn id(self) -> u32 {
        self.0 as u32
    }

    /// The one of a [`word`](Self::word).
    #[inline(always)]
    pub fn of(word: u64) -> Self {
        Self(word)
    }

    /// Both, as a key.
    #[inline(always)]
    pub fn word(self) -> u64 {
        self.0
    }
}
