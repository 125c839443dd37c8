//! [`Data`] and its payload: a call that moved bytes.

use super::{output, scratch, wake_at};
use crate::capture::source::Source;
use aya_ebpf::helpers::generated::bpf_probe_read_user;
use wirespan_common::counters::Counter;
use wirespan_common::limits::{MAX_IOVECS, MAX_PAYLOAD, TAIL};
use wirespan_common::record::{Data, Missing};

const HEADER: u32 = size_of::<Data>() as u32;
/// Payload offsets are masked with this; with the largest copy on top they stay inside the scratch value.
const OFFSET_MASK: u32 = 0x3fff;
const _: () = assert!(HEADER as usize + OFFSET_MASK as usize + MAX_PAYLOAD < wirespan_common::limits::MAX_SCRATCH);

/// Fills in the payload of `data` from `source`, up to `head` bytes from the beginning, and submits the record.
#[inline(always)]
pub fn data(data: Data, source: Source, head: u32) -> bool {
    let Some((room, area)) = place() else { return false };
    let copied = match source {
        Source::Buffer(from) => buffer(area, from, data.len, head),
        Source::Vector { vectors, count } => vector(area, vectors, count, data.len, head),
        Source::Missing(missing) => Copied::none(missing),
    };
    finish(room, data, copied)
}

/// [`data`] of one buffer, or of none that could be found.
#[inline(always)]
pub fn simple(data: Data, from: Result<u64, Missing>, head: u32) -> bool {
    let Some((room, area)) = place() else { return false };
    let copied = match from {
        Ok(from) => buffer(area, from, data.len, head),
        Err(missing) => Copied::none(missing),
    };
    finish(room, data, copied)
}

/// Where the record is built, and its payload.
#[inline(always)]
fn place() -> Option<(*mut u8, *mut u8)> {
    let room = scratch()?;
    // SAFETY: the header lies within the scratch value.
    Some((room, unsafe { room.add(HEADER as usize) }))
}

#[inline(always)]
fn finish(room: *mut u8, mut data: Data, copied: Copied) -> bool {
    data.head_len = copied.head;
    data.tail_len = copied.tail;
    data.missing = copied.missing as u8;
    match copied.missing {
        Missing::Nothing => {
            let left_out = data.len.wrapping_sub(copied.head).wrapping_sub(copied.tail);
            if left_out > 0 {
                crate::maps::count_by(Counter::OverBudgetBytes, u64::from(left_out));
            }
        }
        Missing::Fault => crate::maps::count(Counter::UnreadableFault),
        Missing::IoUring => crate::maps::count(Counter::UnreadableIoUring),
        Missing::Splice => crate::maps::count(Counter::UnreadableSplice),
        Missing::Other => crate::maps::count(Counter::UnreadableOther),
    }
    // SAFETY: aligned and within the scratch value.
    unsafe { room.cast::<Data>().write(data) };
    let len = HEADER + (copied.head & OFFSET_MASK) + (copied.tail & 0xff);
    output(room, len & 0x7fff, Counter::DropRingFull, wake_at(data.last_ns))
}

struct Copied {
    head: u32,
    tail: u32,
    missing: Missing,
}

impl Copied {
    #[inline(always)]
    fn none(missing: Missing) -> Self {
        Self { head: 0, tail: 0, missing }
    }
}

/// Copies `len` bytes of user memory to `at` in the payload area.
#[inline(always)]
fn copy(area: *mut u8, at: u32, from: u64, len: u32) -> bool {
    let at = opaque(at) & OFFSET_MASK;
    let len = opaque(len);
    if len > MAX_PAYLOAD as u32 {
        return false;
    }
    // SAFETY: the mask and the check keep the copy inside the scratch value.
    unsafe { bpf_probe_read_user(area.add(at as usize).cast(), len, from as *const _) == 0 }
}

