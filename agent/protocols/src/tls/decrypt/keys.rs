//! The keys of one direction, and records under them (RFC 8446, section 5.2; RFC 5246, section 6.2.3; RFC 5288; RFC 7905).

use zeroize::Zeroizing;

use super::super::record::HEADER;
use super::block::{BLOCK, Block};
use super::cipher::{self, Cipher, Nonce};
use super::schedule::{self, Material};
use super::suite::Suite;
use crate::plain::Secret;

enum Protection {
    Cipher(Box<dyn Cipher>),
    Block(Box<Block>),
}

/// Keys of one direction, of one generation.
pub(super) struct Keys {
    suite: Suite,
    protection: Protection,
    iv: Zeroizing<Nonce>,
    /// What the next generation follows from (TLS 1.3).
    secret: Option<Secret>,
}

impl Keys {
    /// Those of a traffic secret (TLS 1.3).
    pub fn of_traffic(suite: Suite, secret: &Secret) -> Option<Self> {
        let material = schedule::of_traffic(suite, secret)?;
        Self::new(suite, &material, false).map(|keys| Self { secret: Some(secret.clone()), ..keys })
    }

    /// Those of a part of a key block (TLS 1.2).
    pub fn new(suite: Suite, material: &Material, encrypt_then_mac: bool) -> Option<Self> {
        let protection = match cipher::keyed(suite, &material.key) {
            Some(cipher) => Protection::Cipher(cipher),
            None => Protection::Block(Box::new(Block::new(suite, material, encrypt_then_mac)?)),
        };
        Some(Self { suite, protection, iv: material.iv.clone(), secret: None })
    }

    /// Those after a KeyUpdate.
    pub fn next(&self) -> Option<Self> {
        let secret = schedule::update(self.suite, self.secret.as_ref()?)?;
        Self::of_traffic(self.suite, &secret)
    }

    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Decrypts a whole record, the `number`th from 0, onto the end of `plain` if its tag proves it; its content type.
    #[must_use]
    pub fn open(&self, number: u64, record: &[u8], plain: &mut Vec<u8>) -> Option<u8> {
        let (header, body) = record.split_first_chunk::<HEADER>()?;
        let start = plain.len();
        match &self.protection {
            Protection::Block(block) => {
                let kind = header[0];
                block.open(body, |len| head(number, header, len), plain).then_some(kind)
            }
            Protection::Cipher(cipher) => {
                let (explicit, bytes, tag) = self.parts(body)?;
                plain.extend_from_slice(bytes);
                let nonce = self.nonce(number, explicit);
                let opened = self
                    .with_aad(number, header, bytes.len(), |aad| cipher.open(&nonce, aad, &mut plain[start..], tag));
                let kind = if !opened {
                    None
                } else if self.suite.is_13 {
                    inner_kind(&plain[start..]).map(|(kind, len)| {
                        plain.truncate(start + len);
                        kind
                    })
                } else {
                    Some(header[0])
                };
                if kind.is_none() {
                    plain.truncate(start);
                }
                kind
            }
        }
    }

    /// The number of a whole record, if the record itself tells it.
    pub fn number(&self, record: &[u8]) -> Option<u64> {
        let (header, body) = record.split_first_chunk::<HEADER>()?;
        let Protection::Cipher(cipher) = &self.protection else { return None };
        if !self.suite.is_13 {
            return None;
        }
        let (_, bytes, tag) = self.parts(body)?;
        let nonce = cipher.nonce(header, bytes, tag)?;
        let (fixed, number) = nonce.split_first_chunk::<4>()?;
        let (iv_fixed, iv) = self.iv.split_first_chunk::<4>()?;
        let number = number.iter().zip(iv).fold(0, |sum, (byte, iv)| sum << 8 | u64::from(byte ^ iv));
        (fixed == iv_fixed).then_some(number)
    }

    /// The nonce that a record carries in front, as a number.
    pub fn explicit(&self, record: &[u8]) -> Option<u64> {
        let nonce = record.get(HEADER..HEADER + self.suite.explicit())?;
        nonce.try_into().ok().map(u64::from_be_bytes)
    }

