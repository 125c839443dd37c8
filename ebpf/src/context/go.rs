//! The goroutine that makes a call.
//!
//! Since Go 1.17 a register holds `g` while Go code runs, also at a system call (cmd/compile/abi-internal.md). Whether it does is
//! seen by the stack: that of the call lies within the bounds that stand at the beginning of `g` (runtime/runtime2.go, `stack`). A
//! thread that runs C, or the scheduler, has none of it, and no context.

use crate::kernel::read_user;

/// The number of the goroutine with this `g` and this stack pointer, 0 if it is none. A global function: the verifier checks it
/// once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn goroutine(g: u64, stack_pointer: u64, number_at: u64) -> u64 {
    let Some([low, high]) = read_user::<[u64; 2]>(g) else { return 0 };
    if stack_pointer <= low || stack_pointer > high {
        return 0;
    }
    read_user::<u64>(g.wrapping_add(number_at)).unwrap_or(0)
}
