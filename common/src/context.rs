//! How the programs find what a runtime executes when one of its threads makes a call.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A Go program: its goroutine.
pub const RUNTIME_GO: u32 = 1;
/// A CPython interpreter: its `contextvars` context.
pub const RUNTIME_CPYTHON: u32 = 2;
/// A JVM: its virtual thread.
pub const RUNTIME_JVM: u32 = 3;
/// Node.js: the event that its loop handles.
pub const RUNTIME_NODE: u32 = 4;
/// An interpreter of which only its threads are known: those that wait for what they have asked, and event loops.
pub const RUNTIME_THREADS: u32 = 5;

/// A Rust program whose tasks are tokio's: the task.
pub const RUNTIME_TOKIO: u32 = 6;

/// The context of a call that was made for no request, as the runtime shows: it has never received one, and inherited none.
pub const OF_NOBODY: u64 = u64::MAX;

/// The context of a call of which only the thread is known, and that the thread waits in it: its socket is a blocking one.
pub const WAITS: u64 = u64::MAX - 1;

/// Set in the number of a context that names a receive: its calls are made in the callback of that receive, and in none that is
/// known if nothing else is set (Node.js).
pub const OF_RECEIVE: u64 = 1 << 63;

/// Whether a context is the callback of a receive.
#[must_use]
pub const fn is_of_receive(context: u64) -> bool {
    context > OF_RECEIVE && context < WAITS
}

/// Whether the runtime of a call shows in which callbacks it makes calls.
#[must_use]
pub const fn shows_receives(context: u64) -> bool {
    context >= OF_RECEIVE && context < WAITS
}

/// Set in the number of a context that names a request of a goroutine: the goroutine, and which of its requests.
const OF_GOROUTINE: u64 = 1 << 62;
/// Set in such a number if another goroutine works for that request, which that one started.
const OF_CHILD: u64 = 1 << 61;
/// Set in such a number if it names a stream instead: its connection, and which of that one's.
const OF_STREAM: u64 = 1 << 60;
/// Set in the number of a context that names a request of a task: whoever acts was woken by that task, and may act for others, too.
const OF_WOKEN: u64 = 1 << 59;
/// Bits for which of its requests, or streams; the others, below [`OF_WOKEN`], are the goroutine's number, or below [`OF_STREAM`] the
/// connection's.
const REQUEST_BITS: u32 = 20;

/// Bits of a context's number that says neither.
pub const NUMBERS: u64 = OF_GOROUTINE - 1;

/// A request of a goroutine, as a context's number names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfGoroutine {
    /// The goroutine that received it, as a number of its own among contexts.
    pub receiver: u64,
    /// Which of its requests, by a count that begins again after 2^20.
    pub request: u32,
    /// Another goroutine works for it, which that one started.
    pub is_child: bool,
    /// Whoever works for it works for others, too, each in turn: it is this one's if nothing else was asked meanwhile.
    pub is_woken: bool,
}

impl OfGoroutine {
    /// The context of what a goroutine with this number does for this one of its requests.
    #[must_use]
    pub const fn context(goroutine: u64, request: u64, is_child: bool) -> u64 {
        let child = if is_child { OF_CHILD } else { 0 };
        let number = goroutine << REQUEST_BITS & (OF_WOKEN - 1);
        OF_GOROUTINE | child | number | request & ((1 << REQUEST_BITS) - 1)
    }

    /// The context of what is done by one who was woken from this context, which names a request.
    #[must_use]
    pub const fn woken(context: u64) -> u64 {
        context | OF_CHILD | OF_WOKEN
    }

    /// The context of what is done by one who was started from this context, which names a request.
    #[must_use]
    pub const fn started(context: u64) -> u64 {
        (context | OF_CHILD) & !OF_WOKEN
    }

    /// What a context says, if it names a request of a goroutine.
    #[must_use]
    pub const fn of(context: u64) -> Option<Self> {
        if context & (OF_RECEIVE | OF_GOROUTINE | OF_STREAM) != OF_GOROUTINE {
            return None;
        }
        let request = context as u32 & ((1 << REQUEST_BITS) - 1);
        let receiver = context & !(OF_CHILD | OF_WOKEN) & !((1 << REQUEST_BITS) - 1);
        Some(Self { receiver, request, is_child: context & OF_CHILD != 0, is_woken: context & OF_WOKEN != 0 })
    }

