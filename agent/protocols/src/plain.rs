//! What lets a session read what is encrypted, and what it reads then.
//!
//! Whoever takes part in a handshake of TLS derives secrets from it. Libraries tell them to those who ask for a log of keys; what
//! they tell is a [`Secret`], and the random of the client's first message says of which handshake it is. A session that knows
//! them decrypts, and hands on what comes out as [`Plain`]: bytes of another connection inside this one.

use std::fmt;
use std::ops::Range;

use zeroize::Zeroize as _;

use crate::stream::{Direction, Stamp};

/// The random of a ClientHello (RFC 8446, section 4.1.2): what names a handshake.
pub type Random = [u8; 32];

/// Longest secret, bytes: that of a hash of 512 bits.
pub const MAX_SECRET: usize = 64;

/// Which secret of a handshake it is, by its label in a log of keys (RFC 9850, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// `CLIENT_RANDOM`: the master secret up to TLS 1.2.
    Master,
    /// `CLIENT_EARLY_TRAFFIC_SECRET`: of data that the client sends before the server has answered.
    ClientEarly,
    /// `CLIENT_HANDSHAKE_TRAFFIC_SECRET`.
    ClientHandshake,
    /// `SERVER_HANDSHAKE_TRAFFIC_SECRET`.
    ServerHandshake,
    /// `CLIENT_TRAFFIC_SECRET_0`.
    ClientTraffic,
    /// `SERVER_TRAFFIC_SECRET_0`.
    ServerTraffic,
}

impl SecretKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Master,
        Self::ClientEarly,
        Self::ClientHandshake,
        Self::ServerHandshake,
        Self::ClientTraffic,
        Self::ServerTraffic,
    ];

    /// Its label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Master => "CLIENT_RANDOM",
            Self::ClientEarly => "CLIENT_EARLY_TRAFFIC_SECRET",
            Self::ClientHandshake => "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            Self::ServerHandshake => "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            Self::ClientTraffic => "CLIENT_TRAFFIC_SECRET_0",
            Self::ServerTraffic => "SERVER_TRAFFIC_SECRET_0",
        }
    }

    /// The one with this label; `None` for secrets that decrypt nothing.
    #[must_use]
    pub fn labelled(label: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.label().as_bytes() == label)
    }
}

/// A secret. Erased when it is dropped, and shown by nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Which.
    pub kind: SecretKind,
    bytes: [u8; MAX_SECRET],
    len: u8,
}

impl Secret {
    /// A secret of these bytes; `None` if there are none, or more than [`MAX_SECRET`].
    #[must_use]
    pub fn new(kind: SecretKind, secret: &[u8]) -> Option<Self> {
        let mut bytes = [0; MAX_SECRET];
        bytes.get_mut(..secret.len()).filter(|room| !room.is_empty())?.copy_from_slice(secret);
        Some(Self { kind, bytes, len: u8::try_from(secret.len()).ok()? })
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secret({:?})", self.kind)
    }
}

/// The secrets of a session that goes on, as its library's object holds them: of both sides' traffic, of whatever generation, in fields
/// of [`MAX_SECRET`] bytes whatever their length. Of which connection they are is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What the client encrypts with.
    pub client: Secret,
    /// What the server encrypts with.
    pub server: Secret,
}

/// A piece of what was decrypted, in the order of its direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainPiece {
    /// Which way it went.
    pub direction: Direction,
    /// Position of its first byte in its data stream: as long as all of a connection's records have the same overhead, positions
    /// go on without a jump, and are the same at both ends, whoever joined when.
    pub pos: u64,
    /// What it is.
    pub what: PlainBytes,
    /// When and by whom the records that it is of were sent or received.
    pub stamp: Stamp,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlainBytes {
    /// These of [`Plain::bytes`].
    Shown {
        /// Where they stand.
        range: Range<usize>,
        /// The last byte is the last of a call.
        ends_call: bool,
    },
    /// So many bytes that nobody could read.
    Gap(u64),
    /// Nothing more is sent that way: its sender said so.
    End,
}

/// What was decrypted. Reused between calls: whoever takes the pieces clears it.
#[derive(Debug, Default)]
pub struct Plain {
    /// Bytes of all pieces.
    pub bytes: Vec<u8>,
    /// The pieces, in the order in which they are to be read.
    pub pieces: Vec<PlainPiece>,
}

impl Plain {
    /// Forgets the pieces and their bytes.
    pub fn clear(&mut self) {
        // It is no more secret than what others say in plain text; to overwrite it, whatever it had room for, costs as much as to decrypt it.
        self.bytes.clear();
        self.pieces.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_bounded_and_not_shown() {
        let secret = Secret::new(SecretKind::Master, &[7; 48]).unwrap();
        assert_eq!((secret.bytes(), format!("{secret:?}")), (&[7; 48][..], "Secret(Master)".to_owned()));
        assert!(Secret::new(SecretKind::Master, &[]).is_none());
        assert!(Secret::new(SecretKind::Master, &[7; MAX_SECRET + 1]).is_none());
        for kind in SecretKind::ALL {
            assert_eq!(SecretKind::labelled(kind.label().as_bytes()), Some(kind));
        }
        assert_eq!(SecretKind::labelled(b"EXPORTER_SECRET"), None);
    }
}
