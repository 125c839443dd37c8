//! Turns that are left out to save work, with their answers, when the agent is at its budget.
//!
//! Which ones is a matter of chance, and of the position of their first byte: it is the same at both ends of a connection, so
//! both tell of an exchange or neither. What a thread asks of others while it handles a request goes with that request; the
//! other end of such a call does not know that, and decides by the position.
//! Nothing of such a turn is copied; what comes after it says that whole turns are missing ([`AFTER_SHED`]), and for how
//! many it stands (`rejected`).

use super::{Conn, FLAG_COUNTED};
use crate::capture::source::Source;
use crate::context::thread::Thread;
use crate::kernel::read_user;
use crate::maps::{SHEDDING, Slot, THREAD_SHEDS};
use wirespan_common::counters::Counter;
use wirespan_common::record::{AFTER_SHED, RECEIVE, ROLE_CLIENT, ROLE_SERVER, SEND};
use wirespan_common::shed::{INHERITS, NEVER, TAGGED};

/// [`Conn::skipped`], a half of it: only whole turns are missing.
const WHOLE_TURNS: u8 = 1;
/// [`Conn::skipped`], a half of it: something else is missing, too.
const MORE: u8 = 2;

/// Most messages of a call that are looked at: one with more stays.
const MAX_MESSAGES: u32 = 16;

/// A call, as far as it matters here.
#[derive(Clone, Copy)]
pub struct Moved {
    /// [`SEND`] or [`RECEIVE`].
    pub direction: u8,
    /// Position of its first byte.
    pub position: u64,
    /// Bytes.
    pub len: u32,
    /// It is the first one of its turn.
    pub is_first: bool,
}

/// Whether a call is left out. It is counted then.
#[inline(always)]
pub fn leaves_out(slot: Slot, conn: &mut Conn, moved: Moved, source: Source, thread: Thread) -> bool {
    let asks = match conn.role {
        ROLE_SERVER => moved.direction == RECEIVE,
        ROLE_CLIENT => moved.direction == SEND,
        _ => return false,
    };
    if moved.is_first {
        if asks {
            choose(conn, moved.position, thread);
        } else if conn.role == ROLE_SERVER && conn.rejected != 0 {
            forget(thread);
        }
    }
    if conn.left_out == 0 {
        return false;
    }
    if asks && stays(conn.shedding, source, moved.len) {
        // As it would whatever the chance is.
        conn.left_out = 0;
        conn.rejected = 0;
        if !moved.is_first {
            lost(conn, moved.direction);
        }
        return false;
    }
    slot.count(Counter::Shed);
    if asks && moved.is_first {
        slot.count(Counter::ShedExchanges);
    }
    if skipped(conn, moved.direction) == 0 {
        skip(conn, moved.direction, WHOLE_TURNS);
    }
    true
}

/// The direction of a record, with what it says of what is missing before it.
#[inline(always)]
pub fn mark(conn: &Conn, direction: u8) -> u8 {
    if skipped(conn, direction) == WHOLE_TURNS { direction | AFTER_SHED } else { direction }
}

/// A call was told of: nothing is missing before the next one.
#[inline(always)]
pub fn told(conn: &mut Conn, direction: u8) {
    if conn.skipped != 0 {
        skip(conn, direction, 0);
    }
}

/// A call was to be told of and was not.
#[inline(always)]
pub fn lost(conn: &mut Conn, direction: u8) {
    skip(conn, direction, MORE);
}

/// What is missing in a direction.
#[inline(always)]
fn skipped(conn: &Conn, direction: u8) -> u8 {
    if direction == SEND { conn.skipped & 0xf } else { conn.skipped >> 4 }
}

/// Notes what is missing in a direction.
#[inline(always)]
fn skip(conn: &mut Conn, direction: u8, what: u8) {
    conn.skipped = if direction == SEND { conn.skipped & 0xf0 | what } else { conn.skipped & 0xf | what << 4 };
}

