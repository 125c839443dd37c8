//! [`Data`] and its payload: a call that moved bytes.

use super::pair::pair;
use super::short::short;
use super::vector::vector;
use super::{output, wake_at};
use crate::capture::source::Source;
use crate::maps::Slot;
use aya_ebpf::helpers::generated::bpf_probe_read_user;
use wirespan_common::counters::Counter;
use wirespan_common::limits::{MAX_IOVECS, MAX_PAYLOAD, MAX_PIECES, TAIL};
use wirespan_common::record::{AFTER_SHED, Data, Missing};

pub(super) const HEADER: u32 = size_of::<Data>() as u32;
/// Payload offsets are masked with this; with the largest copy on top they stay inside the scratch value.
pub(super) const OFFSET_MASK: u32 = 0x3fff;
/// Room in the scratch value, 256 bytes, for whoever hands a record to [`simple`]: only the walk over a vector uses it.
pub const SPARE_AT: usize = HEADER as usize + super::vector::VECTOR_AT;
const _: () = assert!(HEADER as usize + OFFSET_MASK as usize + MAX_PAYLOAD < wirespan_common::limits::MAX_SCRATCH);

/// Fills in the payload of `data` from `source`, up to `head` bytes from the beginning, and submits the record.
#[inline(always)]
pub fn data(slot: Slot, data: Data, source: Source, head: u32) -> Sent {
    if let Source::Buffer(from) = source
        && head == data.len
        && let Some(sent) = short(slot, &data, from)
    {
        return sent;
    }
    let Some(room) = slot.scratch() else { return Sent::Nothing };
    // SAFETY: aligned and within the scratch value.
    unsafe { room.cast::<Data>().write(data) };
    // Of a vector there is one piece.
    let one = smaller(head, MAX_PAYLOAD as u32);
    let (address, count, head) = match source {
        Source::Buffer(from) => (from, ONE_BUFFER, head),
        // More than there can be is no number of its own.
        Source::Vector { vectors, count } => (vectors, smaller(count, MAX_IOVECS + 1), one),
        Source::Missing(missing) => (0, FIRST_MISSING + missing as u32, one),
    };
    match tell_data(slot.number(), address, count, head) {
        0 => Sent::Nothing,
        1 => Sent::Call,
        _ => Sent::Bytes,
    }
}

/// [`data`] of one buffer, or of none that could be found, where the stack has no room for more.
#[inline(always)]
pub fn simple(slot: Slot, data: Data, from: Result<u64, Missing>, head: u32) -> Sent {
    let Some(room) = slot.scratch() else { return Sent::Nothing };
    // SAFETY: aligned and within the scratch value; then its payload.
    let area = unsafe {
        room.cast::<Data>().write(data);
        room.add(HEADER as usize)
    };
    let copied = match from {
        Ok(from) => buffer(area, from, data.len, head),
        Err(missing) => Copied::none(missing),
    };
    finish(slot, room, copied)
}

/// Stands for the number of buffers where there is one without a vector.
const ONE_BUFFER: u32 = u32::MAX;
/// The same where there is none: this and the number of the [`Missing`].
const FIRST_MISSING: u32 = u32::MAX - 16;

/// [`data`], of the record that lies in the room of a slot. A global function, which the verifier checks once and not at every
/// call with all that led to it; those take numbers only.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tell_data(slot: u32, address: u64, count: u32, head: u32) -> u32 {
    let slot = Slot::numbered(slot);
    let Some(room) = slot.scratch() else { return Sent::Nothing as u32 };
    // SAFETY: aligned and within the scratch value, and written by the caller.
    let data = unsafe { &mut *room.cast::<Data>() };
    if head == data.len {
        let sent = match count {
            1..=2 => pair(slot, room, address, count),
            _ => None,
        };
        if let Some(sent) = sent {
            return sent as u32;
        }
    }
    // SAFETY: within the scratch value.
    let area = unsafe { room.add(HEADER as usize) };
    if count == ONE_BUFFER && head > MAX_PAYLOAD as u32 {
        return pieces(slot, room, address, head) as u32;
    }
    let copied = match count {
        ONE_BUFFER => buffer(area, address, data.len, head),
        0..FIRST_MISSING => vector(slot, area, address, count, data.len, head),
        _ => Copied::none(missing(count - FIRST_MISSING)),
    };
    finish(slot, room, copied) as u32
}

