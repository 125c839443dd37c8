//! `queue.SimpleQueue`, by which `concurrent.futures` hands tasks to the threads of a pool: who takes something out works for the request
//! of the one who has put it in, until he takes the next.

use super::{
    CONTEXTS, ENTERED, Key, NOT_RECEIVED, is_python, of_thread, python_context, python_running, remember, token,
};
use crate::context::thread::{Task, Thread};
use crate::kernel::read_user;
use crate::kernel::regs::Regs;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use wirespan_common::context::OF_NOBODY;

/// Told from contexts, and from greenlets.
const ITEM: u64 = 2;

/// Something is put into a queue: `SimpleQueue.put` and `put_nowait`, whose second argument is where their own arguments stand.
#[uprobe]
pub fn python_queue_put(ctx: ProbeContext) -> u32 {
    python_puts(Regs(ctx.regs.cast::<u64>()).argument1())
}

/// The programs for what was taken, by the register that holds it; see [`super::programs`].
macro_rules! programs {
    ($($taken:ident $word:literal,)*) => {$(
        /// Something was taken from a queue, by `SimpleQueue.get` or `get_nowait`.
        #[uprobe]
        pub fn $taken(ctx: ProbeContext) -> u32 {
            python_takes(Regs(ctx.regs.cast::<u64>()).at($word))
        }
    )*};
}

programs! {
    python_queue_taken_rax 10,
    python_queue_taken_rbx 5,
    python_queue_taken_rbp 4,
    python_queue_taken_r12 3,
    python_queue_taken_r13 2,
    python_queue_taken_r14 1,
    python_queue_taken_r15 0,
}

/// A thread puts the first of these arguments into a queue. A global function: one for all programs.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_puts(arguments: u64) -> u32 {
    let thread = Thread::current();
    if !is_python(thread) {
        return 0;
    }
    let item = read_user::<u64>(arguments).unwrap_or(0);
    let whose = python_running(thread.word(), 0, NOT_RECEIVED, 0, 0);
    if item != 0 {
        remember(&key(thread, item), if whose == 0 { OF_NOBODY } else { whose });
    }
    0
}

/// A thread has taken this from a queue. A global function, as that one. What an event loop takes changes nothing for it.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_takes(item: u64) -> u32 {
    let thread = Thread::current();
    if item == 0 || !is_python(thread) {
        return 0;
    }
    let key = key(thread, item);
    let context = python_context(thread.process(), Task::current().thread_pointer());
    if context == 0 || context & ENTERED != 0 {
        return 0;
    }
    if let Some(whose) = token(&key) {
        remember(&of_thread(thread), whose);
        let _ = CONTEXTS.remove(key);
    }
    0
}

#[inline(always)]
fn key(thread: Thread, item: u64) -> Key {
    [u64::from(thread.process()) << 32, item | ITEM]
}
