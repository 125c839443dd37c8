//! Execution contexts: what a runtime executes when it makes a call, stamped on each record. One file a runtime; [`thread`] is
//! what every program has.

pub mod thread;

use crate::kernel::zero;
use thread::Thread;
use wirespan_common::record::Data;

/// Stamps a record with who made its call.
#[inline(always)]
pub fn stamp(data: &mut Data, thread: Thread) {
    data.pid = thread.process();
    data.tid = thread.id();
    // No runtime is looked into: only the thread is known.
    data.context = zero();
}
