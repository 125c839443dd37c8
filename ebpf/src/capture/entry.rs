//! Optional hooks at the beginning of sends. On loopback the peer may answer before a send call returns: with these, a
//! server's span lies within its client's.

use crate::conn::{self, Conn};
use crate::kernel::sock::Sock;
use crate::maps::CONNECTIONS;
use crate::process::is_target;
use aya_ebpf::macros::{btf_tracepoint, fentry};
use aya_ebpf::programs::{BtfTracePointContext, FEntryContext};

// net/ipv4/tcp.c: trace_tcp_sendmsg_locked(const struct sock *sk, const struct msghdr *msg, ...), Linux 6.16
#[btf_tracepoint(function = "tcp_sendmsg_locked")]
pub fn tcp_sendmsg_locked(ctx: BtfTracePointContext) -> i32 {
    if is_target() {
        begins(Sock::argument(ctx.arg(0)));
    }
    0
}

// net/ipv4/tcp.c: int tcp_sendmsg(struct sock *sk, struct msghdr *msg, size_t size)
#[fentry(function = "tcp_sendmsg")]
pub fn tcp_sendmsg(ctx: FEntryContext) -> i32 {
    if is_target() {
        begins(Sock::argument(ctx.arg(0)));
    }
    0
}

// net/unix/af_unix.c: static int unix_stream_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
#[fentry(function = "unix_stream_sendmsg")]
pub fn unix_stream_sendmsg(ctx: FEntryContext) -> i32 {
    if is_target() {
        let socket: u64 = ctx.arg(0);
        begins(Sock::at(crate::kernel::read(socket, crate::maps::offset!(socket_sk))));
    }
    0
}

/// A send over a socket takes data now.
#[inline(always)]
fn begins(sock: Sock) {
    if let Some(conn) = CONNECTIONS.get_ptr_mut(sock.key()) {
        // SAFETY: a live map value.
        note(unsafe { &mut *conn }, conn::now());
    }
}

/// A send has taken data, at a time that has passed.
#[inline(always)]
pub fn began(sock: Sock, at: u64) {
    if let Some(conn) = CONNECTIONS.get_ptr_mut(sock.key()) {
        // SAFETY: a live map value.
        let conn = unsafe { &mut *conn };
        // A time before the last receive of this end is of another process that reads the peer, unseen: it says nothing.
        note(conn, if at < conn.read_ns { conn::now() } else { at });
    }
}

/// The first of several firings within one call counts as its beginning, the last one as the time of its last byte.
#[inline(always)]
fn note(conn: &mut Conn, at: u64) {
    if conn.send_first_ns == 0 {
        conn.send_first_ns = at;
    }
    conn.send_last_ns = at;
}
