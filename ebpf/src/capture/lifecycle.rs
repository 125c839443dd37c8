//! Set-up and end of TCP connections, for every backend. That the peer sends no more is told when the application reads
//! it (`conn::end_of_stream`), after the data before it, not when the FIN arrives.

use crate::conn::{self, Conn, FLAG_ANNOUNCED, FLAG_CLOSED};
use crate::emit::state;
use crate::kernel::sock::Sock;
use crate::maps::{CONNECTIONS, POLICIES, PORTS, setting};
use crate::process::is_target;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use wirespan_common::record::{
    NO_REPLACE, POLICY_IGNORE, POLICY_PENDING, POLICY_PORT, PORT_LISTENED, PORT_SELECTED, ROLE_CLIENT, ROLE_SERVER,
    STATE_CLOSED, STATE_FAILED, STATE_RESET_BY_PEER, STATE_RESET_BY_SELF, STATE_SENT_FIN,
};

// include/net/tcp_states.h
const ESTABLISHED: i32 = 1;
const SYN_SENT: i32 = 2;
const SYN_RECEIVED: i32 = 3;
const FIN_WAIT1: i32 = 4;
const CLOSE: i32 = 7;
const CLOSE_WAIT: i32 = 8;
const LAST_ACK: i32 = 9;
const LISTEN: i32 = 10;
const NEW_SYN_RECEIVED: i32 = 12;

// include/uapi/asm-generic/errno.h
const EPIPE: u32 = 32;
const ECONNRESET: u32 = 104;

// include/trace/events/sock.h: inet_sock_set_state(const struct sock *sk, const int oldstate, const int newstate), Linux 4.16
#[btf_tracepoint(function = "inet_sock_set_state")]
pub fn inet_sock_set_state(ctx: BtfTracePointContext) -> i32 {
    let sock = Sock(ctx.arg(0));
    let old: i32 = ctx.arg(1);
    let new: i32 = ctx.arg(2);
    match new {
        SYN_SENT => connecting(sock),
        ESTABLISHED if old == SYN_SENT => connected(sock),
        ESTABLISHED if old == SYN_RECEIVED || old == NEW_SYN_RECEIVED => accepted(sock),
        LISTEN => listening(sock),
        FIN_WAIT1 | LAST_ACK | CLOSE => ending(sock, old, new),
        _ => {}
    }
    0
}

/// In the context of the process that connects.
#[inline(always)]
fn connecting(sock: Sock) {
    if !mark_port(sock.remote_port()) && !is_target() {
        return;
    }
    let Some(family) = sock.traced_family() else { return };
    conn::insert(sock, &conn::create(sock, family, ROLE_CLIENT, conn::now(), 0));
}

/// The handshake of a connect is over: only now are the positions known.
#[inline(always)]
fn connected(sock: Sock) {
    let Some(conn) = CONNECTIONS.get_ptr_mut(sock.0) else { return };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    conn.sent = u64::from(sock.write_seq());
    conn.received = u64::from(sock.copied_seq());
    conn.first_sent = conn.sent;
    conn.first_received = conn.received;
}

/// In softirq: whose connection this will be is known only by its port.
#[inline(always)]
fn accepted(sock: Sock) {
    if setting!(default_policy) == POLICY_IGNORE && port_use(sock.local_port()).is_none() {
        return;
    }
    let Some(family) = sock.traced_family() else { return };
    conn::insert(sock, &conn::create(sock, family, ROLE_SERVER, conn::now(), 0));
}

#[inline(always)]
fn listening(sock: Sock) {
    let port = sock.local_port();
    if !mark_port(port) && !is_target() {
        return;
    }
    let _ = PORTS.insert(port, PORT_LISTENED, NO_REPLACE);
    state::listening(port);
}

#[inline(always)]
fn port_use(port: u16) -> Option<u32> {
    // SAFETY: copied at once.
    unsafe { PORTS.get(port) }.copied()
}

/// Traces the current process if a selector names the port. Over a policy that is pending too: the decision that is
/// under way does not know of the port yet.
#[inline(always)]
fn mark_port(port: u16) -> bool {
    if setting!(select_ports) == 0 || port_use(port) != Some(PORT_SELECTED) {
        return false;
    }
    let pid = (bpf_get_current_pid_tgid() >> 32) as u32;
    // SAFETY: copied at once.
    match unsafe { POLICIES.get(pid) }.copied() {
        Some(POLICY_IGNORE) => return false,
        None | Some(POLICY_PENDING) => {
            let _ = POLICIES.insert(pid, POLICY_PORT, 0);
        }
        Some(_) => {}
    }
    true
}

#[inline(always)]
fn ending(sock: Sock, old: i32, new: i32) {
    let Some(conn) = CONNECTIONS.get_ptr_mut(sock.0) else { return };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    if conn.flags & FLAG_ANNOUNCED != 0 && conn.flags & FLAG_CLOSED == 0 {
        let error = sock.error();
        // None: the application may still read what has come, and the end of the socket is its end.
        if let Some(what) = end(sock, old, new, error) {
            report(conn, what, error);
        }
    }
}

/// What a change of state means for the connection as the application sees it.
#[inline(always)]
fn end(sock: Sock, old: i32, new: i32, error: u32) -> Option<u8> {
    match new {
        // close() shuts both directions down before it changes the state; shutdown() only the one.
        FIN_WAIT1 if sock.is_shut_down() => Some(STATE_CLOSED),
        // After the peer's FIN the two cannot be told apart.
        FIN_WAIT1 | LAST_ACK => Some(STATE_SENT_FIN),
        _ if error == ECONNRESET || error == EPIPE => Some(STATE_RESET_BY_PEER),
        _ if error != 0 => Some(STATE_FAILED),
        // Straight to CLOSE without a FIN: unread data, or SO_LINGER 0.
        _ if old == ESTABLISHED || old == CLOSE_WAIT => Some(STATE_RESET_BY_SELF),
        _ if sock.is_orphan() => Some(STATE_CLOSED),
        _ => None,
    }
}

#[inline(always)]
fn report(conn: &mut Conn, what: u8, error: u32) {
    if what != STATE_SENT_FIN {
        conn.flags |= FLAG_CLOSED;
    }
    state::changed(conn, what, error);
}

// include/trace/events/tcp.h: tcp_destroy_sock(struct sock *sk), Linux 4.16
#[btf_tracepoint(function = "tcp_destroy_sock")]
pub fn tcp_destroy_sock(ctx: BtfTracePointContext) -> i32 {
    let sock = Sock(ctx.arg(0));
    let Some(conn) = CONNECTIONS.get_ptr_mut(sock.0) else { return 0 };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    if conn.flags & FLAG_ANNOUNCED != 0 && conn.flags & FLAG_CLOSED == 0 {
        report(conn, STATE_CLOSED, 0);
    }
    let _ = CONNECTIONS.remove(sock.0);
    0
}
