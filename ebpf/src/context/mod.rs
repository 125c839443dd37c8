//! Execution contexts: what a runtime executes when it makes a call, stamped on each record. One file a runtime; [`thread`] is
//! what every program has.

pub mod go;
pub mod thread;

use crate::conn::Conn;
use crate::kernel::regs::Regs;
use crate::kernel::sock::Sock;
use crate::kernel::zero;
use crate::maps::{RUNTIMES, RUNTIMES_KNOWN};
use thread::Thread;
use wirespan_common::context::RUNTIME_GO;
use wirespan_common::record::Data;

/// A call that moved bytes, as far as contexts need it.
#[derive(Clone, Copy)]
#[expect(dead_code, reason = "goroutines have numbers of their own")]
pub struct Moving {
    /// Who makes it.
    pub thread: Thread,
    /// Over which socket.
    pub sock: Sock,
    /// `SEND` or `RECEIVE`.
    pub direction: u8,
    /// This end of the connection: one of `ROLE_`.
    pub role: u8,
}

/// Stamps a record with who made its call.
#[inline(always)]
pub fn stamp(data: &mut Data, thread: Thread) {
    data.pid = thread.process();
    data.tid = thread.id();
    // See `running`.
    data.context = zero();
}

/// What the runtime of a process executes in a call with these registers, over this connection; 0 where only the thread is known. Where no process
/// has a runtime that is looked into, this is one word.
#[inline(always)]
pub fn running(moving: Moving, conn: &Conn, regs: Option<Regs>) -> u64 {
    // SAFETY: an aligned word of a live map value.
    let is_any = RUNTIMES_KNOWN.get_ptr(0).is_some_and(|known| unsafe { known.read_volatile() } != 0);
    let Some(regs) = regs.filter(|_| is_any) else { return zero() };
    // SAFETY: read at once; user space replaces whole values.
    let Some(runtime) = (unsafe { RUNTIMES.get(moving.thread.process()) }) else { return zero() };
    match runtime.kind {
        RUNTIME_GO => go::running(moving, conn, regs),
        _ => zero(),
    }
}
