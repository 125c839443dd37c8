//! The header: in the trace of the request that the thread works for, where that is known, else in a trace of its own, if all traces are
//! sampled.

use crate::context::thread::Thread;
use crate::maps::{WORKING, setting};
use aya_ebpf::helpers::generated::bpf_get_prandom_u32;
use wirespan_common::propagate::HEADER_BYTES;

const TEMPLATE: &[u8; HEADER_BYTES] = b"traceparent: 00-00000000000000000000000000000000-0000000000000000-01\r\n";
/// Where the trace id stands, and the span id.
const TRACE_AT: usize = 16;
const SPAN_AT: usize = TRACE_AT + 33;

/// Writes a header with new ids. False: there is no trace for it.
#[inline(always)]
pub fn write(header: &mut [u8; HEADER_BYTES]) -> bool {
    *header = *TEMPLATE;
    let mut trace = [random() | 1, random(), random(), random()];
    // SAFETY: copied at once.
    match unsafe { WORKING.get(Thread::current().word()) } {
        Some(ids) => {
            for (word, bytes) in trace.iter_mut().zip(ids.trace_id.as_chunks::<4>().0) {
                *word = u32::from_be_bytes(*bytes);
            }
        }
        None if setting!(new_traces) != 0 => {}
        None => return false,
    }
    for (index, word) in trace.into_iter().enumerate() {
        hex(header, TRACE_AT + 8 * index, word);
    }
    // Ids of zeroes are none.
    hex(header, SPAN_AT, random() | 1);
    hex(header, SPAN_AT + 8, random());
    true
}

#[inline(always)]
fn random() -> u32 {
    // SAFETY: no arguments.
    unsafe { bpf_get_prandom_u32() }
}

#[inline(always)]
fn hex(header: &mut [u8; HEADER_BYTES], at: usize, word: u32) {
    for digit in 0..8 {
        let value = (word >> (28 - 4 * digit)) as u8 & 0xf;
        header[at + digit] = if value < 10 { b'0' + value } else { b'a' - 10 + value };
    }
}
