//! Frames (RFC 9113, sections 4 and 6): their heads, and what an error code is called.

use crate::stream::Direction;

/// What the client sends first (RFC 9113, section 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of a frame's head.
pub(super) const HEAD_LEN: usize = 9;
/// Longest payload that is taken for one where it is not certain that a frame begins: nobody may send longer ones before the
/// other side allows it (section 4.2), and hardly anybody does.
const PLAUSIBLE: u32 = 16_384;

/// Types of frames that are looked at.
pub(super) mod kind {
    pub(in super::super) const DATA: u8 = 0;
    pub(in super::super) const HEADERS: u8 = 1;
    pub(in super::super) const PRIORITY: u8 = 2;
    pub(in super::super) const RST_STREAM: u8 = 3;
    pub(in super::super) const SETTINGS: u8 = 4;
    pub(in super::super) const PUSH_PROMISE: u8 = 5;
    pub(in super::super) const PING: u8 = 6;
    pub(in super::super) const GOAWAY: u8 = 7;
    pub(in super::super) const WINDOW_UPDATE: u8 = 8;
    pub(in super::super) const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub(super) mod flag {
    pub(in super::super) const END_STREAM: u8 = 1;
    pub(in super::super) const ACK: u8 = 1;
    pub(in super::super) const END_HEADERS: u8 = 4;
    pub(in super::super) const PADDED: u8 = 8;
    pub(in super::super) const PRIORITY: u8 = 0x20;
}

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Bytes of payload.
    pub(super) len: u32,
    /// Type.
    pub(super) kind: u8,
    /// Flags.
    pub(super) flags: u8,
    /// Stream; 0 for the connection.
    pub(super) stream: u32,
    /// The reserved bit, which is to be ignored.
    is_reserved: bool,
}

impl Head {
    pub(super) fn parse(bytes: &[u8; HEAD_LEN]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = *bytes;
        let stream = u32::from_be_bytes(stream);
        Self {
            len: u32::from_be_bytes([0, a, b, c]),
            kind,
            flags,
            stream: stream & 0x7fff_ffff,
            is_reserved: stream >> 31 != 0,
        }
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether length and stream are those of its type.
    pub(super) fn is_valid(&self) -> bool {
        use kind::{
            CONTINUATION, DATA, GOAWAY, HEADERS, PING, PRIORITY, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE,
        };
        let is_of_stream = self.stream != 0;
        match self.kind {
            DATA | HEADERS | CONTINUATION => is_of_stream,
            PRIORITY => is_of_stream && self.len == 5,
            RST_STREAM => is_of_stream && self.len == 4,
            SETTINGS => !is_of_stream && self.len.is_multiple_of(6) && (!self.has(flag::ACK) || self.len == 0),
            PUSH_PROMISE => is_of_stream && self.len >= 4,
            PING => !is_of_stream && self.len == 8,
            GOAWAY => !is_of_stream && self.len >= 8,
            WINDOW_UPDATE => self.len == 4,
            _ => true,
        }
    }

    /// Whether a frame of `direction` may begin so where that is not certain: a type of the RFC, no flag and no length that
    /// nobody uses, and a stream that a client may have opened.
    pub(super) fn is_plausible(&self, direction: Option<Direction>) -> bool {
        use kind::{CONTINUATION, DATA, GOAWAY, HEADERS, PING, PUSH_PROMISE, SETTINGS};
        let flags = match self.kind {
            DATA => flag::END_STREAM | flag::PADDED,
            HEADERS => flag::END_STREAM | flag::END_HEADERS | flag::PADDED | flag::PRIORITY,
            PUSH_PROMISE => flag::END_HEADERS | flag::PADDED,
            CONTINUATION => flag::END_HEADERS,
            SETTINGS | PING => flag::ACK,
            _ => 0,
        };
        let most = match self.kind {
            SETTINGS => 6 * 16,
            GOAWAY => 1024,
            _ => PLAUSIBLE,
        };
        let is_sent_by = match self.kind {
            PUSH_PROMISE => direction != Some(Direction::ToServer),
            _ => true,
        };
        let least = if self.has(flag::PADDED) { 1 } else { 0 };
        self.kind <= CONTINUATION
            && self.flags & !flags == 0
            && (least..=most).contains(&self.len)
            && (self.stream == 0 || self.stream % 2 == 1)
            && !self.is_reserved
            && is_sent_by
            && self.is_valid()
    }
}

/// An error code as it is called (section 7), in lower case; `_OTHER` for one that the RFC does not name.
pub(super) fn error_name(code: u32) -> &'static str {
    match code {
        0 => "no_error",
        1 => "protocol_error",
        2 => "internal_error",
        3 => "flow_control_error",
        4 => "settings_timeout",
        5 => "stream_closed",
        6 => "frame_size_error",
        REFUSED => "refused_stream",
        CANCEL => "cancel",
        9 => "compression_error",
        10 => "connect_error",
        11 => "enhance_your_calm",
        12 => "inadequate_security",
        13 => "http_1_1_required",
        _ => "_OTHER",
    }
}

/// `REFUSED_STREAM`: nothing was done.
pub(super) const REFUSED: u32 = 7;
/// `CANCEL`.
pub(super) const CANCEL: u32 = 8;
