//! Turns: calls of one direction in a row. Each has a budget of payload to copy, and one that asks for something must not
//! pass untold.

use super::{Conn, FLAG_DATAGRAM, is_set};
use crate::kernel::least;
use crate::kernel::sock::Sock;
use crate::maps::{DIRECTED, DIRECTIVES, count};
use wirespan_common::context::NUMBERS;
use wirespan_common::counters::Counter;
use wirespan_common::record::{BUDGET_UNCHANGED, RECEIVE, ROLE_CLIENT, ROLE_SERVER, SEND};
use wirespan_common::shed::NEVER;

/// A number for the turn in progress that no other turn of any connection has, but by chance. It names neither a receive nor a
/// goroutine's request, and is not 0, but by chance.
#[inline(always)]
pub fn turn_number(conn: &Conn) -> u64 {
    /// Odd, and without a pattern: the golden ratio.
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    conn.id.wrapping_add(u64::from(conn.turns).wrapping_mul(SPREAD)) & NUMBERS
}

/// Notes the direction of a call: a change begins a new turn with a fresh budget. Looks, at the first turns and now and
/// then later, whether user space wants something of the connection. True for the first call of a turn.
#[inline(always)]
pub fn turn(sock: Sock, conn: &mut Conn, direction: u8) -> bool {
    const FIRST_TURNS: u32 = 8;
    const LOOK_EVERY_TURNS: u32 = 64;
    const LOOK_EVERY_CALLS: u32 = 16;
    // In this order: another thread may begin the turn in this moment.
    // SAFETY: members of a live map value.
    let (turns, last) = unsafe {
        let turns = core::ptr::read_volatile(&raw const conn.turns);
        (turns, core::ptr::read_volatile(&raw const conn.last_direction))
    };
    if last != direction {
        missed_in(conn, turns, last);
        conn.turn_told = 0;
        conn.last_direction = direction;
        conn.turn_used = 0;
        conn.turn_calls = 0;
        conn.turns = conn.turns.wrapping_add(1);
    }
    let is_first = conn.turn_calls == 0;
    let looks = if is_first {
        conn.turns <= FIRST_TURNS || conn.turns & (LOOK_EVERY_TURNS - 1) == 0
    } else {
        conn.turn_calls & (LOOK_EVERY_CALLS - 1) == 0
    };
    conn.turn_calls = conn.turn_calls.wrapping_add(1);
    if looks {
        obey(sock, conn);
    }
    is_first
}

/// A call was recorded. If it was the first of its turn, whoever reads the record sees that something was asked.
#[inline(always)]
pub fn told(conn: &mut Conn, is_first: bool) {
    if is_first {
        conn.turn_told = 1;
    }
}

/// A turn is over. If something was asked in it and its beginning was not recorded, nobody else knows that: what is seen
/// of the answer does not tell whose it is. (Datagrams have no turns: each is a message of its own.)
#[inline(always)]
pub fn missed(conn: &mut Conn) {
    missed_in(conn, conn.turns, conn.last_direction);
}

/// [`missed`], for the turn of that number and direction.
#[inline(always)]
fn missed_in(conn: &mut Conn, turns: u32, direction: u8) {
    let is_request = match conn.role {
        ROLE_SERVER => direction == RECEIVE,
        ROLE_CLIENT => direction == SEND,
        // Whoever speaks first asks.
        _ => turns & 1 == 1,
    };
    if is_request && conn.turn_told == 0 && conn.flags & FLAG_DATAGRAM == 0 && !is_set!(conn.ignored) {
        count(Counter::LostExchanges);
        // Once.
        conn.turn_told = 1;
    }
}

/// How many directives there have been.
#[inline(always)]
pub fn directed() -> u64 {
    // SAFETY: an aligned word of a live map value.
    DIRECTED.get_ptr(0).map_or(0, |number| unsafe { number.read_volatile() })
}

/// Does what user space wants of the connection.
#[inline(always)]
fn obey(sock: Sock, conn: &mut Conn) {
    // Before the look: what is written after it has a higher number.
    let directed = directed();
    if conn.directed == directed {
        return;
    }
    conn.directed = directed;
    // SAFETY: the value is copied at once; a concurrent replacement gives the old or the new one.
    let Some(directive) = unsafe { DIRECTIVES.get(sock.key()) }.copied() else { return };
    if directive.connection == conn.id {
        if directive.budget != BUDGET_UNCHANGED {
            conn.budget = directive.budget;
        }
        if directive.budget == 0 {
            conn.ignored = 1;
        }
        if directive.shedding != NEVER {
            conn.shedding = directive.shedding;
        }
    }
    let _ = DIRECTIVES.remove(sock.key());
}

/// How many payload bytes of a call of `len` bytes to copy from its beginning: what the turn's budget leaves. Without branches: each
/// would double the states in which the verifier follows all that comes after.
#[inline(always)]
pub fn budget(conn: &mut Conn, len: u32) -> u32 {
    use wirespan_common::limits::{MAX_PAYLOAD, MAX_PIECES, OVER_BUDGET_HEAD, WHOLE_CALLS};
    let left = conn.budget.wrapping_sub(least(conn.turn_used.into(), conn.budget));
    let most = if conn.budget < WHOLE_CALLS { MAX_PAYLOAD as u32 } else { MAX_PIECES * MAX_PAYLOAD as u32 };
    let floor = least(len.into(), OVER_BUDGET_HEAD);
    let wanted = least(len.into(), least(left.into(), most));
    // The larger of both.
    let copied = wanted.wrapping_add(floor).wrapping_sub(least(wanted.into(), floor));
    conn.turn_used = least(u64::from(conn.turn_used) + u64::from(copied), u32::MAX);
    copied
}
