//! The span that an SDK says a thread is in (OTEP 4947, "Thread Context"): told in a record of its own before that of the call, so that
//! all other calls pay nothing for its room.
//!
//! A variable of the thread holds the address of a record: trace id, span id, 1 if it is valid, flags. Only the thread writes it, and it
//! is read within a call of that thread.

use super::Moving;
use super::thread::Task;
use crate::kernel::read_user;
use crate::kernel::regs::Regs;
use crate::maps::{EVENTS, SPANS, SPANS_KNOWN, count};
use aya_ebpf::helpers::generated::bpf_probe_read_user;
use wirespan_common::counters::Counter;
use wirespan_common::record::{KIND_SPAN, ROLE_SERVER, SEND, SPAN_BYTES, Span};

/// Whether the span is looked for in which the thread makes this call: what it asks of others, first of all in its turn. A call of
/// io_uring, which has no registers, is not made by the thread that is seen.
#[inline(always)]
pub fn is_asked(moving: &Moving, regs: Option<Regs>) -> bool {
    // SAFETY: an aligned word of a live map value.
    let is_any = SPANS_KNOWN.get_ptr(0).is_some_and(|known| unsafe { known.read_volatile() } != 0);
    is_any && moving.direction == SEND && moving.role != ROLE_SERVER && moving.is_first && regs.is_some()
}

/// Tells the span, if there is one, for the call that sends the byte at this position. A global function: the verifier checks it once,
/// and its stack is its own.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tell_span(connection: u64, position: u64, at_ns: u64) -> u32 {
    let task = Task::current();
    let (pid, thread_pointer) = (task.thread().process(), task.thread_pointer());
    // SAFETY: read at once; user space replaces whole values.
    let Some(&place) = (unsafe { SPANS.get(pid) }) else { return 0 };
    if thread_pointer == 0 {
        return 0;
    }
    let record = match read_user::<u64>(thread_pointer.wrapping_add(place)) {
        None | Some(0) => return 0,
        Some(record) => record,
    };
    let Some(mut entry) = EVENTS.reserve::<Span>(0) else {
        count(Counter::DropOther);
        return 0;
    };
    let span = entry.as_mut_ptr();
    // SAFETY: within the reservation; all members are integers.
    let is_valid = unsafe {
        let told = (&raw mut (*span).trace_id).cast();
        bpf_probe_read_user(told, SPAN_BYTES, record as *const _) == 0 && (*span).valid == 1
    };
    if !is_valid {
        entry.discard(0);
        return 0;
    }
    // SAFETY: as above.
    let span = unsafe { &mut *span };
    span.kind = KIND_SPAN;
    span.reserved = [0; 3];
    span.pid = pid;
    span.connection = connection;
    span.position = position;
    span.at_ns = at_ns;
    span.reserved2 = [0; 6];
    entry.submit(crate::emit::wake_at(at_ns));
    1
}
