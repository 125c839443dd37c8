//! `struct sock` and `unix_sock` (include/net/sock.h, include/net/af_unix.h).

use super::tcp::Tcp;
use super::{load, number, read, read_known};
use crate::maps::offset;
use wirespan_common::layout::ABSENT;
use wirespan_common::record::{FAMILY_INET, FAMILY_INET6, FAMILY_UNIX};

/// Address of a `struct sock`.
#[derive(Clone, Copy)]
pub struct Sock {
    address: u64,
    /// The verifier knows the address as what it is. A constant wherever a socket is used, so that one way of reading is left.
    is_typed: bool,
}

const SOCK_STREAM: u16 = 1;
const SOCK_DGRAM: u16 = 2;
const IPPROTO_TCP: u16 = 6;
const IPPROTO_UDP: u16 = 17;
const IPPROTO_MPTCP: u16 = 262;
/// include/net/tcp_states.h
const SYN_RECEIVED: u8 = 3;

impl Sock {
    /// The one at an address that is a number.
    #[inline(always)]
    pub fn at(address: u64) -> Self {
        Self { address, is_typed: false }
    }

    /// The argument of a hook that takes a `struct sock`.
    #[inline(always)]
    pub fn argument(address: u64) -> Self {
        Self { address, is_typed: true }
    }

    /// Its address, a key of the connection table.
    #[inline(always)]
    pub fn key(self) -> u64 {
        self.address
    }

    /// The address as a plain number. For the verifier the argument of a hook is a pointer.
    #[inline(always)]
    pub fn number(self) -> u64 {
        number(self.address)
    }

    /// What TCP knows of it. A socket of another protocol is zeroes.
    #[inline(always)]
    pub fn tcp(self) -> Tcp {
        Tcp::of(self, self.address, self.is_typed)
    }

    /// Reads a member of `struct sock` that is a number.
    #[inline(always)]
    fn member<T: Copy>(self, offset: u32) -> T {
        if self.is_typed {
            // SAFETY: the layout's offset of a member of this size.
            unsafe { load(self.address, offset) }
        } else {
            read(self.address, offset)
        }
    }

    /// The same for one that some kernels lack; `none` there.
    #[inline(always)]
    fn known<T: Copy>(self, offset: u32, none: T) -> T {
        if offset == ABSENT { none } else { self.member(offset) }
    }

    /// Reads a pointer in `struct sock`. It is copied: loaded, it would be a pointer to the verifier, too, and no number to
    /// go on with.
    #[inline(always)]
    fn pointer(self, offset: u32) -> u64 {
        read(self.address, offset)
    }

