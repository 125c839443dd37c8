//! The connection table: one entry a socket, created on first sight, removed when the socket closes.

pub mod arrival;
pub mod positions;
pub mod shed;
mod table;
mod turns;

pub use positions::advance;
pub use table::{forget, forget_predecessor, insert, known, sight, sight_datagram};
pub use turns::{budget, missed, told, turn, turn_number};

use crate::context::thread::Thread;
use crate::emit;
use crate::kernel::sock::Sock;
use crate::kernel::zero;
use crate::maps::{CONNECTIONS, setting};
use aya_ebpf::helpers::generated::{bpf_get_smp_processor_id, bpf_ktime_get_ns};
use table::{claim, release};
use wirespan_common::record::{FAMILY_UNIX, ROLE_SERVER, STATE_RECEIVED_FIN};
use wirespan_common::shed::NEVER;

/// What the kernel side remembers of a connection.
///
/// In the table 56 bytes of the kernel stand in front of it ([`TABLE_HEADER`]), among them the key. So the first word lies on the
/// cache line that a look-up reads, and each of the three lines behind it has a purpose; no line belongs to two entries.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Conn {
    /// The first unread byte came, see [`arrival`]; ns. Written by other CPUs than the rest.
    pub arrived_ns: u64,
    // What every call uses.
    /// Identity in records.
    pub id: u64,
    /// Set-up, or first sight; ns.
    pub started_ns: u64,
    /// Position of the next byte to send.
    pub sent: u64,
    /// Position of the next byte to receive.
    pub received: u64,
    /// Last receive; ns.
    pub read_ns: u64,
    /// When its quality is told next; ns.
    pub stats_ns: u64,
    /// Payload bytes to copy per turn.
    pub budget: u32,
    /// Turns so far.
    pub turns: u32,
    /// Payload bytes copied in this turn.
    pub turn_used: u32,
    /// Calls in this turn.
    pub turn_calls: u32,
    // What sends use, and who it is.
    /// Beginning of the send call in progress, 0 when none was seen; ns.
    pub send_first_ns: u64,
    /// Last time at which the send call in progress took more data; ns.
    pub send_last_ns: u64,
    /// Address family.
    pub family: u8,
    /// One of `ROLE_`.
    pub role: u8,
    /// Direction of the last call, 0xff before the first.
    pub last_direction: u8,
    /// Bits of `FLAG_`; they never change, so that two CPUs cannot lose each other's. What changes has a byte of its own.
    pub flags: u8,
    /// The `Open` record reached the ring buffer.
    pub announced: u8,
    /// User space asked to ignore it.
    pub ignored: u8,
    /// The end was reported.
    pub closed: u8,
    /// The end of what is received was reported.
    pub end_of_stream: u8,
    /// The first call of this turn was recorded, with the bytes that it began with.
    pub turn_told: u8,
    /// This turn, or the answer to it, is left out to save work; see [`shed`].
    pub left_out: u8,
    /// Of 256 turns like this one so many are left out.
    pub rejected: u8,
    /// What is missing before the next record: of what is sent in the lower half, of what is received in the upper.
    pub skipped: u8,
    /// Inode at first sight; tells a reused unix `struct sock` from its predecessor.
    pub inode: u32,
    /// Threads whose last send and receive the first program has seen; see [`saw`].
    pub seen_of: [u32; 2],
    /// Process that connected, accepted or moved the first data; 0 while unknown.
    pub pid: u32,
    /// Thread that did.
    pub tid: u32,
    /// End of the handshake, 0 when that was not seen; ns.
    pub established_ns: u64,
    /// The application took it from the listen queue, 0 when that was not seen; ns.
    pub accepted_ns: u64,
    // What only its announcement needs.
    /// Position of the first byte ever sent.
    pub first_sent: u64,
    /// Position of the first byte ever received.
    pub first_received: u64,
    /// Directives that there had been when it last looked for one.
    pub directed: u64,
    /// The context that asks over it, where another one sends (Go, uvloop), the task that did last (tokio), or the greenlet that answers;
    /// 0 while none is known. See [`crate::context`].
    pub asker: u64,
    /// Which turns may be left out: a rule of [`wirespan_common::shed`].
    pub shedding: u32,
    /// Python: the last request was answered, or begins to be.
    pub is_answered: u32,
    /// Node.js: names the receives of this turn. uvloop: whether something waits to be written. tokio: whether anything was asked.
    pub context: u64,
    /// The context in which it was connected; 0 while none is known. Of a server's connection see [`crate::context::cpython`].
    pub connector: u64,
    /// Zero: the rest of the line.
    pub rest: [u32; 2],
}

