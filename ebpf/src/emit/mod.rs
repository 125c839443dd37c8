//! Records into the ring buffer: build, submit, or count.

pub mod data;
pub mod open;
mod pair;
pub mod process;
pub mod secret;
mod short;
pub mod state;
mod stats;
mod vector;

pub use open::{Peer, open};
pub use stats::{last_stats, stats};

use crate::maps::{EVENTS, count, setting};
use aya_ebpf::bindings::{BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP};
use aya_ebpf::helpers::generated::bpf_ringbuf_output;
use wirespan_common::counters::Counter;
use wirespan_common::propagate::Inserted;
use wirespan_common::record::Asks;

/// Whether a record that is handed over now wakes the agent.
#[inline(always)]
fn wake() -> u64 {
    let full = EVENTS.query(u64::from(BPF_RB_AVAIL_DATA)) > u64::from(setting!(wake_bytes));
    u64::from(if full { BPF_RB_FORCE_WAKEUP } else { BPF_RB_NO_WAKEUP })
}

/// [`wake`] for records of connections, which come often: one in sixteen looks how full the buffer is. The agent looks by
/// itself long before so few could fill it.
#[inline(always)]
pub fn wake_at(now: u64) -> u64 {
    if now >> 8 & 15 == 0 { wake() } else { u64::from(BPF_RB_NO_WAKEUP) }
}

/// Tells that a header was put into what is sent.
#[inline(always)]
pub fn inserted(inserted: &Inserted) {
    submit((&raw const *inserted).cast(), size_of::<Inserted>() as u32, inserted.at_ns);
}

/// Tells who asks on a stream.
#[inline(always)]
pub fn asks(asks: &Asks) {
    submit((&raw const *asks).cast(), size_of::<Asks>() as u32, asks.at_ns);
}

/// Hands `len` bytes at `record`, made at `now`, to the agent. The agent polls on a timer, so nobody is woken before the
/// buffer has filled to the mark. False, and counted, when there is no room.
#[inline(always)]
fn submit(record: *const u8, len: u32, now: u64) -> bool {
    let delivered = output(record, len, wake_at(now));
    count(if delivered { Counter::Delivered } else { Counter::DropOther });
    delivered
}

/// Hands a record over, waking the agent as `wake` says. False when there is no room.
#[inline(always)]
fn output(record: *const u8, len: u32, wake: u64) -> bool {
    let events = (&raw const EVENTS).cast_mut();
    // SAFETY: the record lies in room of this program alone, or on the stack, and is initialised up to `len`.
    unsafe { bpf_ringbuf_output(events.cast(), record.cast_mut().cast(), u64::from(len), wake) == 0 }
}
