//! Goroutines that the goroutine of a request started while it handled it. They work for that request, as long as it is not answered,
//! and a while after that.
//!
//! But one that was started for a request may work for whoever comes: one of a pool that grows, or one that was started when it was
//! first needed. Such a goroutine waits for work: so one whose last pause was for a channel or a condition is not believed from then
//! on. If it shows that after the answer, or still works long after it, nor is any other that the same `go` statement starts. (User
//! space knows when the answer was over, and has a bound of its own: `agent/src/trace/context/received.rs`.)

use super::receiver::{self, Receiver, key};
use crate::kernel::read_user;
use crate::maps::{CHILDREN, STREAMS, WORKERS};
use aya_ebpf::helpers::bpf_ktime_get_ns;
use wirespan_common::context::{
    GO_CHANNEL, GO_CONDITION, GO_NUMBER, GO_PARENT, MAX_LATE_NS, OfGoroutine, OfStream, Runtime,
};

/// From `goid` to `waitreason` in `g` (runtime/runtime2.go).
const REASON: u64 = 24;
/// From `parentGoid` to `gopc`, where the `go` statement stands.
const STATEMENT: u64 = 8;

/// A goroutine that another one started for a request.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Child {
    /// Which request of that one, twice; 0: nobody knows for whom it works.
    request: u64,
    /// When it first worked after the answer, ns; 0 if it did not.
    late_ns: u64,
    /// Not 0 once it has waited for what may be anybody's work.
    has_waited: u64,
}

/// The context of what the goroutine of this number does, which has received nothing itself: of the request that it was started
/// for, if that is certain; else its own.
#[inline(always)]
pub fn context(process: u32, g: u64, number: u64, runtime: &Runtime) -> u64 {
    // SAFETY: one word, read at once.
    if let Some(stream) = unsafe { STREAMS.get(key(process, number)) } {
        return *stream;
    }
    if runtime.places[GO_PARENT] == 0 {
        return number;
    }
    let parent = read_user::<u64>(g.wrapping_add(u64::from(runtime.places[GO_PARENT]))).unwrap_or(0);
    // SAFETY: as above.
    if let Some(stream) = unsafe { STREAMS.get(key(process, parent)) } {
        return if of_stream(process, g, number, runtime) { OfStream::child(*stream) } else { number };
    }
    let Some(parent_known) = receiver::get(process, parent) else { return number };
    let request = request(process, g, number, parent_known, runtime);
    if request == 0 { number } else { OfGoroutine::context(parent, request >> 1, true) }
}

/// Twice the count of the request that a goroutine works for, of those of its parent; 0 if it is not certain.
#[inline(always)]
fn request(process: u32, g: u64, number: u64, parent: &Receiver, runtime: &Runtime) -> u64 {
    let key = key(process, number);
    let written = parent.written();
    let (child, is_new) = match CHILDREN.get_ptr_mut(key) {
        Some(child) => (child, false),
        None => {
            let Some(before) = parent.started(number) else { return 0 };
            // It has received the next one in this moment: this was of both.
            if written & 1 != 0 || parent.written() != written {
                return 0;
            }
            let _ =
                CHILDREN.insert(key, Child { request: written.wrapping_sub(2 * before), late_ns: 0, has_waited: 0 }, 0);
            let Some(child) = CHILDREN.get_ptr_mut(key) else { return 0 };
            (child, true)
        }
    };
    // SAFETY: a live map value that this goroutine alone writes.
    let child = unsafe { &mut *child };
    if child.request == 0 {
        return 0;
    }
    let is_late = child.request != written || !parent.is_open();
    if waits_for_work(g, runtime) {
        child.has_waited = 1;
    }
    if (is_new || is_late) && child.works_for_anybody(process, g, is_late, runtime) {
        child.request = 0;
    }
    if child.has_waited != 0 { 0 } else { child.request }
}

/// Whether a goroutine that the handler of a stream started works for that stream alone.
#[inline(always)]
fn of_stream(process: u32, g: u64, number: u64, runtime: &Runtime) -> bool {
    let key = key(process, number);
    if CHILDREN.get_ptr(key).is_none() {
        let _ = CHILDREN.insert(key, Child { request: 1, late_ns: 0, has_waited: 0 }, 0);
    }
    let Some(child) = CHILDREN.get_ptr_mut(key) else { return false };
    // SAFETY: a live map value that this goroutine alone writes.
    let child = unsafe { &mut *child };
    if waits_for_work(g, runtime) {
        child.has_waited = 1;
    }
    child.has_waited == 0 && !child.works_for_anybody(process, g, false, runtime)
}

impl Child {
    /// Whether it works for anybody, or others that were started where it was.
    #[inline(always)]
    fn works_for_anybody(&mut self, process: u32, g: u64, is_late: bool, runtime: &Runtime) -> bool {
        let at = g.wrapping_add(u64::from(runtime.places[GO_PARENT]) + STATEMENT);
        let statement = [u64::from(process), read_user::<u64>(at).unwrap_or(0)];
        if is_late && (self.has_waited != 0 || self.is_old()) {
            let _ = WORKERS.insert(statement, 0, 0);
            return true;
        }
        WORKERS.get_ptr(statement).is_some()
    }

    /// Whether it was late for the first time long ago.
    #[inline(always)]
    fn is_old(&mut self) -> bool {
        // SAFETY: no arguments.
        let now_ns = unsafe { bpf_ktime_get_ns() };
        if self.late_ns == 0 {
            self.late_ns = now_ns;
        }
        now_ns.wrapping_sub(self.late_ns) > MAX_LATE_NS
    }
}

/// Whether the last pause of a goroutine was for a channel or a condition.
#[inline(always)]
fn waits_for_work(g: u64, runtime: &Runtime) -> bool {
    let reason = read_user::<u8>(g.wrapping_add(u64::from(runtime.places[GO_NUMBER]) + REASON)).map_or(0, u32::from);
    reason == runtime.places[GO_CHANNEL] || reason == runtime.places[GO_CONDITION]
}