/// What the kernel has in front of a value of a hash map with keys of 8 bytes (kernel/bpf/hashtab.c, `struct htab_elem`).
const TABLE_HEADER: usize = 56;
/// Bytes of a cache line.
const LINE: usize = 64;
const _: () = assert!((TABLE_HEADER + size_of::<Conn>()).is_multiple_of(LINE));
const _: () = assert!(core::mem::offset_of!(Conn, send_first_ns) + TABLE_HEADER == 2 * LINE);
const _: () = assert!(core::mem::offset_of!(Conn, first_sent) + TABLE_HEADER == 3 * LINE);
const _: () = assert!(core::mem::offset_of!(Conn, id) == wirespan_common::limits::CONNECTION_ID_AT);

/// The set-up was not seen.
pub const FLAG_MIDWAY: u8 = 1;
/// Positions are counts, and no tracepoint tells the end: unix sockets, UDP
/// and MPTCP.
pub const FLAG_COUNTED: u8 = 2;
/// Each call is a datagram (UDP).
pub const FLAG_DATAGRAM: u8 = 4;
/// It is a socket of MPTCP, not of TCP.
pub const FLAG_MULTIPATH: u8 = 8;
/// Data came before the handshake was over.
pub const FLAG_EARLY: u8 = 16;

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
pub fn identity(now: u64) -> u64 {
    // SAFETY: no arguments.
    let cpu = unsafe { bpf_get_smp_processor_id() };
    now << 7 | u64::from(cpu & 0x7f)
}

/// A fresh entry for a TCP or MPTCP connection whose set-up is seen.
#[inline(always)]
pub fn create(sock: Sock, family: u8, role: u8, started_ns: u64, flags: u8) -> Conn {
    let is_multipath = family != FAMILY_UNIX && flags & FLAG_DATAGRAM == 0 && sock.is_multipath();
    let tcp = sock.tcp();
    let sent = u64::from(tcp.write_seq());
    let received = u64::from(tcp.copied_seq());
    let mut conn = Conn {
        // What lies there unread, unseen, has an unknown time.
        arrived_ns: if flags & FLAG_MIDWAY == 0 { 0 } else { arrival::UNKNOWN },
        id: identity(started_ns),
        started_ns,
        first_sent: sent,
        first_received: received,
        sent,
        received,
        send_first_ns: 0,
        send_last_ns: zero(),
        established_ns: zero(),
        accepted_ns: 0,
        read_ns: 0,
        stats_ns: if family == FAMILY_UNIX { u64::MAX } else { started_ns + STATS_EVERY_NS },
        pid: 0,
        tid: zero() as u32,
        budget: setting!(turn_budget),
        turns: 0,
        turn_used: zero() as u32,
        inode: 0,
        turn_calls: zero() as u32,
        family,
        role,
        last_direction: 0xff,
        flags,
        announced: 0,
        ignored: zero() as u8,
        closed: 0,
        end_of_stream: zero() as u8,
        turn_told: 0,
        left_out: zero() as u8,
        rejected: zero() as u8,
        skipped: zero() as u8,
        seen_of: [zero() as u32; 2],
        directed: turns::directed(),
        asker: zero(),
        shedding: NEVER,
        is_answered: 0,
        context: zero(),
        connector: zero(),
        rest: [zero() as u32; 2],
    };
    if is_multipath {
        conn.flags |= FLAG_MULTIPATH;
        // What TCP knows of quality, it knows of each path.
        conn.stats_ns = u64::MAX;
        conn.inode = sock.inode();
        positions::count_from_here(&mut conn);
    }
    conn
}

/// A byte of an entry that another CPU may set at the same time.
macro_rules! is_set {
    ($conn:ident.$field:ident) => {
        // SAFETY: a member of a live map value.
        unsafe { core::ptr::read_volatile(&raw const $conn.$field) != 0 }
    };
}
pub(crate) use is_set;

