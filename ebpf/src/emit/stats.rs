//! [`Stats`]: what the kernel's own socket knows of a TCP connection.

use super::submit;
use crate::conn::{Conn, now};
use crate::kernel::sock::Sock;
use wirespan_common::record::{KIND_STATS, Stats};

/// Tells the present sums and estimates; `last`: at the end of the connection. From any context.
#[inline(never)]
pub fn stats(sock: Sock, conn: &Conn, last: bool) -> bool {
    let tcp = sock.tcp();
    let (rtt_us, rtt_deviation_us) = tcp.round_trip();
    let (segments_sent, segments_received) = tcp.segments();
    let stats = Stats {
        kind: KIND_STATS,
        last: u8::from(last),
        zero_window: u8::from(tcp.is_window_closed()),
        reserved: 0,
        rtt_us,
        connection: conn.id,
        at_ns: now(),
        bytes_sent: tcp.bytes_sent(),
        bytes_received: tcp.bytes_received(),
        rtt_deviation_us,
        segments_sent,
        segments_received,
        retransmits: tcp.retransmits(),
        turns: conn.turns,
        reserved2: 0,
    };
    submit((&raw const stats).cast(), size_of::<Stats>() as u32, stats.at_ns)
}
