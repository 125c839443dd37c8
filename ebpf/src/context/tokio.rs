//! The task of tokio that makes a call, or for which it is made.
//!
//! tokio keeps the number of the task that a thread runs in a variable of the thread (tokio/src/runtime/context.rs,
//! `current_task_id`), and no number is given twice. A server has a task for each connection, which receives its requests one after the
//! other and mostly handles them itself. What it asks is often sent by another task, which owns the client's connection: it
//! hands that one the request through a channel, and wakes it. Probes show what else is needed:
//!
//! - who wakes whom (`wake_by_val` and `wake_by_ref` in tokio/src/runtime/task/waker.rs). One who drives a connection sends for who has woken
//!   it last, once;
//! - who starts whom (`schedule_option_task_without_yield` of the scheduler with many threads, and `spawn_task` of the threads for what
//!   blocks): what was started while a request was handled works for that request.
//!
//! A task that takes a connection out of a pool may have been woken by whoever gave it back. It sends over a connection that another
//! one had before, and there it does not count who has woken it. User space looks whether others asked over the connection
//! at the same time (`agent/src/pipeline/stages/sole.rs`).

use super::Moving;
use super::thread::Task;
use crate::conn::Conn;
use crate::kernel::regs::Regs;
use crate::kernel::{read_user, zero};
use crate::maps::{RUNTIMES, STARTED, TASKS, WOKEN};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use wirespan_common::context::{OF_NOBODY, OfGoroutine, RUNTIME_TOKIO, TOKIO_CURRENT};
use wirespan_common::record::{RECEIVE, ROLE_SERVER};

/// Where the table of its functions stands in a task's header (tokio/src/runtime/task/core.rs, `Header`).
const TABLE: u64 = 16;
/// Where it stands in that table at how many bytes of the task its number is (tokio/src/runtime/task/raw.rs, `Vtable`).
const NUMBER_AT: u64 = 72;
/// More bytes than there are before the number: header, scheduler, and what aligns them.
const MAX_NUMBER_AT: u64 = 1024;

/// What the first word of that header says of a task (tokio/src/runtime/task/state.rs).
const RUNNING: u64 = 1;
const NOTIFIED: u64 = 4;

/// Somebody has asked over a connection ([`Conn::context`]).
const USED: u64 = 1;

/// What a task does over a connection.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Does {
    /// It asks, over a connection that it drives: it had it before, or nobody has asked over it.
    Drives,
    /// It asks, over one that another task had.
    Asks,
    /// It answers.
    Answers,
}

/// The context of a call over this connection: the task that makes it, or the request that it is made for.
#[inline(always)]
pub fn running(moving: Moving, conn: &mut Conn) -> u64 {
    match (moving.direction, moving.role) {
        (RECEIVE, ROLE_SERVER) => return tokio_receives(moving.turn),
        (RECEIVE, _) => return zero(),
        _ => {}
    }
    let task = tokio_task();
    if task == 0 {
        return zero();
    }
    let had = core::mem::replace(&mut conn.asker, task);
    let does = if moving.role == ROLE_SERVER {
        Does::Answers
    } else if moving.turn == 0 {
        // It connects: nothing is asked yet.
        Does::Asks
    } else if core::mem::replace(&mut conn.context, USED) != USED || had == task {
        Does::Drives
    } else {
        Does::Asks
    };
    tokio_context(moving.thread.process(), task, does as u32)
}

/// The context of what a task does that receives something of a request, in this turn of its connection. A global function: the verifier
/// checks it once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tokio_receives(turn: u64) -> u64 {
    let task = tokio_task();
    if task == 0 { 0 } else { receives(key(Task::current().thread().process(), task), task, turn) }
}

/// The number of the task that the current thread runs, 0 if it runs none. A global function, as that one; both take as little as they can
/// from whoever calls them, whose stack is full.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tokio_task() -> u64 {
    let current = Task::current();
    let (process, thread_pointer) = (current.thread().process(), current.thread_pointer());
    // SAFETY: read at once; user space writes the same for a program.
    let Some(runtime) = (unsafe { RUNTIMES.get(process) }) else { return 0 };
    if runtime.kind != RUNTIME_TOKIO || thread_pointer == 0 {
        return 0;
    }
    read_user::<u64>(thread_pointer.wrapping_add(runtime.addresses[TOKIO_CURRENT])).unwrap_or(0)
}

