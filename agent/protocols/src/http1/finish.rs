//! The end of a response, and with it of its exchange; and what its head says of it.

use super::HttpExchange;
use super::fields::Field;
use super::pending::{Method, Queue};
use super::response::State;
use super::session::Http1;
use crate::exchange::Ending;
use crate::rpc::grpc::Call;
use crate::session::{Output, Reason};

impl Http1 {
    /// The response is over: its exchange is.
    pub(super) fn finish_response(&mut self, body: Option<u64>, upgraded: bool, out: &mut Output) {
        self.down.state = State::Idle;
        let (begun, messages) = (self.down.begun(), self.down.messages.take());
        self.down.status = None;
        let (Some((window, status)), Some(mut front)) = (begun, self.queue.pop()) else { return };
        if front.lost && front.method == Method::Unknown {
            out.count(Reason::UnmatchedResponse);
        }
        if let Some(detail) = &mut front.detail {
            detail.response_body = body;
            detail.upgraded = upgraded;
            // What a call came to may be in the head, or behind all messages.
            let knows = |call: &mut Call| match messages {
                Some(messages) => messages.end(call) || call.status.is_some(),
                None => call.status.is_some() || !self.down.head.lossy,
            };
            if detail.call.as_deref_mut().is_some_and(|call| !knows(call)) {
                out.count(Reason::LostResponse);
                front.lost = true;
            }
        }
        if front.emit(Some((window, status)), Ending::Answered, window.last_ns, out) {
            self.broken = 0;
        }
    }
}

/// The exchange that a final response with this status answers.
pub(super) fn answered(queue: &mut Queue, status: Option<u16>) -> Option<&mut HttpExchange> {
    let is_final = status.is_some_and(|status| status >= 200 || status == 101);
    queue.front_mut().filter(|_| is_final).and_then(|front| front.detail.as_deref_mut())
}

/// Keeps a field of a response that says what a call came to.
pub(super) fn keep_outcome(call: &mut Option<Box<Call>>, field: Field, value: &[u8]) {
    let Some(call) = call else { return };
    match field {
        Field::GrpcStatus => call.keep_status(value),
        Field::GrpcMessage => call.keep_message(value),
        _ => {}
    }
}
