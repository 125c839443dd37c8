//! [`Open`]: first sight of a connection.

use super::wake_at;
use crate::conn::{FLAG_COUNTED, FLAG_DATAGRAM, FLAG_MIDWAY};
use crate::kernel::read;
use crate::kernel::sock::Sock;
use crate::kernel::zero;
use crate::maps::{CONNECTIONS, EVENTS, count, offset};
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use wirespan_common::counters::Counter;
use wirespan_common::limits::MAX_UNIX_PATH;
use wirespan_common::record::{
    FAMILY_INET, FAMILY_UNIX, KIND_OPEN, Open, ROLE_CLIENT, ROLE_SERVER, TRANSPORT_TCP, TRANSPORT_UDP,
};

/// The remote end where the socket does not know it: that of one call on an unconnected socket.
pub struct Peer {
    /// Port, host order; 0: the socket knows.
    pub port: u16,
    /// Address, in the form of the socket's family: bytes in network order. Words, because bytes would be filled one by one.
    pub address: [u64; 2],
}

impl Peer {
    /// The one that the socket is connected to.
    pub const OF_SOCKET: Self = Self { port: 0, address: [0; 2] };
}

/// Announces the connection that the table has for a socket, from any context: the record is built in the ring buffer
/// itself.
#[inline(always)]
pub fn open(sock: Sock, peer: &Peer) -> bool {
    tell_open(sock.number(), u32::from(peer.port), peer.address[0], peer.address[1]) != 0
}

/// [`open`]. A global function, which the verifier checks once: those take numbers only.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tell_open(sock: u64, peer_port: u32, peer_high: u64, peer_low: u64) -> u32 {
    let sock = Sock::at(sock);
    let Some(conn) = CONNECTIONS.get_ptr(sock.key()) else {
        // The table let go of it in this moment.
        count(Counter::DropOther);
        return 0;
    };
    // SAFETY: a live map value.
    let conn = unsafe { &*conn };
    let Some(mut entry) = EVENTS.reserve::<Open>(0) else {
        count(Counter::DropOther);
        return 0;
    };
    // SAFETY: every member that is read is written below; all are integers.
    let open = unsafe { &mut *entry.as_mut_ptr() };
    open.kind = KIND_OPEN;
    open.family = conn.family;
    open.role = conn.role;
    open.midway = u8::from(conn.flags & FLAG_MIDWAY != 0);
    open.pid = conn.pid;
    open.connection = conn.id;
    open.sock = sock.key();
    open.started_ns = conn.started_ns;
    open.first_sent = conn.first_sent;
    open.first_received = conn.first_received;
    open.inode = if conn.inode == 0 { sock.inode() } else { conn.inode };
    open.network_namespace = sock.network_namespace();
    open.local_address = bytes([zero(); 2]);
    open.remote_address = bytes([zero(); 2]);
    open.local_port = 0;
    open.remote_port = 0;
    open.path_len = 0;
    open.established_ns = conn.established_ns;
    open.accepted_ns = conn.accepted_ns;
    open.tid = conn.tid;
    open.context = if conn.role == ROLE_CLIENT { conn.connector } else { 0 };
    open.syn_retransmits = 0;
    open.transport = 0;
    open.reserved = [0; 3];
    open.peer_sock = 0;
    if conn.family == FAMILY_UNIX {
        open.peer_sock = sock.unix_peer().key();
        let named = if conn.role == ROLE_SERVER { sock } else { sock.unix_peer() };
        if named.key() != 0 {
            path(open, named.unix_address());
        }
    } else {
        open.transport = if conn.flags & FLAG_DATAGRAM == 0 { TRANSPORT_TCP } else { TRANSPORT_UDP };
        // Those of a later turn may be of data.
        if conn.flags & (FLAG_MIDWAY | FLAG_COUNTED) == 0 && conn.turns <= 1 {
            open.syn_retransmits = sock.tcp().retransmits();
        }
        open.local_port = sock.local_port();
        open.remote_port = sock.remote_port();
        addresses(open, sock, conn.family);
        if peer_port != 0 {
            open.remote_port = peer_port as u16;
            open.remote_address = bytes([peer_high, peer_low]);
        }
    }
    entry.submit(wake_at(conn.started_ns));
    count(Counter::Delivered);
    1
}

/// An address as the record has it: the words lie in memory as its bytes do.
#[inline(always)]
fn bytes(words: [u64; 2]) -> [u8; 16] {
    // SAFETY: plain numbers of the same size.
    unsafe { core::mem::transmute(words) }
}

#[inline(always)]
fn addresses(open: &mut Open, sock: Sock, family: u8) {
    if family == FAMILY_INET {
        let (local, remote) = sock.addresses_v4();
        open.local_address = bytes([u64::from(local), 0]);
        open.remote_address = bytes([u64::from(remote), 0]);
    } else {
        let (local, remote) = sock.addresses_v6();
        open.local_address = bytes(local);
        open.remote_address = bytes(remote);
    }
}

/// Copies the path of a `unix_address`: its length counts the two bytes of the family.
#[inline(always)]
fn path(open: &mut Open, address: u64) {
    if address == 0 {
        return;
    }
    let len = read::<u32>(address, offset!(unix_address_len)).saturating_sub(2);
    if len as usize > MAX_UNIX_PATH {
        return;
    }
    let name = address + u64::from(offset!(unix_address_name)) + 2;
    // SAFETY: at most the size of the field is written.
    let failed = unsafe { bpf_probe_read_kernel(open.path.as_mut_ptr().cast(), len, name as *const _) } != 0;
    open.path_len = if failed { 0 } else { len };
}
