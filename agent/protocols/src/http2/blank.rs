//! Secrets in header blocks, blanked before bytes are recorded. A block stays one that can be read: only values are replaced.
//! One that comes in pieces is blanked as a whole.

use super::frame::{HEAD_LEN, Head, PREFACE, flag, kind};
use super::hpack::Decoder;
use super::names::Name;
use crate::blank::{BLANK, Blank, blank};
use crate::http::secrets;

/// [`BLANK`] by the Huffman code, in which it has eight bits.
const CODED: u8 = 0xf9;

/// Where in a direction we are.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// At its first byte.
    Begin,
    /// Between frames.
    Frames,
    /// In a frame: bytes left, and whether they are blanked.
    In(usize, bool),
    /// Anywhere, or in another protocol.
    Anywhere,
}

/// One direction of a connection.
#[derive(Debug)]
struct Blocks {
    place: Place,
    /// The beginning of a frame's head.
    head: Vec<u8>,
    decoder: Decoder,
}

/// Blanks one direction.
pub(super) fn blocks() -> Box<dyn Blank> {
    Box::new(Blocks { place: Place::Begin, head: Vec::new(), decoder: Decoder::new(false) })
}

impl Blank for Blocks {
    fn call(&mut self, _len: u32, head: &mut [u8]) -> u64 {
        // Frames mostly begin where a call does.
        if matches!(self.place, Place::Anywhere) && is_plausible(head) {
            self.place = Place::Frames;
            self.head.clear();
        }
        0
    }

    fn bytes(&mut self, bytes: &mut [u8]) -> u64 {
        let (mut at, mut blanked) = (0, 0);
        while at < bytes.len() {
            let Some(rest) = bytes.get_mut(at..) else { break };
            match self.place {
                Place::Anywhere => break,
                Place::Begin => {
                    self.place = if is_plausible(rest) { Place::Frames } else { Place::Anywhere };
                    at += if rest.starts_with(PREFACE) { PREFACE.len() } else { 0 };
                }
                Place::In(left, is_blanked) => {
                    let len = left.min(rest.len());
                    if is_blanked {
                        blanked += rest.get_mut(..len).map_or(0, blank);
                    }
                    self.place = if len == left { Place::Frames } else { Place::In(left - len, is_blanked) };
                    at += len;
                }
                Place::Frames => {
                    let len = (HEAD_LEN - self.head.len()).min(rest.len());
                    self.head.extend_from_slice(rest.get(..len).unwrap_or_default());
                    at += len;
                    if let Some(head) = self.head.first_chunk().map(Head::parse) {
                        self.head.clear();
                        blanked += self.frame(head, bytes, &mut at);
                    }
                }
            }
        }
        blanked
    }

    fn skipped(&mut self) {
        // What goes on after a gap may be a block.
        self.place = Place::Anywhere;
        self.decoder.lose();
    }
}

impl Blocks {
    /// A frame, whose payload begins at `at`.
    fn frame(&mut self, head: Head, bytes: &mut [u8], at: &mut usize) -> u64 {
        let len = head.len as usize;
        if !head.is_valid() {
            self.place = Place::Anywhere;
            return 0;
        }
        if !matches!(head.kind, kind::HEADERS | kind::PUSH_PROMISE | kind::CONTINUATION) {
            self.place = Place::In(len, false);
            return 0;
        }
        let is_simple = head.kind == kind::HEADERS && head.has(flag::END_HEADERS) && !head.has(flag::PADDED);
        let priority = if head.has(flag::PRIORITY) { 5 } else { 0 };
        let block = bytes.get_mut(*at..*at + len).and_then(|payload| payload.get_mut(priority..));
        match block.filter(|_| is_simple).map(|block| self.block(block)) {
            Some(Some(blanked)) => {
                *at += len;
                blanked
            }
            _ => {
                self.decoder.lose();
                self.place = Place::In(len, true);
                0
            }
        }
    }