/// The context of what a task does. A global function, as that one.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tokio_context(process: u32, task: u64, does: u32) -> u64 {
    const ASKS: u32 = Does::Asks as u32;
    const DRIVES: u32 = Does::Drives as u32;
    let key = key(process, task);
    if let Some(context) = of_receiver(key, task) {
        return context;
    }
    // SAFETY: words of live map values, read at once.
    let started = unsafe { STARTED.get(key) }.copied();
    if does != ASKS && does != DRIVES {
        return started.unwrap_or(task);
    }
    // SAFETY: as above.
    if let Some(woken) = unsafe { WOKEN.get(key) }.copied() {
        let _ = WOKEN.remove(key);
        if does == DRIVES {
            if woken == OF_NOBODY {
                return woken;
            }
            if started.is_some_and(|started| started != OfGoroutine::started(woken)) {
                let _ = STARTED.remove(key);
            }
            return woken;
        }
    }
    started.unwrap_or(task)
}

/// A task and its process, as a key.
#[inline(always)]
fn key(process: u32, task: u64) -> u64 {
    u64::from(process) << 42 ^ task
}

/// A task receives something of a request, in this turn of its connection.
#[inline(always)]
fn receives(key: u64, task: u64, turn: u64) -> u64 {
    match TASKS.get_ptr_mut(key) {
        Some(known) => {
            // SAFETY: words of a live map value, which this task alone writes.
            let [last, count] = unsafe { &mut *known };
            if *last != turn {
                (*last, *count) = (turn, count.wrapping_add(1));
            }
            OfGoroutine::context(task, *count, false)
        }
        None => {
            let _ = TASKS.insert(key, [turn, 1], 0);
            OfGoroutine::context(task, 1, false)
        }
    }
}

/// The context of what a task does that has received a request.
#[inline(always)]
fn of_receiver(key: u64, task: u64) -> Option<u64> {
    // SAFETY: words of a live map value.
    let [_, count] = unsafe { TASKS.get(key) }?;
    Some(OfGoroutine::context(task, *count, false))
}

// tokio/src/runtime/task/waker.rs: unsafe fn wake_by_val(ptr: *const ()), and wake_by_ref: the address of a task's header.
#[uprobe]
pub fn tokio_wake(ctx: ProbeContext) -> u32 {
    tokio_reaches(Regs(ctx.regs.cast::<u64>()).entry_argument(0), 0)
}

// tokio/src/runtime/scheduler/multi_thread/worker.rs: fn schedule_option_task_without_yield(&self, task: Option<Notified>)
// tokio/src/runtime/blocking/pool.rs: fn spawn_task(&self, task: Task, rt: &Handle)
#[uprobe]
pub fn tokio_start(ctx: ProbeContext) -> u32 {
    tokio_reaches(Regs(ctx.regs.cast::<u64>()).entry_argument(1), 1)
}

/// The running task wakes another one, or starts it. A global function, as those.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tokio_reaches(header: u64, starts: u32) -> u32 {
    let process = Task::current().thread().process();
    let waker = tokio_task();
    let task = number(process, header).unwrap_or(0);
    if task == 0 || task == waker {
        return 0;
    }
    let key = key(process, task);
    let context = if waker == 0 { None } else { works_for(process, waker) };
    match context {
        Some(context) if starts != 0 => _ = STARTED.insert(key, OfGoroutine::started(context), 0),
        Some(context) => wakes(key, header, OfGoroutine::woken(context)),
        // Who sends next does so for somebody else, maybe.
        None if starts == 0 => _ = WOKEN.remove(key),
        None => {}
    }
    0
}

/// A task is woken in this context. If it has not run, or does not rest, since another one has woken it, it may send for either.
#[inline(always)]
fn wakes(key: u64, header: u64, context: u64) {
    let rests = read_user::<u64>(header).is_some_and(|state| state & (RUNNING | NOTIFIED) == 0);
    // SAFETY: a word of a live map value.
    let is_other = !rests && unsafe { WOKEN.get(key) }.is_some_and(|before| *before != context);
    let _ = WOKEN.insert(key, if is_other { OF_NOBODY } else { context }, 0);
}

/// The context of the request that a task has received, or was started for.
#[inline(always)]
fn works_for(process: u32, task: u64) -> Option<u64> {
    let key = key(process, task);
    // SAFETY: a word of a live map value.
    of_receiver(key, task).or_else(|| unsafe { STARTED.get(key) }.copied())
}

/// The number of the task with this header, in a process whose tasks are looked at.
#[inline(always)]
fn number(process: u32, header: u64) -> Option<u64> {
    // SAFETY: as in `tokio_task`.
    unsafe { RUNTIMES.get(process) }.filter(|runtime| runtime.kind == RUNTIME_TOKIO)?;
    let table = read_user::<u64>(header.wrapping_add(TABLE))?;
    let at = read_user::<u64>(table.wrapping_add(NUMBER_AT)).filter(|at| *at < MAX_NUMBER_AT)?;
    read_user::<u64>(header.wrapping_add(at))
}
