//! How the programs find what a runtime executes when one of its threads makes a call.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A Go program: its goroutine.
pub const RUNTIME_GO: u32 = 1;

/// What the agent found out about the runtime of a process.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Runtime {
    /// One of `RUNTIME_`.
    pub kind: u32,
    /// Where the context's own number stands; for Go: `goid` in `g` (runtime/runtime2.go), bytes.
    pub number_at: u32,
}
