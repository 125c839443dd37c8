//! A body of gRPC-Web (grpc/grpc, `doc/PROTOCOL-WEB.md`): messages, behind them trailers, which are part of the body; perhaps all of it
//! in base64. What is lost within a message costs nothing; elsewhere it costs the number of messages. Trailers are found at
//! the end of the body, where their length says that they are all that is left.

use super::grpc::{Call, Coding};
use super::messages::{COMPRESSED, Messages, TRAILERS};
use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// Most bytes of the end of a body that are kept once it is not known where messages begin.
const MAX_TAIL: usize = 1024;
/// Bytes before trailers: what they are, and how long.
const PREFIX: usize = 5;
/// The first of them, where they are compressed.
const COMPRESSED_TRAILERS: u8 = TRAILERS | COMPRESSED;
/// Most bytes of trailers that were compressed.
const MAX_INFLATED: usize = 4096;
/// Bytes that are decoded at once.
const PIECE: usize = 768;

/// The reader of a body.
#[derive(Debug)]
pub(crate) struct Body {
    coding: Coding,
    quad: Quad,
    messages: Messages,
    /// Bytes of the body, decoded.
    total: u64,
    trailers: Vec<u8>,
    /// The last bytes that were contiguous, as they were sent; only where messages are lost.
    tail: Vec<u8>,
}

/// Characters of base64 that make no whole bytes yet.
#[derive(Clone, Copy, Debug, Default)]
struct Quad {
    bits: u32,
    count: u8,
}

impl Body {
    pub(crate) fn new(coding: Coding) -> Self {
        let (quad, messages) = (Quad::default(), Messages::default());
        Self { coding, quad, messages, total: 0, trailers: Vec::new(), tail: Vec::new() }
    }

    /// Bytes of it, as they are sent.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        if self.messages.is_lost() {
            return self.remember(bytes);
        }
        match self.coding {
            Coding::Binary => self.read(bytes),
            Coding::Text => {
                for piece in bytes.chunks(PIECE) {
                    let mut decoded = Vec::with_capacity(piece.len());
                    if self.quad.decode(piece, &mut decoded).is_none() {
                        self.messages.lose();
                    }
                    self.read(&decoded);
                }
            }
        }
        if self.messages.is_lost() {
            self.remember(bytes);
        }
    }

    fn read(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        self.messages.read(bytes, Some(&mut self.trailers));
    }

    fn remember(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(bytes.len().saturating_sub(MAX_TAIL)..).unwrap_or_default();
        let excess = (self.tail.len() + bytes.len()).saturating_sub(MAX_TAIL);
        self.tail.drain(..excess.min(self.tail.len()));
        self.tail.extend_from_slice(bytes);
    }

    /// So many bytes of it that nobody saw.
    pub(crate) fn gap(&mut self, len: u64) {
        self.tail.clear();
        match self.coding {
            Coding::Binary => {
                self.total += len;
                self.messages.gap(len);
            }
            // How many bytes they make is up to their padding.
            Coding::Text => self.messages.lose(),
        }
    }

    /// What was lost may have been anything, and so may what follows.
    pub(crate) fn lose(&mut self) {
        self.tail.clear();
        self.messages.lose();
    }

    /// How many messages there were, now that it is over.
    pub(crate) fn count(&self) -> Option<u64> {
        self.messages.count(self.total)
    }

    /// Keeps what its trailers say. False if they may have been lost.
    pub(crate) fn end(self, call: &mut Call) -> bool {
        call.response_messages = self.count();
        let trailers = match self.coding {
            _ if !self.messages.is_lost() => {
                let text = if self.messages.has_compressed_trailers() {
                    inflated(&self.trailers)
                } else {
                    Some(self.trailers)
                };
                // Nothing is kept of what is compressed otherwise.
                Some(text.unwrap_or_default())
            }
            Coding::Binary => found(&self.tail),
            Coding::Text => (0..4).find_map(|skip| {
                let mut decoded = Vec::with_capacity(MAX_TAIL);
                Quad::default().decode(self.tail.get(skip..)?, &mut decoded)?;
                found(&decoded)
            }),
        };
        trailers.map(|trailers| keep(&trailers, call)).is_some()
    }

    /// Heap bytes held.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.trailers.capacity() + self.tail.capacity()
    }
}

impl Quad {
    /// `None`: this is not base64.
    fn decode(&mut self, text: &[u8], into: &mut Vec<u8>) -> Option<()> {
        for byte in text {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' | b'-' => 62,
                b'/' | b'_' => 63,
                b'\r' | b'\n' => continue,
                b'=' => {
                    // The first one ends the bytes, the second one only fills.
                    let whole = self.count.saturating_sub(1);
                    let bits = self.bits << (6 * u32::from(4 - self.count));
                    into.extend_from_slice(
                        bits.to_be_bytes().get(1..=usize::from(whole)).filter(|_| whole > 0).unwrap_or_default(),
                    );
                    *self = Self::default();
                    continue;
                }
                _ => return None,
            };
            (self.bits, self.count) = (self.bits << 6 | u32::from(value), self.count + 1);
            if self.count == 4 {
                into.extend_from_slice(self.bits.to_be_bytes().get(1..).unwrap_or_default());
                *self = Self::default();
            }
        }
        Some(())
    }
}

/// Trailers at the end of these bytes.
fn found(tail: &[u8]) -> Option<Vec<u8>> {
    tail.windows(PREFIX).enumerate().find_map(|(at, prefix)| {
        let rest = tail.get(at + PREFIX..)?;
        let (kind, length) = prefix.split_first()?;
        let is_all = u32::from_be_bytes(*length.first_chunk()?) as usize == rest.len();
        let text = match *kind {
            TRAILERS if is_all => rest.to_vec(),
            COMPRESSED_TRAILERS if is_all => inflated(rest)?,
            _ => return None,
        };
        (text.is_ascii() && text.contains(&b':')).then_some(text)
    })
}

/// What was compressed by gzip (RFC 1952), without names and comments.
fn inflated(bytes: &[u8]) -> Option<Vec<u8>> {
    /// Magic, deflate, no flags.
    const BEGINNING: &[u8] = &[0x1f, 0x8b, 8, 0];
    const HEADER: usize = 10;
    let body = bytes.get(HEADER..).filter(|_| bytes.starts_with(BEGINNING))?;
    decompress_to_vec_with_limit(body, MAX_INFLATED).ok()
}

/// Keeps what trailers say.
fn keep(trailers: &[u8], call: &mut Call) {
    for line in trailers.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.trim_ascii().eq_ignore_ascii_case(b"grpc-status") {
            call.keep_status(value);
        } else if name.trim_ascii().eq_ignore_ascii_case(b"grpc-message") {
            call.keep_message(value);
        }
    }
}

#[cfg(test)]
mod tests;
