//! CPython's contexts (PEP 567): the one in which a thread runs, and what becomes of those that are made.
//!
//! A thread's state (`PyThreadState`) stands in a thread-specific value of its own; its `context` is what runs. Tasks, callbacks and
//! calls that are moved to other threads run in copies, each made by somebody: so what was received in a context belongs to all
//! that is made in it from then on, until it receives something else.
//!
//! A context of which nobody made a copy, and that was not entered, is the thread's own: it says no more than the thread.

pub mod greenlets;
mod queues;
mod receivers;
mod uvloop;

use super::Moving;
use super::thread::{self, Task, Thread};
use crate::conn::Conn;
use crate::kernel::read_user;
use crate::kernel::regs::Regs;
use crate::kernel::zero;
use crate::maps::{CONTEXTS, RUNTIMES, RUNTIMES_KNOWN};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use wirespan_common::context::{GREENLETS, OF_NOBODY, RUNTIME_CPYTHON, Runtime, UVLOOP};
use wirespan_common::record::{ROLE_CLIENT, ROLE_SERVER, SEND};

/// Keys of thread-specific values that are looked at: that of the interpreter is one of the first of its process.
const KEYS: u64 = 4;
/// Bytes from one thread-specific value to the next (nptl/descr.h, `struct pthread_key_data`: a number, and the value).
const KEY_BYTES: u64 = 16;
/// Set in the answer of [`python_context`] when the context was entered; contexts are aligned.
const ENTERED: u64 = 1;
/// The answer of [`python_context`] for a thread that has no context of its own yet.
const NONE_YET: u64 = 2;

/// Places in the interpreter's structures; see `agent/src/runtime/cpython.rs`.
#[derive(Clone, Copy)]
struct Places {
    values: u64,
    thread_id: u64,
    context: u64,
    entered: u64,
}

impl Places {
    #[inline(always)]
    fn of(runtime: &Runtime) -> Self {
        let [values, thread_id, context, entered, ..] = runtime.places;
        Self {
            values: u64::from(values),
            thread_id: u64::from(thread_id),
            context: u64::from(context),
            entered: u64::from(entered),
        }
    }
}

/// The state of the thread with this thread pointer; 0 if it is no thread of the interpreter. A global function: the verifier checks
/// it once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_state(process: u32, thread_pointer: u64) -> u64 {
    // SAFETY: read at once; user space replaces whole values.
    let Some(runtime) = (unsafe { RUNTIMES.get(process) }) else { return 0 };
    let places = Places::of(runtime);
    let mut key = 0;
    while key < KEYS {
        let value = thread_pointer.wrapping_add(places.values).wrapping_add(key * KEY_BYTES);
        let state = read_user::<u64>(value).unwrap_or(0);
        // A state names its thread as the C library does.
        if state != 0 && read_user::<u64>(state.wrapping_add(places.thread_id)) == Some(thread_pointer) {
            return state;
        }
        key += 1;
    }
    0
}

/// The context in which the thread with this thread pointer runs: its address, with [`ENTERED`]; 0 if it is no thread of the
/// interpreter. A global function, as that one.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_context(process: u32, thread_pointer: u64) -> u64 {
    let state = python_state(process, thread_pointer);
    // SAFETY: read at once; user space replaces whole values.
    let Some(runtime) = (unsafe { RUNTIMES.get(process) }).filter(|_| state != 0) else { return 0 };
    let places = Places::of(runtime);
    let context = read_user::<u64>(state.wrapping_add(places.context)).unwrap_or(0);
    if context == 0 {
        return NONE_YET;
    }
    let is_entered = read_user::<u32>(context.wrapping_add(places.entered)).is_some_and(|entered| entered != 0);
    context & !7 | if is_entered { ENTERED } else { 0 }
}

/// What `CONTEXTS` is asked for.
type Key = [u64; 2];

/// What a thread has received outside of all contexts.
#[inline(always)]
fn of_thread(thread: Thread) -> Key {
    [thread.word(), 0]
}

/// A context of a process.
#[inline(always)]
fn of_context(thread: Thread, context: u64) -> Key {
    [u64::from(thread.process()) << 32, context & !7]
}

/// What a key stands for: a token, [`OF_NOBODY`], or nothing known.
#[inline(always)]
fn token(key: &Key) -> Option<u64> {
    // SAFETY: an aligned word of a live map value.
    CONTEXTS.get_ptr(key).map(|token| unsafe { token.read_volatile() })
}

/// Best effort: the oldest makes room.
#[inline(always)]
fn remember(key: &Key, token: u64) {
    let _ = CONTEXTS.insert(key, token, 0);
}

/// A thread reads for whoever comes: what it does outside of contexts is nobody's.
#[inline(always)]
pub fn is_loop(thread: Thread) {
    remember(&of_thread(thread), OF_NOBODY);
}

/// Whether a thread is known to do so.
#[inline(always)]
pub fn is_known_loop(thread: Thread) -> bool {
    token(&of_thread(thread)) == Some(OF_NOBODY)
}

/// It did not receive a request.
const NOT_RECEIVED: u32 = 0;
/// It received one, and whoever reads waits there.
const WAITED: u32 = 1;
/// It received one that was there.
const FOUND: u32 = 2;

