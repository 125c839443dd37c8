//! gRPC over HTTP/2 (grpc/grpc, `doc/PROTOCOL-HTTP2.md`): messages in bodies, time-outs and statuses.

use crate::describe::value::Kind;
use crate::http::texts::put;

/// Longest text of a status that is kept, bytes.
const MAX_MESSAGE: usize = 512;
/// Bytes before each message: whether it is compressed, and its length.
const PREFIX: u8 = 5;

/// A call, besides what any exchange has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// `grpc-status` of the trailers, or of the head if there is nothing else.
    pub status: Option<u32>,
    /// `grpc-message`, decoded.
    pub message: String,
    /// `grpc-timeout`: how long the client waits, ns.
    pub timeout_ns: Option<u64>,
    /// Messages of the client; `None` when bytes were not seen that tell.
    pub request_messages: Option<u64>,
    /// Messages of the server.
    pub response_messages: Option<u64>,
}

/// Status codes by their numbers (grpc/grpc, `doc/statuscodes.md`).
const STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
/// `UNKNOWN`, which any number is that the list does not have.
const UNKNOWN: usize = 2;
/// `UNIMPLEMENTED`: the server has no such method.
const UNIMPLEMENTED: u32 = 12;
/// Codes that are a server's failure. All others but `OK` are its caller's.
const FAILURES: [u32; 6] = [2, 4, UNIMPLEMENTED, 13, 14, 15];

/// Whether a `content-type` is one of gRPC over HTTP/2. `application/grpc-web` is something else.
pub(super) fn is_content(content_type: &[u8]) -> bool {
    let after = content_type.strip_prefix(b"application/grpc");
    after.is_some_and(|after| matches!(after.first(), None | Some(b'+' | b';')))
}

impl Call {
    /// `grpc-status` by its name.
    pub(super) fn status_name(&self) -> Option<&'static str> {
        let status = usize::try_from(self.status?).unwrap_or(UNKNOWN);
        STATUSES.get(status).or(STATUSES.get(UNKNOWN)).copied()
    }

    /// The server says that it has no such method.
    pub(super) fn is_unknown_method(&self) -> bool {
        self.status == Some(UNIMPLEMENTED)
    }

    /// Whether the status is a failure, as `kind` of its sides sees it. A client minds each but `OK`.
    pub(super) fn has_failed(&self, kind: Kind) -> bool {
        self.status.is_some_and(|status| {
            let is_listed = usize::try_from(status).is_ok_and(|status| status < STATUSES.len());
            status != 0 && (kind == Kind::Client || !is_listed || FAILURES.contains(&status))
        })
    }

    /// Keeps `grpc-status`: a number.
    pub(super) fn keep_status(&mut self, value: &[u8]) {
        let digits = value.iter().all(u8::is_ascii_digit) && (1..=9).contains(&value.len());
        self.status = digits.then(|| value.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')));
    }

    /// Keeps `grpc-message`: percent-encoded UTF-8.
    pub(super) fn keep_message(&mut self, value: &[u8]) {
        let mut text = Vec::with_capacity(value.len().min(MAX_MESSAGE));
        let mut rest = value;
        while let (Some((first, after)), true) = (rest.split_first(), text.len() < MAX_MESSAGE) {
            rest = after;
            let code = after.get(..2).filter(|_| *first == b'%');
            let code = code.and_then(|code| u8::from_str_radix(str::from_utf8(code).ok()?, 16).ok());
            text.push(code.unwrap_or(*first));
            if code.is_some() {
                rest = after.get(2..).unwrap_or_default();
            }
        }
        put(&mut self.message, &text, MAX_MESSAGE);
    }

    /// Keeps `grpc-timeout`: at most eight digits, and a unit.
    pub(super) fn keep_timeout(&mut self, value: &[u8]) {
        self.timeout_ns = timeout(value);
    }
}

fn timeout(value: &[u8]) -> Option<u64> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0u64, |number, digit| number * 10 + u64::from(digit - b'0'));
    let unit = match unit {
        b'H' => 3_600_000_000_000,
        b'M' => 60_000_000_000,
        b'S' => 1_000_000_000,
        b'm' => 1_000_000,
        b'u' => 1_000,
        b'n' => 1,
        _ => return None,
    };
    number.checked_mul(unit)
}

/// Counts the messages of a body.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Messages {
    count: u64,
    /// Bytes of the body that were looked at.
    total: u64,
    /// Bytes of the message that are still to come.
    left: u32,
    /// Bytes seen of the prefix, and their value so far.
    seen: u8,
    length: u32,
    is_lost: bool,
}

impl Messages {
    /// Bytes of the body.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_lost {
            let len = usize::try_from(self.left).map_or(rest.len(), |left| left.min(rest.len()));
            rest = rest.get(len..).unwrap_or_default();
            self.left -= u32::try_from(len).unwrap_or(self.left);
            if self.left == 0
                && let Some((byte, after)) = rest.split_first()
            {
                rest = after;
                self.prefix(*byte);
            }
        }
    }

    fn prefix(&mut self, byte: u8) {
        if self.seen == 0 {
            self.is_lost = byte > 1;
        } else {
            self.length = self.length << 8 | u32::from(byte);
        }
        self.seen += 1;
        if self.seen == PREFIX {
            self.count += 1;
            self.left = self.length;
            (self.seen, self.length) = (0, 0);
        }
    }

    /// As many bytes of it that nobody saw: within a message they tell nothing.
    pub(super) fn gap(&mut self, len: u64) {
        self.total += len;
        match u32::try_from(len) {
            Ok(len) if len <= self.left => self.left -= len,
            _ => self.lose(),
        }
    }

    /// Nothing is known any more.
    pub(super) fn lose(&mut self) {
        self.is_lost = true;
    }

    /// How many there were in a body of this size that is over, if all of it was looked at.
    pub(super) fn count(&self, body: u64) -> Option<u64> {
        (!self.is_lost && self.left == 0 && self.seen == 0 && self.total == body).then_some(self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_of_a_call() {
        let mut call = Call::default();
        call.keep_status(b"14");
        call.keep_message(b"no%20\xe2%82%ac 5%");
        call.keep_timeout(b"250m");
        assert_eq!((call.status, call.timeout_ns), (Some(14), Some(250_000_000)));
        assert_eq!(call.message, "no \u{20ac} 5%");
        for bad in [&b""[..], b"m", b"123456789m", b"1x", b"-1S", b"1"] {
            assert_eq!(timeout(bad), None, "{bad:?}");
        }
        call.keep_status(b"x");
        assert_eq!(call.status, None);
    }

    #[test]
    fn contents() {
        for good in ["application/grpc", "application/grpc+proto", "application/grpc;x=y"] {
            assert!(is_content(good.as_bytes()), "{good}");
        }
        for bad in ["application/grpc-web", "application/grpcx", "application/json", ""] {
            assert!(!is_content(bad.as_bytes()), "{bad}");
        }
    }

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
