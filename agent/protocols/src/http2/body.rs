//! What the body of a call says: how many messages it has, and in gRPC-Web what the call came to.

use crate::rpc::grpc::{Call, Coding};
use crate::rpc::messages::Messages;
use crate::rpc::web;

/// Bytes that a body of gRPC-Web holds, as a rule: its reader, and trailers.
pub(super) const WEB: usize = size_of::<web::Body>() + 256;

/// The reader of a body.
#[derive(Debug)]
pub(super) enum Body {
    Plain(Messages),
    Web(Box<web::Body>),
}

impl Default for Body {
    fn default() -> Self {
        Self::Plain(Messages::default())
    }
}

impl Body {
    /// That of a body which is sent so.
    pub(super) fn new(coding: Option<Coding>) -> Self {
        coding.map_or_else(Self::default, |coding| Self::Web(Box::new(web::Body::new(coding))))
    }

    /// The next piece of it, or how long one was that nobody saw.
    pub(super) fn piece(&mut self, piece: Result<&[u8], u64>) {
        match (self, piece) {
            (Self::Plain(messages), Ok(bytes)) => messages.bytes(bytes),
            (Self::Plain(messages), Err(len)) => messages.gap(len),
            (Self::Web(body), Ok(bytes)) => body.bytes(bytes),
            (Self::Web(body), Err(len)) => body.gap(len),
        }
    }

    /// Frames were lost that may have been of it.
    pub(super) fn lose(&mut self) {
        match self {
            Self::Plain(messages) => messages.lose(),
            Self::Web(body) => body.lose(),
        }
    }

    /// How many messages there were in a body of this size that is over.
    pub(super) fn count(&self, size: u64) -> Option<u64> {
        match self {
            Self::Plain(messages) => messages.count(size),
            Self::Web(body) => body.count(),
        }
    }

    /// It is over: keeps what its trailers say. False if they were lost, and nothing else says what the call came to.
    pub(super) fn end(self, call: &mut Call) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Web(body) => body.end(call) || call.status.is_some(),
        }
    }

    /// Bytes held beside those of the stream.
    pub(super) const fn heap_bytes(&self) -> usize {
        if matches!(self, Self::Web(_)) { WEB } else { 0 }
    }
}