    /// How many requests of the goroutine came after that one, up to this one.
    #[must_use]
    pub const fn after(self, request: u32) -> u32 {
        self.request.wrapping_sub(request) & ((1 << REQUEST_BITS) - 1)
    }
}

/// The request of a stream, as the context's number of whoever handles it names it, which a runtime's own function has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfStream {
    /// Its name among streams: no other one of late has it, but by chance.
    pub stream: u64,
    /// What the one who handles it has started works for it.
    pub is_child: bool,
}

impl OfStream {
    /// The context of what is done for a stream of a connection.
    #[must_use]
    pub const fn context(connection: u64, stream: u64, is_child: bool) -> u64 {
        let child = if is_child { OF_CHILD } else { 0 };
        let number = connection << REQUEST_BITS & (OF_STREAM - 1);
        OF_GOROUTINE | OF_STREAM | child | number | stream & ((1 << REQUEST_BITS) - 1)
    }

    /// The context of what is started by one who works in this context.
    #[must_use]
    pub const fn child(context: u64) -> u64 {
        context | OF_CHILD
    }

    /// What a context says, if it names a stream.
    #[must_use]
    pub const fn of(context: u64) -> Option<Self> {
        if context & (OF_RECEIVE | OF_GOROUTINE | OF_STREAM) != OF_GOROUTINE | OF_STREAM {
            return None;
        }
        Some(Self { stream: context & !OF_CHILD, is_child: context & OF_CHILD != 0 })
    }
}

/// The context of what is done in the callbacks of a stream, as a number of receives ([`is_of_receive`]).
#[must_use]
pub const fn in_callbacks_of(connection: u64, stream: u64) -> u64 {
    OF_RECEIVE | OfStream::context(connection, stream, false)
}

/// Most requests after another one that [`OfGoroutine::after`] tells from requests before it.
pub const MAX_AFTER: u32 = 1 << (REQUEST_BITS - 1);

/// How long after the answer what a goroutine does that a handler has started may belong to the request, ns.
pub const MAX_LATE_NS: u64 = 1_000_000_000;

/// [`Runtime::places`] of Go, in `g`: `goid`.
pub const GO_NUMBER: usize = 0;
/// In `persistConn` of `net/http`: `isClientConn`; 0 where it has none.
pub const GO_CLIENT_CONN: usize = 1;
/// In `g`: `parentGoid`, which `gopc` follows; 0 where it has none.
pub const GO_PARENT: usize = 2;
/// In `m`: `oldp`.
pub const GO_PROCESSOR: usize = 3;
/// In `p`: `goidcache`, which `goidcacheend` follows.
pub const GO_NUMBERS: usize = 4;
/// The number of `waitReasonChanReceive`.
pub const GO_CHANNEL: usize = 5;
/// The number of `waitReasonSyncCondWait`.
pub const GO_CONDITION: usize = 6;
/// [`Runtime::addresses`] of Go: that of `runtime.sched`, which begins with `goidgen`; 0 if it was not found.
pub const GO_SCHED: usize = 0;

/// [`Runtime::addresses`] of Node.js: where the method begins through which all callbacks of reads pass.
pub const NODE_READ: usize = 0;
/// Where the method begins that sends for a session of HTTP/2; 0 where it was not found.
pub const NODE_FLUSH: usize = 1;
/// [`Runtime::places`] of Node.js: how long those methods are, bytes.
pub const NODE_READ_BYTES: usize = 0;
/// The same of the other one.
pub const NODE_FLUSH_BYTES: usize = 1;

/// [`Runtime::addresses`] of tokio: where the number of the running task stands, bytes from the thread pointer (two's complement).
pub const TOKIO_CURRENT: usize = 0;

/// [`Runtime::places`] of threads: not 0 where one that reads requests over sockets in a set of epoll(7) is an event loop. Elsewhere a
/// socket may be left in the set when it is given to a thread (libev).
pub const LOOPS_READ: usize = 0;
/// [`Runtime::places`] of CPython: not 0 where uvloop is there.
pub const UVLOOP: usize = 4;
/// Where the memory of its frames stands in a thread's state, where gevent is there; else 0.
pub const GREENLETS: usize = 5;

