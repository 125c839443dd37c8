//! Messages of gRPC in a body: each behind five bytes, which say whether it is compressed, and how long it is.

/// Bytes before each message.
const PREFIX: u8 = 5;
/// In the first of them: trailers follow, not a message (gRPC-Web).
pub(crate) const TRAILERS: u8 = 0x80;
/// In the first of them: what follows is compressed.
pub(crate) const COMPRESSED: u8 = 1;
/// Most bytes of trailers that are kept.
const MAX_TRAILERS: usize = 2048;

/// Counts the messages of a body.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Messages {
    count: u64,
    /// Bytes of the body that were looked at.
    total: u64,
    /// Bytes of the message that are still to come.
    left: u32,
    /// Bytes seen of the prefix, and their value so far.
    seen: u8,
    length: u32,
    is_lost: bool,
    /// What follows the last prefix are trailers: that prefix's first byte, else 0.
    trailers: u8,
}

impl Messages {
    /// Bytes of the body.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.read(bytes, None);
    }

    /// Bytes of a body that may have `trailers`, which are put there.
    pub(crate) fn read(&mut self, bytes: &[u8], mut trailers: Option<&mut Vec<u8>>) {
        self.total += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_lost {
            let len = usize::try_from(self.left).map_or(rest.len(), |left| left.min(rest.len()));
            if let Some(trailers) = trailers.as_deref_mut().filter(|_| self.trailers != 0) {
                let room = MAX_TRAILERS.saturating_sub(trailers.len()).min(len);
                trailers.extend_from_slice(rest.get(..room).unwrap_or_default());
            }
            rest = rest.get(len..).unwrap_or_default();
            self.left -= u32::try_from(len).unwrap_or(self.left);
            if self.left == 0
                && let Some((byte, after)) = rest.split_first()
            {
                rest = after;
                self.prefix(*byte, trailers.is_some());
            }
        }
    }

    fn prefix(&mut self, byte: u8, may_be_trailers: bool) {
        if self.seen == 0 {
            self.trailers = if may_be_trailers && byte & TRAILERS != 0 { byte } else { 0 };
            self.is_lost = (byte ^ self.trailers & TRAILERS) > COMPRESSED;
        } else {
            self.length = self.length << 8 | u32::from(byte);
        }
        self.seen += 1;
        if self.seen == PREFIX {
            self.count += u64::from(self.trailers == 0);
            self.left = self.length;
            (self.seen, self.length) = (0, 0);
        }
    }

    /// As many bytes of it that nobody saw: within a message they tell nothing.
    pub(crate) fn gap(&mut self, len: u64) {
        self.total += len;
        match u32::try_from(len) {
            Ok(len) if len <= self.left && self.trailers == 0 => self.left -= len,
            _ => self.lose(),
        }
    }

    /// Nothing is known any more.
    pub(crate) fn lose(&mut self) {
        self.is_lost = true;
    }

    /// Whether trailers came that are compressed.
    pub(crate) fn has_compressed_trailers(&self) -> bool {
        self.trailers & COMPRESSED != 0
    }

    /// Whether it is not known where messages begin.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// How many there were in a body of this size that is over, if all of it was looked at.
    pub(crate) fn count(&self, body: u64) -> Option<u64> {
        (!self.is_lost && self.left == 0 && self.seen == 0 && self.total == body).then_some(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn messages_are_counted_however_they_come(lens in prop::collection::vec(0usize..40, 0..10), cuts in prop::collection::vec(1usize..9, 1..80)) {
            let mut body = Vec::new();
            for len in &lens {
                body.extend_from_slice(&[&[0][..], &u32::try_from(*len).unwrap().to_be_bytes(), &vec![7; *len]].concat());
            }
            let mut messages = Messages::default();
            let mut rest = &body[..];
            for cut in cuts.into_iter().cycle() {
                let (piece, after) = rest.split_at(cut.min(rest.len()));
                if u32::try_from(piece.len()).unwrap() <= messages.left { messages.gap(piece.len() as u64) } else { messages.bytes(piece) }
                rest = after;
                if rest.is_empty() { break }
            }
            prop_assert_eq!(messages.count(body.len() as u64), Some(lens.len() as u64));
        }
    }
}
