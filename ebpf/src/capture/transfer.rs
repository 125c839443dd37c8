//! What every backend does with a call that moved bytes over a socket.

use super::datagram::{self, Datagram};
use super::source::Source;
use crate::conn::{self, FLAG_DATAGRAM, is_set, shed};
use crate::context::{self, Moving, thread::Thread};
use crate::emit::data::Sent;
use crate::emit::{self, Peer};
use crate::kernel::regs::Regs;
use crate::kernel::sock::Sock;
use crate::kernel::zero;
use crate::maps::Slot;
use crate::process::{Caller, may_tell};
use wirespan_common::counters::Counter;
use wirespan_common::record::{Data, KIND_DATA, RECEIVE, SEND};

/// A call that moved bytes.
#[derive(Clone, Copy)]
pub struct Call {
    /// That of the program.
    pub slot: Slot,
    /// Who makes it.
    pub caller: Caller,
    /// Over which socket.
    pub sock: Sock,
    /// [`SEND`] or [`RECEIVE`].
    pub direction: u8,
    /// How many bytes: more than none.
    pub len: u32,
    /// When it began, if the backend knows; else 0.
    pub entry_ns: u64,
    /// Its registers, if they are those of this call.
    pub regs: Option<Regs>,
    /// It may be left out to save work. A constant of each program: that of `sys_exit` has no room for it on its stack, as
    /// older kernels count it.
    pub sheds: bool,
}

/// Records a call, with the payload that lies at `source`.
#[inline(always)]
pub fn transfer(call: Call, source: Source) {
    let Call { slot, caller, sock, direction, len, entry_ns, regs, sheds } = call;
    let conn = match conn::sight(sock) {
        // SAFETY: a live map value; races between CPUs only blur counters of one connection.
        Some(conn) if unsafe { &*conn }.flags & FLAG_DATAGRAM == 0 => conn,
        _ => {
            if sheds && direction == RECEIVE {
                context::received_elsewhere(caller.thread);
            }
            datagram::moved(Datagram::of(slot, sock, regs, len, entry_ns));
            return;
        }
    };
    // SAFETY: as above.
    let conn = unsafe { &mut *conn };
    slot.count(Counter::Seen);
    conn::saw(conn, direction, caller.thread);
    let tcp = sock.tcp();
    let position = conn::advance(sock, tcp, conn, direction, len);
    let (first_ns, last_ns) = times(conn, direction, entry_ns);
    let arrived_ns = if direction == RECEIVE { conn::arrival::take(sock, tcp, conn, last_ns) } else { 0 };
    let is_first = conn::turn(sock, conn, direction);
    // Before anything is left out: who works on goes with what it has received, told or not. In the program of `sys_exit` there is
    // no room for it.
    let moving = Moving {
        thread: caller.thread,
        sock,
        direction,
        role: if sheds { context::role(conn, sock) } else { conn.role },
        is_first,
        turn: conn::turn_number(conn),
    };
    let received = if sheds && direction == RECEIVE { context::running(moving, slot, conn, regs) } else { zero() };
    conn::inspect(sock, conn, last_ns);
    if is_set!(conn.ignored) {
        slot.count(Counter::Ignored);
        return;
    }
    let context = if sheds && direction == SEND { context::running(moving, slot, conn, regs) } else { received };
    let moved = shed::Moved { direction, position, len, is_first };
    if sheds && shed::leaves_out(slot, conn, moved, source, caller.thread) {
        // It is counted.
        conn::told(conn, is_first);
        return;
    }
    let head = conn::budget(conn, len);
    if !may_tell(caller, head) {
        slot.count(Counter::Undecided);
        // What it asks is not looked at: it is counted in calls.
        conn::told(conn, is_first);
        if sheds {
            shed::lost(conn, direction);
        }
        return;
    }
    conn::own(conn, caller.thread);
    if !conn::announce_to(sock, conn, &Peer::OF_SOCKET, first_ns) {
        slot.count(Counter::DropRingFull);
        if sheds {
            shed::lost(conn, direction);
        }
        return;
    }
    let mut data =
        Data { arrived_ns, context, ..record(caller.thread, conn, direction, len, position, (first_ns, last_ns)) };
    if sheds {
        data.direction = shed::mark(conn, direction);
        data.rejected = conn.rejected;
    }
    if sheds && context::spans::is_asked(&moving, regs) {
        context::spans::tell_span(data.connection, data.position, data.first_ns);
    }
    let sent = emit::data::data(slot, data, source, head);
    if sheds {
        match sent {
            Sent::Nothing => shed::lost(conn, direction),
            Sent::Call | Sent::Bytes => shed::told(conn, direction),
        }
    }
    if sent == Sent::Bytes {
        conn::told(conn, is_first);
    }
}

/// The record of a call of the thread, still without payload. No call comes before the announcement of its
/// connection, which another thread may have made.
#[inline(always)]
pub fn record(
    thread: Thread,
    conn: &conn::Conn,
    direction: u8,
    len: u32,
    position: u64,
    (first_ns, last_ns): (u64, u64),
) -> Data {
    // All members: without, the compiler clears it by a loop.
    let mut data = Data {
        kind: KIND_DATA,
        direction,
        missing: 0,
        rejected: 0,
        len,
        head_len: 0,
        tail_len: 0,
        connection: conn.id,
        position,
        first_ns: if first_ns < conn.started_ns { conn.started_ns } else { first_ns },
        last_ns: if last_ns < conn.started_ns { conn.started_ns } else { last_ns },
        pid: 0,
        tid: 0,
        context: 0,
        arrived_ns: 0,
    };
    context::stamp(&mut data, thread);
    data
}

/// A receive is stamped now, at its exit. A send is stamped at its beginning and where it last took data, when a hook
/// or the backend saw that; else now.
#[inline(always)]
pub fn times(conn: &mut conn::Conn, direction: u8, entry_ns: u64) -> (u64, u64) {
    if direction == SEND {
        let (first, last) = (conn.send_first_ns, conn.send_last_ns);
        conn.send_first_ns = 0;
        conn.send_last_ns = zero();
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
