//! A connection that goes on in another version of HTTP (RFC 7540, section 3.2). Whoever asked for that is answered in it: the request is
//! not told here, but handed over. Without a protocol of that name, and where the order of requests is not certain, the answer 101 is the
//! last that is told of the connection.

use super::request::State;
use super::session::Http1;
use crate::http::asked::Asked;
use crate::session::{Output, Upgrade};

impl Http1 {
    /// The server has agreed to change, in the head that was just read. Whether the request was handed over.
    pub(super) fn hand_over(&mut self, out: &mut Output) -> bool {
        let name = self.down.head.upgrade;
        let Some(to) = name.and_then(|name| self.registry.upgrade(name.as_str())) else { return false };
        let body_left = match self.up.state {
            State::Idle => 0,
            State::Length(left) => left,
            _ => return false,
        };
        let is_certain = self.queue.len() == 1 && !self.queue.doubt && !self.on_trial && !self.down.head.lossy;
        if !is_certain || self.queue.front().is_none_or(|front| front.lost || front.detail.is_none()) {
            return false;
        }
        let Some(mut front) = self.queue.pop() else { return false };
        front.tell(out);
        let Some(mut detail) = front.detail else { return false };
        detail.kept.truncate(self.down.kept_before);
        let body = if body_left > 0 { Some(self.up.length - body_left) } else { detail.request_body };
        let request = Asked {
            window: front.window,
            actor: front.actor,
            body,
            body_left,
            method: detail.method,
            target: detail.target,
            target_truncated: detail.target_truncated,
            host: detail.host,
            user_agent: detail.user_agent,
            traceparent: detail.traceparent,
            tracestate: detail.tracestate,
            forwarded_for: detail.forwarded_for,
            foreign: detail.foreign,
            kept: detail.kept,
            has_otlp_type: detail.has_otlp_type,
        };
        out.upgrade = Some(Upgrade { to: to.spoken, server_at: self.down.pos, request: Box::new(request) });
        self.leave(out);
        true
    }
}
