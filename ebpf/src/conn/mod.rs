//! The connection table: one entry a socket, created on first sight, removed when the socket closes.

pub mod arrival;

use crate::emit;
use crate::kernel::sock::Sock;
use crate::maps::{CONNECTIONS, DIRECTIVES, count, setting};
use aya_ebpf::helpers::bpf_get_current_pid_tgid;
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
    /// End of the handshake, 0 when that was not seen; ns.
    pub established_ns: u64,
    /// The application took it from the listen queue, 0 when that was not seen; ns.
    pub accepted_ns: u64,
    /// The first unread byte came, see [`arrival`]; ns.
    pub arrived_ns: u64,
    /// Last receive; ns.
    pub read_ns: u64,
    /// When its quality is told next; ns.
    pub stats_ns: u64,
    /// Process that connected, accepted or moved the first data; 0 while unknown.
    pub pid: u32,
    /// Thread that did.
    pub tid: u32,
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
/// Positions are counts, and no tracepoint tells the end: unix sockets and UDP.
pub const FLAG_COUNTED: u8 = 32;
/// Each call is a datagram (UDP).
pub const FLAG_DATAGRAM: u8 = 64;

/// Time between two looks at the quality of a connection on which data moves, ns.
const STATS_EVERY_NS: u64 = 10_000_000_000;

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
        established_ns: 0,
        accepted_ns: 0,
        // What lies there unread, unseen, has an unknown time.
        arrived_ns: if flags & FLAG_MIDWAY == 0 { 0 } else { arrival::UNKNOWN },
        read_ns: 0,
        stats_ns: if family == FAMILY_UNIX { u64::MAX } else { started_ns + STATS_EVERY_NS },
        pid: 0,
        tid: 0,
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
    known(sock).or_else(|| {
        enter(sock);
        CONNECTIONS.get_ptr_mut(sock.0)
    })
}

/// The entry of a socket, if there is one.
#[inline(always)]
pub fn known(sock: Sock) -> Option<*mut Conn> {
    let conn = CONNECTIONS.get_ptr_mut(sock.0)?;
    // SAFETY: a live map value; races between CPUs only blur counters of one connection.
    let entry = unsafe { &*conn };
    (entry.flags & FLAG_COUNTED == 0 || entry.inode == sock.inode()).then_some(conn)
}

/// Enters a stream socket that moves data. Not inlined, so that the new entry does not take room on the stack of those
/// that know theirs.
#[inline(never)]
fn enter(sock: Sock) -> bool {
    let Some(family) = sock.traced_family() else { return false };
    let mut conn = create(sock, family, ROLE_UNKNOWN, now(), FLAG_MIDWAY);
    conn.inode = sock.inode();
    if family == FAMILY_UNIX {
        count_positions(&mut conn);
        // The end that has a name was accepted.
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
    true
}

/// Without sequence numbers positions are counted from first sight.
#[inline(always)]
fn count_positions(conn: &mut Conn) {
    conn.flags |= FLAG_COUNTED;
    conn.sent = 0;
    conn.received = 0;
    conn.first_sent = 0;
    conn.first_received = 0;
}

/// The entry of a UDP socket, made now.
#[inline(always)]
pub fn first_datagram(sock: Sock, family: u8) -> Option<*mut Conn> {
    enter_datagram(sock, family);
    CONNECTIONS.get_ptr_mut(sock.0)
}

/// [`enter`], for the socket of a client over UDP.
#[inline(never)]
fn enter_datagram(sock: Sock, family: u8) -> bool {
    let mut conn = create(sock, family, ROLE_CLIENT, now(), FLAG_DATAGRAM);
    count_positions(&mut conn);
    conn.inode = sock.inode();
    conn.stats_ns = u64::MAX;
    // Nobody reads a datagram in parts, but which one is read is not known.
    conn.arrived_ns = arrival::UNKNOWN;
    own(&mut conn);
    insert(sock, &conn);
    true
}

/// The current thread owns a connection whose owner is not known yet. Only in the context of a process.
#[inline(always)]
pub fn own(conn: &mut Conn) {
    if conn.pid == 0 {
        let pid_tgid = bpf_get_current_pid_tgid();
        conn.pid = (pid_tgid >> 32) as u32;
        conn.tid = pid_tgid as u32;
    }
}

/// The current thread has taken a connection from the listen queue.
#[inline(always)]
pub fn accept(sock: Sock) {
    let Some(conn) = CONNECTIONS.get_ptr_mut(sock.0) else { return };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    if conn.role == ROLE_SERVER && conn.accepted_ns == 0 {
        conn.accepted_ns = now();
        own(conn);
    }
}

/// Tells the quality of a connection on which data moves, now and then.
#[inline(always)]
pub fn inspect(sock: Sock, conn: &mut Conn, now: u64) {
    if now >= conn.stats_ns && conn.flags & FLAG_ANNOUNCED != 0 {
        conn.stats_ns = now + STATS_EVERY_NS;
        emit::stats(sock, conn, false);
    }
}

/// A call that shows a connection for the first time began before it was seen: so did the connection, or the records of
/// both would be told in the wrong order.
#[inline(always)]
pub fn begun(conn: &mut Conn, entry_ns: u64) {
    if entry_ns != 0 && conn.flags & FLAG_ANNOUNCED == 0 && entry_ns < conn.started_ns {
        conn.started_ns = entry_ns;
    }
}

/// Announces the connection if that was not done; false when the ring buffer had no room.
#[inline(always)]
pub fn announce(sock: Sock, conn: &mut Conn) -> bool {
    announce_to(sock, conn, &emit::Peer::OF_SOCKET)
}

/// [`announce`], to a peer that only the call names.
#[inline(always)]
pub fn announce_to(sock: Sock, conn: &mut Conn, peer: &emit::Peer) -> bool {
    if conn.flags & FLAG_ANNOUNCED == 0 {
        if !emit::open(sock, conn, peer) {
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
    let is_counted = conn.flags & FLAG_COUNTED != 0;
    if direction == SEND {
        conn.sent = if is_counted { conn.sent + len } else { extend(conn.sent, sock.write_seq()) };
        conn.sent.wrapping_sub(len)
    } else {
        conn.received = if is_counted { conn.received + len } else { received(sock, conn.received, len) };
        conn.received.wrapping_sub(len)
    }
}

/// A receive call returned nothing: the end of what the peer sends, if the socket says so too.
#[inline(always)]
pub fn end_of_stream(sock: Sock) {
    let Some(conn) = CONNECTIONS.get_ptr_mut(sock.0) else { return };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    if sock.is_receive_shut_down() {
        ended_by_peer(conn);
    }
}

/// Tells, once, that the peer sends no more.
#[inline(always)]
pub fn ended_by_peer(conn: &mut Conn) {
    if conn.flags & (FLAG_ANNOUNCED | FLAG_END_OF_STREAM) == FLAG_ANNOUNCED {
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
