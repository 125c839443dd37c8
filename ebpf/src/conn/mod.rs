//! The connection table: one entry a socket, created on first sight, removed when the socket closes.

use crate::emit;
use crate::kernel::sock::Sock;
use crate::maps::{CONNECTIONS, DIRECTIVES, count, setting};
use aya_ebpf::helpers::generated::{bpf_get_smp_processor_id, bpf_ktime_get_ns};
use wirespan_common::counters::Counter;
use wirespan_common::record::{FAMILY_UNIX, ROLE_CLIENT, ROLE_SERVER, ROLE_UNKNOWN, SEND, STATE_RECEIVED_FIN};

/// What the kernel side remembers of a connection.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Conn {
    /// Identity in records.
    pub id: u64,
    /// Set-up, or first sight; ns.
    pub started_ns: u64,
    /// Position of the first byte ever sent.
    pub first_sent: u64,
    /// Position of the first byte ever received.
    pub first_received: u64,
    /// Position of the next byte to send.
    pub sent: u64,
    /// Position of the next byte to receive.
    pub received: u64,
    /// Beginning of the send call in progress, 0 when none was seen; ns.
    pub send_first_ns: u64,
    /// Last time at which the send call in progress took more data; ns.
    pub send_last_ns: u64,
    /// Payload bytes to copy per turn.
    pub budget: u32,
    /// Turns so far.
    pub turns: u32,
    /// Payload bytes copied in this turn.
    pub turn_used: u32,
    /// Inode at first sight; tells a reused unix `struct sock` from its predecessor.
    pub inode: u32,
    /// Calls in this turn.
    pub turn_calls: u32,
    /// Address family.
    pub family: u8,
    /// One of `ROLE_`.
    pub role: u8,
    /// Direction of the last call, 0xff before the first.
    pub last_direction: u8,
    /// Bits of `FLAG_`.
    pub flags: u8,
}

/// The `Open` record reached the ring buffer.
pub const FLAG_ANNOUNCED: u8 = 1;
/// User space asked to ignore it.
pub const FLAG_IGNORED: u8 = 2;
/// The set-up was not seen.
pub const FLAG_MIDWAY: u8 = 4;
/// The end was reported.
pub const FLAG_CLOSED: u8 = 8;
/// The end of what is received was reported.
pub const FLAG_END_OF_STREAM: u8 = 16;

const _: () = assert!(size_of::<Conn>() == wirespan_common::limits::CONNECTION_BYTES);

/// The clock of every record: `CLOCK_MONOTONIC`, ns.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: no arguments.
    unsafe { bpf_ktime_get_ns() }
}

/// A new identity: time of creation and CPU; two entries cannot be created on one CPU in the same nanosecond.
#[inline(always)]
fn identity(now: u64) -> u64 {
    // SAFETY: no arguments.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    now << 7 | u64::from(cpu & 0x7f)
}

/// Extends a 32-bit TCP position to 64 bits: the one nearest to `near`.
#[inline(always)]
pub fn extend(near: u64, position: u32) -> u64 {
    near.wrapping_add(position.wrapping_sub(near as u32) as i32 as i64 as u64)
}

/// A fresh entry for a TCP connection whose set-up is seen.
#[inline(always)]
pub fn create(sock: Sock, family: u8, role: u8, started_ns: u64, flags: u8) -> Conn {
    let sent = u64::from(sock.write_seq());
    let received = u64::from(sock.copied_seq());
    Conn {
        id: identity(started_ns),
        started_ns,
        first_sent: sent,
        first_received: received,
        sent,
        received,
        send_first_ns: 0,
        send_last_ns: 0,
        budget: setting!(turn_budget),
        turns: 0,
        turn_used: 0,
        inode: 0,
        turn_calls: 0,
        family,
        role,
        last_direction: 0xff,
        flags,
    }
}

/// Enters a connection, replacing what was there.
#[inline(always)]
pub fn insert(sock: Sock, conn: &Conn) {
    if CONNECTIONS.insert(sock.0, conn, 0).is_err() {
        count(Counter::DropTableFull);
    }
}

/// The entry of a socket that moves data, created when this is first sight.
#[inline(always)]
pub fn sight(sock: Sock) -> Option<*mut Conn> {
    if let Some(conn) = CONNECTIONS.get_ptr_mut(sock.0) {
        // SAFETY: a live map value; races between CPUs only blur counters of one connection.
        let entry = unsafe { &*conn };
        if entry.family != FAMILY_UNIX || entry.inode == sock.inode() {
            return Some(conn);
        }
    }
    first_sight(sock)
}

#[inline(always)]
fn first_sight(sock: Sock) -> Option<*mut Conn> {
    let family = sock.traced_family()?;
    let mut conn = create(sock, family, ROLE_UNKNOWN, now(), FLAG_MIDWAY);
    conn.inode = sock.inode();
    if family == FAMILY_UNIX {
        // No sequence numbers: count from here. The end that has a name was accepted.
        conn.sent = 0;
        conn.received = 0;
        conn.first_sent = 0;
        conn.first_received = 0;
        conn.role = if sock.unix_address() != 0 {
            ROLE_SERVER
        } else if sock.unix_peer().0 != 0 && sock.unix_peer().unix_address() != 0 {
            ROLE_CLIENT
        } else {
            ROLE_UNKNOWN
        };
    } else {
        conn.first_sent = extend(conn.sent, sock.first_sent());
        conn.first_received = extend(conn.received, sock.first_received());
    }
    insert(sock, &conn);
    CONNECTIONS.get_ptr_mut(sock.0)
}