/// A long call in pieces, a record each: they follow one another, and the last one has the end of the call.
#[inline(always)]
fn pieces(slot: Slot, room: *mut u8, from: u64, head: u32) -> Sent {
    // SAFETY: aligned and within the scratch value, and written before; then its payload.
    let (data, area) = unsafe { (&mut *room.cast::<Data>(), room.add(HEADER as usize)) };
    let (whole, position) = (data.len, data.position);
    let (mut done, mut sent) = (0, Sent::Nothing);
    for piece in 1..=MAX_PIECES {
        let wanted = head.wrapping_sub(done);
        let is_last = wanted <= MAX_PAYLOAD as u32 || piece == MAX_PIECES;
        let take = smaller(wanted, MAX_PAYLOAD as u32);
        data.len = if is_last { whole.wrapping_sub(done) } else { take };
        data.position = position.wrapping_add(u64::from(done));
        let copied = buffer(area, from.wrapping_add(u64::from(done)), data.len, take);
        let now = tell(slot, room, copied);
        if piece == 1 {
            slot.count(if now == Sent::Nothing { Counter::DropRingFull } else { Counter::DeliveredCalls });
            sent = now;
        }
        if is_last || now == Sent::Nothing {
            break;
        }
        data.direction &= !AFTER_SHED;
        data.arrived_ns = 0;
        done = done.wrapping_add(take);
    }
    sent
}

#[inline(always)]
fn missing(number: u32) -> Missing {
    const IO_URING: u32 = Missing::IoUring as u32;
    const SPLICE: u32 = Missing::Splice as u32;
    const FAULT: u32 = Missing::Fault as u32;
    match number {
        FAULT => Missing::Fault,
        IO_URING => Missing::IoUring,
        SPLICE => Missing::Splice,
        _ => Missing::Other,
    }
}

#[inline(always)]
fn finish(slot: Slot, room: *mut u8, copied: Copied) -> Sent {
    let sent = tell(slot, room, copied);
    slot.count(if sent == Sent::Nothing { Counter::DropRingFull } else { Counter::DeliveredCalls });
    sent
}

/// Hands over a record whose payload was copied.
#[inline(always)]
fn tell(slot: Slot, room: *mut u8, copied: Copied) -> Sent {
    // SAFETY: aligned and within the scratch value, and written before.
    let data = unsafe { &mut *room.cast::<Data>() };
    data.head_len = copied.head;
    data.tail_len = copied.tail;
    data.missing = copied.missing as u8;
    match copied.missing {
        Missing::Nothing => {
            let left_out = data.len.wrapping_sub(copied.head).wrapping_sub(copied.tail);
            if left_out > 0 {
                slot.count_by(Counter::OverBudgetBytes, u64::from(left_out));
            }
        }
        Missing::Fault => slot.count(Counter::UnreadableFault),
        Missing::IoUring => slot.count(Counter::UnreadableIoUring),
        Missing::Splice => slot.count(Counter::UnreadableSplice),
        Missing::Other => slot.count(Counter::UnreadableOther),
        Missing::Vector => slot.count(Counter::UnreadableVector),
    }
    // Masked as a whole: the verifier of 5.10 loses the limits of a sum.
    let len = opaque(HEADER + (copied.head & OFFSET_MASK) + (copied.tail & 0xff)) & 0x7fff;
    let delivered = output(room, len, wake_at(data.last_ns));
    match (delivered, copied.head) {
        (false, _) => Sent::Nothing,
        (true, 0) => Sent::Call,
        (true, _) => Sent::Bytes,
    }
}

/// How much of a call reached the ring buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Sent {
    /// Nothing: there was no room.
    Nothing,
    /// That it was made; what it moved could not be read.
    Call,
    /// Its first bytes.
    Bytes,
}

/// What was copied to the payload area: the tail follows the head.
pub(super) struct Copied {
    pub head: u32,
    pub tail: u32,
    pub missing: Missing,
}

impl Copied {
    #[inline(always)]
    pub fn none(missing: Missing) -> Self {
        Self { head: 0, tail: 0, missing }
    }
}

/// Copies `len` bytes of user memory to `at` in the payload area.
#[inline(always)]
pub(super) fn copy(area: *mut u8, at: u32, from: u64, len: u32) -> bool {
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
pub(super) fn opaque(value: u32) -> u32 {
    core::hint::black_box(value)
}

#[inline(always)]
pub(super) fn smaller(a: u32, b: u32) -> u32 {
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
