//! The walk over the buffers of a vectored call: Netty, nginx and Go's `net.Buffers` send many at once.
//!
//! The walk keeps its state in memory, not in registers: the verifier then knows nothing of the numbers, sees each round
//! as the one before, and need not follow every combination of branches. It follows all rounds, though: so only a few
//! buffers are taken in one function, which is checked once, however often it is called.

use super::data::{Copied, HEADER, OFFSET_MASK, copy, opaque, smaller};
use super::pair::IoVec;
use crate::kernel::least;
use crate::maps::Slot;
use aya_ebpf::helpers::generated::bpf_probe_read_user;
use wirespan_common::limits::{MAX_IOVECS, MAX_PAYLOAD, MAX_SCRATCH, TAIL};
use wirespan_common::record::Missing;

const IOVEC: u32 = size_of::<IoVec>() as u32;
/// Buffers whose places are read at once.
const CHUNK: u32 = 16;

#[repr(C)]
struct Walk {
    /// The vector: where and how many buffers; how many bytes were moved.
    vectors: u64,
    count: u32,
    len: u32,
    /// The next buffer.
    first: u32,
    /// Bytes of the call that lie in buffers still to come.
    left: u32,
    /// Bytes copied.
    head: u32,
    /// Bytes that may still be copied.
    room: u32,
    /// Not 0: a buffer could not be read.
    fault: u32,
    /// The buffer that holds the last byte, and how many bytes of it were moved.
    last: u32,
    here: u32,
    /// Of the tail: bytes in front of it in the buffers that are looked at, and bytes copied.
    skip: u32,
    tail: u32,
}

/// Where the walk's state lies: after everything that a copy can reach.
const WALK_AT: usize = MAX_SCRATCH - HEADER as usize - 64;
/// Where a part of the vector lies.
pub(super) const VECTOR_AT: usize = WALK_AT - (CHUNK * IOVEC) as usize;
const _: () = assert!(OFFSET_MASK as usize + MAX_PAYLOAD <= VECTOR_AT && size_of::<Walk>() <= 56);
const _: () = assert!(MAX_IOVECS.is_multiple_of(CHUNK));

macro_rules! get {
    ($walk:ident.$field:ident) => {
        // SAFETY: within the scratch value.
        unsafe { core::ptr::read_volatile(&raw const (*$walk).$field) }
    };
}

macro_rules! set {
    ($walk:ident.$field:ident, $value:expr) => {
        // SAFETY: within the scratch value.
        unsafe { core::ptr::write_volatile(&raw mut (*$walk).$field, $value) }
    };
}

/// A vectored call fills its buffers in order; `len` bytes were moved in all. Copies up to `head` bytes from the
/// beginning and, from what that leaves out, the end.
#[inline(always)]
pub fn vector(slot: Slot, area: *mut u8, vectors: u64, count: u32, len: u32, head: u32) -> Copied {
    // SAFETY: within the scratch value.
    let walk = unsafe { area.add(WALK_AT).cast::<Walk>() };
    set!(walk.vectors, vectors);
    set!(walk.count, count);
    set!(walk.first, 0);
    set!(walk.len, len);
    set!(walk.left, len);
    set!(walk.head, 0);
    set!(walk.room, head);
    set!(walk.fault, 0);
    set!(walk.tail, 0);
    walk_vector(slot.number());
    let missing = if get!(walk.fault) != 0 {
        Missing::Fault
    } else if get!(walk.left) != 0 {
        Missing::Vector
    } else {
        Missing::Nothing
    };
    Copied { head: get!(walk.head), tail: get!(walk.tail), missing }
}

/// The walk itself, in the room of a slot. A global function, as each of its steps is: the verifier looks at it once and
/// alone, not at every call with all that led to it.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn walk_vector(slot: u32) -> u32 {
    for _ in 0..MAX_IOVECS / CHUNK {
        if walk_part(slot) == 0 {
            break;
        }
    }
    walk_tail(slot)
}

/// Where the copies go, and the state of the walk.
#[inline(always)]
fn room(slot: u32) -> Option<(*mut u8, *mut Walk)> {
    let room = Slot::numbered(slot).scratch()?;
    // SAFETY: both within the scratch value.
    unsafe {
        let area = room.add(HEADER as usize);
        Some((area, area.add(WALK_AT).cast::<Walk>()))
    }
}

