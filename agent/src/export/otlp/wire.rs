//! Writing protobuf messages straight into a buffer, on `prost`'s primitives.
//!
//! A tree of generated message types costs two allocations and a walk for lengths for every attribute; here a nested message
//! is written after one reserved byte, which is widened in the rare case that its length needs more.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

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

    /// A field of type `string` or `bytes`, also when it is empty.
    pub fn bytes(&mut self, field: u32, value: &[u8]) {
        encode_key(field, WireType::LengthDelimited, &mut self.bytes);
        encode_varint(value.len() as u64, &mut self.bytes);
        self.bytes.extend_from_slice(value);
    }

    /// A field of type `string` or `bytes` outside a `oneof`: its default, the empty one, is left out.
    pub fn bytes_unless_empty(&mut self, field: u32, value: &[u8]) {
        if !value.is_empty() {
            self.bytes(field, value);
        }
    }

    /// A field of type `int32`, `int64`, `bool` or an enumeration.
    pub fn varint(&mut self, field: u32, value: u64) {
        encode_key(field, WireType::Varint, &mut self.bytes);
        encode_varint(value, &mut self.bytes);
    }

    /// A field of type `fixed64`.
    pub fn fixed64(&mut self, field: u32, value: u64) {
        encode_key(field, WireType::SixtyFourBit, &mut self.bytes);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A field of type `double`.
    pub fn double(&mut self, field: u32, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    /// A field of type `sint32`.
    pub fn zigzag(&mut self, field: u32, value: i32) {
        self.varint(field, u64::from(((value << 1) ^ (value >> 31)).cast_unsigned()));
    }

    /// A packed field of type `repeated fixed64` or, by their bits, `repeated double`.
    pub fn packed_fixed64(&mut self, field: u32, values: impl Iterator<Item = u64>) {
        self.message(field, |writer| values.for_each(|value| writer.bytes.extend_from_slice(&value.to_le_bytes())));
    }

    /// A packed field of type `repeated uint64`.
    pub fn packed_varint(&mut self, field: u32, values: impl Iterator<Item = u64>) {
        self.message(field, |writer| values.for_each(|value| encode_varint(value, &mut writer.bytes)));
    }

    /// A field that is a message, written by `body`.
    pub fn message(&mut self, field: u32, body: impl FnOnce(&mut Self)) {
        encode_key(field, WireType::LengthDelimited, &mut self.bytes);
        let at = self.bytes.len();
        self.bytes.push(0);
        body(self);
        let end = self.bytes.len();
        let length = (end - at - 1) as u64;
        let width = encoded_len_varint(length);
        if width > 1 {
            self.bytes.resize(end + width - 1, 0);
            self.bytes.copy_within(at + 1..end, at + width);
        }
        if let Some(mut prefix) = self.bytes.get_mut(at..at + width) {
            encode_varint(length, &mut prefix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        }
    }
}
