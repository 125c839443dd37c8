//! Headers that the kernel put into what processes send, into the records of the calls that sent them: a connection is then told as it
//! is on the wire.
//!
//! A call knows its own bytes alone, and its record has the position that it would have without the header: as many bytes behind the
//! right one as were put in.

use std::mem::offset_of;

use rustc_hash::FxHashMap;
use wirespan_common::propagate::{HEADER_BYTES, Inserted};
use wirespan_common::record::{AFTER_SHED, Data, KIND_DATA, KIND_INSERTED, SEND};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// Most headers that wait for the record of their call: it follows at once, or was lost.
const MAX_WAITING: usize = 4096;
const LEN: u64 = HEADER_BYTES as u64;

/// The header that a record tells of.
pub(super) fn header(record: &[u8]) -> Option<&[u8]> {
    record.get(offset_of!(Inserted, header)..)?.get(..HEADER_BYTES)
}

/// Headers that wait for the record of their call, by connection: the last one of each.
#[derive(Debug, Default)]
pub(super) struct Headers {
    waiting: FxHashMap<u64, Inserted>,
    spliced: Vec<u8>,
}

impl Headers {
    /// Takes a record of the kernel, in the order in which they were made; `None`: it told of a header alone.
    pub(super) fn pass<'a>(&'a mut self, record: &'a [u8]) -> Option<&'a [u8]> {
        match record.first() {
            Some(&KIND_INSERTED) => {
                self.wait(record);
                None
            }
            Some(&KIND_DATA) if !self.waiting.is_empty() => {
                let is_spliced = self.splice(record).is_some();
                Some(if is_spliced { &self.spliced } else { record })
            }
            _ => Some(record),
        }
    }

    fn wait(&mut self, record: &[u8]) {
        let Ok((inserted, _)) = Inserted::read_from_prefix(record) else { return };
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.clear();
        }
        self.waiting.insert(inserted.connection, inserted);
    }

    /// Puts the header of a call into its record.
    fn splice(&mut self, record: &[u8]) -> Option<()> {
        let (data, payload) = Data::read_from_prefix(record).ok()?;
        if data.direction & !AFTER_SHED != SEND {
            return None;
        }
        let Inserted { position, header, .. } = self.waiting.remove(&data.connection)?;
        let begin = data.position.wrapping_sub(LEN);
        let at = position.wrapping_sub(begin);
        // Else it is of an earlier call, whose record was lost.
        if at >= u64::from(data.len) {
            return None;
        }
        let len = data.len.checked_add(HEADER_BYTES as u32)?;
        let before = payload.get(..data.head_len as usize)?.get(..at as usize);
        let head_len = data.head_len + if before.is_some() { HEADER_BYTES as u32 } else { 0 };
        self.spliced.clear();
        self.spliced.extend_from_slice(Data { position: begin, len, head_len, ..data }.as_bytes());
        let rest = before.map_or(payload, |before| {
            self.spliced.extend_from_slice(before);
            self.spliced.extend_from_slice(&header);
            &payload[before.len()..]
        });
        self.spliced.extend_from_slice(rest);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; HEADER_BYTES] = [b'h'; HEADER_BYTES];

    fn inserted(position: u64) -> Vec<u8> {
        let kind = KIND_INSERTED;
        Inserted { kind, reserved: 0, header: HEADER, connection: 7, position, at_ns: 1 }.as_bytes().to_vec()
    }

    fn data(direction: u8, position: u64, len: u32, head: &[u8], tail: &[u8]) -> Vec<u8> {
        let (head_len, tail_len) = (head.len() as u32, tail.len() as u32);
        let data =
            Data { kind: KIND_DATA, direction, connection: 7, position, len, head_len, tail_len, ..Data::default() };
        [data.as_bytes(), head, tail].concat()
    }

    fn told(record: &[u8]) -> (u64, u32, Vec<u8>, Vec<u8>) {
        let (data, payload) = Data::read_from_prefix(record).unwrap();
        let (head, tail) = payload.split_at(data.head_len as usize);
        assert_eq!(tail.len(), data.tail_len as usize);
        (data.position, data.len, head.to_vec(), tail.to_vec())
    }

    #[test]
    fn a_call_is_told_as_it_is_on_the_wire() {
        let mut headers = Headers::default();
        assert!(headers.pass(&inserted(1002)).is_none());
        // The answer to an earlier request, and another connection's call.
        let answer = data(wirespan_common::record::RECEIVE, 50, 2, b"ok", b"");
        assert_eq!(headers.pass(&answer), Some(&answer[..]));
        let call = data(SEND, 1000 + LEN, 6, b"abcd", b"ef");
        let (position, len, head, tail) = told(headers.pass(&call).unwrap());
        assert_eq!((position, len, tail.as_slice()), (1000, 6 + LEN as u32, &b"ef"[..]));
        assert_eq!(head, [&b"ab"[..], &HEADER, b"cd"].concat());
        assert_eq!(headers.pass(&call), Some(&call[..]), "once");
    }

    #[test]
    fn of_a_call_whose_payload_was_not_copied_the_length_is_right() {
        let mut headers = Headers::default();
        headers.pass(&inserted(1004));
        let call = data(SEND, 1000 + LEN, 9, b"abc", b"");
        assert_eq!(told(headers.pass(&call).unwrap()), (1000, 9 + LEN as u32, b"abc".to_vec(), Vec::new()));
    }

    #[test]
    fn what_was_put_into_a_call_that_was_lost_is_put_into_no_other_one() {
        let mut headers = Headers::default();
        headers.pass(&inserted(1002));
        let later = data(SEND, 5000, 4, b"abcd", b"");
        assert_eq!(headers.pass(&later), Some(&later[..]));
        assert_eq!(headers.waiting.len(), 0);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut headers = Headers::default();
        for connection in 0..10 * MAX_WAITING as u64 {
            let mut record = inserted(1);
            record[72..80].copy_from_slice(&connection.to_ne_bytes());
            headers.pass(&record);
            assert!(headers.waiting.len() <= MAX_WAITING && headers.waiting.contains_key(&connection));
        }
        assert!(headers.pass(&inserted(1)[..20]).is_none(), "cut short");
    }
}
