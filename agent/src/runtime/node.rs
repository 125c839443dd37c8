//! Node.js: the callback of a receive, known by the method that is on the stack.

use wirespan_common::context::{RUNTIME_NODE, Runtime};

/// How callbacks are found in a process in which that method lies there: its first byte and the one after the last.
#[must_use]
pub fn of(method: [u64; 2]) -> Runtime {
    Runtime { kind: RUNTIME_NODE, addresses: method, ..Runtime::default() }
}
