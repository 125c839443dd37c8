//! Names of requests, and of the spans that they are.

use crate::trace::sampler::Decision;
use crate::trace::span::{SpanId, TraceId};

/// A stream of a connection, and the position of a request's first byte.
pub(super) type Place = (u64, u64);

/// Names a request of a server: its connection, the stream within that, and the position of its first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey {
    /// Connection id.
    pub connection: u64,
    /// Which of the connection's streams; 0 where it is one.
    pub stream: u64,
    /// Position of its first byte.
    pub pos: u64,
}

impl RequestKey {
    /// Its place among the requests of its connection.
    pub(super) fn place(self) -> Place {
        (self.stream, self.pos)
    }

    /// Others of its connection may be handled at the same time, each by whoever it is handed to (HTTP/2): who reads it need not be
    /// who handles it.
    pub(super) fn is_stream(self) -> bool {
        self.stream != 0
    }
}

/// The request that something was done for, and the span that it is or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The request.
    pub request: RequestKey,
    /// Its trace.
    pub trace_id: TraceId,
    /// Its span.
    pub span_id: SpanId,
    /// The parent of that.
    pub parent: Option<SpanId>,
    /// Whether that span is exported, and if not why.
    pub decision: Decision,
}
