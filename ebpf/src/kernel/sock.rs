//! `struct sock`, `tcp_sock` and `unix_sock` (include/net/sock.h, include/linux/tcp.h, include/net/af_unix.h).

use super::{read, read_known};
use crate::maps::offset;
use wirespan_common::record::{FAMILY_INET, FAMILY_INET6, FAMILY_UNIX};

/// Address of a `struct sock`.
#[derive(Clone, Copy)]
pub struct Sock(pub u64);

const SOCK_STREAM: u16 = 1;
const SOCK_DGRAM: u16 = 2;
const IPPROTO_TCP: u16 = 6;
const IPPROTO_UDP: u16 = 17;
const IPPROTO_MPTCP: u16 = 262;
/// include/net/tcp_states.h
const SYN_RECEIVED: u8 = 3;

impl Sock {
    /// The address as a plain number. For the verifier the argument of a hook is a pointer, which no global function takes;
    /// what a helper wrote to the stack is not.
    #[inline(always)]
    pub fn number(self) -> u64 {
        read(&raw const self.0 as u64, 0)
    }

    /// Address family, if this is a stream socket of a kind that is traced.
    #[inline(always)]
    pub fn traced_family(self) -> Option<u8> {
        let family = read::<u16>(self.0, offset!(sock_family)) as u8;
        if read::<u16>(self.0, offset!(sock_type)) != SOCK_STREAM {
            return None;
        }
        match family {
            FAMILY_UNIX => Some(family),
            FAMILY_INET | FAMILY_INET6 => match read::<u16>(self.0, offset!(sock_protocol)) {
                IPPROTO_TCP | IPPROTO_MPTCP => Some(family),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether this is a socket of MPTCP: what the application holds. Below it are sockets of TCP that only the kernel
    /// uses. It is no `tcp_sock`.
    #[inline(always)]
    pub fn is_multipath(self) -> bool {
        read::<u16>(self.0, offset!(sock_protocol)) == IPPROTO_MPTCP
    }

    /// Whether this is a socket of TCP below one of MPTCP.
    #[inline(always)]
    pub fn is_subflow(self) -> bool {
        !self.is_multipath() && read_known(self.0, offset!(tcp_is_mptcp), 0u8) & 1 != 0
    }

    /// Whether its handshake is not over: a socket that has data already came by TCP Fast Open.
    #[inline(always)]
    pub fn is_half_open(self) -> bool {
        read_known(self.0, offset!(sock_state), 0u8) == SYN_RECEIVED
    }

    /// Whether this is a unix socket.
    #[inline(always)]
    pub fn is_unix(self) -> bool {
        read::<u16>(self.0, offset!(sock_family)) == u16::from(FAMILY_UNIX)
    }

    /// Address family, if this is a UDP socket.
    #[inline(always)]
    pub fn datagram_family(self) -> Option<u8> {
        if read::<u16>(self.0, offset!(sock_type)) != SOCK_DGRAM
            || read::<u16>(self.0, offset!(sock_protocol)) != IPPROTO_UDP
        {
            return None;
        }
        match read::<u16>(self.0, offset!(sock_family)) as u8 {
            family @ (FAMILY_INET | FAMILY_INET6) => Some(family),
            _ => None,
        }
    }

    /// Inode of its socket file; 0 before accept and after close.
    #[inline(always)]
    pub fn inode(self) -> u32 {
        let socket = read::<u64>(self.0, offset!(sock_socket));
        if socket == 0 {
            return 0;
        }
        read::<u64>(socket + u64::from(offset!(socket_inode)), offset!(inode_number)) as u32
    }

    /// `tcp_sock.write_seq`: the byte after the last one that the application sent.
    #[inline(always)]
    pub fn write_seq(self) -> u32 {
        read(self.0, offset!(tcp_write_seq))
    }

    /// `tcp_sock.copied_seq`: the byte after the last one that the application read.
    #[inline(always)]
    pub fn copied_seq(self) -> u32 {
        read(self.0, offset!(tcp_copied_seq))
    }

    /// Position of the first byte ever received: what is expected next, less all that came.
    #[inline(always)]
    pub fn first_received(self) -> u32 {
        let received = read::<u64>(self.0, offset!(tcp_bytes_received)) as u32;
        read::<u32>(self.0, offset!(tcp_rcv_nxt)).wrapping_sub(received)
    }

    /// Position of the first byte ever sent, give or take the SYN, which only the connecting side counts.
    #[inline(always)]
    pub fn first_sent(self) -> u32 {
        let acked = read::<u64>(self.0, offset!(tcp_bytes_acked)) as u32;
        read::<u32>(self.0, offset!(tcp_snd_una)).wrapping_sub(acked)
    }

    /// Inode of its network namespace.
    #[inline(always)]
    pub fn network_namespace(self) -> u32 {
        let net = read::<u64>(self.0, offset!(sock_net));
        if net == 0 { 0 } else { read(net, offset!(net_inum)) }
    }

    /// Pending error, an errno.
    #[inline(always)]
    pub fn error(self) -> u32 {
        read(self.0, offset!(sock_error))
    }

    /// Whether the application has let go of it.
    #[inline(always)]
    pub fn is_orphan(self) -> bool {
        read::<u64>(self.0, offset!(sock_socket)) == 0
    }

    /// Whether both directions are shut down: the application closed it.
    #[inline(always)]
    pub fn is_shut_down(self) -> bool {
        read::<u8>(self.0, offset!(sock_shutdown)) & 3 == 3
    }

    /// Whether nothing more will be received.
    #[inline(always)]
    pub fn is_receive_shut_down(self) -> bool {
        read::<u8>(self.0, offset!(sock_shutdown)) & 1 != 0
    }

    /// Local port, host order. One that the kernel chose is let go before the end of the socket is told; then the one
    /// that stands in its segments is still there.
    #[inline(always)]
    pub fn local_port(self) -> u16 {
        match read(self.0, offset!(sock_local_port)) {
            0 => u16::from_be(read_known(self.0, offset!(inet_source_port), 0)),
            port => port,
        }
    }

    /// Remote port, host order.
    #[inline(always)]
    pub fn remote_port(self) -> u16 {
        u16::from_be(read(self.0, offset!(sock_remote_port)))
    }

    /// Its `unix_address`, 0 when unnamed.
    #[inline(always)]
    pub fn unix_address(self) -> u64 {
        read(self.0, offset!(unix_addr))
    }

    /// The other end of a unix socket.
    #[inline(always)]
    pub fn unix_peer(self) -> Self {
        Self(read(self.0, offset!(unix_peer)))
    }
}
