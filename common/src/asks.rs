//! The record of who asks on a stream.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// [`Asks`].
pub const KIND_ASKS: u8 = 9;

/// Who asks on a stream of a connection for which something else sends: the runtime's function says it in which it asks. Mostly before the
/// call that sends the request.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Asks {
    /// [`KIND_ASKS`].
    pub kind: u8,
    /// Zero.
    pub reserved: [u8; 3],
    /// Thread group id.
    pub pid: u32,
    /// Connection id.
    pub connection: u64,
    /// Kernel time, ns.
    pub at_ns: u64,
    /// Who asks: as [`Data::context`](crate::record::Data::context).
    pub context: u64,
    /// The stream's number (RFC 9113, section 5.1.1).
    pub stream: u32,
    /// Thread id.
    pub tid: u32,
}
