//! Node.js: the callback of a receive, and for which session of HTTP/2 is sent, known by the methods that are on the stack.

use wirespan_common::context::{NODE_FLUSH, NODE_FLUSH_BYTES, NODE_READ, NODE_READ_BYTES, RUNTIME_NODE, Runtime};

/// How they are found in a process in which those methods lie there, so many bytes long.
#[must_use]
pub fn of(read: (u64, u32), flush: Option<(u64, u32)>) -> Runtime {
    let mut runtime = Runtime { kind: RUNTIME_NODE, ..Runtime::default() };
    for ((start, bytes), address, place) in
        [(read, NODE_READ, NODE_READ_BYTES), (flush.unwrap_or_default(), NODE_FLUSH, NODE_FLUSH_BYTES)]
    {
        (runtime.addresses[address], runtime.places[place]) = (start, bytes);
    }
    runtime
}
