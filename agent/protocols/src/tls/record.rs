//! The record layer (RFC 8446, section 5; RFC 5246, section 6): where records begin and end in one direction.
//!
//! Nothing is buffered but the header of a record: bodies are handed on as they come, or only counted.

use crate::stream::{Chunk, Stamp};

/// Content types.
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;

/// Bytes of a record's header.
pub(super) const HEADER: usize = 5;
/// Longest body: 2^14 bytes and what compression and protection may add (RFC 5246, section 6.2.3).
pub(super) const MAX_BODY: u16 = (1 << 14) + 2048;

/// A record that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub kind: u8,
    /// Bytes of its body.
    pub len: u16,
    /// Position of its first byte.
    pub pos: u64,
    /// Of its first and of its last byte.
    pub first: Stamp,
    pub last: Stamp,
    /// Whether `last` is known: its last byte was in a call that was seen.
    pub timed: bool,
}

impl Record {
    /// Position after its last byte.
    pub fn end(&self) -> u64 {
        self.pos + HEADER as u64 + u64::from(self.len)
    }
}

/// What a reader found.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'a> {
    /// The next bytes of the body of a record of this content type.
    Body(u8, &'a [u8]),
    /// A record is over.
    End(Record),
    /// Here begins no record. Nothing more can be read.
    Invalid,
    /// Bytes of which nothing is known, because some were lost before: the rest of the chunk.
    Unframed,
}

/// What lost bytes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hole {
    /// They lie in the body of a record of this content type, which goes on or, told separately, ends with them.
    Body(u8, Option<Record>),
    /// The rest of a call: records may begin in it, but its time is known. With the record of application data whose end
    /// lies in it, if any.
    RestOfCall(Option<Record>),
    /// Whole calls: nothing is known of them.
    Calls,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Reader {
    header: [u8; HEADER],
    /// Bytes of the header that have come.
    have: u8,
    /// Bytes of the body that have not.
    left: u16,
    record: Record,
    framed: bool,
    /// The last chunk ended its call, so the next byte begins one.
    call_over: bool,
    /// Bytes were lost after the last chunk.
    holed: bool,
    /// Any record was seen.
    pub any: bool,
}

impl Reader {
    pub fn new() -> Self {
        let none = Record { kind: 0, len: 0, pos: 0, first: Stamp::default(), last: Stamp::default(), timed: true };
        Self {
            header: [0; HEADER],
            have: 0,
            left: 0,
            record: none,
            framed: true,
            call_over: true,
            holed: false,
            any: false,
        }
    }

    /// Begins a chunk: a call that begins like a record of application data gives back what was lost.
    pub fn begin(&mut self, chunk: &Chunk<'_>) {
        let begins = std::mem::replace(&mut self.call_over, chunk.ends_call);
        self.holed = false;
        if !self.framed && begins && begins_data(chunk.bytes) {
            self.framed = true;
            self.have = 0;
            self.left = 0;
        }
    }

    /// Reads on in `chunk` from byte `at`.
    pub fn next<'a>(&mut self, chunk: &Chunk<'a>, at: &mut usize) -> Option<Piece<'a>> {
        let rest = chunk.bytes.get(*at..).filter(|rest| !rest.is_empty())?;
        if !self.framed {
            *at = chunk.bytes.len();
            return Some(Piece::Unframed);
        }
        if self.left > 0 {
            let len = rest.len().min(usize::from(self.left));
            // Not more than what was left, which is a u16.
            self.left -= len as u16;
            *at += len;
            self.record.last = chunk.stamp;
            self.record.timed = true;
            return Some(Piece::Body(self.record.kind, &rest[..len]));
        }
        if usize::from(self.have) == HEADER {
            self.have = 0;
            return Some(Piece::End(self.record));
        }
        for byte in rest {
            if self.have == 0 {
                self.record.pos = chunk.pos + *at as u64;
                self.record.first = chunk.stamp;
            }
            self.header[usize::from(self.have)] = *byte;
            self.have += 1;
            *at += 1;
            if !may_be_header(&self.header[..usize::from(self.have)]) {
                self.framed = false;
                return Some(Piece::Invalid);
            }
            if usize::from(self.have) == HEADER {
                break;
            }
        }
        if usize::from(self.have) < HEADER {
            return None;
        }
        self.any = true;
        self.record.kind = self.header[0];
        self.record.len = u16::from_be_bytes([self.header[3], self.header[4]]);
        self.record.last = chunk.stamp;
        self.record.timed = true;
        self.left = self.record.len;
        Some(Piece::Body(self.record.kind, &[]))
    }

    /// The record that ended with the last byte of the last chunk, if one did.
    pub fn finish(&mut self) -> Option<Record> {
        let over = self.framed && usize::from(self.have) == HEADER && self.left == 0;
        over.then(|| {
            self.have = 0;
            self.record
        })
    }

    /// Whether the last byte lies in the middle of a record.
    pub fn is_inside(&self) -> bool {
        self.framed && self.have > 0
    }

    /// `len` bytes passed unseen.
    pub fn gap(&mut self, len: u64, stamp: Stamp) -> Hole {
        let in_call = !self.call_over && !std::mem::replace(&mut self.holed, true);
        if self.framed && len <= u64::from(self.left) {
            // Not more than `left`, which is a u16.
            self.left -= len as u16;
            self.record.last = stamp;
            self.record.timed = in_call;
            return Hole::Body(self.record.kind, self.finish());
        }
        let broken = self.framed && usize::from(self.have) == HEADER && self.record.kind == APPLICATION_DATA;
        self.framed = false;
        if in_call { Hole::RestOfCall(broken.then_some(self.record)) } else { Hole::Calls }
    }
}

