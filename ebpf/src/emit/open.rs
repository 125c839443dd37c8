//! [`Open`]: first sight of a connection.

use super::{scratch, submit};
use crate::conn::{Conn, FLAG_MIDWAY};
use crate::kernel::read;
use crate::kernel::sock::Sock;
use crate::maps::offset;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use wirespan_common::counters::Counter;
use wirespan_common::limits::MAX_UNIX_PATH;
use wirespan_common::record::{FAMILY_INET, FAMILY_UNIX, KIND_OPEN, Open, ROLE_SERVER};

/// Announces a connection.
#[inline(never)]
pub fn open(sock: Sock, conn: &Conn) -> bool {
    let Some(room) = scratch() else { return false };
    // SAFETY: the scratch value is larger than an `Open` and aligned for it.
    let open = unsafe { &mut *room.cast::<Open>() };
    open.kind = KIND_OPEN;
    open.family = conn.family;
    open.role = conn.role;
    open.midway = u8::from(conn.flags & FLAG_MIDWAY != 0);
    open.pid = (bpf_get_current_pid_tgid() >> 32) as u32;
    open.connection = conn.id;
    open.sock = sock.0;
    open.started_ns = conn.started_ns;
    open.first_sent = conn.first_sent;
    open.first_received = conn.first_received;
    open.inode = if conn.inode == 0 { sock.inode() } else { conn.inode };
    open.network_namespace = sock.network_namespace();
    open.local_address = [0; 16];
    open.remote_address = [0; 16];
    open.local_port = 0;
    open.remote_port = 0;
    open.path_len = 0;
    open.reserved = [0; 4];
    if conn.family == FAMILY_UNIX {
        let named = if conn.role == ROLE_SERVER { sock } else { sock.unix_peer() };
        if named.0 != 0 {
            path(open, named.unix_address());
        }
    } else {
        open.local_port = sock.local_port();
        open.remote_port = sock.remote_port();
        addresses(open, sock, conn.family);
    }
    submit(room, size_of::<Open>() as u32, Counter::DropRingFull)
}

#[inline(always)]
fn addresses(open: &mut Open, sock: Sock, family: u8) {
    if family == FAMILY_INET {
        let local = read::<[u8; 4]>(sock.0, offset!(sock_local_v4));
        let remote = read::<[u8; 4]>(sock.0, offset!(sock_remote_v4));
        open.local_address[..4].copy_from_slice(&local);
        open.remote_address[..4].copy_from_slice(&remote);
    } else {
        open.local_address = read(sock.0, offset!(sock_local_v6));
        open.remote_address = read(sock.0, offset!(sock_remote_v6));
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