/// Takes the next [`CHUNK`] buffers; 0 when the walk is over.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn walk_part(slot: u32) -> u32 {
    let Some((area, walk)) = room(slot) else { return 0 };
    let (count, first) = (get!(walk.count), get!(walk.first));
    if first >= count {
        return 0;
    }
    let Some(here) = load(area, get!(walk.vectors), first, count - first) else {
        set!(walk.fault, 1);
        return 0;
    };
    set!(walk.first, first + CHUNK);
    u32::from(part(area, walk, here))
}

/// Takes the end of what the call moved, if not all of it was copied.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn walk_tail(slot: u32) -> u32 {
    let Some((area, walk)) = room(slot) else { return 0 };
    let (len, head) = (get!(walk.len), get!(walk.head));
    if get!(walk.fault) == 0 && get!(walk.left) == 0 && head < len {
        tail(area, walk, len - head);
    }
    0
}

/// Reads the places of up to [`CHUNK`] of `count` buffers, from number `first` on. How many.
#[inline(always)]
fn load(area: *mut u8, vectors: u64, first: u32, count: u32) -> Option<u32> {
    let here = smaller(opaque(count), CHUNK);
    let from = vectors + u64::from(first * IOVEC);
    // SAFETY: within the scratch value, which has room for the largest count.
    let failed = unsafe { bpf_probe_read_user(area.add(VECTOR_AT).cast(), here * IOVEC, from as *const _) != 0 };
    (!failed).then_some(here)
}

#[inline(always)]
fn entry(area: *mut u8, index: u32) -> IoVec {
    // SAFETY: within the scratch value.
    unsafe { area.add(VECTOR_AT).cast::<IoVec>().add(index as usize).read_volatile() }
}

/// Takes what the `count` buffers hold whose places were read; false when the walk is over.
#[inline(always)]
fn part(area: *mut u8, walk: *mut Walk, count: u32) -> bool {
    for index in 0..CHUNK {
        let entry = entry(area, index);
        let left = get!(walk.left);
        // All ones if it was read, else none: a branch less in each round.
        let is_there = (index.wrapping_sub(count) as i32 >> 31) as i64 as u64;
        let here = least(entry.len & is_there, left);
        // One less, so that one comparison finds both what is empty and what is too much.
        let take = opaque(least(u64::from(here), get!(walk.room)).wrapping_sub(1));
        if take < MAX_PAYLOAD as u32 {
            let take = take + 1;
            let head = get!(walk.head);
            // SAFETY: the mask and the comparison keep the copy inside the scratch value.
            let failed = unsafe {
                let to = area.add((head & OFFSET_MASK) as usize);
                bpf_probe_read_user(to.cast(), take, entry.base as *const _) != 0
            };
            if failed {
                set!(walk.fault, 1);
                return false;
            }
            set!(walk.head, head + take);
            let room = get!(walk.room);
            set!(walk.room, room - take);
        }
        set!(walk.left, left - here);
        if left == here {
            // The walk has moved on by a part.
            let first = get!(walk.first).wrapping_sub(CHUNK);
            set!(walk.last, first + index);
            set!(walk.here, here);
            return false;
        }
    }
    true
}

/// Copies the end of what the call moved, of which `left_out` bytes were not copied: it lies in the last buffers, of
/// which up to [`CHUNK`] are looked at.
#[inline(always)]
fn tail(area: *mut u8, walk: *mut Walk, left_out: u32) {
    let last = get!(walk.last);
    let first = last.saturating_sub(CHUNK - 1);
    let Some(count) = load(area, get!(walk.vectors), first, last + 1 - first) else { return };
    // The last one may be used in part, all others are used whole.
    let mut sum = get!(walk.here);
    for index in 0..CHUNK {
        if index + 1 >= count {
            break;
        }
        sum = sum.wrapping_add(entry(area, index).len as u32);
    }
    set!(walk.skip, sum.saturating_sub(smaller(TAIL, left_out)));
    for index in 0..CHUNK {
        if index >= count {
            break;
        }
        let entry = entry(area, index);
        let len = if index + 1 == count { get!(walk.here) } else { entry.len as u32 };
        let to_skip = get!(walk.skip);
        let skip = least(u64::from(len), to_skip);
        set!(walk.skip, to_skip - skip);
        let done = get!(walk.tail);
        let take = opaque(least(u64::from(len - skip), TAIL.wrapping_sub(done)).wrapping_sub(1));
        if take < TAIL {
            let take = take + 1;
            if !copy(area, get!(walk.head) + done, entry.base + u64::from(skip), take) {
                break;
            }
            set!(walk.tail, done + take);
        }
    }
}
