//! HTTP/2 of Node.js: what is asked in a callback is sent from `setImmediate`, with all else that was asked over the session meanwhile, and
//! one read brings frames of many streams, whose callbacks follow one another. Methods that Node.js exports for add-ons say who
//! asks, and for whom (`agent/src/resolve/program/node.rs`):
//!
//! - the constructor of a stream runs in the callback that asks, with the session and the stream's number. Who asks is told in a record of its
//!   own, before what is sent;
//! - `OnFrameReceive` and `OnDataChunkReceived` run before the callbacks of their stream: what those do is done for it, until the next one
//!   is named or the next receive;
//! - `SendPendingData` sends for a session, and calls back those who waited for that, of any stream. The connection of a session is the first
//!   one over which a send has that method on its stack.

use super::{callback, in_callback, is_on_stack, runs};
use crate::conn::{self, Conn};
use crate::context::thread::Thread;
use crate::emit;
use crate::kernel::read_user;
use crate::kernel::regs::Regs;
use crate::maps::{CURRENT, FLUSHES, NODE_FIRST, NODE_SESSIONS, RECEIVED, RUNTIMES, STACKS, Slot};
use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::macros::uprobe;
use aya_ebpf::programs::ProbeContext;
use wirespan_common::context::{NODE_FLUSH, NODE_FLUSH_BYTES, OF_RECEIVE, RUNTIME_NODE, Runtime, in_callbacks_of};
use wirespan_common::limits::MAX_FRAMES;
use wirespan_common::record::{Asks, KIND_ASKS};

/// `NGHTTP2_HCAT_HEADERS` (nghttp2.h): with what Node.js makes the streams on which it asks.
const ASKS: u32 = 3;
/// The first stream of a session (RFC 9113, section 5.1.1).
const FIRST: u32 = 1;

/// Where `stream_id` and `type` stand in `nghttp2_frame_hd` (nghttp2.h), in one word.
const FRAME: u64 = 8;
/// Types of frames that nobody is called back for (RFC 9113, section 6): PRIORITY and WINDOW_UPDATE, which is every second one.
const PRIORITY: u64 = 2;
const WINDOW_UPDATE: u64 = 8;

/// Whose callbacks a thread runs, in those of a receive.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Current {
    /// That receive.
    receive: u64,
    /// The context of what is done for the stream.
    context: u64,
}

/// What a stack is copied to. It is too large for that of a program.
#[repr(C)]
pub struct Stack([u64; MAX_FRAMES]);
static EMPTY: Stack = Stack([0; MAX_FRAMES]);

/// A stream of a session whose connection is not known yet.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Waiting {
    context: u64,
    at_ns: u64,
    stream: u32,
    tid: u32,
}

// node_http2.cc: Http2Stream::Http2Stream(Http2Session* session, v8::Local<v8::Object> obj, int32_t id,
//                                         nghttp2_headers_category category, int options)
#[uprobe]
pub fn node_stream(ctx: ProbeContext) -> u32 {
    let regs = Regs(ctx.regs as *const u64);
    let (session, stream) = (regs.entry_argument(1), regs.entry_argument(3) as u32);
    if regs.entry_argument(4) as u32 == ASKS && stream & 1 == 1 {
        asks(session, stream);
    }
    0
}

// node_http2.cc: uint8_t Http2Session::SendPendingData()
#[uprobe]
pub fn node_flush(ctx: ProbeContext) -> u32 {
    let session = Regs(ctx.regs as *const u64).entry_argument(0);
    let thread = Thread::current();
    if runtime(thread).is_some() {
        // Those who wait for what is sent now are called back: they may be of any stream.
        set(thread, OF_RECEIVE);
        if NODE_SESSIONS.get_ptr(key(thread, session)).is_none() {
            let _ = FLUSHES.insert(thread.word(), session, 0);
        }
    }
    0
}

// node_http2.cc: int Http2Session::OnFrameReceive(nghttp2_session* handle, const nghttp2_frame* frame, void* user_data)
#[uprobe]
pub fn node_frame(ctx: ProbeContext) -> u32 {
    let regs = Regs(ctx.regs as *const u64);
    let word = read_user::<u64>(regs.entry_argument(1).wrapping_add(FRAME)).unwrap_or(0);
    if !matches!(word >> 32 & 0xff, PRIORITY | WINDOW_UPDATE) {
        handles(regs.entry_argument(2), word as u32);
    }
    0
}

// node_http2.cc: int Http2Session::OnDataChunkReceived(nghttp2_session* handle, uint8_t flags, int32_t id, const uint8_t* data,
//                                                      size_t len, void* user_data)
#[uprobe]
pub fn node_chunk(ctx: ProbeContext) -> u32 {
    let regs = Regs(ctx.regs as *const u64);
    handles(regs.entry_argument(5), regs.entry_argument(2) as u32);
    0
}

