//! What a header block says about framing (RFC 9112, section 6).

use super::fields::{self, Field, Shape};
use super::lines::without_end;
use super::newline::find_newline;
use crate::describe::short::Short;
use crate::rpc::grpc::{self, Coding};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Transfer {
    #[default]
    None,
    Chunked,
    /// Something whose last coding is not `chunked`.
    Other,
}

/// How a header block says that its body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// It says nothing.
    Silent,
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding` that ends in `chunked`; wins over a length.
    Chunked,
    /// Another transfer coding: a response ends with the connection, a request is an error.
    Coded,
    /// Contradictory or unreadable lengths, or a loss that may have held the answer.
    Unknown,
}

/// What a header block said so far about framing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head {
    length: Option<u64>,
    bad_length: bool,
    transfer: Transfer,
    /// Bytes of the block were lost.
    pub(super) lossy: bool,
    /// A line that is certainly a header field came after the loss.
    pub(super) found_again: bool,
    /// `Upgrade`, if it is short.
    pub(super) upgrade: Option<Short>,
    /// `Content-Type`, if it is one of messages.
    pub(super) coding: Option<Coding>,
    /// `Expect: 100-continue`.
    pub(super) expects: bool,
    last: Option<Field>,
}

impl Head {
    /// Takes what a line says. Returns a field whose value is for someone else.
    #[inline]
    pub(super) fn take<'a>(&mut self, shape: Shape<'a>) -> Option<(Field, &'a [u8], bool)> {
        let (field, value, folded) = match shape {
            Shape::Field(field, value) => (field, value, false),
            Shape::Fold(value) => (self.last?, value, true),
            Shape::End | Shape::Other => {
                self.last = None;
                return None;
            }
        };
        self.last = Some(field);
        match field {
            Field::ContentLength => self.content_length(value),
            Field::TransferEncoding => self.transfer_encoding(value),
            Field::Upgrade => self.upgrade = std::str::from_utf8(value).ok().and_then(Short::new),
            Field::Expect => self.expects = value.eq_ignore_ascii_case(b"100-continue"),
            Field::ContentType => {
                self.coding = grpc::web_content(value);
                return Some((field, value, folded));
            }
            _ => return Some((field, value, folded)),
        }
        None
    }

    /// Reads the lines that are whole in `bytes`, which begin a line of a block that nothing was lost of. Fields that
    /// are for someone else go to `other`, and all lines to `wanted`, which may keep some. Returns how many bytes they are, and whether the block's end was among them.
    #[inline(never)]
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        mut wanted: impl FnMut(&[u8]),
        mut other: impl FnMut(Field, &[u8], bool),
    ) -> (usize, bool) {
        let mut rest = bytes;
        while let Some((line, after)) = find_newline(rest).and_then(|end| rest.split_at_checked(end + 1)) {
            rest = after;
            wanted(line);
            if !fields::may_matter(line) {
                self.last = None;
                continue;
            }
            let line = without_end(line);
            if line.is_empty() {
                return (bytes.len() - rest.len(), true);
            }
            if let Some((field, value, folded)) = self.take(fields::shape(line)) {
                other(field, value, folded);
            }
        }
        (bytes.len() - rest.len(), false)
    }

    /// The length that was declared, whether or not it counts.
    pub(super) fn declared_length(&self) -> Option<u64> {
        if self.bad_length || self.transfer != Transfer::None { None } else { self.length }
    }

    /// What the block says about framing, now that it has ended.
    pub(super) fn framing(&self) -> Framing {
        match (self.transfer, self.bad_length, self.length) {
            (Transfer::Chunked, ..) => Framing::Chunked,
            (Transfer::Other, ..) => Framing::Coded,
            (Transfer::None, true, _) => Framing::Unknown,
            (Transfer::None, false, Some(length)) => Framing::Length(length),
            (Transfer::None, false, None) if self.lossy => Framing::Unknown,
            (Transfer::None, false, None) => Framing::Silent,
        }
    }

    /// Bytes of the block were lost.
    pub(super) fn lose(&mut self) {
        self.lossy = true;
        self.found_again = false;
        self.last = None;
    }

    /// The same length may be repeated, in a list or in several fields (RFC 9112, section 6.3).
    fn content_length(&mut self, value: &[u8]) {
        for item in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if item.is_empty() {
                // `Content-Length:` alone, whose value may follow folded.
                continue;
            }
            let mut number = Some(0u64);
            for byte in item {
                let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
                number = number.zip(digit).and_then(|(number, digit)| number.checked_mul(10)?.checked_add(digit));
            }
            match (number, self.length) {
                (None, _) => self.bad_length = true,
                (Some(number), Some(before)) if number != before => self.bad_length = true,
                (Some(number), _) => self.length = Some(number),
            }
        }
    }

    fn transfer_encoding(&mut self, value: &[u8]) {
        let last = value.rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii).find(|coding| !coding.is_empty());
        let Some(last) = last else { return };
        let coding = last.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        self.transfer = if coding.eq_ignore_ascii_case(b"chunked") {
            Transfer::Chunked
        } else if coding.eq_ignore_ascii_case(b"identity") && self.transfer == Transfer::None {
            Transfer::None
        } else {
            Transfer::Other
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::fields::shape;

    fn framing(lines: &[&[u8]]) -> Framing {
        let mut head = Head::default();
        for line in lines {
            head.take(shape(line));
        }
        head.framing()
    }

    #[test]
    fn framing_follows_the_rfc() {
        assert_eq!(framing(&[b"Accept: */*"]), Framing::Silent);
        assert_eq!(framing(&[b"content-LENGTH:7"]), Framing::Length(7));
        assert_eq!(framing(&[b"Content-Length:", b"  7"]), Framing::Length(7));
        assert_eq!(framing(&[b"Content-Length: 7", b"Content-Length: 7, 7"]), Framing::Length(7));
        assert_eq!(framing(&[b"Content-Length: 7", b"Content-Length: 8"]), Framing::Unknown);
        assert_eq!(framing(&[b"Content-Length: -1"]), Framing::Unknown);
        assert_eq!(framing(&[b"Content-Length: 99999999999999999999999"]), Framing::Unknown);
        assert_eq!(framing(&[b"Content-Length: 7", b"Transfer-Encoding: Chunked"]), Framing::Chunked);
        assert_eq!(framing(&[b"Transfer-Encoding: gzip, chunked"]), Framing::Chunked);
        assert_eq!(framing(&[b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"]), Framing::Chunked);
        assert_eq!(framing(&[b"Transfer-Encoding: gzip"]), Framing::Coded);
        assert_eq!(framing(&[b"Content-Lengths: 7", b"X-Content-Length: 7"]), Framing::Silent);
    }
}