    /// Address family, if this is a stream socket of a kind that is traced.
    #[inline(always)]
    pub fn traced_family(self) -> Option<u8> {
        let family = self.member::<u16>(offset!(sock_family)) as u8;
        if self.member::<u16>(offset!(sock_type)) != SOCK_STREAM {
            return None;
        }
        match family {
            FAMILY_UNIX => Some(family),
            FAMILY_INET | FAMILY_INET6 => match self.member::<u16>(offset!(sock_protocol)) {
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
        self.member::<u16>(offset!(sock_protocol)) == IPPROTO_MPTCP
    }

    /// Whether this is a socket of TCP.
    #[inline(always)]
    pub fn is_tcp(self) -> bool {
        self.member::<u16>(offset!(sock_protocol)) == IPPROTO_TCP
    }

    /// Whether this is a socket of TCP below one of MPTCP.
    #[inline(always)]
    pub fn is_subflow(self) -> bool {
        !self.is_multipath() && self.tcp().known(offset!(tcp_is_mptcp), 0u8) & 1 != 0
    }

    /// Whether its handshake is not over: a socket that has data already came by TCP Fast Open.
    #[inline(always)]
    pub fn is_half_open(self) -> bool {
        self.known(offset!(sock_state), 0u8) == SYN_RECEIVED
    }

    /// Whether this is a unix socket.
    #[inline(always)]
    pub fn is_unix(self) -> bool {
        self.member::<u16>(offset!(sock_family)) == u16::from(FAMILY_UNIX)
    }

    /// Address family, if this is a UDP socket.
    #[inline(always)]
    pub fn datagram_family(self) -> Option<u8> {
        if self.member::<u16>(offset!(sock_type)) != SOCK_DGRAM
            || self.member::<u16>(offset!(sock_protocol)) != IPPROTO_UDP
        {
            return None;
        }
        match self.member::<u16>(offset!(sock_family)) as u8 {
            family @ (FAMILY_INET | FAMILY_INET6) => Some(family),
            _ => None,
        }
    }

    /// Inode of its socket file; 0 before accept and after close.
    #[inline(always)]
    pub fn inode(self) -> u32 {
        let socket = self.pointer(offset!(sock_socket));
        if socket == 0 {
            return 0;
        }
        read::<u64>(socket + u64::from(offset!(socket_inode)), offset!(inode_number)) as u32
    }

    /// Whether calls over it wait until there is something to do: its file is not `O_NONBLOCK`. Only for the argument of a hook.
    #[inline(always)]
    pub fn is_blocking(self) -> bool {
        /// include/uapi/asm-generic/fcntl.h
        const O_NONBLOCK: u32 = 0o4000;
        self.file(offset!(file_flags)).is_some_and(|flags: u32| flags & O_NONBLOCK == 0)
    }

    /// Whether somebody may wait for it and for others at once: it is in an epoll set. Only for the argument of a hook; where that
    /// cannot be seen, yes.
    #[inline(always)]
    pub fn is_polled(self) -> bool {
        self.file(offset!(file_epoll)).is_none_or(|sets: u64| sets != 0)
    }

    /// Loads a member of its open file that is a number or a pointer, if it has a file. Only for the argument of a hook.
    #[inline(always)]
    fn file<T: Copy>(self, offset: u32) -> Option<T> {
        let (socket_at, file_at) = (offset!(sock_socket), offset!(socket_file));
        if file_at == ABSENT || offset == ABSENT {
            return None;
        }
        // SAFETY: the layout's offsets of members of these sizes; the verifier knows the type of each pointer.
        unsafe {
            let file: u64 = load(load(self.address, socket_at), file_at);
            (file != 0).then(|| load(file, offset))
        }
    }

    /// Inode of its network namespace.
    #[inline(always)]
    pub fn network_namespace(self) -> u32 {
        let net = self.pointer(offset!(sock_net));
        if net == 0 { 0 } else { read(net, offset!(net_inum)) }
    }

    /// Pending error, an errno.
    #[inline(always)]
    pub fn error(self) -> u32 {
        self.member(offset!(sock_error))
    }

    /// Whether the application has let go of it.
    #[inline(always)]
    pub fn is_orphan(self) -> bool {
        self.pointer(offset!(sock_socket)) == 0
    }

    /// Whether both directions are shut down: the application closed it.
    #[inline(always)]
    pub fn is_shut_down(self) -> bool {
        self.member::<u8>(offset!(sock_shutdown)) & 3 == 3
    }

    /// Whether nothing more will be received.
    #[inline(always)]
    pub fn is_receive_shut_down(self) -> bool {
        self.member::<u8>(offset!(sock_shutdown)) & 1 != 0
    }

    /// Local port, host order. One that the kernel chose is let go before the end of the socket is told; then the one
    /// that stands in its segments is still there.
    #[inline(always)]
    pub fn local_port(self) -> u16 {
        match self.member(offset!(sock_local_port)) {
            0 => u16::from_be(read_known(self.address, offset!(inet_source_port), 0)),
            port => port,
        }
    }

    /// Remote port, host order.
    #[inline(always)]
    pub fn remote_port(self) -> u16 {
        u16::from_be(self.member(offset!(sock_remote_port)))
    }

    /// Local and remote port, host order, read at once.
    #[inline(always)]
    pub fn ports(self) -> (u16, u16) {
        // Remote in network order, local in host order.
        let pair = self.member::<u32>(offset!(sock_ports));
        ((pair >> 16) as u16, u16::from_be(pair as u16))
    }

    /// Local and remote address of IPv4, in network order.
    #[inline(always)]
    pub fn addresses_v4(self) -> (u32, u32) {
        (self.member(offset!(sock_local_v4)), self.member(offset!(sock_remote_v4)))
    }

    /// The same of IPv6, words that lie in memory as their bytes do.
    #[inline(always)]
    pub fn addresses_v6(self) -> ([u64; 2], [u64; 2]) {
        (read(self.address, offset!(sock_local_v6)), read(self.address, offset!(sock_remote_v6)))
    }

    /// Whether a FIN has come.
    #[inline(always)]
    pub fn is_done(self) -> bool {
        /// `SOCK_DONE` of `enum sock_flags` (include/net/sock.h).
        const DONE: u64 = 1 << 1;
        self.known(offset!(sock_flags), 0u64) & DONE != 0
    }

    /// Packets in the receive queue.
    #[inline(always)]
    pub fn queued_packets(self) -> u32 {
        self.known(offset!(sock_receive_queue), 0)
    }

    /// Its `unix_address`, 0 when unnamed.
    #[inline(always)]
    pub fn unix_address(self) -> u64 {
        read(self.address, offset!(unix_addr))
    }

    /// The other end of a unix socket.
    #[inline(always)]
    pub fn unix_peer(self) -> Self {
        Self::at(read(self.address, offset!(unix_peer)))
    }
}
