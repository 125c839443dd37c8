//! The record of a span that an SDK tells.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

#[cfg(doc)]
use crate::record::Data;

/// Bytes of the record of an SDK that a [`Span`] has: from `trace_id` to `flags`.
pub const SPAN_BYTES: u32 = 26;

/// The span that a thread is in when it begins to send, as the SDK of its process says (OTEP 4947); before the [`Data`] of that call.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Span {
    /// [`KIND_SPAN`](crate::record::KIND_SPAN).
    pub kind: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// Thread group id.
    pub pid: u32,
    /// Connection id.
    pub connection: u64,
    /// [`Data::position`] of the call.
    pub position: u64,
    /// [`Data::first_ns`] of the call.
    pub at_ns: u64,
    /// Trace id, as in `traceparent`.
    pub trace_id: [u8; 16],
    /// Span id, as in `traceparent`.
    pub span_id: [u8; 8],
    /// 1.
    pub valid: u8,
    /// Trace flags, as in `traceparent`.
    pub flags: u8,
    /// Zero.
    pub reserved2: [u8; 6],
}
