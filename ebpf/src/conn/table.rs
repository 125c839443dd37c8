//! Entering connections into the table. Two threads may see a socket for the first time in the same moment: one of them
//! enters it, both use that entry.

use super::positions::{count_from_here, extend};
use super::{Conn, FLAG_COUNTED, FLAG_DATAGRAM, FLAG_EARLY, FLAG_MIDWAY, FLAG_MULTIPATH, arrival, create, now, own};
use crate::context::thread::Thread;
use crate::kernel::sock::Sock;
use crate::maps::{CLAIMS, CONNECTIONS, count};
use core::sync::atomic::{Ordering, compiler_fence};
use wirespan_common::counters::Counter;
use wirespan_common::record::{FAMILY_UNIX, NO_REPLACE, ROLE_CLIENT, ROLE_SERVER, ROLE_UNKNOWN};

/// Looks whether another thread has given its right back, before the entry is given up: some 30 µs. The other needs a
/// fraction of one, if its processor is not interrupted meanwhile. The verifier follows each of them, so they are made in rounds
/// ([`look_for_claim`]).
const LOOKS: u32 = 1024;
/// Looks of a round.
const ROUND: u32 = 32;

/// Answers of [`enter`] and [`enter_datagram`]: the socket has no entry; it has its own; another thread is about to make it.
const NO_ENTRY: u32 = 0;
const HAS_ENTRY: u32 = 1;
const TO_WAIT: u32 = 2;

/// Takes the right to do for a socket what must be done once; false while another thread has it. Linux 5.10 has no atomic
/// exchange for programs, but an insert that refuses to replace is one. Whoever gets it looks again whether there is still
/// something to do.
#[inline(always)]
pub fn claim(sock: Sock) -> bool {
    CLAIMS.insert(sock.key(), 1u8, NO_REPLACE).is_ok()
}

/// Gives the right back.
#[inline(always)]
pub fn release(sock: Sock) {
    let _ = CLAIMS.remove(sock.key());
}

/// Enters a TCP connection whose set-up is seen, replacing what was there: nobody moves data over it yet.
#[inline(always)]
pub fn insert(sock: Sock, conn: &Conn) {
    if CONNECTIONS.insert(sock.key(), conn, NO_REPLACE).is_ok() {
        return count(Counter::Entered);
    }
    // What is replaced has left, so that what was evicted can be told by the numbers.
    forget(sock);
    count(if CONNECTIONS.insert(sock.key(), conn, NO_REPLACE).is_ok() {
        Counter::Entered
    } else {
        Counter::DropTableFull
    });
}

/// Takes a connection out of the table.
#[inline(always)]
pub fn forget(sock: Sock) {
    if CONNECTIONS.remove(sock.key()).is_ok() {
        count(Counter::Left);
    }
}

/// A connection that is not traced begins on a socket: what the table knows of it is a predecessor's, whose end was missed.
/// There is hardly ever one, and looking costs less than removing, which takes a lock.
#[inline(always)]
pub fn forget_predecessor(sock: Sock) {
    if CONNECTIONS.get_ptr(sock.key()).is_some() {
        forget(sock);
    }
}

/// The entry of a socket that moves data, created when this is first sight.
#[inline(always)]
pub fn sight(sock: Sock) -> Option<*mut Conn> {
    known(sock).or_else(|| {
        let number = sock.number();
        if has_entry(number, enter(number)) { known(sock) } else { None }
    })
}

/// The same for the socket of a client over UDP: whether it has its entry.
#[inline(always)]
pub fn sight_datagram(sock: u64) -> bool {
    has_entry(sock, enter_datagram(sock))
}

#[inline(always)]
fn has_entry(sock: u64, entered: u32) -> bool {
    entered == HAS_ENTRY || entered == TO_WAIT && wait_for_entry(sock) != 0
}

/// Waits until another thread has entered a socket: 1 if it did. Whoever waits has left [`enter`], whose entry takes most of the stack.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn wait_for_entry(sock: u64) -> u32 {
    for _ in 0..LOOKS / ROUND {
        if look_for_claim(sock) == 0 {
            break;
        }
    }
    if known(Sock::at(sock)).is_some() {
        return 1;
    }
    count(Counter::DropTableFull);
    0
}

/// A round of looks: 1 if another thread has not given its right back at its end. A global function, which the verifier checks once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn look_for_claim(sock: u64) -> u32 {
    for _ in 0..ROUND {
        // SAFETY: the value is not looked at.
        if unsafe { CLAIMS.get(Sock::at(sock).key()) }.is_none() {
            return 0;
        }
    }
    1
}

