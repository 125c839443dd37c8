//! [`State`]: a connection changed state, or a port is listened on.

use super::submit;
use crate::conn::{Conn, now};
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use wirespan_common::counters::Counter;
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
    submit((&raw const state).cast(), size_of::<State>() as u32, Counter::DropOther);
}

/// Reports that the current process began to listen.
#[inline(always)]
pub fn listening(port: u16) {
    let state = State {
        kind: KIND_STATE,
        what: STATE_LISTEN,
        port,
        error: 0,
        connection: 0,
        at_ns: now(),
        sent: 0,
        received: 0,
        pid: (bpf_get_current_pid_tgid() >> 32) as u32,
        reserved: 0,
    };
    submit((&raw const state).cast(), size_of::<State>() as u32, Counter::DropOther);
}