/// Announces the connection if that was not done; false when the ring buffer had no room.
#[inline(always)]
pub fn announce(sock: Sock, conn: &mut Conn) -> bool {
    if conn.flags & FLAG_ANNOUNCED == 0 {
        if !emit::open(sock, conn) {
            return false;
        }
        conn.flags |= FLAG_ANNOUNCED;
    }
    true
}

/// Notes the direction of a call: a change begins a new turn with a fresh budget. Looks, at the first turns and now and
/// then later, whether user space wants something of the connection.
#[inline(always)]
pub fn turn(sock: Sock, conn: &mut Conn, direction: u8) {
    const FIRST_TURNS: u32 = 8;
    const LOOK_EVERY_TURNS: u32 = 64;
    const LOOK_EVERY_CALLS: u32 = 16;
    if conn.last_direction != direction {
        conn.last_direction = direction;
        conn.turn_used = 0;
        conn.turn_calls = 0;
        conn.turns = conn.turns.wrapping_add(1);
    }
    let looks = if conn.turn_calls == 0 {
        conn.turns <= FIRST_TURNS || conn.turns & (LOOK_EVERY_TURNS - 1) == 0
    } else {
        conn.turn_calls & (LOOK_EVERY_CALLS - 1) == 0
    };
    conn.turn_calls = conn.turn_calls.wrapping_add(1);
    if looks {
        obey(sock, conn);
    }
}

/// Does what user space wants of the connection.
#[inline(always)]
fn obey(sock: Sock, conn: &mut Conn) {
    // SAFETY: the value is copied at once; a concurrent replacement gives the old or the new one.
    let Some(directive) = unsafe { DIRECTIVES.get(sock.0) }.copied() else { return };
    if directive.connection == conn.id {
        conn.budget = directive.budget;
        if directive.budget == 0 {
            conn.flags |= FLAG_IGNORED;
        }
    }
    let _ = DIRECTIVES.remove(sock.0);
}

/// How many payload bytes of a call of `len` bytes to copy from its beginning: what the turn's budget leaves.
#[inline(always)]
pub fn budget(conn: &mut Conn, len: u32) -> u32 {
    use wirespan_common::limits::{MAX_PAYLOAD, OVER_BUDGET_HEAD};
    let left = conn.budget.saturating_sub(conn.turn_used);
    let room = if left < MAX_PAYLOAD as u32 { left } else { MAX_PAYLOAD as u32 };
    let floor = if len < OVER_BUDGET_HEAD { len } else { OVER_BUDGET_HEAD };
    let wanted = if len < room { len } else { room };
    let copied = if wanted < floor { floor } else { wanted };
    conn.turn_used = conn.turn_used.saturating_add(copied);
    copied
}

/// Moves the position of one direction past the `len` bytes that were just moved and returns where they began.
#[inline(always)]
pub fn advance(sock: Sock, conn: &mut Conn, direction: u8, len: u32) -> u64 {
    let len = u64::from(len);
    let is_unix = conn.family == FAMILY_UNIX;
    if direction == SEND {
        conn.sent = if is_unix { conn.sent + len } else { extend(conn.sent, sock.write_seq()) };
        conn.sent.wrapping_sub(len)
    } else {
        conn.received = if is_unix { conn.received + len } else { received(sock, conn.received, len) };
        conn.received.wrapping_sub(len)
    }
}

/// A receive call returned nothing: the end of what the peer sends, if the socket says so too.
#[inline(always)]
pub fn end_of_stream(sock: Sock) {
    let Some(conn) = CONNECTIONS.get_ptr_mut(sock.0) else { return };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    let wanted = conn.flags & (FLAG_ANNOUNCED | FLAG_END_OF_STREAM) == FLAG_ANNOUNCED;
    if wanted && sock.is_receive_shut_down() {
        conn.flags |= FLAG_END_OF_STREAM;
        emit::state::changed(conn, STATE_RECEIVED_FIN, 0);
    }
}

/// A send call failed: it must not leave its beginning behind for the next one.
#[inline(always)]
pub fn send_failed(sock: Sock) {
    if let Some(conn) = CONNECTIONS.get_ptr_mut(sock.0) {
        // SAFETY: a live map value.
        let conn = unsafe { &mut *conn };
        conn.send_first_ns = 0;
        conn.send_last_ns = 0;
    }
}

/// Position after a receive of `len` bytes. The kernel counts a FIN that was read along as one more.
#[inline(always)]
fn received(sock: Sock, before: u64, len: u64) -> u64 {
    let end = extend(before, sock.copied_seq());
    if end == before + len + 1 && sock.is_receive_shut_down() { end - 1 } else { end }
}