/// The current thread owns a connection whose owner is not known yet. Only in the context of a process.
#[inline(always)]
pub fn own(conn: &mut Conn, thread: Thread) {
    if conn.pid == 0 {
        conn.pid = thread.process();
        conn.tid = thread.id();
    }
}

/// The current thread has taken a connection from the listen queue.
#[inline(always)]
pub fn accept(sock: Sock, thread: Thread) {
    let Some(conn) = CONNECTIONS.get_ptr_mut(sock.key()) else { return };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    if conn.role == ROLE_SERVER && conn.accepted_ns == 0 {
        conn.accepted_ns = now();
        own(conn, thread);
    }
}

/// Tells the quality of a connection on which data moves, now and then.
#[inline(always)]
pub fn inspect(sock: Sock, conn: &mut Conn, now: u64) {
    if now >= conn.stats_ns && is_set!(conn.announced) {
        conn.stats_ns = now + STATS_EVERY_NS;
        emit::stats(sock, conn);
    }
}

/// Announces a connection that nobody else can be announcing: nothing has moved on it, and what would end it waits for the
/// socket's lock.
#[inline(always)]
pub fn announce_unused(sock: Sock, conn: &mut Conn) {
    if !is_set!(conn.announced) && emit::open(sock, &emit::Peer::OF_SOCKET) {
        conn.announced = 1;
    }
}

/// Announces the connection if that was not done; false when the ring buffer had no room.
#[inline(always)]
pub fn announce(sock: Sock, conn: &mut Conn) -> bool {
    announce_to(sock, conn, &emit::Peer::OF_SOCKET, u64::MAX)
}

/// [`announce`] before a call that began at `begun_ns`, to a peer that only the call names. A call that shows a connection
/// for the first time began before it was seen: so did the connection, or the records of both would be told in the wrong
/// order.
///
/// Exactly once, whoever comes first. Another thread that is at it in this moment is trusted: what is announced has a time,
/// and comes before the record of this call.
#[inline(always)]
pub fn announce_to(sock: Sock, conn: &mut Conn, peer: &emit::Peer, begun_ns: u64) -> bool {
    if is_set!(conn.announced) || !claim(sock) {
        return true;
    }
    let is_told = is_set!(conn.announced) || {
        if begun_ns < conn.started_ns {
            conn.started_ns = begun_ns;
        }
        emit::open(sock, peer)
    };
    if is_told {
        conn.announced = 1;
    }
    release(sock);
    is_told
}

/// A receive call returned nothing: the end of what the peer sends, if the socket says so too.
#[inline(always)]
pub fn end_of_stream(sock: Sock) {
    let Some(conn) = CONNECTIONS.get_ptr_mut(sock.key()) else { return };
    // SAFETY: a live map value.
    let conn = unsafe { &mut *conn };
    if sock.is_receive_shut_down() {
        ended_by_peer(conn);
    }
}

/// Tells that the peer sends no more. Two threads that find it in the same moment tell it twice, which says nothing new.
#[inline(always)]
pub fn ended_by_peer(conn: &mut Conn) {
    if is_set!(conn.announced) && !is_set!(conn.end_of_stream) {
        conn.end_of_stream = 1;
        emit::state::changed(conn, STATE_RECEIVED_FIN, 0);
    }
}

/// The first program sees a call of the current thread. [`was_seen`] asks for that right after it, in the same call.
#[inline(always)]
pub fn saw(conn: &mut Conn, direction: u8, thread: Thread) {
    if setting!(preemptible) != 0 && conn.flags & FLAG_COUNTED != 0 {
        conn.seen_of[usize::from(direction & 1)] = thread.id();
    }
}

/// Whether the first program has seen this call of the current thread. It must be asked for each call, once.
#[inline(always)]
pub fn was_seen(conn: &mut Conn, direction: u8, thread: Thread) -> bool {
    let seen = &mut conn.seen_of[usize::from(direction & 1)];
    core::mem::replace(seen, 0) == thread.id()
}

/// A send call failed: it must not leave its beginning behind for the next one.
#[inline(always)]
pub fn send_failed(sock: Sock) {
    if let Some(conn) = CONNECTIONS.get_ptr_mut(sock.key()) {
        // SAFETY: a live map value.
        let conn = unsafe { &mut *conn };
        conn.send_first_ns = 0;
        conn.send_last_ns = zero();
    }
}
