//! An exchange made of an earlier one that nobody needs any more, with the room of its texts: most exchanges are made, measured
//! and let go of, and allocations would be a good part of what that costs.

use std::any::Any;

use super::HttpExchange;
use crate::exchange::detail::Detail;
use crate::http::texts::MAX_TEXT;

/// An exchange of which nothing is known yet, made of `spare` if that is one of ours.
pub(super) fn blank(spare: &mut Option<Box<dyn Detail>>) -> Box<HttpExchange> {
    let Some(spare) = spare.take() else { return Box::default() };
    let spare: Box<dyn Any> = spare;
    let Ok(mut exchange) = spare.downcast::<HttpExchange>() else { return Box::default() };
    // Each field is named, so that none is forgotten.
    let HttpExchange {
        method,
        target,
        target_truncated,
        version_minor,
        status,
        host,
        user_agent,
        traceparent,
        tracestate,
        forwarded_for,
        foreign,
        kept,
        has_otlp_type,
        request_body,
        response_body,
        upgraded,
        call,
        buffers,
    } = &mut *exchange;
    *method = Default::default();
    target.clear();
    target.shrink_to(MAX_TEXT);
    (*target_truncated, *version_minor, *upgraded) = (false, 0, false);
    (*foreign, *call, *has_otlp_type) = (None, None, false);
    (*status, *request_body, *response_body) = (None, None, None);
    kept.clear();
    *traceparent = None;
    for text in [host, user_agent, tracestate, forwarded_for] {
        buffers.take(text);
    }
    exchange
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::texts::{Buffers, MAX_BUFFERS};

    #[test]
    fn nothing_is_left_of_the_earlier_one_but_its_room() {
        let text = |len: usize| Some("x".repeat(len));
        let used = HttpExchange {
            method: "GET".into(),
            target: "/".repeat(5_000),
            target_truncated: true,
            version_minor: 1,
            status: Some(200),
            host: text(10),
            user_agent: text(MAX_TEXT + 1),
            traceparent: Some("00".into()),
            tracestate: text(20),
            forwarded_for: text(3),
            foreign: Some(Box::default()),
            kept: vec![("a", "b".into())],
            has_otlp_type: true,
            request_body: Some(1),
            response_body: Some(2),
            upgraded: true,
            call: Some(Box::default()),
            buffers: Buffers::of(vec![String::with_capacity(7)]),
        };
        let mut spare: Option<Box<dyn Detail>> = Some(Box::new(used));
        let mut again = blank(&mut spare);
        assert!(*again == HttpExchange::default() && spare.is_none());
        assert!(again.target.capacity() <= MAX_TEXT && again.buffers.heap_bytes() <= MAX_BUFFERS * 256 + 256);
        assert_eq!((again.buffers.count(), again.buffers.text(b"abcd", 3)), (4, "abc".into()), "the large one is gone");
    }
}
