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

/// The context of a call that was made for no request, as the runtime shows: it has never received one, and inherited none.
pub const OF_NOBODY: u64 = u64::MAX;

/// Set in the number of a context that names a receive: its calls are made in the callback of that receive (Node.js).
pub const OF_RECEIVE: u64 = 1 << 63;

/// Whether a context is the callback of a receive.
#[must_use]
pub const fn is_of_receive(context: u64) -> bool {
    context != OF_NOBODY && context & OF_RECEIVE != 0
}

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
