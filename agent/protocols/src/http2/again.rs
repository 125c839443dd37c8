//! An exchange made of an earlier one that nobody needs any more, with the room of its texts.

use std::any::Any;

use super::Http2Exchange;
use crate::exchange::detail::Detail;
use crate::http::texts::MAX_TEXT;

/// An exchange of which nothing is known yet, made of `spare` if that is one of ours.
pub(super) fn blank(spare: &mut Option<Box<dyn Detail>>) -> Box<Http2Exchange> {
    let Some(spare) = spare.take() else { return Box::default() };
    let spare: Box<dyn Any> = spare;
    let Ok(mut exchange) = spare.downcast::<Http2Exchange>() else { return Box::default() };
    // Each field is named, so that none is forgotten.
    let Http2Exchange {
        method,
        target,
        target_truncated,
        scheme,
        host,
        user_agent,
        traceparent,
        tracestate,
        forwarded_for,
        foreign,
        kept,
        has_otlp_type,
        status,
        request_body,
        response_body,
        reset,
        call,
        buffers,
    } = &mut *exchange;
    (*method, *scheme) = Default::default();
    target.clear();
    target.shrink_to(MAX_TEXT);
    (*target_truncated, *has_otlp_type) = (false, false);
    (*foreign, *call, *reset) = (None, None, None);
    (*status, *request_body, *response_body) = (None, None, None);
    kept.clear();
    *traceparent = None;
    for text in [host, user_agent, tracestate, forwarded_for] {
        buffers.take(text);
    }
    exchange
}