    /// Decrypts a record of which the middle is missing: `head` is what is there of it from its header on, `tail` what is there
    /// at its end. `None` if its cipher cannot.
    pub fn open_torn(&self, number: u64, head: &[u8], tail: &[u8], total: usize, plain: &mut Vec<u8>) -> Option<Torn> {
        let Protection::Cipher(cipher) = &self.protection else { return None };
        let (explicit, tag) = (self.suite.explicit(), self.suite.tag());
        let front = HEADER + explicit;
        let nonce = self.nonce(number, head.get(HEADER..front)?);
        // Of what the tag proves, with the inner type in TLS 1.3.
        let len = total.checked_sub(front + tag)?;
        let head = &head[front..];
        let head = &head[..head.len().min(len)];
        let tail = &tail[..tail.len().saturating_sub(tag)];
        let start = plain.len();
        plain.extend_from_slice(head);
        cipher.stream(&nonce, 0, &mut plain[start..]);
        let middle = plain.len();
        plain.extend_from_slice(tail);
        cipher.stream(&nonce, (len - tail.len()) as u64, &mut plain[middle..]);
        let mut torn = Torn { kind: None, len, head: head.len(), tail: tail.len() };
        if !self.suite.is_13 {
            return Some(torn);
        }
        match inner_kind(&plain[middle..]) {
            Some((kind, tail)) => {
                torn.kind = Some(kind);
                torn.len -= plain.len() - middle - tail;
                torn.tail = tail;
                plain.truncate(middle + tail);
            }
            // Nothing but padding, or nothing: the type lies in the middle.
            None => {
                plain.truncate(middle);
                torn.tail = 0;
                torn.len = len.saturating_sub(1).max(torn.head);
            }
        }
        Some(torn)
    }

    /// Fewest bytes of plaintext in a record of `total` bytes.
    pub fn least(&self, total: usize) -> u64 {
        let overhead = match &self.protection {
            Protection::Cipher(_) => HEADER + self.suite.explicit() + self.suite.tag() + usize::from(self.suite.is_13),
            // One block holds the padding, as most libraries have it.
            Protection::Block(block) => HEADER + BLOCK + block.mac() + BLOCK,
        };
        total.saturating_sub(overhead) as u64
    }

    /// The nonce in front, what is encrypted, and the tag.
    fn parts<'a>(&self, body: &'a [u8]) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
        let (explicit, rest) = body.split_at_checked(self.suite.explicit())?;
        let (bytes, tag) = rest.split_at_checked(rest.len().checked_sub(self.suite.tag())?)?;
        Some((explicit, bytes, tag))
    }

    fn nonce(&self, number: u64, explicit: &[u8]) -> Nonce {
        let mut nonce = *self.iv;
        if explicit.len() == 8 {
            nonce[4..].copy_from_slice(explicit);
        } else {
            nonce[4..].iter_mut().zip(number.to_be_bytes()).for_each(|(byte, number)| *byte ^= number);
        }
        nonce
    }

    fn with_aad<T>(&self, number: u64, header: &[u8; HEADER], len: usize, then: impl FnOnce(&[u8]) -> T) -> T {
        if self.suite.is_13 { then(header) } else { then(&head(number, header, len)) }
    }
}

/// What is there of the plaintext of a record whose middle is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Torn {
    /// Inner content type (TLS 1.3), if it was seen.
    pub kind: Option<u8>,
    /// All bytes of its plaintext.
    pub len: usize,
    /// Those that are there from its beginning, and up to its end: they were appended in this order.
    pub head: usize,
    pub tail: usize,
}

/// What is authenticated beside the plaintext up to TLS 1.2: number, type, version, length.
fn head(number: u64, header: &[u8; HEADER], len: usize) -> [u8; 13] {
    let mut head = [0; 13];
    head[..8].copy_from_slice(&number.to_be_bytes());
    head[8..11].copy_from_slice(&header[..3]);
    // Not more than the body, whose length is a u16.
    head[11..].copy_from_slice(&(len as u16).to_be_bytes());
    head
}

/// The inner content type, which is the last byte that is not zero, and where it stands.
fn inner_kind(bytes: &[u8]) -> Option<(u8, usize)> {
    bytes.iter().rposition(|byte| *byte != 0).map(|at| (bytes[at], at))
}
