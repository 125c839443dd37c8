//! What a reader tells, and header blocks that are several frames.

use super::frame::{HEAD_LEN, Head, flag, kind};
use crate::stream::Stamp;

/// Longest header block that is read, and longest frame but for those that are passed over, bytes.
pub(super) const MAX_BLOCK: usize = 64 * 1024;

/// A whole header block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'a> {
    /// Its stream.
    pub(super) stream: u32,
    /// It ends its direction of the stream.
    pub(super) ends_stream: bool,
    /// It is of a request that the server makes up.
    pub(super) is_promise: bool,
    /// Position of its first frame.
    pub(super) pos: u64,
    /// Of its first byte.
    pub(super) first: Stamp,
    /// Of its last byte.
    pub(super) last: Stamp,
    /// Bytes of its frames.
    pub(super) bytes: u64,
    /// What it says, compressed; `None` if that was lost.
    pub(super) fields: Option<&'a [u8]>,
}

/// What passed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event<'a> {
    /// A header block.
    Headers(Block<'a>),
    /// A piece of a body, or so many bytes of it that nobody saw.
    Body(u32, Result<&'a [u8], u64>),
    /// A frame of a body is over.
    Data {
        /// Its stream.
        stream: u32,
        /// It ends its direction of the stream.
        ends_stream: bool,
        /// Bytes of the frame.
        bytes: u64,
        /// Bytes of the body.
        body: u64,
    },
    /// A stream is over, with an error code.
    Reset(u32, u32),
    /// Streams after this one will not be answered.
    GoAway(u32),
    /// The rules were broken: framing is lost.
    Malformed,
    /// Nothing yet: more is to be read.
    Nothing,
    /// Framing is lost.
    Lost,
}

/// A header block that goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) stream: u32,
    ends_stream: bool,
    is_promise: bool,
    pos: u64,
    first: Stamp,
    pub(super) bytes: u64,
    pub(super) is_broken: bool,
}

impl Open {
    pub(super) fn new(head: Head, (pos, first): (u64, Stamp)) -> Self {
        Self {
            stream: head.stream,
            ends_stream: head.kind == kind::HEADERS && head.has(flag::END_STREAM),
            is_promise: head.kind == kind::PUSH_PROMISE,
            pos,
            first,
            bytes: 0,
            is_broken: false,
        }
    }

    pub(super) fn block(self, fields: Option<&[u8]>, last: Stamp) -> Block<'_> {
        let Self { stream, ends_stream, is_promise, pos, first, bytes, .. } = self;
        Block { stream, ends_stream, is_promise, pos, first, last, bytes, fields }
    }
}

/// A frame of a body that is over.
pub(super) fn data(head: Head, pad: u64) -> Event<'static> {
    let len = u64::from(head.len);
    let body = len.saturating_sub(pad + u64::from(head.has(flag::PADDED)));
    Event::Data { stream: head.stream, ends_stream: head.has(flag::END_STREAM), bytes: HEAD_LEN as u64 + len, body }
}

/// What a frame says that is there as a whole.
pub(super) fn whole<'a>(
    head: Head,
    payload: &'a [u8],
    open: &mut Option<Open>,
    block: &'a mut Vec<u8>,
    began: (u64, Stamp),
    stamp: Stamp,
) -> Option<Event<'a>> {
    let number = |at: usize| payload.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
    match head.kind {
        kind::RST_STREAM => return Some(Event::Reset(head.stream, number(0)?)),
        kind::GOAWAY => return Some(Event::GoAway(number(0)? & 0x7fff_ffff)),
        _ => {}
    }
    let Some(fragment) = fragment(head, payload) else { return Some(Event::Malformed) };
    let begins = open.is_none();
    let goes_on = open.get_or_insert_with(|| Open::new(head, began));
    if begins {
        block.clear();
    }
    goes_on.bytes += HEAD_LEN as u64 + u64::from(head.len);
    let ends = head.has(flag::END_HEADERS);
    if begins && ends {
        return open.take().map(|open| Event::Headers(open.block(Some(fragment), stamp)));
    }
    if block.len() + fragment.len() > MAX_BLOCK {
        goes_on.is_broken = true;
    } else {
        block.extend_from_slice(fragment);
    }
    if !ends {
        return None;
    }
    open.take().map(|open| Event::Headers(open.block((!open.is_broken).then_some(&**block), stamp)))
}

/// A frame's part of its header block: without padding, priority and promised stream.
fn fragment(head: Head, payload: &[u8]) -> Option<&[u8]> {
    let mut rest = payload;
    let is_first = head.kind != kind::CONTINUATION;
    let pad = if is_first && head.has(flag::PADDED) {
        let (pad, after) = rest.split_first()?;
        rest = after;
        usize::from(*pad)
    } else {
        0
    };
    let skipped = match head.kind {
        kind::HEADERS if head.has(flag::PRIORITY) => 5,
        kind::PUSH_PROMISE => 4,
        _ => 0,
    };
    let rest = rest.get(skipped..)?;
    rest.get(..rest.len().checked_sub(pad)?)
}