/// Decides about the turn that begins at `position`.
#[inline(always)]
fn choose(conn: &mut Conn, position: u64, thread: Thread) {
    conn.left_out = 0;
    conn.rejected = 0;
    // SAFETY: an aligned word of a live map value.
    let word = SHEDDING.get_ptr(0).map_or(0, |word| unsafe { word.read_volatile() });
    let rejected = word & 0xff;
    if rejected == 0 || conn.shedding == NEVER {
        // What was left out before is over.
        if conn.role == ROLE_SERVER && hides(thread) {
            let _ = THREAD_SHEDS.remove(thread.word());
        }
        return;
    }
    let inherits = word & INHERITS != 0;
    conn.rejected = rejected as u8;
    conn.left_out = if inherits && conn.role == ROLE_CLIENT {
        match inherited(thread) {
            Some(left_out) => left_out,
            None => chance(conn, position, rejected),
        }
    } else {
        chance(conn, position, rejected)
    };
    if inherits && conn.role == ROLE_SERVER {
        let _ = THREAD_SHEDS.insert(thread.word(), conn.left_out, 0);
    }
}

/// The request that the thread was handling was left out, and is answered.
const WAS_LEFT_OUT: u8 = 2;

/// What is known of the request that the thread handles, or has handled last.
#[inline(always)]
fn known(thread: Thread) -> Option<u8> {
    // SAFETY: the value is copied at once.
    unsafe { THREAD_SHEDS.get(thread.word()) }.copied()
}

/// What became of the request that the thread is handling.
#[inline(always)]
fn inherited(thread: Thread) -> Option<u8> {
    known(thread).filter(|left_out| *left_out != WAS_LEFT_OUT)
}

/// Whether the request that the thread has received last was left out: what it asks is for one that nobody is told of.
#[inline(always)]
pub fn hides(thread: Thread) -> bool {
    known(thread).is_some_and(|left_out| left_out != 0)
}

/// The thread answers: it handles no request any more.
#[inline(always)]
fn forget(thread: Thread) {
    if hides(thread) {
        let _ = THREAD_SHEDS.insert(thread.word(), WAS_LEFT_OUT, 0);
    } else {
        let _ = THREAD_SHEDS.remove(thread.word());
    }
}

/// 1 for `rejected` of 256 positions. TCP's begin at random, and both ends know them; others begin at 0, so the connection
/// adds its own.
#[inline(always)]
fn chance(conn: &Conn, position: u64, rejected: u32) -> u8 {
    let own = if conn.flags & FLAG_COUNTED != 0 { conn.id as u32 } else { 0 };
    // The last step of MurmurHash3 (Appleby, public domain): each bit of the position decides about each bit.
    let mut mixed = position as u32 ^ own;
    mixed ^= mixed >> 16;
    mixed = mixed.wrapping_mul(0x85eb_ca6b);
    mixed ^= mixed >> 13;
    mixed = mixed.wrapping_mul(0xc2b2_ae35);
    mixed ^= mixed >> 16;
    u8::from(mixed & 0xff < rejected)
}

/// Whether there is something in a call that must not be missed; see [`TAGGED`].
#[inline(always)]
fn stays(rule: u32, source: Source, len: u32) -> bool {
    if rule & 0xff != TAGGED {
        return false;
    }
    match source {
        Source::Buffer(at) => holds_what_stays(rule, at, len) != 0,
        _ => true,
    }
}

/// Walks over the messages of a call; 1 when one of them must not be missed, or it cannot be told. A global function, which the
/// verifier checks once and not at every call with all that led to it.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn holds_what_stays(rule: u32, address: u64, len: u32) -> u32 {
    let (always, if_named) = ((rule >> 8) as u8, (rule >> 16) as u8);
    let (mut at, mut left) = (address, len);
    for _ in 0..MAX_MESSAGES {
        if left == 0 {
            return 0;
        }
        // Tag, length, first byte of the body: of a message without one, that of the next is read for it.
        let Some(head) = read_user::<[u8; 6]>(at) else { return 1 };
        let size = u32::from_be_bytes([head[1], head[2], head[3], head[4]]).wrapping_add(1);
        if size < 5 || size > left || head[0] == always || head[0] == if_named && (size < 6 || head[5] != 0) {
            return 1;
        }
        left -= size;
        at = at.wrapping_add(u64::from(size));
    }
    1
}
