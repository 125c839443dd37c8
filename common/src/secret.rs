//! The record of a secret of TLS.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Longest secret of a TLS handshake, bytes.
pub const MAX_SECRET: usize = 64;
/// Most bytes of a label: the longest that is used is `SERVER_HANDSHAKE_TRAFFIC_SECRET`, with a NUL.
pub const MAX_LABEL: usize = 32;

/// The labels of secrets that decrypt something (RFC 9850, section 2); the last are empty.
pub const LABELS: [[u8; MAX_LABEL]; 8] = [
    label(b"CLIENT_RANDOM"),
    label(b"CLIENT_EARLY_TRAFFIC_SECRET"),
    label(b"CLIENT_HANDSHAKE_TRAFFIC_SECRET"),
    label(b"SERVER_HANDSHAKE_TRAFFIC_SECRET"),
    label(b"CLIENT_TRAFFIC_SECRET_0"),
    label(b"SERVER_TRAFFIC_SECRET_0"),
    label(b""),
    label(b""),
];

const fn label(text: &[u8]) -> [u8; MAX_LABEL] {
    let mut label = [0; MAX_LABEL];
    let mut at = 0;
    while at < text.len() {
        label[at] = text[at];
        at += 1;
    }
    label
}

/// A secret of a TLS handshake (RFC 9850): what a library hands to its function for logs of keys.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
pub struct Secret {
    /// [`KIND_SECRET`](crate::record::KIND_SECRET).
    pub kind: u8,
    /// Bytes of the secret.
    pub len: u8,
    /// Not 0: it was read from the object of a session that goes on, [`MAX_SECRET`] bytes as they lie there.
    pub is_live: u8,
    /// Zero.
    pub reserved: u8,
    /// Process whose library it is.
    pub pid: u32,
    /// `CLOCK_MONOTONIC` ns.
    pub at_ns: u64,
    /// The random of the ClientHello.
    pub random: [u8; 32],
    /// Which secret it is; zeroes behind it.
    pub label: [u8; MAX_LABEL],
    /// The secret, in its first `len` bytes.
    pub secret: [u8; MAX_SECRET],
}
