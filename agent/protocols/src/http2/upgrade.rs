//! A request of HTTP/1.1 that asked to go on in HTTP/2: the first stream answers it (RFC 7540, section 3.2). That its beginning was told
//! under the number of a connection without streams stays so.

use super::Http2Exchange;
use super::reader::FIRST;
use super::stream::Stream;
use super::streams::Streams;
use super::{again, describe};
use crate::http::asked::Asked;
use crate::session::Output;

impl Streams {
    /// The request that the first stream answers.
    pub(super) fn take_over(&mut self, asked: Asked, out: &mut Output) {
        let Asked { window, actor, body, body_left, .. } = asked;
        let mut stream = Stream::new(FIRST, again::blank(&mut out.spare));
        let Asked { method, target, target_truncated, host, user_agent, .. } = asked;
        let Asked { traceparent, tracestate, forwarded_for, foreign, kept, has_otlp_type, .. } = asked;
        let blank = std::mem::take(&mut *stream.detail);
        *stream.detail = Http2Exchange {
            method,
            target,
            target_truncated,
            host,
            user_agent,
            traceparent,
            tracestate,
            forwarded_for,
            foreign,
            kept,
            has_otlp_type,
            ..blank
        };
        stream.asked_before(window, actor, body, body_left == 0);
        stream.text = describe::text(&stream.detail);
        self.begin_with(stream, out);
    }
}