    /// Blanks the secrets of a block. `None`: it cannot be read.
    fn block(&mut self, block: &mut [u8]) -> Option<u64> {
        let mut places = Vec::new();
        let read = self.decoder.decode(block, |field| {
            let is_secret = field.kind == Name::Unknown || secrets::is_secret(field.name);
            places.extend(field.place.filter(|_| is_secret));
        });
        read.ok()?;
        let mut blanked = 0;
        for (end, len) in places {
            let begin = end.checked_sub(len)?;
            // The length before it says whether it is coded: its last byte, or its first if that is longer.
            let is_coded = length_is_coded(block, begin, len);
            block.get_mut(begin..end)?.fill(if is_coded { CODED } else { BLANK });
            blanked += len as u64;
        }
        Some(blanked)
    }
}

/// Whether the length of `len` bytes from `begin` on, which stands before them, is marked as that of coded text.
fn length_is_coded(block: &[u8], begin: usize, len: usize) -> bool {
    let mut size = 1;
    if let Some(mut rest) = len.checked_sub(127) {
        size += 1;
        while rest >= 128 {
            rest >>= 7;
            size += 1;
        }
    }
    begin.checked_sub(size).and_then(|at| block.get(at)).is_some_and(|first| first & 0x80 != 0)
}

/// Whether a direction may begin so.
fn is_plausible(bytes: &[u8]) -> bool {
    bytes.starts_with(PREFACE) || bytes.first_chunk().map(Head::parse).is_some_and(|head: Head| head.is_plausible(None))
}

#[cfg(test)]
mod tests {
    use super::super::hpack::tests::{Encoder, told};
    use super::*;

    fn fields(secret: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let fields = [
            (":method", "GET"),
            ("authorization", secret),
            ("x-a", "plain"),
            ("cookie", secret),
            ("x-api-key", secret),
            (":path", "/a"),
        ];
        fields.iter().map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
    }

    fn conversation(how: u8) -> Vec<u8> {
        let (mut encoder, mut bytes) = (Encoder::new(), PREFACE.to_vec());
        for stream in [1u8, 3, 5] {
            let mut block = Vec::new();
            let secret = format!("s3cret-{stream}-{}", "x".repeat(usize::from(stream) * 40));
            fields(&secret).iter().for_each(|pair| encoder.field(&mut block, pair, how));
            let length = u16::try_from(block.len()).unwrap().to_be_bytes();
            bytes.extend_from_slice(&[0, length[0], length[1], 1, 5, 0, 0, 0, stream]);
            bytes.extend_from_slice(&block);
        }
        bytes
    }

    fn shown(bytes: &[u8]) -> String {
        let (mut decoder, mut text, mut rest) = (Decoder::new(true), String::new(), &bytes[PREFACE.len()..]);
        while let Some(head) = rest.first_chunk().map(Head::parse) {
            let (block, after) = rest[HEAD_LEN..].split_at(head.len as usize);
            for (name, value) in told(&mut decoder, block).unwrap_or_default() {
                text += &format!("{}={} ", String::from_utf8_lossy(&name), String::from_utf8_lossy(&value));
            }
            rest = after;
        }
        text
    }

    #[test]
    fn secrets_are_blanked_and_nothing_else() {
        for how in 0..32 {
            let mut bytes = conversation(how);
            assert!(shown(&bytes).contains("s3cret-5"));
            assert!(blocks().bytes(&mut bytes) > 0);
            let text = shown(&bytes);
            assert!(!text.contains("s3cret") && text.matches("x-a=plain").count() == 3, "{how}: {text}");
            assert_eq!(text.matches(":path=/a").count(), 3, "{how}");
        }
    }

    #[test]
    fn however_they_come() {
        for how in [0, 2, 16, 19] {
            let whole = conversation(how);
            for cut in 1..whole.len() {
                let (mut first, mut second) = (whole[..cut].to_vec(), whole[cut..].to_vec());
                let mut blank = blocks();
                blank.bytes(&mut first);
                blank.bytes(&mut second);
                let all = [first, second].concat();
                assert_eq!(all.len(), whole.len());
                let text = String::from_utf8_lossy(&all);
                assert!(
                    cut < PREFACE.len() || !text.contains("s3cret-") && !shown(&all).contains("s3cret"),
                    "{how} {cut}"
                );
            }
        }
    }
}