/// Whether these can be the first bytes of a record.
pub(super) fn may_be_header(bytes: &[u8]) -> bool {
    let body = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    match *bytes {
        [kind, ..] if !(CHANGE_CIPHER_SPEC..=HEARTBEAT).contains(&kind) => false,
        [_, major, ..] if major != 3 => false,
        [_, _, minor, ..] if minor > 4 => false,
        [_, _, _, high] => body(high, 0) <= MAX_BODY,
        [_, _, _, high, low, ..] => body(high, low) <= MAX_BODY,
        _ => true,
    }
}

/// Whether a call begins with a record of application data.
pub(super) fn begins_data(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER && bytes[0] == APPLICATION_DATA && may_be_header(&bytes[..HEADER]) && bytes[3..5] != [0, 0]
}

/// Whether a call of `len` bytes that begins so is made of records of application data, or is the header of one. Chance makes one of
/// 2^32 calls look so.
pub(super) fn is_of_data(head: &[u8], len: u32) -> bool {
    let (len, mut at) = (len as usize, 0);
    loop {
        let rest = head.get(at..).unwrap_or_default();
        // As far as is seen.
        if rest.len() < HEADER {
            return at > 0 && (at == len || at < len && may_be_header(rest));
        }
        if !begins_data(rest) {
            return at > 0 && may_be_header(&rest[..HEADER]);
        }
        if at + HEADER == len {
            return true;
        }
        at += HEADER + usize::from(u16::from_be_bytes([rest[3], rest[4]]));
        if at > len {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(pos: u64, bytes: &[u8], ends_call: bool, ns: u64) -> Chunk<'_> {
        let stamp = Stamp { first_ns: ns, last_ns: ns, ..Stamp::default() };
        Chunk { pos, bytes, ends_call, stamp }
    }

    fn ends(reader: &mut Reader, chunk: &Chunk<'_>) -> Vec<(u8, u16, u64)> {
        let (mut at, mut ends) = (0, Vec::new());
        reader.begin(chunk);
        while let Some(piece) = reader.next(chunk, &mut at) {
            match piece {
                Piece::End(record) => ends.push((record.kind, record.len, record.pos)),
                Piece::Invalid => ends.push((0, 0, at as u64)),
                _ => {}
            }
        }
        ends.extend(reader.finish().map(|record| (record.kind, record.len, record.pos)));
        ends
    }

    #[test]
    fn records_are_found_across_calls_and_gaps() {
        let mut reader = Reader::new();
        assert_eq!(ends(&mut reader, &chunk(0, b"\x16\x03", true, 1)), []);
        assert_eq!(ends(&mut reader, &chunk(2, b"\x01\0\x02ab\x14\x03\x03\0\x01", true, 2)), [(22, 2, 0)]);
        assert_eq!(ends(&mut reader, &chunk(12, b"\x01\x17\x03\x03\x01\0abc", false, 3)), [(20, 1, 7)]);
        assert_eq!(reader.gap(200, Stamp::default()), Hole::Body(23, None));
        let Hole::Body(23, Some(record)) = reader.gap(53, Stamp::default()) else { panic!("the body ends here") };
        assert_eq!((record.pos, record.len, record.end(), record.timed), (13, 256, 274, false));
        assert_eq!(ends(&mut reader, &chunk(274, b"\x17\x03\x03\0\0", true, 4)), [(23, 0, 274)]);
        assert_eq!(ends(&mut reader, &chunk(279, b"HTTP", true, 5)), [(0, 0, 1)]);
    }

    #[test]
    fn calls_of_records_are_told_from_others() {
        let is = |head: &[u8], len| is_of_data(head, len);
        assert!(is(b"\x17\x03\x03\0\x02ab", 7), "one record");
        assert!(is(b"\x17\x03\x03\0\x02", 5), "a header, whose body is read next");
        assert!(is(b"\x17\x03\x03\0\x02ab\x17\x03\x03\0\x01a", 13), "two");
        assert!(is(b"\x17\x03\x03\x10\0ab", 0x1005), "one that is copied in part");
        assert!(is(b"\x17\x03\x03\0\x02ab\x15\x03\x03\0\x02", 14), "and an alert");
        for (no, len) in
            [(&b"\x17\x03\x03\0\x02ab"[..], 6), (b"\x17\x03\x03\0\x02abGET /", 12), (b"\x17\x03", 2), (b"", 0)]
        {
            assert!(!is(no, len), "{no:?}");
        }
    }

    #[test]
    fn a_call_that_begins_a_record_gives_back_what_was_lost() {
        let mut reader = Reader::new();
        assert_eq!(ends(&mut reader, &chunk(0, b"\x17\x03\x03\0\x02ab", false, 1)), [(23, 2, 0)]);
        assert_eq!(reader.gap(10, Stamp::default()), Hole::RestOfCall(None));
        assert_eq!(ends(&mut reader, &chunk(17, b"\x17\x03\x03\0\x01a", true, 1)), [], "the tail of that call");
        assert_eq!(ends(&mut reader, &chunk(23, b"\x17\x03\x03\0\x01a", true, 2)), [(23, 1, 23)]);
        assert_eq!(reader.gap(10, Stamp::default()), Hole::Calls);
    }
}