/// What a call belongs to, as its record says; see [`super::running`].
#[inline(always)]
pub fn running(moving: Moving, conn: &mut Conn, regs: Regs, runtime: &Runtime) -> u64 {
    if moving.direction == SEND && moving.role != ROLE_SERVER && conn.asker != 0 {
        conn.context = zero();
        return conn.asker;
    }
    if moving.direction == SEND && moving.role == ROLE_SERVER && runtime.places[GREENLETS] == 0 {
        receivers::python_answers(moving.sock.number(), moving.thread.word());
    }
    let received = match (moving.direction, moving.role) {
        (SEND, _) | (_, ROLE_CLIENT) => NOT_RECEIVED,
        _ if moving.sock.is_blocking() => WAITED,
        _ => FOUND,
    };
    let reads_for = if received == FOUND && runtime.places[UVLOOP] != 0 {
        uvloop::uvloop_context(regs.at(5), regs.at(4), regs.at(3), regs.at(2), regs.at(1))
    } else {
        zero()
    };
    let greenlet =
        if runtime.places[GREENLETS] != 0 { greenlets::runs(moving, conn, received != NOT_RECEIVED) } else { zero() };
    if received != NOT_RECEIVED && runtime.places[GREENLETS] == 0 {
        receivers::python_receives(moving.sock.number(), moving.thread.word(), moving.turn, (reads_for != 0).into());
    }
    match python_running(moving.thread.word(), moving.turn, received, reads_for, greenlet) {
        0 => thread::asks(moving, true),
        context => context,
    }
}

/// The same, of a thread in its turn. `reads_for`: the context to which a loop gives what it reads, 0 if it is the running one. `greenlet`:
/// the one that runs, 0 where there are none. A global function: what it needs of the stack, its caller does not.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_running(thread: u64, turn: u64, received: u32, reads_for: u64, greenlet: u64) -> u64 {
    let thread = Thread::of(thread);
    if reads_for != 0 {
        uvloop::reads_for(thread, reads_for, turn);
        return turn;
    }
    let context = python_context(thread.process(), Task::current().thread_pointer());
    if context == 0 {
        return 0;
    }
    let key = of_context(thread, context);
    let known = if context == NONE_YET { None } else { token(&key) };
    if known.is_some() || context & ENTERED != 0 {
        if received == NOT_RECEIVED {
            return known.unwrap_or(OF_NOBODY);
        }
        remember(&key, turn);
        return turn;
    }
    if greenlet != 0 {
        return greenlets::running(thread, greenlet, turn, received != NOT_RECEIVED);
    }
    let key = of_thread(thread);
    if received != NOT_RECEIVED {
        // An event loop reads for whoever comes; a thread that waits in its read goes on with what it has read.
        remember(&key, if received == WAITED { turn } else { OF_NOBODY });
        return turn;
    }
    // A thread that waits in its reads goes on with what it has read; of others it is not known.
    token(&key).unwrap_or(0)
}

/// The programs for contexts that were made, which differ in where the new one stands: in a register, whose place in the x86-64
/// `pt_regs` is given in words. Where they run, and so which of them are used, `agent/src/resolve/result.rs` finds. The new context is
/// there, but need not be whole, and there is 0 if there is none.
///
/// A cookie would tell the register to one program for all; it needs Linux 5.15.
macro_rules! programs {
    ($($copied:ident $empty:ident $word:literal,)*) => {$(
        /// A context was copied, by `PyContext_CopyCurrent` or `PyContext_Copy` (Python/context.c).
        #[uprobe]
        pub fn $copied(ctx: ProbeContext) -> u32 {
            python_context_copied(Regs(ctx.regs.cast::<u64>()).at($word))
        }

        /// An empty context was made, by `PyContext_New` or `context_new_empty` (Python/context.c).
        #[uprobe]
        pub fn $empty(ctx: ProbeContext) -> u32 {
            python_context_empty(Regs(ctx.regs.cast::<u64>()).at($word))
        }
    )*};
}

programs! {
    python_context_copied_rax python_context_empty_rax 10,
    python_context_copied_rbx python_context_empty_rbx 5,
    python_context_copied_rbp python_context_empty_rbp 4,
    python_context_copied_r12 python_context_empty_r12 3,
    python_context_copied_r13 python_context_empty_r13 2,
    python_context_copied_r14 python_context_empty_r14 1,
    python_context_copied_r15 python_context_empty_r15 0,
}

/// A copy belongs to what the running context belongs to. Global functions as [`python_context`]: one each for all programs.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_context_copied(made: u64) -> u32 {
    let Some((thread, running)) = maker(made) else { return 0 };
    let known = if running == NONE_YET { None } else { token(&of_context(thread, running)) };
    let whose = match known {
        None if running & ENTERED == 0 => token(&of_thread(thread)),
        known => known,
    };
    remember(&of_context(thread, made), whose.unwrap_or(OF_NOBODY));
    0
}

/// An empty context is for a thread that had none, or made by hand: what was known of one at its address is over.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_context_empty(made: u64) -> u32 {
    if let Some((thread, _)) = maker(made) {
        let _ = CONTEXTS.remove(of_context(thread, made));
    }
    0
}

/// Whether a thread is one of a process whose contexts are looked into.
#[inline(always)]
fn is_python(thread: Thread) -> bool {
    // SAFETY: an aligned word of a live map value.
    let is_any = RUNTIMES_KNOWN.get_ptr(0).is_some_and(|known| unsafe { known.read_volatile() } != 0);
    // SAFETY: read at once; user space replaces whole values.
    is_any && unsafe { RUNTIMES.get(thread.process()) }.is_some_and(|runtime| runtime.kind == RUNTIME_CPYTHON)
}

/// Who made a context, and in which one. `None` for processes that are not looked into, and where none was made.
#[inline(always)]
fn maker(made: u64) -> Option<(Thread, u64)> {
    let thread = Thread::current();
    if !is_python(thread) {
        return None;
    }
    let running = python_context(thread.process(), Task::current().thread_pointer());
    // A function that gives the running context makes none.
    (made != 0 && running != 0 && running & !7 != made).then_some((thread, running))
}
