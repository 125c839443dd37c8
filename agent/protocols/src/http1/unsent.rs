//! A body that may never be sent: the client asked first (`Expect: 100-continue`), and the final answer came before it.
//!
//! It may send the body all the same, or go on with the next request (RFC 9110, section 10.1.1). The bytes tell which,
//! mostly: a start line where the body would begin, or one where it would end. Where both are possible the next response
//! tells: if it comes before as many bytes were sent as the body would have, it is that of a request.

use super::probe;
use super::request::State;
use super::session::Http1;
use super::start::is_registered;
use crate::protocol::Probe;
use crate::session::Output;
use crate::stream::Chunk;

impl Http1 {
    /// Whether the body that is expected next may never be sent.
    pub(super) fn is_unsent_body(&mut self) -> bool {
        let unsent = match self.up.state {
            State::Length(left) => left == self.up.length,
            State::Chunked(chunked) => chunked.total() == 0,
            _ => false,
        };
        unsent && self.up.head.expects && self.queue.current().is_none()
    }

    /// Decides whether `chunk` is the body or the next request.
    pub(super) fn judge_unsent(&mut self, chunk: &Chunk<'_>) {
        let bytes = chunk.bytes;
        let begins = match probe::request(bytes) {
            Probe::Yes(_) => true,
            _ => probe::begins_again(bytes, chunk.ends_call),
        };
        // A chunked body begins with digits, no start line does.
        let length = if let State::Length(length) = self.up.state { Some(length) } else { None };
        let after = length.and_then(|length| usize::try_from(length).ok()).and_then(|length| bytes.get(length..));
        let fits = match (length, after) {
            (None, _) => false,
            // The body goes on, or ends with the chunk.
            (Some(_), None | Some([])) => true,
            (Some(_), Some(rest)) => probe::request(rest) != Probe::No,
        };
        // What follows the body makes it certain that any word before it is no method.
        let is_body = !begins || (fits && after.is_some() && !is_registered(bytes));
        if !is_body {
            self.up.state = State::Idle;
            self.up.unsent_end = length.filter(|_| fits).map(|length| chunk.pos.saturating_add(length));
        }
    }

    /// What looked like the beginning of a request line was the body, if a request begins where that would end.
    pub(super) fn withdraw_unsent(&mut self, chunk: &Chunk<'_>) {
        let end = self.queue.current().and_then(|current| current.doubtful_end);
        if end == Some(chunk.pos) && probe::begins_again(chunk.bytes, chunk.ends_call) {
            self.queue.withdraw();
            self.up.lines.reset();
            self.up.state = State::Idle;
        }
    }

    /// A response to the first request is about to begin. False, and nothing waits any more, if that request may have been
    /// the bytes of a body.
    pub(super) fn is_sent_for_certain(&mut self, out: &mut Output) -> bool {
        let is_doubtful = self.queue.front().and_then(|front| front.doubtful_end).is_some_and(|end| self.up.pos >= end);
        if is_doubtful {
            self.lose_responses(out);
        }
        !is_doubtful
    }
}
