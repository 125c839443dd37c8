//! What the beginning of a response says of its request, whose end was not certain.

use super::pending::body_by_declaration;
use super::request::State;
use super::session::Http1;

impl Http1 {
    /// A final response begins. If the end of its request was not certain: it is where the request stands.
    pub(super) fn settle_request(&mut self) {
        let serial = self.queue.serial;
        let answers_current = self.queue.front().is_some_and(|front| front.serial == serial);
        if !answers_current {
            return;
        }
        let body = match self.up.state {
            State::Perhaps => Some(0),
            State::UntilResponse => {
                self.queue.current().and_then(|current| body_by_declaration(&self.up.head, &current.window))
            }
            State::Head if self.up.head.lossy => None,
            State::Tunnel => {
                self.up.state = State::Idle;
                return;
            }
            // The response came before the end of the request: the reader goes on, the exchange does not wait.
            _ => return,
        };
        self.up.state = if matches!(self.up.state, State::Perhaps) { State::Idle } else { State::Lost };
        if let Some(detail) = self.queue.current().and_then(|current| current.detail.as_mut()) {
            detail.request_body = body;
        }
    }

    /// Whether the end of what is being read is for the response to tell, which was given up or came already.
    pub(super) fn has_no_end(&mut self) -> bool {
        let by_response = match self.up.state {
            State::Perhaps | State::UntilResponse => true,
            State::Head => self.up.head.lossy,
            _ => false,
        };
        by_response && self.queue.current().is_none()
    }
}
