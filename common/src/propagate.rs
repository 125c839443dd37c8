//! What both sides know of the header that is put into requests (`wirespan.propagate`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes of the header with its line end: `traceparent: 00-<trace id>-<span id>-01`.
pub const HEADER_BYTES: usize = 70;

/// A header that was put into what a process sends.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Inserted {
    /// [`KIND_INSERTED`](crate::record::KIND_INSERTED).
    pub kind: u8,
    /// Zero.
    pub reserved: u8,
    /// The header, as it was sent.
    pub header: [u8; HEADER_BYTES],
    /// Connection id.
    pub connection: u64,
    /// Stream position of its first byte.
    pub position: u64,
    /// `CLOCK_MONOTONIC` ns.
    pub at_ns: u64,
}

/// Ids of a span in the order in which they are written: what a thread works for, as profilers read it
/// (`traces_ctx_v1` of the OpenTelemetry eBPF profiler).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Ids {
    /// Trace id.
    pub trace_id: [u8; 16],
    /// Span id.
    pub span_id: [u8; 8],
}

/// Threads in the map of [`Ids`].
pub const MAX_WORKING: u32 = 16 * 1024;
