//! What a cipher suite is made of (IANA, "TLS Cipher Suites"): only those that can be decrypted.

use super::super::names::TLS13;

/// TLS 1.2.
pub(super) const TLS12: u16 = 0x0303;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
}

impl Hash {
    /// Bytes of a hash.
    pub fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

/// How records are protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// AES-GCM (RFC 5288).
    Gcm,
    /// ChaCha20-Poly1305 (RFC 7905).
    ChaCha,
    /// AES-CCM with a tag of 16 bytes (RFC 6655).
    Ccm,
    /// The same with one of 8 bytes.
    Ccm8,
    /// AES-CBC with a MAC of this hash (RFC 5246, section 6.2.3.2).
    Cbc(Hash),
}

/// The parts of a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suite {
    pub seal: Seal,
    /// Bytes of a key.
    pub key: usize,
    /// What secrets are expanded with.
    pub hash: Hash,
    pub is_13: bool,
}

impl Suite {
    /// `None` for what cannot be decrypted: versions before TLS 1.2, ciphers that nobody should use any more.
    pub fn of(version: u16, code: u16) -> Option<Self> {
        use Hash::{Sha1, Sha256, Sha384};
        use Seal::{Cbc, Ccm, Ccm8, ChaCha, Gcm};
        let is_13 = version == TLS13;
        if is_13 != (0x1301..=0x1305).contains(&code) || !(is_13 || version == TLS12) {
            return None;
        }
        let (seal, key, hash) = match code {
            0x1301 => (Gcm, 16, Sha256),
            0x1302 => (Gcm, 32, Sha384),
            0x1304 => (Ccm, 16, Sha256),
            0x1305 => (Ccm8, 16, Sha256),
            0x1303 | 0xcca8..=0xccae => (ChaCha, 32, Sha256),
            0x009c | 0x009e | 0x00a8 | 0x00aa | 0xc02b | 0xc02f | 0xd001 => (Gcm, 16, Sha256),
            0x009d | 0x009f | 0x00a9 | 0x00ab | 0xc02c | 0xc030 | 0xd002 => (Gcm, 32, Sha384),
            0xc09c | 0xc09e | 0xc0ac => (Ccm, 16, Sha256),
            0xc09d | 0xc09f | 0xc0ad => (Ccm, 32, Sha256),
            0xc0a0 | 0xc0a2 | 0xc0ae => (Ccm8, 16, Sha256),
            0xc0a1 | 0xc0a3 | 0xc0af => (Ccm8, 32, Sha256),
            0x002f | 0x0033 | 0xc009 | 0xc013 => (Cbc(Sha1), 16, Sha256),
            0x0035 | 0x0039 | 0xc00a | 0xc014 => (Cbc(Sha1), 32, Sha256),
            0x003c | 0x0067 | 0x00ae | 0xc023 | 0xc027 => (Cbc(Sha256), 16, Sha256),
            0x003d | 0x006b => (Cbc(Sha256), 32, Sha256),
            0xc024 | 0xc028 => (Cbc(Sha384), 32, Sha384),
            _ => return None,
        };
        Some(Self { seal, key, hash, is_13 })
    }

    /// Bytes of a tag.
    pub fn tag(self) -> usize {
        if self.seal == Seal::Ccm8 { 8 } else { 16 }
    }

    /// Bytes of the nonce that each record carries in front.
    pub fn explicit(self) -> usize {
        match self.seal {
            Seal::Gcm | Seal::Ccm | Seal::Ccm8 if !self.is_13 => 8,
            _ => 0,
        }
    }

    /// Bytes that a record has beside its plaintext, header included; `None` if they depend on it.
    pub fn overhead(self) -> Option<u64> {
        let fixed = !matches!(self.seal, Seal::Cbc(_));
        fixed.then(|| (5 + self.explicit() + self.tag() + usize::from(self.is_13)) as u64)
    }

    /// Bytes that a record has beside its plaintext, if its padding is in one block.
    pub fn most_overhead(self) -> u64 {
        match self.seal {
            Seal::Cbc(hash) => (5 + 16 + hash.len() + 16) as u64,
            _ => self.overhead().unwrap_or(0),
        }
    }

    /// Bytes that a record has at least.
    pub fn shortest(self) -> u64 {
        // A vector, and a block with some MAC.
        self.overhead().unwrap_or(5 + 16 + 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overheads_are_those_of_the_standards() {
        let overhead = |version, code| Suite::of(version, code).and_then(Suite::overhead);
        assert_eq!(
            [overhead(TLS13, 0x1301), overhead(TLS13, 0x1303), overhead(TLS13, 0x1305)],
            [Some(22), Some(22), Some(14)]
        );
        assert_eq!(
            [overhead(TLS12, 0xc02f), overhead(TLS12, 0xcca8), overhead(TLS12, 0xc013)],
            [Some(29), Some(21), None]
        );
        assert_eq!(Suite::of(0x0302, 0xc013), None, "TLS 1.1");
        assert_eq!(Suite::of(TLS12, 0x1301), None);
        assert_eq!(Suite::of(TLS13, 0xc02f), None);
        assert_eq!(Suite::of(TLS12, 0x000a), None, "3DES");
    }
}