/// [`Runtime::places`] of a JVM, in its `JavaThread`: `_stack_base`, which `_stack_size` follows.
pub const JVM_STACK: usize = 0;
/// `_vthread`, the handle of the `java.lang.Thread` that runs; 0 in a JVM without virtual threads.
pub const JVM_VTHREAD: usize = 1;
/// `_monitor_owner_id`, the number of that thread (JDK 24 and newer); 0 where it has none.
pub const JVM_OWNER: usize = 2;
/// `_cont_entry`, not null while a virtual thread runs; 0 where it has none.
pub const JVM_ENTRY: usize = 3;
/// [`Runtime::addresses`] of a JVM: where ZGC keeps the bits that a valid pointer does not have; 0 without that collector.
pub const JVM_BAD: usize = 0;
/// Where it keeps by how many bits such a pointer is shifted; 0 for none.
pub const JVM_SHIFT: usize = 1;

/// What the agent found out about the runtime of a process.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Runtime {
    /// One of `RUNTIME_`.
    pub kind: u32,
    /// Offsets in the runtime's own structures, bytes; their meaning is the runtime's (`agent/src/runtime`).
    pub places: [u32; 7],
    /// Addresses in the process; their meaning is the runtime's.
    pub addresses: [u64; 2],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goroutines_request_is_told_from_all_other_contexts() {
        let context = OfGoroutine::context(77, 5, false);
        let of = OfGoroutine::of(context).unwrap();
        assert_eq!((of.request, of.is_child), (5, false));
        let child = OfGoroutine::of(OfGoroutine::context(77, 6, true)).unwrap();
        assert_eq!(child, OfGoroutine { receiver: of.receiver, request: 6, is_child: true, is_woken: false });
        let woken = OfGoroutine::woken(context);
        assert_eq!(OfGoroutine::of(woken), Some(OfGoroutine { is_child: true, is_woken: true, ..of }));
        assert_eq!(OfGoroutine::started(woken), OfGoroutine::started(context));
        assert!(!OfGoroutine::of(OfGoroutine::context(u64::MAX, 5, false)).unwrap().is_woken);
        assert_ne!(OfGoroutine::of(OfGoroutine::context(78, 5, false)).unwrap().receiver, of.receiver);
        assert!(!shows_receives(context) && !is_of_receive(context));
        for other in [0, 77, NUMBERS, WAITS, OF_NOBODY, OF_RECEIVE, OF_RECEIVE | context] {
            assert_eq!(OfGoroutine::of(other), None, "{other:x}");
        }
    }

    #[test]
    fn a_stream_is_told_from_all_other_contexts() {
        let context = OfStream::context(u64::MAX - 5, 7, false);
        let of = OfStream::of(context).unwrap();
        assert_eq!(OfStream::of(OfStream::child(context)), Some(OfStream { is_child: true, ..of }));
        assert_eq!(OfStream::child(context), OfStream::context(u64::MAX - 5, 7, true));
        for (connection, stream) in [(u64::MAX - 6, 7), (u64::MAX - 5, 9)] {
            assert_ne!(OfStream::of(OfStream::context(connection, stream, false)).unwrap().stream, of.stream);
        }
        assert!(!shows_receives(context) && OfGoroutine::of(context).is_none());
        for other in [0, 77, NUMBERS, WAITS, OF_NOBODY, OF_RECEIVE, OfGoroutine::context(u64::MAX, u64::MAX, true)] {
            assert_eq!(OfStream::of(other), None, "{other:x}");
        }
    }

    #[test]
    fn requests_are_counted_over_the_end_of_the_count() {
        let of = |request| OfGoroutine::of(OfGoroutine::context(77, request, false)).unwrap();
        assert_eq!(of(1 << 20).request, 0, "it begins again");
        assert_eq!((of(2).after(2), of(2).after(1), of((1 << 20) + 1).after(of((1 << 20) - 1).request)), (0, 1, 2));
        assert!(of(1).after(2) > MAX_AFTER);
    }
}
