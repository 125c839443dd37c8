//! Execution contexts: what a runtime executes when it makes a call, stamped on each record. One file a runtime; [`thread`] is
//! what every program has.

pub mod cpython;
pub mod go;
mod jvm;
pub mod node;
pub mod spans;
pub mod thread;
mod tokio;

use crate::conn::Conn;
use crate::kernel::regs::Regs;
use crate::kernel::sock::Sock;
use crate::kernel::zero;
use crate::maps::{RUNTIMES, RUNTIMES_KNOWN, Slot};
use crate::process::ports;
use thread::Thread;
use wirespan_common::context::{
    LOOPS_READ, OF_RECEIVE, RUNTIME_CPYTHON, RUNTIME_GO, RUNTIME_JVM, RUNTIME_NODE, RUNTIME_TOKIO, Runtime,
};
use wirespan_common::record::{Data, FAMILY_UNIX, RECEIVE, ROLE_CLIENT, ROLE_SERVER, ROLE_UNKNOWN, SEND};

/// A call that moved bytes, as far as contexts need it.
#[derive(Clone, Copy)]
pub struct Moving {
    /// Who makes it.
    pub thread: Thread,
    /// Over which socket.
    pub sock: Sock,
    /// `SEND` or `RECEIVE`.
    pub direction: u8,
    /// This end of the connection: one of `ROLE_`; see [`role`].
    pub role: u8,
    /// It is the first of its turn.
    pub is_first: bool,
    /// The turn of its connection: no other turn has this number.
    pub turn: u64,
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

/// This end of a connection, as far as contexts need it. Of one that was open before it was followed a port tells, on which a target
/// listens: what is received over others answers something, and is nobody's request.
#[inline(always)]
pub fn role(conn: &Conn, sock: Sock) -> u8 {
    match conn.role {
        ROLE_UNKNOWN if conn.family == FAMILY_UNIX => ROLE_UNKNOWN,
        ROLE_UNKNOWN if ports::is_known(sock.local_port()) => ROLE_SERVER,
        ROLE_UNKNOWN => ROLE_CLIENT,
        role => role,
    }
}

/// A thread has received the end of a stream, an error, or over a socket that is not followed.
#[inline(always)]
pub fn received_elsewhere(thread: Thread) {
    if runtime(thread).is_some_and(|runtime| runtime.kind == RUNTIME_NODE) {
        node::forget(thread);
    }
}

/// What the runtime of a process executes in a call with these registers, over this connection; else whether the thread waits in
/// what it asks of others; else 0.
#[inline(always)]
pub fn running(moving: Moving, slot: Slot, conn: &mut Conn, regs: Option<Regs>) -> u64 {
    let runtime = runtime(moving.thread);
    if let Some(runtime) = runtime
        && runtime.kind == RUNTIME_JVM
    {
        return jvm::context(moving, regs, runtime);
    }
    if let Some(runtime) = runtime
        && runtime.kind == RUNTIME_NODE
    {
        if moving.direction == SEND {
            node::streams::sends(moving.thread, slot, conn);
        }
        return match moving.direction {
            RECEIVE => node::received(conn, moving),
            // Whose an answer is, its connection tells.
            _ if moving.role == ROLE_SERVER => OF_RECEIVE,
            _ => node::sending(moving.thread, slot, runtime),
        };
    }
    match regs {
        Some(regs) => of_interpreter(runtime, moving, conn, regs),
        None => zero(),
    }
}

/// What the current thread executes while it connects, with these registers. Of Node.js its first call tells.
#[inline(always)]
pub fn connecting(thread: Thread, sock: Sock, conn: &mut Conn, regs: Regs) -> u64 {
    let moving = Moving { thread, sock, direction: SEND, role: ROLE_CLIENT, is_first: true, turn: 0 };
    match runtime(thread) {
        Some(runtime) if runtime.kind == RUNTIME_JVM => jvm::context(moving, Some(regs), runtime),
        Some(runtime) if runtime.kind == RUNTIME_NODE => zero(),
        runtime => of_interpreter(runtime, moving, conn, regs),
    }
}

/// The same as [`running`], of a program that is neither a JVM nor Node.js.
#[inline(always)]
fn of_interpreter(runtime: Option<&'static Runtime>, moving: Moving, conn: &mut Conn, regs: Regs) -> u64 {
    match runtime {
        Some(runtime) if runtime.kind == RUNTIME_GO => go::running(moving, conn, regs),
        Some(runtime) if runtime.kind == RUNTIME_CPYTHON => cpython::running(moving, conn, regs, runtime),
        Some(runtime) if runtime.kind == RUNTIME_TOKIO => tokio::running(moving, conn),
        Some(runtime) => thread::asks(moving, runtime.places[LOOPS_READ] != 0),
        _ if moving.direction == SEND && moving.role != ROLE_SERVER && moving.sock.is_blocking() => {
            thread::waits(moving.thread)
        }
        _ => zero(),
    }
}
