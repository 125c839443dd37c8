//! Positions in the two data streams of a connection.
//!
//! Where TCP's sequence numbers name the bytes that the application moves, they are the positions: whatever was not seen, the next
//! call says where it is. Elsewhere positions are *counted*: bytes from first sight. That is so for sockets without such numbers
//! ([`FLAG_COUNTED`]), and from the moment on in which something stands between TCP and the application: with TLS in the kernel
//! the numbers count ciphertext, and the calls move plaintext.

use super::{Conn, FLAG_COUNTED, FLAG_MIDWAY};
use crate::kernel::sock::Sock;
use crate::kernel::tcp::Tcp;
use crate::kernel::zero;
use wirespan_common::record::{ROLE_CLIENT, SEND};

/// Whether the positions of the connection are counted.
#[inline(always)]
pub fn are_counted(tcp: Tcp, conn: &Conn) -> bool {
    conn.flags & FLAG_COUNTED != 0 || tcp.has_upper_layer()
}

/// Extends a 32-bit TCP position to 64 bits: the one nearest to `near`.
#[inline(always)]
pub fn extend(near: u64, position: u32) -> u64 {
    near.wrapping_add(position.wrapping_sub(near as u32) as i32 as i64 as u64)
}

/// Without sequence numbers positions are counted from first sight.
#[inline(always)]
pub(super) fn count_from_here(conn: &mut Conn) {
    conn.flags |= FLAG_COUNTED;
    conn.sent = 0;
    conn.received = zero();
    conn.first_sent = 0;
    conn.first_received = zero();
}

/// Notes the positions of the first bytes of a connection that this end opens. With TCP Fast Open some of them are
/// sent already.
#[inline(always)]
pub fn begin(sock: Sock, conn: &mut Conn) {
    let tcp = sock.tcp();
    conn.sent = u64::from(tcp.write_seq());
    conn.received = u64::from(tcp.copied_seq());
    // Here the count of acknowledged bytes includes the SYN.
    conn.first_sent = extend(conn.sent, tcp.first_sent().wrapping_add(1));
    conn.first_received = conn.received;
}

/// Moves the position of one direction past the `len` bytes that were just moved and returns where they began.
#[inline(always)]
pub fn advance(sock: Sock, tcp: Tcp, conn: &mut Conn, direction: u8, len: u32) -> u64 {
    let len = u64::from(len);
    let is_counted = are_counted(tcp, conn);
    if direction == SEND {
        // TCP Fast Open: what this end sends with its SYN. The positions of the peer are not known yet.
        if conn.role == ROLE_CLIENT && conn.established_ns == 0 && conn.flags & (FLAG_MIDWAY | FLAG_COUNTED) == 0 {
            begin(sock, conn);
            conn.first_received = 0;
        }
        conn.sent = if is_counted { conn.sent + len } else { extend(conn.sent, tcp.write_seq()) };
        conn.sent.wrapping_sub(len)
    } else {
        conn.received = if is_counted { conn.received + len } else { received(sock, tcp, conn.received, len) };
        conn.received.wrapping_sub(len)
    }
}

/// Position after a receive of `len` bytes. The kernel counts a FIN that was read along as one more.
#[inline(always)]
fn received(sock: Sock, tcp: Tcp, before: u64, len: u64) -> u64 {
    let end = extend(before, tcp.copied_seq());
    if end == before + len + 1 && sock.is_receive_shut_down() { end - 1 } else { end }
}
