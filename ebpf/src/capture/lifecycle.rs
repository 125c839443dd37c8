//! Set-up and end of TCP connections, for every backend. That the peer sends no more is told when the application reads
//! it (`conn::end_of_stream`), after the data before it, not when the FIN arrives.

use crate::conn::{self, Conn, FLAG_COUNTED, FLAG_EARLY, FLAG_MULTIPATH, is_set};
use crate::context::cpython::greenlets;
use crate::emit;
use crate::kernel::sock::Sock;
use crate::maps::{CONNECTIONS, PORTS, count, selection};
use crate::process::{Caller, may_tell, ports};
use aya_ebpf::macros::btf_tracepoint;
use aya_ebpf::programs::BtfTracePointContext;
use wirespan_common::counters::Counter;
use wirespan_common::record::{
    NO_REPLACE, POLICY_IGNORE, PORT_LISTENED, ROLE_CLIENT, ROLE_SERVER, STATE_CLOSED, STATE_FAILED,
    STATE_RESET_BY_PEER, STATE_RESET_BY_SELF, STATE_SENT_FIN,
};

// include/net/tcp_states.h
const ESTABLISHED: i32 = 1;
pub const SYN_SENT: i32 = 2;
const SYN_RECEIVED: i32 = 3;
const FIN_WAIT1: i32 = 4;
const CLOSE: i32 = 7;
const CLOSE_WAIT: i32 = 8;
const LAST_ACK: i32 = 9;
const LISTEN: i32 = 10;
const NEW_SYN_RECEIVED: i32 = 12;

// include/uapi/asm-generic/errno.h
const EPIPE: u32 = 32;
const EADDRNOTAVAIL: u32 = 99;
const ECONNRESET: u32 = 104;

// include/trace/events/sock.h: inet_sock_set_state(const struct sock *sk, const int oldstate, const int newstate), Linux 4.16
#[btf_tracepoint(function = "inet_sock_set_state")]
pub fn inet_sock_set_state(ctx: BtfTracePointContext) -> i32 {
    let sock = Sock::argument(ctx.arg(0));
    let old: i32 = ctx.arg(1);
    let new: i32 = ctx.arg(2);
    match new {
        SYN_SENT => connecting(sock),
        ESTABLISHED if old == SYN_SENT => connected(sock),
        // A socket of MPTCP is made from its listener when the first path is there.
        ESTABLISHED if old == SYN_RECEIVED || old == NEW_SYN_RECEIVED || old == LISTEN => accepted(sock),
        LISTEN => listening(sock),
        FIN_WAIT1 | LAST_ACK | CLOSE => ending(sock, old, new),
        _ => {}
    }
    0
}

/// In the context of the process that connects.
#[inline(always)]
fn connecting(sock: Sock) {
    let caller = Caller::current();
    if !ports::used(caller, sock.remote_port()) {
        return conn::forget_predecessor(sock);
    }
    let Some(family) = of_application(sock) else { return };
    // Its connections cost as much as its calls.
    if !may_tell(caller, 0) {
        return conn::forget_predecessor(sock);
    }
    let mut conn = conn::create(sock, family, ROLE_CLIENT, conn::now(), 0);
    conn::own(&mut conn, caller.thread);
    conn::insert(sock, &conn);
}

/// In softirq: the handshake of a connect is over. Only now are the positions known.
#[inline(always)]
fn connected(sock: Sock) {
    let Some(conn) = CONNECTIONS.get_ptr_mut(sock.key()) else { return };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    let is_counted = conn.flags & FLAG_COUNTED != 0;
    if !is_counted {
        conn::positions::begin(sock, conn);
    }
    conn.established_ns = conn::now();
    // Whether data ever moves on it or not: it was set up.
    if !is_counted && conn.sent == conn.first_sent {
        conn::announce_unused(sock, conn);
    } else {
        conn::announce(sock, conn);
    }
}

/// In softirq: whose connection this will be is known only by its port.
#[inline(always)]
fn accepted(sock: Sock) {
    if selection!(default_policy) == POLICY_IGNORE && port_use(sock.local_port()).is_none() {
        return conn::forget_predecessor(sock);
    }
    let Some(family) = of_application(sock) else { return };
    let now = conn::now();
    if let Some(known) = CONNECTIONS.get_ptr_mut(sock.key()) {
        // SAFETY: a live map value.
        let known = unsafe { &mut *known };
        // TCP Fast Open: it was taken from the listen queue, and read, before its handshake was over.
        if known.flags & FLAG_EARLY != 0 && known.established_ns == 0 && !is_set!(known.closed) {
            known.established_ns = now;
            return;
        }
    }
    let mut conn = conn::create(sock, family, ROLE_SERVER, now, 0);
    conn.established_ns = conn.started_ns;
    conn::insert(sock, &conn);
}

