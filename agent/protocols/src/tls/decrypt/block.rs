//! Records in blocks: CBC with a MAC of the plaintext (RFC 5246, section 6.2.3.2) or of what is encrypted (RFC 7366).

use aes::cipher::{Array, BlockModeDecrypt as _, InnerIvInit as _};
use aes::{Aes128, Aes256};
use hmac::{Hmac, KeyInit as _};
use sha1::Sha1;
use sha2::{Sha256, Sha384};

use super::schedule::Material;
use super::suite::{Hash, Seal, Suite};

/// Bytes of a block, and of the vector in front of a record.
pub(super) const BLOCK: usize = 16;

/// The MAC's keyed hash.
enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
}

impl Keyed {
    fn new(hash: Hash, key: &[u8]) -> Option<Self> {
        Some(match hash {
            Hash::Sha1 => Self::Sha1(Hmac::new_from_slice(key).ok()?),
            Hash::Sha256 => Self::Sha256(Hmac::new_from_slice(key).ok()?),
            Hash::Sha384 => Self::Sha384(Hmac::new_from_slice(key).ok()?),
        })
    }

    fn proves(&self, parts: [&[u8]; 2], mac: &[u8]) -> bool {
        fn proves<M: hmac::Mac + Clone>(keyed: &M, parts: [&[u8]; 2], mac: &[u8]) -> bool {
            let mut keyed = keyed.clone();
            parts.iter().for_each(|part| keyed.update(part));
            keyed.verify_slice(mac).is_ok()
        }
        match self {
            Self::Sha1(keyed) => proves(keyed, parts, mac),
            Self::Sha256(keyed) => proves(keyed, parts, mac),
            Self::Sha384(keyed) => proves(keyed, parts, mac),
        }
    }
}

/// AES with its decrypting key schedule.
enum Aes {
    Short(Box<Aes128>),
    Long(Box<Aes256>),
}

/// The keys of one direction.
pub(super) struct Block {
    aes: Aes,
    keyed: Keyed,
    mac: usize,
    encrypt_then_mac: bool,
}

impl Block {
    pub fn new(suite: Suite, material: &Material, encrypt_then_mac: bool) -> Option<Self> {
        let Seal::Cbc(hash) = suite.seal else { return None };
        let aes = match suite.key {
            16 => Aes::Short(Box::new(Aes128::new_from_slice(&material.key).ok()?)),
            _ => Aes::Long(Box::new(Aes256::new_from_slice(&material.key).ok()?)),
        };
        Some(Self { aes, keyed: Keyed::new(hash, &material.mac)?, mac: hash.len(), encrypt_then_mac })
    }

    /// Bytes of a MAC.
    pub fn mac(&self) -> usize {
        self.mac
    }

    /// Decrypts the body of a record (its vector, blocks, MAC) onto the end of `plain` if its MAC proves it. `head` gives what the
    /// MAC begins with, for so many bytes.
    #[must_use]
    pub fn open(&self, body: &[u8], head: impl Fn(usize) -> [u8; 13], plain: &mut Vec<u8>) -> bool {
        let start = plain.len();
        let len = if self.encrypt_then_mac {
            self.open_proved(body, &head, plain)
        } else {
            self.open_first(body, &head, plain)
        };
        plain.truncate(start + len.unwrap_or(0));
        len.is_some()
    }

    fn open_proved(&self, body: &[u8], head: &impl Fn(usize) -> [u8; 13], plain: &mut Vec<u8>) -> Option<usize> {
        let (sealed, mac) = body.split_at_checked(body.len().checked_sub(self.mac)?)?;
        if !self.keyed.proves([&head(sealed.len()), sealed], mac) {
            return None;
        }
        let bytes = self.decrypt(sealed, plain)?;
        unpadded(bytes)
    }

    fn open_first(&self, body: &[u8], head: &impl Fn(usize) -> [u8; 13], plain: &mut Vec<u8>) -> Option<usize> {
        let bytes = self.decrypt(body, plain)?;
        let len = unpadded(bytes)?;
        let (text, mac) = bytes[..len].split_at_checked(len.checked_sub(self.mac)?)?;
        self.keyed.proves([&head(text.len()), text], mac).then_some(text.len())
    }

    /// Appends the blocks after the vector, in clear.
    fn decrypt<'a>(&self, sealed: &[u8], plain: &'a mut Vec<u8>) -> Option<&'a mut [u8]> {
        let (iv, blocks) = sealed.split_first_chunk::<BLOCK>()?;
        let (blocks, rest) = Array::<u8, aes::cipher::consts::U16>::slice_as_chunks(blocks);
        if blocks.is_empty() || !rest.is_empty() {
            return None;
        }
        let start = plain.len();
        plain.extend_from_slice(&sealed[BLOCK..]);
        let bytes = &mut plain[start..];
        let (blocks, _) = Array::slice_as_chunks_mut(bytes);
        match &self.aes {
            Aes::Short(aes) => cbc::Decryptor::<&Aes128>::inner_iv_init(aes, iv.into()).decrypt_blocks(blocks),
            Aes::Long(aes) => cbc::Decryptor::<&Aes256>::inner_iv_init(aes, iv.into()).decrypt_blocks(blocks),
        }
        Some(bytes)
    }
}

/// Bytes before the padding: each of its bytes is their number less one.
fn unpadded(bytes: &[u8]) -> Option<usize> {
    let last = *bytes.last()?;
    let len = bytes.len().checked_sub(usize::from(last) + 1)?;
    bytes[len..].iter().all(|byte| *byte == last).then_some(len)
}