/// Hides what the compiler knows of a value, so that it does not remove the mask that the verifier needs to see.
#[inline(always)]
fn opaque(value: u32) -> u32 {
    core::hint::black_box(value)
}

#[inline(always)]
fn smaller(a: u32, b: u32) -> u32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn buffer(area: *mut u8, from: u64, len: u32, head: u32) -> Copied {
    let head = smaller(head, len);
    if !copy(area, 0, from, head) {
        return Copied::none(Missing::Fault);
    }
    let tail = smaller(TAIL, len - head);
    if tail > 0 && !copy(area, head, from + u64::from(len - tail), tail) {
        return Copied { head, tail: 0, missing: Missing::Fault };
    }
    Copied { head, tail, missing: Missing::Nothing }
}

#[repr(C)]
#[derive(Clone, Copy)]
struct IoVec {
    base: u64,
    len: u64,
}

/// The state of the walk over a vector. It lives in the scratch value, not in registers: the verifier then knows nothing
/// of the numbers, sees every iteration as the same, and need not follow each combination of branches.
#[repr(C)]
struct Walk {
    /// Bytes of the call not yet accounted for.
    left: u32,
    /// Bytes copied.
    head: u32,
    /// Most bytes to copy.
    limit: u32,
    tail: u32,
    missing: u32,
}

/// Where the walk's state lies: after everything that a copy can reach.
const WALK_AT: usize = wirespan_common::limits::MAX_SCRATCH - HEADER as usize - 64;
/// Where a copy of the vector lies.
const VECTOR_AT: usize = WALK_AT - MAX_IOVECS * size_of::<IoVec>();
const _: () = assert!(OFFSET_MASK as usize + MAX_PAYLOAD <= VECTOR_AT && size_of::<Walk>() <= 64);

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

/// A vectored call fills its buffers in order; `len` bytes were moved in all. The tail comes from the buffer that holds
/// the last byte.
#[inline(always)]
fn vector(area: *mut u8, vectors: u64, count: u32, len: u32, head: u32) -> Copied {
    // SAFETY: within the scratch value.
    let walk = unsafe { area.add(WALK_AT).cast::<Walk>() };
    set!(walk.left, len);
    set!(walk.head, 0);
    set!(walk.limit, head);
    set!(walk.tail, 0);
    set!(walk.missing, 0);
    // One read of user memory for all of it.
    let count = smaller(opaque(count), MAX_IOVECS as u32);
    // SAFETY: within the scratch value, which has room for the largest count.
    let failed = unsafe {
        bpf_probe_read_user(area.add(VECTOR_AT).cast(), count * size_of::<IoVec>() as u32, vectors as *const _) != 0
    };
    if failed {
        return Copied::none(Missing::Fault);
    }
    for index in 0..MAX_IOVECS {
        // SAFETY: as above; read before anything is written behind it.
        let entry = unsafe { area.add(VECTOR_AT).cast::<IoVec>().add(index).read_volatile() };
        if index as u32 >= count || !step(area, walk, entry) {
            break;
        }
    }
    Copied {
        head: get!(walk.head),
        tail: get!(walk.tail),
        missing: if get!(walk.missing) == 0 { Missing::Nothing } else { Missing::Fault },
    }
}

/// Takes what one buffer holds; false when the walk is over.
#[inline(always)]
fn step(area: *mut u8, walk: *mut Walk, entry: IoVec) -> bool {
    let left = get!(walk.left);
    let here = if entry.len < u64::from(left) { entry.len as u32 } else { left };
    let done = get!(walk.head);
    let take = smaller(here, get!(walk.limit).saturating_sub(done));
    if !copy(area, done, entry.base, take) {
        set!(walk.missing, 1);
        return false;
    }
    set!(walk.head, done + take);
    set!(walk.left, left - here);
    if left != here {
        return true;
    }
    let tail = smaller(TAIL, here - take);
    if tail > 0 && copy(area, done + take, entry.base + u64::from(here - tail), tail) {
        set!(walk.tail, tail);
    }
    false
}
