//! Records of short calls from one buffer: built in the ring buffer itself, so that their payload is copied once, and only there.
//!
//! The verifier wants to know how long a reservation is. So there are a few sizes; what a record leaves empty at its end is not
//! looked at by anyone. Longer ones, which would waste more, are built in the room of the program.
//!
//! So are all where a program can be preempted: nobody reads past a reservation before it is handed over.

use super::data::{HEADER, Sent, opaque};
use super::wake_at;
use crate::maps::{EVENTS, Slot, setting};
use aya_ebpf::helpers::generated::bpf_probe_read_user;
use wirespan_common::counters::Counter;
use wirespan_common::record::{Data, Missing};

/// Room for a record in the ring buffer.
#[repr(C, align(8))]
struct Room<const SIZE: usize>([u8; SIZE]);

/// Records a call of which all is copied, if it is short enough.
#[inline(always)]
pub fn short(slot: Slot, data: &Data, from: u64) -> Option<Sent> {
    if setting!(preemptible) != 0 {
        return None;
    }
    match HEADER + data.len {
        ..=128 => Some(fill::<128>(slot, data, from)),
        129..=192 => Some(fill::<192>(slot, data, from)),
        193..=256 => Some(fill::<256>(slot, data, from)),
        257..=384 => Some(fill::<384>(slot, data, from)),
        _ => None,
    }
}

#[inline(always)]
fn fill<const SIZE: usize>(slot: Slot, data: &Data, from: u64) -> Sent {
    let Some(mut room) = EVENTS.reserve::<Room<SIZE>>(0) else {
        slot.count(Counter::DropRingFull);
        return Sent::Nothing;
    };
    let record = room.as_mut_ptr().cast::<Data>();
    let len = opaque(data.len);
    // SAFETY: the record is aligned, and it and its payload are no longer than the room.
    let is_read = unsafe {
        record.write(*data);
        len <= SIZE as u32 - HEADER && bpf_probe_read_user(record.add(1).cast(), len, from as *const _) == 0
    };
    // SAFETY: as above.
    let record = unsafe { &mut *record };
    if is_read {
        record.head_len = len;
    } else {
        record.missing = Missing::Fault as u8;
        slot.count(Counter::UnreadableFault);
    }
    room.submit(wake_at(data.last_ns));
    slot.count(Counter::DeliveredCalls);
    if is_read { Sent::Bytes } else { Sent::Call }
}