/// The callbacks that the running thread runs are those of a stream of a session.
#[inline(always)]
fn handles(session: u64, stream: u32) {
    let thread = Thread::current();
    if runtime(thread).is_none() {
        return;
    }
    // SAFETY: one word, read at once.
    match unsafe { NODE_SESSIONS.get(key(thread, session)) } {
        Some(connection) if stream & 1 == 1 => set(thread, in_callbacks_of(*connection, u64::from(stream))),
        // What the session itself is told, or nobody knows of which connection: all that the receive brought.
        _ => _ = CURRENT.remove(thread.word()),
    }
}

/// What a thread does in the callbacks of its last receive, it does in this context from now on.
#[inline(always)]
fn set(thread: Thread, context: u64) {
    // SAFETY: one word, read at once.
    let Some(receive) = (unsafe { RECEIVED.get(thread.word()) }).copied() else { return };
    match CURRENT.get_ptr_mut(thread.word()) {
        // SAFETY: a live map value that only this thread writes.
        Some(current) => unsafe { *current = Current { receive, context } },
        None => _ = CURRENT.insert(thread.word(), Current { receive, context }, 0),
    }
}

/// In the callbacks of a receive: the context of what is done for the stream that is handled, if it is known.
#[inline(always)]
pub fn handled(thread: Thread, receive: u64) -> u64 {
    // SAFETY: copied at once.
    match unsafe { CURRENT.get(thread.word()) }.copied() {
        Some(current) if current.receive == receive => current.context,
        _ => receive,
    }
}

#[inline(always)]
fn runtime(thread: Thread) -> Option<&'static Runtime> {
    // SAFETY: read at once; user space replaces whole values.
    unsafe { RUNTIMES.get(thread.process()) }.filter(|runtime| runtime.kind == RUNTIME_NODE)
}

/// A session of a process.
#[inline(always)]
fn key(thread: Thread, session: u64) -> [u64; 2] {
    [u64::from(thread.process()), session]
}

/// The running thread asks on a stream of a session.
#[inline(always)]
fn asks(session: u64, stream: u32) {
    let thread = Thread::current();
    let Some(runtime) = runtime(thread) else { return };
    if STACKS.get_ptr(thread.word()).is_none() {
        let _ = STACKS.insert(thread.word(), &EMPTY, 0);
    }
    let Some(stack) = STACKS.get_ptr_mut(thread.word()) else { return };
    let (start, end) = callback(runtime);
    let context = in_callback(thread, || is_on_stack(stack.cast(), start, end));
    let waiting = Waiting { context, at_ns: conn::now(), stream, tid: thread.id() };
    let key = key(thread, session);
    if stream == FIRST {
        // Another one was at this address before.
        let _ = NODE_SESSIONS.remove(key);
    }
    // SAFETY: one word, read at once.
    match unsafe { NODE_SESSIONS.get(key) } {
        Some(connection) => tell(thread, *connection, waiting),
        None => _ = NODE_FIRST.insert(key, waiting, if stream == FIRST { 0 } else { u64::from(BPF_NOEXIST) }),
    }
}

#[inline(always)]
fn tell(thread: Thread, connection: u64, Waiting { context, at_ns, stream, tid }: Waiting) {
    let pid = thread.process();
    emit::asks(&Asks { kind: KIND_ASKS, reserved: [0; 3], pid, connection, at_ns, context, stream, tid });
}

/// The thread sends over this connection, perhaps for a session whose connection is not known yet.
#[inline(always)]
pub fn sends(thread: Thread, slot: Slot, conn: &Conn) {
    if FLUSHES.get_ptr(thread.word()).is_some() {
        node_sends(slot.number(), conn.id);
    }
}

/// A global function: the verifier checks it once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn node_sends(slot: u32, connection: u64) -> u32 {
    let thread = Thread::current();
    // SAFETY: one word, read at once.
    let Some(session) = (unsafe { FLUSHES.get(thread.word()) }).copied() else { return 0 };
    let _ = FLUSHES.remove(thread.word());
    let Some(runtime) = runtime(thread) else { return 0 };
    let (start, bytes) = (runtime.addresses[NODE_FLUSH], u64::from(runtime.places[NODE_FLUSH_BYTES]));
    if runs(slot, start, start.wrapping_add(bytes)) == 0 {
        return 0;
    }
    let key = key(thread, session);
    let _ = NODE_SESSIONS.insert(key, connection, 0);
    // SAFETY: copied at once.
    if let Some(waiting) = unsafe { NODE_FIRST.get(key) }.copied() {
        let _ = NODE_FIRST.remove(key);
        tell(thread, connection, waiting);
    }
    1
}
