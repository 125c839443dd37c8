//! The chunked transfer coding (RFC 9112, section 7.1), read as a stream.

use memchr::memchr;

/// Longest chunk-size line and longest trailer section; a peer that sends more has lost its framing.
const MAX_OVERHEAD: u32 = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the hexadecimal digits of a chunk's size.
    Size { value: u64, digits: u8 },
    /// After them, up to the line feed: extensions.
    Extension { value: u64 },
    /// In a chunk's data.
    Data { left: u64 },
    /// After it: CRLF.
    DataEnd { cr: bool },
    /// In the trailer section, after the last chunk.
    Trailer { line: TrailerLine },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TrailerLine {
    Empty,
    Cr,
    Text,
}

/// What a step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Everything was eaten and more is to come.
    More,
    /// The body ended after so many of the bytes.
    Done(usize),
    /// This is not chunked framing.
    Invalid,
}

/// The position in a chunked body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunked {
    state: State,
    /// Bytes of data so far.
    total: u64,
    /// Bytes of framing since the last data.
    overhead: u32,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self { state: State::Size { value: 0, digits: 0 }, total: 0, overhead: 0 }
    }

    /// Bytes of data so far, framing excluded.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Goes on with `bytes`.
    #[cfg(test)]
    fn feed(&mut self, bytes: &[u8]) -> Status {
        self.feed_to(bytes, |_| {})
    }

    /// Goes on with `bytes`; hands over those of the body.
    #[inline]
    pub(super) fn feed_to(&mut self, bytes: &[u8], mut body: impl FnMut(&[u8])) -> Status {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if let State::Data { left } = self.state {
                let here = (bytes.len() - at) as u64;
                let used = left.min(here);
                self.data(left, used);
                // `used` is at most the rest of a slice.
                let end = at.saturating_add(usize::try_from(used).unwrap_or(bytes.len()));
                body(bytes.get(at..end).unwrap_or_default());
                at = end;
                continue;
            }
            self.overhead += 1;
            if self.overhead > MAX_OVERHEAD {
                return Status::Invalid;
            }
            at += 1;
            self.state = match (self.state, byte) {
                (State::Size { value, digits }, _) if byte.is_ascii_hexdigit() => {
                    // Sixteen digits fill a u64.
                    if digits >= 16 {
                        return Status::Invalid;
                    }
                    let digit = char::from(byte).to_digit(16).unwrap_or(0);
                    State::Size { value: (value << 4) | u64::from(digit), digits: digits + 1 }
                }
                (State::Size { value, digits: 1.. } | State::Extension { value }, b'\n') => after_size(value),
                (State::Size { value, digits: 1.. }, b'\r' | b';' | b' ' | b'\t') => State::Extension { value },
                (State::Size { .. }, _) => return Status::Invalid,
                (State::Extension { value }, _) => match memchr(b'\n', bytes.get(at..).unwrap_or_default()) {
                    Some(more) => {
                        self.overhead = self.overhead.saturating_add(u32::try_from(more).unwrap_or(MAX_OVERHEAD));
                        at += more;
                        State::Extension { value }
                    }
                    None => {
                        let more = bytes.len() - at;
                        self.overhead = self.overhead.saturating_add(u32::try_from(more).unwrap_or(MAX_OVERHEAD));
                        at += more;
                        State::Extension { value }
                    }
                },
                (State::DataEnd { .. }, b'\n') => State::Size { value: 0, digits: 0 },
                (State::DataEnd { cr: false }, b'\r') => State::DataEnd { cr: true },
                (State::DataEnd { .. }, _) => return Status::Invalid,
                (State::Trailer { line: TrailerLine::Empty | TrailerLine::Cr }, b'\n') => return Status::Done(at),
                (State::Trailer { line: TrailerLine::Empty }, b'\r') => State::Trailer { line: TrailerLine::Cr },
                (State::Trailer { .. }, b'\n') => State::Trailer { line: TrailerLine::Empty },
                (State::Trailer { .. }, _) => State::Trailer { line: TrailerLine::Text },
                (State::Data { .. }, _) => self.state,
            };
        }
        Status::More
    }

    /// `len` bytes passed unseen. False when framing was among them.
    pub(super) fn gap(&mut self, len: u64) -> bool {
        match self.state {
            State::Data { left } if len <= left => {
                self.data(left, len);
                true
            }
            _ => false,
        }
    }

    fn data(&mut self, left: u64, used: u64) {
        self.total = self.total.saturating_add(used);
        self.overhead = 0;
        let left = left - used;
        self.state = if left == 0 { State::DataEnd { cr: false } } else { State::Data { left } };
    }
}

fn after_size(size: u64) -> State {
    if size == 0 { State::Trailer { line: TrailerLine::Empty } } else { State::Data { left: size } }
}

/// Whether a system call that ends with these bytes ends a chunked body: the last chunk, with or without trailers.
/// For finding the end again after framing was lost, so it wants the line end of the chunk before, too.
pub(super) fn ends_body(tail: &[u8]) -> bool {
    if !tail.ends_with(b"\r\n\r\n") {
        return false;
    }
    if tail.ends_with(b"\r\n0\r\n\r\n") {
        return true;
    }
    let Some(at) = memchr::memmem::rfind(tail, b"\r\n0\r\n") else { return false };
    let trailers = tail.get(at + 5..tail.len() - 4).unwrap_or_default();
    !trailers.is_empty()
        && trailers.split(|byte| *byte == b'\n').all(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            super::fields::is_field(line)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_sized_without_its_framing_at_any_split() {
        let body = b"5\r\nhello\r\n1A;name=\"v\";x\r\nabcdefghijklmnopqrstuvwxyz\r\n000\r\nDigest: x\r\nX: \r\n\r\n";
        for split in 0..body.len() {
            let mut chunked = Chunked::new();
            assert_eq!(chunked.feed(&body[..split]), Status::More);
            assert_eq!(chunked.feed(&body[split..]), Status::Done(body.len() - split));
            assert_eq!(chunked.total(), 31);
        }
    }

    #[test]
    fn what_is_no_chunk_is_invalid() {
        for bytes in [&b"\r\n"[..], b"g\r\n", b"5\r\nhelloX", b"11111111111111111\r\n", b"-1\r\n", b";x\r\n"] {
            assert_eq!(Chunked::new().feed(bytes), Status::Invalid, "{bytes:?}");
        }
    }

    #[test]
    fn a_gap_in_data_costs_nothing_and_elsewhere_the_framing() {
        let mut chunked = Chunked::new();
        assert_eq!(chunked.feed(b"10\r\nabc"), Status::More);
        assert!(chunked.gap(13));
        assert_eq!(chunked.feed(b"\r\n0\r\n\r\n"), Status::Done(7));
        assert_eq!(chunked.total(), 16);
        assert!(!Chunked::new().gap(1));
    }

    #[test]
    fn ends_are_recognised() {
        assert!(ends_body(b"xyz\r\n0\r\n\r\n"));
        assert!(ends_body(b"xyz\r\n0\r\nServer-Timing: a;dur=1\r\nX: y\r\n\r\n"));
        assert!(!ends_body(b"0\r\n\r\n"));
        assert!(!ends_body(b"10\r\n\r\n"));
        assert!(!ends_body(b"x\r\n0\r\nno field\r\n\r\n"));
    }
}