/// Its family, if an application holds it. (Below a socket of MPTCP are sockets of TCP that the kernel holds.)
#[inline(always)]
fn of_application(sock: Sock) -> Option<u8> {
    if sock.is_subflow() { None } else { sock.traced_family() }
}

#[inline(always)]
fn listening(sock: Sock) {
    let (port, caller) = (sock.local_port(), Caller::current());
    if !ports::used(caller, port) {
        return;
    }
    if port_use(port).is_none() && PORTS.insert(port, PORT_LISTENED, NO_REPLACE).is_err() {
        count(Counter::PortsFull);
    }
    emit::state::listening(port, caller.thread);
}

#[inline(always)]
fn port_use(port: u16) -> Option<u32> {
    // SAFETY: copied at once.
    unsafe { PORTS.get(port) }.copied()
}

/// In the context of a process when the application closes, else in softirq.
#[inline(always)]
fn ending(sock: Sock, old: i32, new: i32) {
    let Some(conn) = CONNECTIONS.get_ptr_mut(sock.key()) else { return };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    if is_set!(conn.closed) {
        return;
    }
    let error = sock.error();
    let is_own_doing = new != CLOSE || error == 0 && (old == ESTABLISHED || old == CLOSE_WAIT);
    if conn.pid == 0 && is_own_doing {
        let caller = Caller::current();
        if caller.is_target() {
            conn::own(conn, caller.thread);
        }
    }
    // None: the application may still read what has come, and the end of the socket is its end.
    if let Some((what, error)) = end(sock, old, new, error)
        && is_announced(sock, conn)
    {
        // Without a read that found it, but after all data: the peer closed first.
        if new == LAST_ACK && !conn::arrival::has_unread(sock, conn) {
            conn::ended_by_peer(conn);
        }
        report(sock, conn, what, error);
    }
    // Nothing else tells the end of a socket of MPTCP.
    if new == CLOSE && conn.flags & FLAG_MULTIPATH != 0 && is_set!(conn.closed) && sock.is_orphan() {
        conn::forget(sock);
    }
}

/// Whether the connection was told of, or is told of now because its owner is known.
#[inline(always)]
fn is_announced(sock: Sock, conn: &mut Conn) -> bool {
    is_set!(conn.announced) || conn.pid != 0 && conn::announce(sock, conn)
}

/// What a change of state means for the connection as the application sees it, with the errno that belongs to it.
#[inline(always)]
fn end(sock: Sock, old: i32, new: i32, error: u32) -> Option<(u8, u32)> {
    let what = match new {
        // close() shuts both directions down before it changes the state; shutdown() only the one.
        FIN_WAIT1 if sock.is_shut_down() => STATE_CLOSED,
        // After the peer's FIN the two cannot be told apart.
        FIN_WAIT1 | LAST_ACK => STATE_SENT_FIN,
        _ if error == ECONNRESET || error == EPIPE => STATE_RESET_BY_PEER,
        _ if error != 0 => STATE_FAILED,
        // The connect did not even find a local port: all are in use.
        _ if old == SYN_SENT && sock.local_port() == 0 => return Some((STATE_FAILED, EADDRNOTAVAIL)),
        // The application gave up.
        _ if old == SYN_SENT => STATE_CLOSED,
        // Straight to CLOSE without a FIN: unread data, or SO_LINGER 0.
        _ if old == ESTABLISHED || old == CLOSE_WAIT => STATE_RESET_BY_SELF,
        _ if sock.is_orphan() => STATE_CLOSED,
        _ => return None,
    };
    Some((what, error))
}

#[inline(always)]
fn report(sock: Sock, conn: &mut Conn, what: u8, error: u32) {
    greenlets::closes(conn);
    if what != STATE_SENT_FIN {
        conn::missed(conn);
        conn.closed = 1;
        // A connect that failed has nothing to show but its SYNs, which its announcement has told.
        if conn.flags & FLAG_MULTIPATH == 0 && (conn.role != ROLE_CLIENT || conn.established_ns != 0) {
            emit::last_stats(sock, conn);
        }
    }
    emit::state::changed(conn, what, error);
}

// include/trace/events/tcp.h: tcp_destroy_sock(struct sock *sk), Linux 4.16
#[btf_tracepoint(function = "tcp_destroy_sock")]
pub fn tcp_destroy_sock(ctx: BtfTracePointContext) -> i32 {
    let sock = Sock::argument(ctx.arg(0));
    let Some(conn) = CONNECTIONS.get_ptr_mut(sock.key()) else { return 0 };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    if !is_set!(conn.closed) {
        conn::missed(conn);
        if is_announced(sock, conn) {
            report(sock, conn, STATE_CLOSED, 0);
        }
    }
    conn::forget(sock);
    0
}
