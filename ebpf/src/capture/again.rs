//! What is left out where a program can be preempted (since Linux 7.0).
//!
//! The kernel runs no program twice at once on one CPU. So while one is preempted in the middle of a call, every other
//! process on that CPU makes its calls unseen: not one run is lost, but all of a time slice. A second program at the same
//! place sees that the first is at work for somebody else and takes over. Both look alike to whoever reads the records.

use crate::conn::{self, FLAG_DATAGRAM};
use crate::kernel::sock::Sock;
use crate::maps::Slot;
use wirespan_common::counters::Counter;
use wirespan_common::record::SEND;

/// Whether nobody has told yet that `len` bytes moved over `sock`, so that it is to be done now.
///
/// The first program may have told it all the same, and another process may have been preempted in it since: TCP's
/// positions say so. Unix sockets have none. There `is_certain` says that the backend knows it by itself; else the call stays
/// untold, but the position of the connection moves on, so that its next record shows a gap: too much of it does no harm.
#[inline(always)]
pub fn left_out(slot: Slot, sock: Sock, direction: u8, len: u32, is_certain: bool) -> bool {
    let Some(conn) = conn::known(sock) else { return is_new(sock, slot, is_certain) };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    if direction == SEND {
        // Perhaps of the call before.
        conn.send_first_ns = 0;
        conn.send_last_ns = 0;
    }
    let tcp = sock.tcp();
    if conn::positions::are_counted(tcp, conn) {
        // A datagram that nobody saw is no gap in a stream.
        if conn.flags & FLAG_DATAGRAM != 0 {
            return false;
        }
        slot.count(Counter::MadeUp);
        if !is_certain {
            conn::advance(sock, tcp, conn, direction, len);
        }
        return is_certain;
    }
    let (told, is) =
        if direction == SEND { (conn.sent as u32, tcp.write_seq()) } else { (conn.received as u32, tcp.copied_seq()) };
    let untold = is.wrapping_sub(told);
    // A FIN that was read along counts for one byte that nobody tells.
    let is_left_out = untold >= len && !(untold == 1 && direction != SEND && sock.is_receive_shut_down());
    if is_left_out {
        slot.count(Counter::MadeUp);
    }
    is_left_out
}

/// A connection that nobody knows yet: its first record says that it was joined midway.
#[inline(always)]
fn is_new(sock: Sock, slot: Slot, is_certain: bool) -> bool {
    let is_new = sock.traced_family().is_some() && (is_certain || !sock.is_unix());
    if is_new {
        slot.count(Counter::MadeUp);
    }
    is_new
}
