//! [`State`]: a connection changed state, or a port is listened on.

use super::submit;
use crate::conn::{Conn, now};
use crate::context::thread::Thread;
use wirespan_common::record::{KIND_STATE, STATE_LISTEN, State};

/// Reports a change of a connection.
#[inline(always)]
pub fn changed(conn: &Conn, what: u8, error: u32) {
    let state = State {
        kind: KIND_STATE,
        what,
        port: 0,
        error,
        connection: conn.id,
        at_ns: now(),
        sent: conn.sent,
        received: conn.received,
        pid: 0,
        reserved: 0,
    };
    submit((&raw const state).cast(), size_of::<State>() as u32, state.at_ns);
}

/// Reports that the current process began to listen.
#[inline(always)]
pub fn listening(port: u16, thread: Thread) {
    let state = State {
        kind: KIND_STATE,
        what: STATE_LISTEN,
        port,
        error: 0,
        connection: 0,
        at_ns: now(),
        sent: 0,
        received: 0,
        pid: thread.process(),
        reserved: 0,
    };
    submit((&raw const state).cast(), size_of::<State>() as u32, state.at_ns);
}
