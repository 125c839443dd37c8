//! Node.js: the receive in whose callback a send is made.
//!
//! libuv reads a socket and calls back at once, and whatever JavaScript does before that returns (promises that are settled,
//! `process.nextTick`) is done in it. All callbacks of reads pass through one C++ method, `LibuvStreamWrap::OnUvRead`, while
//! timers, `setImmediate`, connects, and what a pool of threads has done have other ways. So a send whose stack has that method
//! is made in the callback of the last receive of its thread. The stack is that of frame pointers, which V8's code and Node's
//! keep; where one is missing, or the stack is deeper than the kernel goes, the send is nobody's.

pub mod streams;

use super::Moving;
use super::thread::{Task, Thread};
use crate::conn::{self, Conn};
use crate::maps::{RECEIVED, SCRATCH, Slot};
use aya_ebpf::bindings::BPF_F_USER_STACK;
use aya_ebpf::helpers::generated::bpf_get_task_stack;
use wirespan_common::context::{NODE_READ, NODE_READ_BYTES, OF_RECEIVE, Runtime};
use wirespan_common::limits::MAX_FRAMES;
use wirespan_common::record::ROLE_CLIENT;

/// A word of a stack.
const WORD: usize = size_of::<u64>();
/// The bits of an address: those above may hold its signature (arm64, pointer authentication).
const ADDRESS: u64 = (1 << 48) - 1;

/// Names a receive. A request may come in parts, and all of them are one turn; of answers, each part is another receive, since
/// those to many may come in one turn.
#[inline(always)]
pub fn received(conn: &mut Conn, moving: Moving) -> u64 {
    let Moving { thread, role, is_first, .. } = moving;
    if is_first || role == ROLE_CLIENT || conn.context == 0 {
        conn.context = conn::identity(conn::now()) | OF_RECEIVE;
    }
    let context = conn.context;
    if RECEIVED.insert(thread.word(), context, 0).is_err() {
        forget(thread);
    }
    context
}

/// The thread's callbacks are those of a receive that nobody knows.
#[inline(always)]
pub fn forget(thread: Thread) {
    let _ = RECEIVED.remove(thread.word());
}

/// The receive in whose callback a thread sends over this connection, [`OF_RECEIVE`] alone for none.
#[inline(always)]
pub fn sending(thread: Thread, slot: Slot, runtime: &Runtime) -> u64 {
    let (start, end) = callback(runtime);
    in_callback(thread, || runs(slot.number(), start, end) != 0)
}

/// From where to where the method lies through which all callbacks of reads pass.
#[inline(always)]
fn callback(runtime: &Runtime) -> (u64, u64) {
    let start = runtime.addresses[NODE_READ];
    (start, start.wrapping_add(u64::from(runtime.places[NODE_READ_BYTES])))
}

/// The last receive of a thread if it runs a callback, [`OF_RECEIVE`] alone if it does not.
#[inline(always)]
fn in_callback(thread: Thread, runs: impl FnOnce() -> bool) -> u64 {
    // SAFETY: read at once.
    match unsafe { RECEIVED.get(thread.word()) } {
        Some(context) if runs() => streams::handled(thread, *context),
        _ => OF_RECEIVE,
    }
}

/// Whether a function that lies from `start` to `end` is on the user's stack: 1, else 0. The stack is copied to the slot's room,
/// in which there is no record yet. A global function: the verifier checks it once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn runs(slot: u32, start: u64, end: u64) -> u32 {
    let Some(room) = SCRATCH.get_ptr_mut(slot) else { return 0 };
    u32::from(is_on_stack(room.cast(), start, end))
}

/// The same, with room for [`MAX_FRAMES`] words.
#[inline(always)]
fn is_on_stack(stack: *mut u64, start: u64, end: u64) -> bool {
    // SAFETY: the running task, and room for as many words.
    let copied = unsafe {
        let task = Task::current().0 as *mut _;
        bpf_get_task_stack(task, stack.cast(), (MAX_FRAMES * WORD) as u32, u64::from(BPF_F_USER_STACK))
    };
    for frame in 0..MAX_FRAMES {
        if (frame * WORD) as i64 >= copied {
            break;
        }
        // SAFETY: within the room.
        let address = unsafe { stack.add(frame).read_volatile() } & ADDRESS;
        if address > start && address <= end {
            return true;
        }
    }
    false
}
