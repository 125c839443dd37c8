//! How contexts are found in a process that was just forked.

use crate::maps::RUNTIMES;
use wirespan_common::context::RUNTIME_CPYTHON;

/// An interpreter that forks goes on in the child, at the same addresses: workers begin to serve at once. What was known under
/// the child's id is of a predecessor.
#[inline(always)]
pub fn inherit(parent: u32, child: u32) {
    // SAFETY: read at once; user space replaces whole values.
    match unsafe { RUNTIMES.get(parent) } {
        Some(runtime) if runtime.kind == RUNTIME_CPYTHON => _ = RUNTIMES.insert(child, runtime, 0),
        _ => _ = RUNTIMES.remove(child),
    }
}
