//! Contexts that stay with a connection: a task that reads its requests one after the other, and answers them. What such a task waits for
//! may be read by the loop, in a context of its own; and whoever has read a request himself is not for ever at work for that one.
//!
//! So of each connection two contexts are known, the ones that have received or answered last. What is received next is for them, too,
//! if they have had nothing to do with another request since. A task that a server starts for each request is none of them: it has
//! inherited its request, and keeps it.

use super::{ENTERED, Key, NONE_YET, of_context, python_context, remember, token};
use crate::conn::Conn;
use crate::context::thread::{Task, Thread};
use crate::kernel::sock::Sock;
use crate::kernel::zero;
use crate::maps::CONNECTIONS;
use wirespan_common::context::OF_NOBODY;

/// A request is received over the connection of a socket, in this turn. `outside`: not 0 if it is outside of all contexts. A global
/// function, as the others here: what it needs of the stack, its callers do not.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_receives(sock: u64, thread: u64, turn: u64, outside: u32) -> u32 {
    let (Some(conn), thread) = (CONNECTIONS.get_ptr_mut(Sock::at(sock).key()), Thread::of(thread)) else { return 0 };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    if conn.context == turn {
        return 0;
    }
    let running = if outside != 0 { zero() } else { running(thread) };
    let before = conn.context;
    conn.context = turn;
    conn.is_answered = 0;
    // The one that is in neither place takes that of the other's.
    let left = if running == 0 || running == conn.asker || running == conn.connector { zero() } else { conn.connector };
    python_goes_on(thread.word(), conn.asker, before, turn);
    if left == 0 {
        python_goes_on(thread.word(), conn.connector, before, turn);
    } else {
        python_goes_on(thread.word(), left, before, OF_NOBODY);
    }
    comes(conn, running);
    0
}

/// A request is answered. Who begins that, and belongs to no request, has it from the connection.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_answers(sock: u64, thread: u64) -> u32 {
    let (Some(conn), thread) = (CONNECTIONS.get_ptr_mut(Sock::at(sock).key()), Thread::of(thread)) else { return 0 };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    if conn.context == 0 || conn.is_answered != 0 {
        return 0;
    }
    conn.is_answered = 1;
    let running = running(thread);
    if running != 0 && (running == conn.connector || python_is_free(thread.word(), running, conn.context) != 0) {
        comes(conn, running);
    }
    0
}

/// A context is the last one of a connection.
#[inline(always)]
fn comes(conn: &mut Conn, context: u64) {
    if context != 0 && context != conn.asker {
        conn.connector = conn.asker;
        conn.asker = context;
    }
}

/// The context that runs on the thread, 0 if it is the thread's own.
#[inline(always)]
fn running(thread: Thread) -> u64 {
    let context = python_context(thread.process(), Task::current().thread_pointer());
    if context == NONE_YET || context & ENTERED == 0 { zero() } else { context & !7 }
}

#[inline(always)]
fn key(thread: u64, context: u64) -> Key {
    of_context(Thread::of(thread), context)
}

/// A context that belongs to what was received `before` belongs to `turn` from now on.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_goes_on(thread: u64, context: u64, before: u64, turn: u64) -> u32 {
    let key = key(thread, context);
    if context != 0 && token(&key) == Some(before) {
        remember(&key, turn);
    }
    0
}

/// Whether a context belongs to no request: 1, else 0. It belongs to this one from now on.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_is_free(thread: u64, context: u64, turn: u64) -> u32 {
    let key = key(thread, context);
    if token(&key).is_some_and(|whose| whose != OF_NOBODY) {
        return 0;
    }
    remember(&key, turn);
    1
}
