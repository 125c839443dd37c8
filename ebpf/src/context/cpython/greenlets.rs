//! gevent: a greenlet reads a connection's requests and answers them, on a thread with many others.
//!
//! A greenlet's Python frames stand in memory of its own (`PyThreadState.datastack_chunk`, Python 3.11), in pieces of which the
//! first one stays as long as the greenlet lives. When it is over another one may be given the same memory, and nothing tells. So what
//! a greenlet has received is known until its connection is closed: it lives that long.

use super::{Key, python_state, remember, token};
use crate::conn::{Conn, FLAG_COUNTED};
use crate::context::Moving;
use crate::context::thread::{Task, Thread};
use crate::kernel::{read_user, zero};
use crate::maps::{CONTEXTS, RUNTIMES};
use wirespan_common::context::{GREENLETS, OF_NOBODY};
use wirespan_common::record::ROLE_SERVER;

/// Pieces that are followed to the first one.
const MAX_PIECES: u32 = 8;
/// What an interpreter asks the system for at once, at least, and at most as far as it is believed, bytes (Python/pystate.c,
/// `DATA_STACK_CHUNK_SIZE`).
const PIECE: u64 = 16 * 1024;
const MAX_PIECE: u64 = 64 << 20;
/// Told from contexts, whose addresses are even.
const GREENLET: u64 = 1;

/// The greenlet that makes a call over this connection, as the address of its memory; 0 if that is not known. From now on it
/// `receives` the requests of the connection.
#[inline(always)]
pub fn runs(moving: Moving, conn: &mut Conn, receives: bool) -> u64 {
    // Of these nothing tells the end.
    if receives && (moving.role != ROLE_SERVER || conn.flags & FLAG_COUNTED != 0) {
        return zero();
    }
    let greenlet = python_greenlet(moving.thread.process(), Task::current().thread_pointer());
    if receives {
        conn.asker = greenlet;
    }
    greenlet
}

/// The greenlet that runs on the thread with this thread pointer. A global function: the verifier checks it once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_greenlet(process: u32, thread_pointer: u64) -> u64 {
    let state = python_state(process, thread_pointer);
    // SAFETY: read at once; user space replaces whole values.
    let Some(runtime) = (unsafe { RUNTIMES.get(process) }).filter(|_| state != 0) else { return 0 };
    let mut piece = read_user::<u64>(state.wrapping_add(u64::from(runtime.places[GREENLETS]))).unwrap_or(0);
    for _ in 0..MAX_PIECES {
        // `struct _stack_chunk`: the one before, its size.
        let Some([before, size]) = read_user::<[u64; 2]>(piece) else { return 0 };
        if !(PIECE..=MAX_PIECE).contains(&size) || size % PIECE != 0 {
            return 0;
        }
        if before == 0 {
            return piece;
        }
        piece = before;
    }
    0
}

/// What a greenlet's call belongs to.
#[inline(always)]
pub fn running(thread: Thread, greenlet: u64, turn: u64, receives: bool) -> u64 {
    let key = key(thread.process(), greenlet);
    if !receives {
        return token(&key).unwrap_or(OF_NOBODY);
    }
    remember(&key, turn);
    turn
}

/// A connection is closed: who has received its requests may be over.
#[inline(always)]
pub fn closes(conn: &Conn) {
    if conn.asker != 0 && conn.role == ROLE_SERVER {
        python_closes(conn.pid, conn.asker);
    }
}

/// Forgets what a greenlet has received. A global function: what it needs of the stack, its callers do not.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn python_closes(process: u32, greenlet: u64) -> u32 {
    let _ = CONTEXTS.remove(key(process, greenlet));
    0
}

#[inline(always)]
fn key(process: u32, greenlet: u64) -> Key {
    [u64::from(process) << 32, greenlet | GREENLET]
}
