//! The message format ("Message Formats", chapter 55.7 of PostgreSQL's manual): tags, headers, small readers.

use memchr::memchr;

/// Bytes of a tag and a length.
pub(super) const HEADER: usize = 5;
/// Longest message that is believed (the server's own limit is 1 GiB less one byte).
pub(super) const MAX_MESSAGE: u32 = 0x4000_0000;
/// Longest name of a statement or portal that is read. The server itself takes names of any length, drivers use few bytes.
pub(super) const MAX_NAME: usize = 512;

/// Tags of messages that the client sends.
pub(super) mod client {
    pub const BIND: u8 = b'B';
    pub const CLOSE: u8 = b'C';
    pub const COPY_DATA: u8 = b'd';
    pub const COPY_DONE: u8 = b'c';
    pub const COPY_FAIL: u8 = b'f';
    pub const DESCRIBE: u8 = b'D';
    pub const EXECUTE: u8 = b'E';
    pub const FLUSH: u8 = b'H';
    pub const FUNCTION_CALL: u8 = b'F';
    pub const PARSE: u8 = b'P';
    /// Passwords, SASL and GSS responses: never looked into.
    pub const PASSWORD: u8 = b'p';
    pub const QUERY: u8 = b'Q';
    pub const SYNC: u8 = b'S';
    pub const TERMINATE: u8 = b'X';
}

/// Tags of messages that the server sends.
pub(super) mod server {
    pub const AUTHENTICATION: u8 = b'R';
    pub const BACKEND_KEY_DATA: u8 = b'K';
    pub const BIND_COMPLETE: u8 = b'2';
    pub const CLOSE_COMPLETE: u8 = b'3';
    pub const COMMAND_COMPLETE: u8 = b'C';
    pub const COPY_DATA: u8 = b'd';
    pub const COPY_DONE: u8 = b'c';
    pub const COPY_IN: u8 = b'G';
    pub const COPY_OUT: u8 = b'H';
    pub const COPY_BOTH: u8 = b'W';
    pub const DATA_ROW: u8 = b'D';
    pub const EMPTY_QUERY: u8 = b'I';
    pub const ERROR: u8 = b'E';
    pub const FUNCTION_RESULT: u8 = b'V';
    pub const NEGOTIATE_VERSION: u8 = b'v';
    pub const NO_DATA: u8 = b'n';
    pub const NOTICE: u8 = b'N';
    pub const NOTIFICATION: u8 = b'A';
    pub const PARAMETER_DESCRIPTION: u8 = b't';
    pub const PARAMETER_STATUS: u8 = b'S';
    pub const PARSE_COMPLETE: u8 = b'1';
    pub const PORTAL_SUSPENDED: u8 = b's';
    pub const READY: u8 = b'Z';
    pub const ROW_DESCRIPTION: u8 = b'T';
}

/// A message's tag and the length of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub tag: u8,
    pub body: usize,
}

impl Header {
    /// Bytes of the whole message.
    pub fn total(self) -> usize {
        HEADER + self.body
    }
}

/// What the first bytes of a message say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// A header; its body may not be there yet.
    Complete(Header),
    /// Fewer bytes than a header has.
    Partial,
    /// No message begins so.
    Invalid,
}

/// Reads a header.
pub(super) fn head(bytes: &[u8]) -> Head {
    let Some(([tag, length @ ..], _)) = bytes.split_first_chunk::<HEADER>() else { return Head::Partial };
    let length = u32::from_be_bytes(*length);
    if !(4..=MAX_MESSAGE).contains(&length) {
        return Head::Invalid;
    }
    // Fits: at most 2^30.
    Head::Complete(Header { tag: *tag, body: length as usize - 4 })
}

/// Whether the client may send a message like this.
pub(super) fn client_may_send(header: Header) -> bool {
    match header.tag {
        client::SYNC | client::FLUSH | client::TERMINATE | client::COPY_DONE => header.body == 0,
        client::QUERY | client::COPY_FAIL => header.body >= 1,
        client::DESCRIBE | client::CLOSE => header.body >= 2 && header.body <= 2 + 0xffff,
        client::EXECUTE => header.body >= 5 && header.body <= 5 + 0xffff,
        client::PARSE => header.body >= 4,
        client::BIND => header.body >= 8,
        client::FUNCTION_CALL => header.body >= 10,
        client::PASSWORD => header.body <= 0xffff,
        client::COPY_DATA => true,
        _ => false,
    }
}

/// Whether the server may send a message like this.
pub(super) fn server_may_send(header: Header) -> bool {
    use server::{
        AUTHENTICATION, BACKEND_KEY_DATA, BIND_COMPLETE, CLOSE_COMPLETE, COMMAND_COMPLETE, COPY_BOTH, COPY_DATA,
        COPY_DONE, COPY_IN, COPY_OUT, DATA_ROW, EMPTY_QUERY, ERROR, FUNCTION_RESULT, NEGOTIATE_VERSION, NO_DATA,
        NOTICE, NOTIFICATION, PARAMETER_DESCRIPTION, PARAMETER_STATUS, PARSE_COMPLETE, PORTAL_SUSPENDED, READY,
        ROW_DESCRIPTION,
    };
    match header.tag {
        PARSE_COMPLETE | BIND_COMPLETE | CLOSE_COMPLETE | NO_DATA | PORTAL_SUSPENDED | EMPTY_QUERY | COPY_DONE => {
            header.body == 0
        }
        READY => header.body == 1,
        // PostgreSQL's own tags are short and never empty; those of other servers are what they like.
        COMMAND_COMPLETE => header.body <= 0x1_0000,
        DATA_ROW | ROW_DESCRIPTION | PARAMETER_DESCRIPTION => header.body >= 2,
        COPY_IN | COPY_OUT | COPY_BOTH => header.body >= 3 && header.body <= 3 + 2 * 0xffff,
        AUTHENTICATION => header.body >= 4 && header.body <= 0x10_0000,
        BACKEND_KEY_DATA => header.body >= 8 && header.body <= 260,
        PARAMETER_STATUS => header.body >= 2 && header.body <= 0x10_0000,
        NEGOTIATE_VERSION => header.body >= 8 && header.body <= 0x10_0000,
        NOTIFICATION => header.body >= 6 && header.body <= 0x10_0000,
        ERROR | NOTICE => header.body >= 1,
        FUNCTION_RESULT => header.body >= 4,
        COPY_DATA => true,
        _ => false,
    }
}

/// Splits a NUL-terminated string off. `None` if its end is not there.
pub(super) fn cstr(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(0, bytes)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

/// Splits a big-endian 16-bit integer off.
pub(super) fn int16(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (value, rest) = bytes.split_first_chunk()?;
    Some((u16::from_be_bytes(*value), rest))
}

/// Splits a big-endian 32-bit integer off.
pub(super) fn int32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (value, rest) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*value), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_limits() {
        assert_eq!(head(b"Z\0\0\0"), Head::Partial);
        assert_eq!(head(b"Z\0\0\0\x05I"), Head::Complete(Header { tag: b'Z', body: 1 }));
        assert_eq!(head(b"Z\0\0\0\x03"), Head::Invalid);
        assert_eq!(head(b"POST /"), Head::Invalid);
        assert_eq!(cstr(b"ab\0c"), Some((&b"ab"[..], &b"c"[..])));
        assert_eq!(cstr(b"ab"), None);
    }
}
