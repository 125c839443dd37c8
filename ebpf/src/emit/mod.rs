//! Records into the ring buffer: build, submit, or count.

pub mod data;
pub mod open;
pub mod process;
pub mod state;

pub use open::open;

use crate::maps::{EVENTS, SCRATCH, count, setting};
use aya_ebpf::bindings::{BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP};
use aya_ebpf::helpers::generated::bpf_ringbuf_output;
use wirespan_common::counters::Counter;

/// This CPU's room for building a record.
#[inline(always)]
fn scratch() -> Option<*mut u8> {
    SCRATCH.get_ptr_mut(0).map(|room| room.cast())
}

/// Hands `len` bytes at `record` to the agent. The agent polls on a timer, so nobody is woken before the buffer has
/// filled to the mark. False, and `loss` counted, when there is no room.
#[inline(always)]
fn submit(record: *const u8, len: u32, loss: Counter) -> bool {
    let events = (&raw const EVENTS).cast_mut();
    let full = EVENTS.query(u64::from(BPF_RB_AVAIL_DATA)) > u64::from(setting!(wake_bytes));
    let wake = if full { BPF_RB_FORCE_WAKEUP } else { BPF_RB_NO_WAKEUP };
    // SAFETY: the record lies in this CPU's scratch value or on the stack and is initialised up to `len`.
    let failed =
        unsafe { bpf_ringbuf_output(events.cast(), record.cast_mut().cast(), u64::from(len), u64::from(wake)) } != 0;
    count(if failed { loss } else { Counter::Delivered });
    !failed
}
