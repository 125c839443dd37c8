//! How the programs find what a runtime executes when one of its threads makes a call.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A Go program: its goroutine.
pub const RUNTIME_GO: u32 = 1;
/// A CPython interpreter: its `contextvars` context.
pub const RUNTIME_CPYTHON: u32 = 2;
/// A JVM: its virtual thread.
pub const RUNTIME_JVM: u32 = 3;
/// Node.js: the event that its loop handles.
pub const RUNTIME_NODE: u32 = 4;
/// An interpreter of which only its threads are known: those that wait for what they have asked, and event loops.
pub const RUNTIME_THREADS: u32 = 5;

/// The context of a call that was made for no request, as the runtime shows: it has never received one, and inherited none.
pub const OF_NOBODY: u64 = u64::MAX;

/// The context of a call of which only the thread is known, and that the thread waits in it: its socket is a blocking one.
pub const WAITS: u64 = u64::MAX - 1;

/// Set in the number of a context that names a receive: its calls are made in the callback of that receive, and in none that is
/// known if nothing else is set (Node.js).
pub const OF_RECEIVE: u64 = 1 << 63;

/// Whether a context is the callback of a receive.
#[must_use]
pub const fn is_of_receive(context: u64) -> bool {
    context > OF_RECEIVE && context < WAITS
}

/// Whether the runtime of a call shows in which callbacks it makes calls.
#[must_use]
pub const fn shows_receives(context: u64) -> bool {
    context >= OF_RECEIVE && context < WAITS
}

/// [`Runtime::places`] of threads: not 0 where one that reads requests over sockets in a set of epoll(7) is an event loop. Elsewhere a
/// socket may be left in the set when it is given to a thread (libev).
pub const LOOPS_READ: usize = 0;
/// [`Runtime::places`] of CPython: not 0 where uvloop is there.
pub const UVLOOP: usize = 4;
/// Where the memory of its frames stands in a thread's state, where gevent is there; else 0.
pub const GREENLETS: usize = 5;

/// [`Runtime::places`] of a JVM, in its `JavaThread`: `_stack_base`, which `_stack_size` follows.
pub const JVM_STACK: usize = 0;
/// `_vthread`, the handle of the `java.lang.Thread` that runs; 0 in a JVM without virtual threads.
pub const JVM_VTHREAD: usize = 1;
/// `_monitor_owner_id`, the number of that thread (JDK 24 and newer); 0 where it has none.
pub const JVM_OWNER: usize = 2;
/// `_cont_entry`, not null while a virtual thread runs; 0 where it has none.
pub const JVM_ENTRY: usize = 3;
/// [`Runtime::addresses`] of a JVM: where ZGC keeps the bits that a valid pointer does not have; 0 without that collector.
pub const JVM_BAD: usize = 0;
/// Where it keeps by how many bits such a pointer is shifted; 0 for none.
pub const JVM_SHIFT: usize = 1;

/// What the agent found out about the runtime of a process.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Runtime {
    /// One of `RUNTIME_`.
    pub kind: u32,
    /// Offsets in the runtime's own structures, bytes; their meaning is the runtime's (`agent/src/runtime`).
    pub places: [u32; 7],
    /// Addresses in the process; their meaning is the runtime's.
    pub addresses: [u64; 2],
}
