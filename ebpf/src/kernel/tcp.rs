//! What a `struct tcp_sock` knows of the quality of its connection (include/linux/tcp.h).

use super::sock::Sock;
use super::{read, read_known};
use crate::maps::offset;

impl Sock {
    /// Smoothed round-trip time and its mean deviation, µs; [`u32::MAX`] before the first measurement, when the kernel
    /// holds a guess.
    #[inline(always)]
    pub fn round_trip(self) -> (u32, u32) {
        match read_known(self.0, offset!(tcp_srtt), 0u32) {
            0 => (u32::MAX, u32::MAX),
            srtt => (srtt >> 3, self.deviation()),
        }
    }

    #[inline(always)]
    fn deviation(self) -> u32 {
        match read_known(self.0, offset!(tcp_mdev), u32::MAX) {
            u32::MAX => u32::MAX,
            mdev => mdev >> 2,
        }
    }

    /// Payload bytes sent, retransmissions included.
    #[inline(always)]
    pub fn bytes_sent(self) -> u64 {
        read_known(self.0, offset!(tcp_bytes_sent), u64::MAX)
    }

    /// Payload bytes received. The kernel counts a FIN for one.
    #[inline(always)]
    pub fn bytes_received(self) -> u64 {
        /// `SOCK_DONE` of `enum sock_flags` (include/net/sock.h): a FIN has come.
        const DONE: u64 = 1 << 1;
        let is_done = read_known(self.0, offset!(sock_flags), 0u64) & DONE != 0;
        match read_known(self.0, offset!(tcp_bytes_received), u64::MAX) {
            u64::MAX => u64::MAX,
            counted => counted.saturating_sub(u64::from(is_done)),
        }
    }

    /// Segments sent and received.
    #[inline(always)]
    pub fn segments(self) -> (u32, u32) {
        (read_known(self.0, offset!(tcp_segs_out), u32::MAX), read_known(self.0, offset!(tcp_segs_in), u32::MAX))
    }

    /// Segments sent again.
    #[inline(always)]
    pub fn retransmits(self) -> u32 {
        read_known(self.0, offset!(tcp_total_retrans), u32::MAX)
    }

    /// Whether the peer takes nothing now.
    #[inline(always)]
    pub fn is_window_closed(self) -> bool {
        read_known(self.0, offset!(tcp_snd_wnd), u32::MAX) == 0
    }

    /// Whether something stands between TCP and the application that may hold data back (TLS in the kernel).
    #[inline(always)]
    pub fn has_upper_layer(self) -> bool {
        read_known(self.0, offset!(tcp_ulp), 0u64) != 0
    }

    /// Bytes that have come and are not read yet, when the application has read up to `position`. A FIN counts for
    /// none.
    #[inline(always)]
    pub fn unread(self, position: u32) -> u32 {
        let there = read::<u32>(self.0, offset!(tcp_rcv_nxt)).wrapping_sub(position);
        if there == 1 && self.is_receive_shut_down() { 0 } else { there }
    }

    /// Packets in the receive queue.
    #[inline(always)]
    pub fn queued_packets(self) -> u32 {
        read_known(self.0, offset!(sock_receive_queue), 0)
    }
}
