//! [`Stats`]: what the kernel's own socket knows of a TCP connection.

use super::submit;
use crate::conn::{Conn, now};
use crate::kernel::sock::Sock;
use wirespan_common::record::{KIND_STATS, Stats};

/// Tells the last sums and estimates, at the end of the connection. From any context.
#[inline(never)]
pub fn last_stats(sock: Sock, conn: &Conn) -> bool {
    tell(sock, conn.id, conn.turns, true)
}

/// Tells the present sums and estimates. From any context.
#[inline(always)]
pub fn stats(sock: Sock, conn: &Conn) {
    tell_stats(sock.number(), conn.id, conn.turns);
}

/// [`stats`]. A global function: the verifier had followed it from each of the dozens of states in which a call comes here, a fifth of
/// all that it looked at. It copies each member, which is dearer than loading it, and happens every few seconds.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tell_stats(sock: u64, connection: u64, turns: u32) -> u32 {
    u32::from(tell(Sock::at(sock), connection, turns, false))
}

#[inline(always)]
fn tell(sock: Sock, connection: u64, turns: u32, last: bool) -> bool {
    let tcp = sock.tcp();
    let (rtt_us, rtt_deviation_us) = tcp.round_trip();
    let (segments_sent, segments_received) = tcp.segments();
    let stats = Stats {
        kind: KIND_STATS,
        last: u8::from(last),
        zero_window: u8::from(tcp.is_window_closed()),
        reserved: 0,
        rtt_us,
        connection,
        at_ns: now(),
        bytes_sent: tcp.bytes_sent(),
        bytes_received: tcp.bytes_received(),
        rtt_deviation_us,
        segments_sent,
        segments_received,
        retransmits: tcp.retransmits(),
        turns,
        reserved2: 0,
    };
    submit((&raw const stats).cast(), size_of::<Stats>() as u32, stats.at_ns)
}
