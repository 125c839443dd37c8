//! The thread of Java that makes a call: a virtual one by its number (`Thread.threadId`), or one of the operating system.
//!
//! While Java runs, and mostly still in what it calls, a register holds the thread's `JavaThread` (hotspot/share/runtime,
//! javaThread.hpp). Whether it does is seen by the stack: that of the call lies within the bounds that stand there.

use super::Moving;
use super::thread::waits;
use crate::kernel::regs::Regs;
use crate::kernel::{read_user, zero};
use crate::maps::RUNTIMES;
use aya_ebpf::helpers::generated::bpf_get_current_comm;
use wirespan_common::context::{JVM_BAD, JVM_ENTRY, JVM_OWNER, JVM_SHIFT, JVM_STACK, JVM_VTHREAD, OF_NOBODY, Runtime};
use wirespan_common::record::{RECEIVE, ROLE_CLIENT, ROLE_SERVER, SEND};

/// Where `eetop`, the `JavaThread` of a platform thread, stands in a `java.lang.Thread`, and behind it `tid`: the first words of
/// eight bytes, with compressed class pointers and without.
const EETOP_AT: u64 = 16;
/// Java counts its threads from 1.
const MAX_TID: u64 = 1 << 48;

/// How the names of threads begin that are event loops, as they are made by Netty, Reactor, Vert.x, XNIO, gRPC and Lettuce.
const LOOPS: [&[u8]; 8] =
    [b"nioEvent", b"epollEve", b"multiThr", b"reactor-", b"vert.x-e", b"XNIO-", b"grpc-", b"lettuce-"];

/// The context of a call in a JVM. Answers belong to nobody in particular, and nothing is known of a JVM that is just starting.
///
/// What a platform thread asks of others is its own if it waits for the answer itself: the socket is in no epoll set, and the
/// thread is not named as an event loop. Whether it is a blocking socket says less: with a time limit, Java waits by poll(2).
#[inline(always)]
pub fn context(moving: Moving, regs: Option<Regs>, runtime: &Runtime) -> u64 {
    let is_answer = matches!((moving.direction, moving.role), (SEND, ROLE_SERVER) | (RECEIVE, ROLE_CLIENT));
    if is_answer || runtime.places[JVM_STACK] == 0 {
        return zero();
    }
    // A call of io_uring is not made by the thread that is seen.
    let Some(regs) = regs else { return OF_NOBODY };
    if runtime.places[JVM_VTHREAD] != 0 {
        let number = virtual_thread(u64::from(moving.thread.process()), regs.java_thread(), regs.stack_pointer());
        if number != 0 {
            return number;
        }
    }
    if moving.direction == SEND && !moving.sock.is_polled() && !is_loop() { waits(moving.thread) } else { zero() }
}

/// The number of the virtual thread that runs on the thread with this `JavaThread` and this stack pointer, 0 if none does,
/// [`OF_NOBODY`] where that cannot be seen. A global function: the verifier checks it once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn virtual_thread(process: u64, thread: u64, stack_pointer: u64) -> u64 {
    // SAFETY: read at once; user space replaces whole values.
    let Some(runtime) = (unsafe { RUNTIMES.get(process as u32) }) else { return OF_NOBODY };
    let word = |place: usize| read_user::<u64>(thread.wrapping_add(u64::from(runtime.places[place])));
    let Some([base, size]) = read_user::<[u64; 2]>(thread.wrapping_add(u64::from(runtime.places[JVM_STACK]))) else {
        return OF_NOBODY;
    };
    if stack_pointer >= base || base - stack_pointer > size {
        return OF_NOBODY;
    }
    if runtime.places[JVM_OWNER] != 0 {
        return match (word(JVM_ENTRY), word(JVM_OWNER)) {
            (Some(0), _) => 0,
            (Some(_), Some(number @ 1..MAX_TID)) => number,
            _ => OF_NOBODY,
        };
    }
    let Some(mut object) = word(JVM_VTHREAD).and_then(read_user::<u64>) else { return OF_NOBODY };
    // The object may have been moved since this pointer was written.
    if runtime.addresses[JVM_BAD] != 0 {
        let Some(bad) = read_user::<u64>(runtime.addresses[JVM_BAD]) else { return OF_NOBODY };
        if object & bad != 0 {
            return OF_NOBODY;
        }
    }
    if runtime.addresses[JVM_SHIFT] != 0 {
        let Some(shift) = read_user::<u64>(runtime.addresses[JVM_SHIFT]) else { return OF_NOBODY };
        object >>= shift & 63;
    }
    match read_user::<[u64; 2]>(object.wrapping_add(EETOP_AT)) {
        Some([eetop, _]) if eetop == thread => 0,
        Some([0, number @ 1..MAX_TID]) => number,
        _ => OF_NOBODY,
    }
}

/// Whether the name of the running thread is that of an event loop.
#[inline(always)]
fn is_loop() -> bool {
    let mut name = [0u64; 2];
    // SAFETY: the helper writes at most as many bytes as it is told.
    unsafe { bpf_get_current_comm(name.as_mut_ptr().cast(), 16) };
    LOOPS.iter().any(|prefix| (name[0] ^ word(prefix)) & mask(prefix.len()) == 0)
}

/// The first eight bytes of a name, as they lie in memory.
const fn word(prefix: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let mut at = 0;
    while at < prefix.len() {
        bytes[at] = prefix[at];
        at += 1;
    }
    u64::from_le_bytes(bytes)
}

const fn mask(length: usize) -> u64 {
    u64::MAX >> (64 - 8 * length)
}