/// The entry of a socket, if there is one.
#[inline(always)]
pub fn known(sock: Sock) -> Option<*mut Conn> {
    let conn = CONNECTIONS.get_ptr_mut(sock.key())?;
    // SAFETY: a live map value; races between CPUs only blur counters of one connection.
    let entry = unsafe { &mut *conn };
    if entry.flags & FLAG_COUNTED == 0 {
        return Some(conn);
    }
    let inode = sock.inode();
    // It was not accepted yet when it was entered.
    if entry.inode == 0 && entry.flags & FLAG_MULTIPATH != 0 {
        entry.inode = inode;
    }
    (entry.inode == inode).then_some(conn)
}

/// Enters a stream socket that moves data. Not inlined, so that the new entry does not take room on the
/// stack of those that know theirs; a global function, which the verifier checks once.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn enter(sock: u64) -> u32 {
    let sock = Sock::at(sock);
    let Some(family) = sock.traced_family() else { return NO_ENTRY };
    let mut conn = create(sock, family, ROLE_UNKNOWN, now(), FLAG_MIDWAY);
    conn.inode = sock.inode();
    if family == FAMILY_UNIX {
        count_from_here(&mut conn);
        // The end that has a name was accepted.
        conn.role = if sock.unix_address() != 0 {
            ROLE_SERVER
        } else if sock.unix_peer().key() != 0 && sock.unix_peer().unix_address() != 0 {
            ROLE_CLIENT
        } else {
            ROLE_UNKNOWN
        };
    } else if conn.flags & FLAG_MULTIPATH == 0 {
        conn.first_sent = extend(conn.sent, sock.tcp().first_sent());
        conn.first_received = extend(conn.received, sock.tcp().first_received());
        if sock.is_half_open() {
            conn.role = ROLE_SERVER;
            conn.flags = FLAG_EARLY;
            conn.arrived_ns = 0;
        }
    }
    settle(sock, &mut conn)
}

/// [`enter`], for the socket of a client over UDP.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn enter_datagram(sock: u64) -> u32 {
    let sock = Sock::at(sock);
    let Some(family) = sock.datagram_family() else { return NO_ENTRY };
    let mut conn = create(sock, family, ROLE_CLIENT, now(), FLAG_DATAGRAM);
    count_from_here(&mut conn);
    conn.inode = sock.inode();
    conn.stats_ns = u64::MAX;
    // Nobody reads a datagram in parts, but which one is read is not known.
    conn.arrived_ns = arrival::UNKNOWN;
    own(&mut conn, Thread::current());
    settle(sock, &mut conn)
}

/// Enters `conn` unless another thread has just entered the same socket; one that was entered for a predecessor on the
/// same address is replaced.
#[inline(always)]
fn settle(sock: Sock, conn: &mut Conn) -> u32 {
    let fresh: &Conn = conn;
    if CONNECTIONS.insert(sock.key(), fresh, NO_REPLACE).is_ok() {
        count(Counter::Entered);
        return HAS_ENTRY;
    }
    if !claim(sock) {
        // Another thread replaces it in this moment.
        return TO_WAIT;
    }
    let is_settled = known(sock).is_some() || replace(sock, conn);
    release(sock);
    if is_settled {
        return HAS_ENTRY;
    }
    count(Counter::DropTableFull);
    NO_ENTRY
}

/// Puts `conn` in the place of a predecessor, with the right to do so. Its inode comes last: whoever sees that sees all.
///
/// Another thread waits for this ([`LOOKS`]), so it writes into the entry that is there, which takes less time than to
/// insert one.
#[inline(always)]
fn replace(sock: Sock, conn: &mut Conn) -> bool {
    let Some(old) = CONNECTIONS.get_ptr_mut(sock.key()) else {
        let fresh: &Conn = conn;
        return CONNECTIONS.insert(sock.key(), fresh, 0).is_ok();
    };
    let inode = conn.inode;
    // SAFETY: a live map value; a program that still uses the predecessor only blurs counters of one connection.
    unsafe {
        conn.inode = (*old).inode;
        copy(conn, old);
        compiler_fence(Ordering::Release);
        core::ptr::write_volatile(&raw mut (*old).inode, inode);
    }
    true
}

/// Copies an entry by words: the compiler would call its `memcpy`, a loop over bytes, each round of which the verifier follows.
///
/// # Safety
/// `to` must be an entry that can be written.
#[inline(always)]
unsafe fn copy(from: &Conn, to: *mut Conn) {
    const WORDS: usize = size_of::<Conn>() / size_of::<u64>();
    let (from, to) = (core::ptr::from_ref(from).cast::<u64>(), to.cast::<u64>());
    for at in 0..WORDS {
        // SAFETY: both are as long, and aligned.
        unsafe { to.add(at).write_volatile(from.add(at).read_volatile()) };
    }
}
