//! uvloop: a loop for asyncio that reads and writes in C (libuv), outside of all contexts.
//!
//! What it has read of a stream it gives to Python at once, in the stream's own context (`UVHandle.context`, uvloop/handles/handle.pyx).
//! Which stream that is, a register tells that outlives calls: libuv's `uv__read` holds it there, whatever compiler made it. That
//! context is the server's, for all its connections; so it stands for what was read only until the loop calls what was to be called soon,
//! which new connections are. What Python writes waits for the end of the loop's turn. Who wrote it is seen where the stream is put among
//! those that wait (`agent/src/resolve/program/uvloop.rs`).

use super::{NOT_RECEIVED, is_loop, is_python, of_context, python_running, receivers, remember, token};
use crate::context::thread::Thread;
use crate::kernel::files::socket;
use crate::kernel::read_user;
use crate::kernel::regs::Regs;
use crate::maps::{CONNECTIONS, CONTEXTS};
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use wirespan_common::context::OF_NOBODY;
use wirespan_common::record::ROLE_SERVER;

/// Where the stream of libuv and the context stand in a stream of uvloop, all versions since 0.15 (uvloop/handles/handle.pxd).
const STREAM: u64 = 24;
const CONTEXT: u64 = 56;
/// Where a stream of libuv has its descriptor, all versions of its ABI 1 (uv.h, `uv_stream_t`; uv/unix.h, `uv__io_t`). It begins with
/// the object that it belongs to.
const DESCRIPTOR: u64 = 184;
/// Set in [`Conn::context`](crate::conn::Conn::context) of a client while something waits to be written.
const WAITING: u64 = 1;
/// The key of the context to which a thread gives what it has read, beside that of the thread itself.
const READ_FOR: u64 = 1;

/// The context in which Python is given what is read over a stream of libuv that one of these registers holds; 0 if none does. A global
/// function: the verifier checks it once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn uvloop_context(rbx: u64, rbp: u64, r12: u64, r13: u64, r14: u64) -> u64 {
    for stream in [rbx, rbp, r12, r13, r14] {
        let object = read_user::<u64>(stream).unwrap_or(0);
        if object != 0 && read_user::<u64>(object.wrapping_add(STREAM)) == Some(stream) {
            return read_user::<u64>(object.wrapping_add(CONTEXT)).unwrap_or(0);
        }
    }
    0
}

/// A thread has read, outside of all contexts, what it will give to Python in this one. Until then a thread's context stands there.
#[inline(always)]
pub fn reads_for(thread: Thread, context: u64, turn: u64) {
    remember(&of_context(thread, context), turn);
    remember(&[thread.word(), READ_FOR], context);
    is_loop(thread);
}

/// The loop of a thread calls what was to be called soon: `Loop._on_idle`.
#[uprobe]
pub fn uvloop_on_idle(_: ProbeContext) -> u32 {
    uvloop_idles()
}

/// What was read has been given to Python. A global function, as [`uvloop_context`].
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn uvloop_idles() -> u32 {
    let thread = Thread::current();
    let key = [thread.word(), READ_FOR];
    if is_python(thread)
        && let Some(context) = token(&key)
    {
        remember(&of_context(thread, context), OF_NOBODY);
        let _ = CONTEXTS.remove(key);
    }
    0
}

/// A stream is put among those with something to write: `Loop._queue_write`. The second argument is the stream.
#[uprobe]
pub fn uvloop_queue_write(ctx: ProbeContext) -> u32 {
    uvloop_writes(Regs(ctx.regs.cast::<u64>()).argument1())
}

/// Python writes to a stream: what is sent over it next is for the context that runs. A global function, as that one.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn uvloop_writes(object: u64) -> u32 {
    let thread = Thread::current();
    if !is_python(thread) {
        return 0;
    }
    let stream = read_user::<u64>(object.wrapping_add(STREAM)).unwrap_or(0);
    if stream == 0 || read_user::<u64>(stream) != Some(object) {
        return 0;
    }
    let descriptor = read_user::<u32>(stream.wrapping_add(DESCRIPTOR)).unwrap_or(u32::MAX);
    let Some(sock) = socket(u64::from(descriptor)) else { return 0 };
    let Some(conn) = CONNECTIONS.get_ptr_mut(sock.key()) else { return 0 };
    // SAFETY: a live map value; the loop's thread sends over this connection after this.
    let conn = unsafe { &mut *conn };
    if conn.role == ROLE_SERVER {
        receivers::python_answers(sock.number(), thread.word());
        return 0;
    }
    let asker = python_running(thread.word(), 0, NOT_RECEIVED, 0, 0);
    // What several wrote is sent at once.
    conn.asker = if conn.context == WAITING && conn.asker != asker { OF_NOBODY } else { asker };
    conn.context = WAITING;
    0
}
