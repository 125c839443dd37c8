//! `struct tcp_sock` (include/linux/tcp.h): positions, and what it knows of the quality of its connection.

use super::sock::Sock;
use super::{load, read};
use crate::maps::offset;
use aya_ebpf::helpers::generated::bpf_skc_to_tcp_sock;
use wirespan_common::layout::ABSENT;

/// A socket as TCP sees it.
#[derive(Clone, Copy)]
pub struct Tcp {
    sock: Sock,
    /// Typed: null for a socket that is none of TCP.
    address: u64,
    /// As in [`Sock`].
    is_typed: bool,
}

impl Tcp {
    /// That of a socket at an address, which may be typed. A `struct sock` is only the beginning of a `tcp_sock`: a helper (Linux
    /// 5.9) makes the one from the other.
    #[inline(always)]
    pub(super) fn of(sock: Sock, address: u64, is_typed: bool) -> Self {
        let address = if is_typed {
            // SAFETY: the verifier knows the argument as a socket.
            unsafe { bpf_skc_to_tcp_sock(address as *mut _) as u64 }
        } else {
            address
        };
        Self { sock, address, is_typed }
    }

    #[inline(always)]
    fn member<T: Copy>(self, offset: u32) -> T {
        if !self.is_typed {
            return read(self.address, offset);
        }
        if self.address == 0 {
            // SAFETY: only used with integers.
            return unsafe { core::mem::zeroed() };
        }
        // SAFETY: the layout's offset of a member of this size.
        unsafe { load(self.address, offset) }
    }

    /// A member that some kernels lack; `none` there.
    #[inline(always)]
    pub(super) fn known<T: Copy>(self, offset: u32, none: T) -> T {
        if offset == ABSENT { none } else { self.member(offset) }
    }

    /// `tcp_sock.write_seq`: the byte after the last one that the application sent.
    #[inline(always)]
    pub fn write_seq(self) -> u32 {
        self.member(offset!(tcp_write_seq))
    }

    /// Whether the peer has acknowledged all that was sent: nothing waits to be sent.
    #[inline(always)]
    pub fn is_all_acknowledged(self) -> bool {
        self.member::<u32>(offset!(tcp_snd_una)) == self.write_seq()
    }

    /// `tcp_sock.copied_seq`: the byte after the last one that the application read.
    #[inline(always)]
    pub fn copied_seq(self) -> u32 {
        self.member(offset!(tcp_copied_seq))
    }

    /// Position of the first byte ever received: what is expected next, less all that came.
    #[inline(always)]
    pub fn first_received(self) -> u32 {
        let received = self.member::<u64>(offset!(tcp_bytes_received)) as u32;
        self.member::<u32>(offset!(tcp_rcv_nxt)).wrapping_sub(received)
    }

    /// Position of the first byte ever sent, give or take the SYN, which only the connecting side counts.
    #[inline(always)]
    pub fn first_sent(self) -> u32 {
        let acked = self.member::<u64>(offset!(tcp_bytes_acked)) as u32;
        self.member::<u32>(offset!(tcp_snd_una)).wrapping_sub(acked)
    }

    /// Smoothed round-trip time and its mean deviation, µs; [`u32::MAX`] before the first measurement, when the kernel
    /// holds a guess.
    #[inline(always)]
    pub fn round_trip(self) -> (u32, u32) {
        match self.known(offset!(tcp_srtt), 0u32) {
            0 => (u32::MAX, u32::MAX),
            srtt => (srtt >> 3, self.deviation()),
        }
    }

    #[inline(always)]
    fn deviation(self) -> u32 {
        match self.known(offset!(tcp_mdev), u32::MAX) {
            u32::MAX => u32::MAX,
            mdev => mdev >> 2,
        }
    }

    /// Payload bytes sent, retransmissions included.
    #[inline(always)]
    pub fn bytes_sent(self) -> u64 {
        self.known(offset!(tcp_bytes_sent), u64::MAX)
    }

    /// Payload bytes received. The kernel counts a FIN for one.
    #[inline(always)]
    pub fn bytes_received(self) -> u64 {
        match self.known(offset!(tcp_bytes_received), u64::MAX) {
            u64::MAX => u64::MAX,
            counted => counted.saturating_sub(u64::from(self.sock.is_done())),
        }
    }

    /// Segments sent and received.
    #[inline(always)]
    pub fn segments(self) -> (u32, u32) {
        (self.known(offset!(tcp_segs_out), u32::MAX), self.known(offset!(tcp_segs_in), u32::MAX))
    }

    /// Segments sent again.
    #[inline(always)]
    pub fn retransmits(self) -> u32 {
        self.known(offset!(tcp_total_retrans), u32::MAX)
    }

    /// Whether the peer takes nothing now.
    #[inline(always)]
    pub fn is_window_closed(self) -> bool {
        self.known(offset!(tcp_snd_wnd), u32::MAX) == 0
    }

    /// Whether something stands between TCP and the application that may hold data back (TLS in the kernel).
    #[inline(always)]
    pub fn has_upper_layer(self) -> bool {
        self.known(offset!(tcp_ulp), 0u64) != 0
    }

    /// Bytes that have come and are not read yet, when the application has read up to `position`. A FIN counts for
    /// none.
    #[inline(always)]
    pub fn unread(self, position: u32) -> u32 {
        let there = self.member::<u32>(offset!(tcp_rcv_nxt)).wrapping_sub(position);
        if there == 1 && self.sock.is_receive_shut_down() { 0 } else { there }
    }
}
