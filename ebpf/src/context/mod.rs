//! Execution contexts: what a runtime executes when it makes a call, stamped on each record. One file a runtime; [`thread`] is
//! what every program has.

mod go;
pub mod node;
pub mod thread;

use crate::conn::Conn;
use crate::kernel::regs::Regs;
use crate::kernel::zero;
use crate::maps::{RUNTIMES, RUNTIMES_KNOWN, Slot};
use thread::Thread;
use wirespan_common::context::{OF_NOBODY, RUNTIME_GO, RUNTIME_NODE, Runtime};
use wirespan_common::record::{Data, RECEIVE, ROLE_SERVER};

/// A call that moved bytes, as far as contexts need it.
#[derive(Clone, Copy)]
pub struct Moving {
    /// Who makes it.
    pub thread: Thread,
    /// That of the program.
    pub slot: Slot,
    /// `SEND` or `RECEIVE`.
    pub direction: u8,
    /// This end of the connection: one of `ROLE_`.
    pub role: u8,
    /// What [`received`] said of it; 0 for a send.
    pub received: u64,
}

/// Stamps a record with who made its call.
#[inline(always)]
pub fn stamp(data: &mut Data, thread: Thread) {
    data.pid = thread.process();
    data.tid = thread.id();
    // See `running`.
    data.context = zero();
}

/// How the contexts of a process are found. Where no process has a runtime that is looked into, this is one word.
#[inline(always)]
fn runtime(thread: Thread) -> Option<&'static Runtime> {
    // SAFETY: an aligned word of a live map value.
    let is_any = RUNTIMES_KNOWN.get_ptr(0).is_some_and(|known| unsafe { known.read_volatile() } != 0);
    // SAFETY: read at once; user space replaces whole values.
    if is_any { unsafe { RUNTIMES.get(thread.process()) } } else { None }
}

/// A thread has received bytes; `is_first` in this turn. What the callback of that receive is called, 0 where runtimes have none.
#[inline(always)]
pub fn received(conn: &mut Conn, thread: Thread, is_first: bool) -> u64 {
    match runtime(thread) {
        Some(runtime) if runtime.kind == RUNTIME_NODE => node::received(conn, thread, is_first),
        _ => zero(),
    }
}

/// A thread has received the end of a stream, an error, or over a socket that is not followed.
#[inline(always)]
pub fn received_elsewhere(thread: Thread) {
    if runtime(thread).is_some_and(|runtime| runtime.kind == RUNTIME_NODE) {
        node::forget(thread);
    }
}

/// What the runtime of a process executes in a call with these registers; 0 where only the thread is known.
#[inline(always)]
pub fn running(moving: Moving, regs: Option<Regs>) -> u64 {
    let Some((runtime, regs)) = runtime(moving.thread).zip(regs) else { return zero() };
    match runtime.kind {
        RUNTIME_GO => go::goroutine(regs.goroutine(), regs.stack_pointer(), u64::from(runtime.places[0])),
        RUNTIME_NODE if moving.direction == RECEIVE => moving.received,
        // Whose an answer is, its connection tells.
        RUNTIME_NODE if moving.role == ROLE_SERVER => OF_NOBODY,
        RUNTIME_NODE => node::sending(moving.thread, moving.slot, runtime.addresses),
        _ => zero(),
    }
}
