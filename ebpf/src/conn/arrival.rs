//! When the first unread byte of a socket came: how long it then waits for its reader is the wait for a busy process.
//!
//! The time is kept as long as something is unread and taken by the next receive. When that receive leaves bytes behind,
//! their own time was not kept, and it is [`UNKNOWN`] until all is read: nothing is said of them.

use super::{Conn, FLAG_COUNTED, FLAG_DATAGRAM, now};
use crate::kernel::sock::Sock;
use crate::kernel::tcp::Tcp;
use crate::maps::{CONNECTIONS, setting};

/// Stands for a time that was not kept.
pub const UNKNOWN: u64 = 1;

macro_rules! set {
    ($conn:ident.arrived_ns, $value:expr) => {
        // Another CPU looks at it: the order of what is written and read here counts.
        // SAFETY: a member of a live map value.
        unsafe { core::ptr::write_volatile(&raw mut $conn.arrived_ns, $value) }
    };
}

/// Data has come to a socket; in softirq for TCP, in the context of the sender for a unix socket. The connection, if it
/// is known.
#[inline(always)]
pub fn arrived(sock: Sock) -> Option<*mut Conn> {
    let known = CONNECTIONS.get_ptr_mut(sock.key())?;
    // SAFETY: a live map value.
    let conn = unsafe { &mut *known };
    if conn.arrived_ns == 0 {
        note(sock, conn);
    }
    Some(known)
}

/// When the data reached the reader of a unix socket that its sender is about to wake: now, or, when it is gone already
/// since the reader did not sleep, at the time of that receive.
#[inline(always)]
pub fn reached(sock: Sock, reader: &Conn) -> u64 {
    if sock.queued_packets() == 0 && reader.read_ns != 0 { reader.read_ns } else { now() }
}

/// This CPU is seldom the reader's: what it touches here travels between the two. So it is one word, the first of the entry,
/// on the line that the look-up has read, and what else must be known is asked of the socket. TCP tells of data
/// while it holds the socket, so that nobody has read it (net/ipv4/tcp_input.c, `tcp_data_ready`); others do not.
#[inline(always)]
fn note(sock: Sock, conn: &mut Conn) {
    // Before the look at what is unread: see `take`.
    let now = now();
    if sock.is_tcp() || sock.queued_packets() > 0 {
        set!(conn.arrived_ns, now);
    }
}

/// The time at which the bytes came whose receive ended at `now`; 0 if that is not known.
///
/// The reader of a unix socket may be faster than the hook that tells of its data: a time that is not later than the
/// last receive belongs to bytes that were read by it.
#[inline(always)]
pub fn take(sock: Sock, tcp: Tcp, conn: &mut Conn, now: u64) -> u64 {
    if setting!(queue_time) == 0 || conn.flags & FLAG_DATAGRAM != 0 {
        return 0;
    }
    let (arrived, before) = (conn.arrived_ns, conn.read_ns);
    conn.read_ns = now;
    // It may hold data back, and its positions are others.
    if conn.flags & FLAG_COUNTED == 0 && tcp.has_upper_layer() {
        return 0;
    }
    // What comes from here on sets its own time, unless it is found unread.
    set!(conn.arrived_ns, 0);
    if is_unread(sock, tcp, conn, conn.received as u32) {
        set!(conn.arrived_ns, UNKNOWN);
    }
    if arrived > before && arrived > UNKNOWN && arrived < now { arrived } else { 0 }
}

/// Whether something has come that was not read.
#[inline(always)]
pub fn has_unread(sock: Sock, conn: &Conn) -> bool {
    let tcp = sock.tcp();
    // Counted positions do not say how far TCP has been read.
    let read = if tcp.has_upper_layer() { tcp.copied_seq() } else { conn.received as u32 };
    is_unread(sock, tcp, conn, read)
}

/// [`has_unread`], of a socket that was read up to a position of TCP.
#[inline(always)]
fn is_unread(sock: Sock, tcp: Tcp, conn: &Conn, read: u32) -> bool {
    if conn.flags & FLAG_COUNTED != 0 { sock.queued_packets() > 0 } else { tcp.unread(read) > 0 }
}
