//! Writing protobuf messages straight into a buffer.
//!
//! A tree of generated message types costs two allocations and a walk for lengths for every attribute. Here a nested message
//! is written after its length where that is known ([`message_of`](Writer::message_of)), else after as many bytes as its length
//! probably takes, which is put right in the rare case that it takes another number.

use prost::encoding::{WireType, encoded_len_varint};

/// Bytes of a field of type `string`, `bytes` or message, whose number is below 16, with `length` bytes in it.
#[inline]
pub fn field_len(length: usize) -> usize {
    1 + varint_len(length as u64) + length
}

/// The byte in front of a field of type `string`, `bytes` or message, whose number is below 16.
#[must_use]
pub const fn tag(field: u32) -> u8 {
    (field << 3) as u8 | WireType::LengthDelimited as u8
}

/// Bytes of a number.
#[inline]
pub fn varint_len(value: u64) -> usize {
    encoded_len_varint(value)
}

/// A protobuf message being written.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A writer with room for `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes that are encoded already.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    #[inline]
    fn key(&mut self, field: u32, kind: WireType) {
        self.number(u64::from(field << 3 | kind as u32));
    }

    #[inline]
    fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A field of type `string` or `bytes`, also when it is empty.
    #[inline]
    pub fn bytes(&mut self, field: u32, value: &[u8]) {
        self.key(field, WireType::LengthDelimited);
        self.number(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// A field of type `string` or `bytes` outside a `oneof`: its default, the empty one, is left out.
    pub fn bytes_unless_empty(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.bytes(field, value);
        }
    }

    /// A field of type `int32`, `int64`, `bool` or an enumeration.
    #[inline]
    pub fn varint(&mut self, field: u32, value: u64) {
        self.key(field, WireType::Varint);
        self.number(value);
    }

    /// A field of type `fixed64`.
    #[inline]
    pub fn fixed64(&mut self, field: u32, value: u64) {
        self.key(field, WireType::SixtyFourBit);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A field that is a message of `length` bytes, written by `body`.
    #[inline]
    pub fn message_of(&mut self, field: u32, length: usize, body: impl FnOnce(&mut Self)) {
        self.key(field, WireType::LengthDelimited);
        self.number(length as u64);
        let end = self.bytes.len() + length;
        body(self);
        debug_assert_eq!(self.bytes.len(), end, "field {field} has another length than was said");
    }

    /// A field that is a message, written by `body`.
    pub fn message(&mut self, field: u32, body: impl FnOnce(&mut Self)) {
        self.message_of_about(field, 0, body);
    }

    /// A field that is a message, written by `body`; its length probably takes as many bytes as the number `about`.
    pub fn message_of_about(&mut self, field: u32, about: usize, body: impl FnOnce(&mut Self)) {
        self.key(field, WireType::LengthDelimited);
        let at = self.bytes.len();
        let guess = varint_len(about as u64);
        self.bytes.resize(at + guess, 0);
        body(self);
        let end = self.bytes.len();
        let (prefix, width) = varint((end - at - guess) as u64);
        if width != guess {
            self.bytes.resize(end.max(end + width - guess), 0);
            self.bytes.copy_within(at + guess..end, at + width);
            self.bytes.truncate(end + width - guess);
        }
        if let Some(place) = self.bytes.get_mut(at..at + width) {
            place.copy_from_slice(&prefix[..width]);
        }
    }
}

/// A number as it is written, and how many of these bytes it takes.
#[inline]
fn varint(mut value: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let width = varint_len(value);
    for byte in &mut bytes[..width - 1] {
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
    bytes[width - 1] = value as u8;
    (bytes, width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::encoding::encode_varint;

    #[test]
    fn numbers_are_those_of_prost() {
        for value in (0..64).flat_map(|bits| [(1_u64 << bits) - 1, 1 << bits]).chain([u64::MAX]) {
            let mut writer = Writer::default();
            writer.number(value);
            let mut expected = Vec::new();
            encode_varint(value, &mut expected);
            assert_eq!(writer.into_bytes(), expected, "{value}");
            assert_eq!(varint_len(value), expected.len(), "{value}");
        }
    }

    #[test]
    fn lengths_of_every_width_are_minimal_and_right() {
        for size in [0_usize, 1, 125, 126, 127, 128, 129, 16_380, 16_381, 16_384, 2_097_151, 2_097_152] {
            let mut writer = Writer::default();
            writer.message(1, |inner| inner.message(2, |leaf| leaf.bytes.resize(leaf.bytes.len() + size, 7)));
            let bytes = writer.into_bytes();
            let mut expected = vec![0x12];
            encode_varint(size as u64, &mut expected);
            expected.resize(expected.len() + size, 7);
            let mut outer = vec![0x0a];
            encode_varint(expected.len() as u64, &mut outer);
            outer.extend_from_slice(&expected);
            assert!(bytes == outer, "a message of {size} bytes");
            let mut known = Writer::default();
            known.message_of(1, field_len(size), |inner| {
                inner.message_of(2, size, |leaf| leaf.bytes.resize(leaf.bytes.len() + size, 7));
            });
            assert!(known.into_bytes() == outer, "a message of {size} bytes, known before");
            for about in [0, 128, 100_000, 10_000_000] {
                let mut guessed = Writer::default();
                guessed.message_of_about(1, about, |inner| {
                    inner.message(2, |leaf| leaf.bytes.resize(leaf.bytes.len() + size, 7));
                });
                assert!(guessed.into_bytes() == outer, "a message of {size} bytes, expected {about}");
            }
        }
    }
}
