//! What every backend does with a call that moved bytes over a socket.

use super::source::Source;
use crate::conn::{self, FLAG_ANNOUNCED, FLAG_IGNORED};
use crate::emit;
use crate::kernel::sock::Sock;
use crate::maps::count;
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use wirespan_common::counters::Counter;
use wirespan_common::record::{Data, KIND_DATA, SEND};

/// Records that `len` bytes (more than none) moved. `entry_ns`: when the call began, if the backend knows.
#[inline(always)]
pub fn transfer(sock: Sock, direction: u8, len: u32, source: Source, entry_ns: u64) {
    let Some(conn) = conn::sight(sock) else { return };
    // SAFETY: a live map value; races between CPUs only blur counters of one connection.
    let conn = unsafe { &mut *conn };
    // A call that shows a connection for the first time began before it was seen: so did the connection, or the records
    // of both would be told in the wrong order.
    if entry_ns != 0 && conn.flags & FLAG_ANNOUNCED == 0 && entry_ns < conn.started_ns {
        conn.started_ns = entry_ns;
    }
    count(Counter::Seen);
    let position = conn::advance(sock, conn, direction, len);
    let (first_ns, last_ns) = times(conn, direction, entry_ns);
    conn::turn(sock, conn, direction);
    if conn.flags & FLAG_IGNORED != 0 {
        count(Counter::Ignored);
        return;
    }
    if !conn::announce(sock, conn) {
        return;
    }
    let head = conn::budget(conn, len);
    let pid_tgid = bpf_get_current_pid_tgid();
    let data = Data {
        kind: KIND_DATA,
        direction,
        missing: 0,
        reserved: 0,
        len,
        head_len: 0,
        tail_len: 0,
        connection: conn.id,
        position,
        first_ns,
        last_ns,
        pid: (pid_tgid >> 32) as u32,
        tid: pid_tgid as u32,
        context: 0,
    };
    emit::data::data(data, source, head);
}

/// A receive is stamped now, at its exit. A send is stamped at its beginning and where it last took data, when a hook
/// or the backend saw that; else now.
#[inline(always)]
fn times(conn: &mut conn::Conn, direction: u8, entry_ns: u64) -> (u64, u64) {
    if direction == SEND {
        let (first, last) = (conn.send_first_ns, conn.send_last_ns);
        conn.send_first_ns = 0;
        conn.send_last_ns = 0;
        if first != 0 {
            return (first, last);
        }
        if entry_ns != 0 {
            return (entry_ns, entry_ns);
        }
    }
    let now = conn::now();
    (now, now)
}
