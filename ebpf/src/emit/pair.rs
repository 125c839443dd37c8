//! Records of calls of one or two buffers, as most vectored calls are (a head and a body), without the walk over more.

use super::data::{HEADER, OFFSET_MASK, Sent, copy, opaque};
use super::{output, wake_at};
use crate::kernel::read_user;
use crate::maps::Slot;
use wirespan_common::counters::Counter;
use wirespan_common::limits::MAX_PAYLOAD;
use wirespan_common::record::Data;

/// `struct iovec`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct IoVec {
    /// Where the buffer lies.
    pub base: u64,
    /// How long it is.
    pub len: u64,
}

/// Records a call, in the room of its slot, of which all is copied, from its `count` buffers; `None`: it is not such a call, or something is wrong with its
/// buffers, which the walk finds out.
#[inline(always)]
pub fn pair(slot: Slot, room: *mut u8, vectors: u64, count: u32) -> Option<Sent> {
    // SAFETY: aligned and within the scratch value, and written by the caller.
    let data = unsafe { &mut *room.cast::<Data>() };
    let len = data.len;
    let [first, second] = match count {
        1 => [read_user::<IoVec>(vectors)?, IoVec { base: 0, len: 0 }],
        2 => read_user::<[IoVec; 2]>(vectors)?,
        _ => return None,
    };
    let one = if first.len < u64::from(len) { first.len as u32 } else { len };
    let two = len - one;
    if u64::from(two) > second.len || len > MAX_PAYLOAD as u32 {
        return None;
    }
    // SAFETY: within the scratch value.
    let area = unsafe { room.add(HEADER as usize) };
    if !copy(area, 0, first.base, one) || two > 0 && !copy(area, one, second.base, two) {
        return None;
    }
    data.head_len = len;
    let delivered = output(room, HEADER + (opaque(len) & OFFSET_MASK), wake_at(data.last_ns));
    slot.count(if delivered { Counter::DeliveredCalls } else { Counter::DropRingFull });
    Some(if delivered { Sent::Bytes } else { Sent::Nothing })
}
