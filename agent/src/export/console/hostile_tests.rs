//! What a line can be made of comes from strangers.

use super::*;
use crate::export::testing::{resource, server_span};
use crate::shown::testing::{HOSTILE, is_harmless};
use crate::trace::span::{Kind, Status, Value};

const KEYS: [&str; 14] = [
    "http.request.method",
    "http.request.method_original",
    "http.route",
    "url.full",
    "url.path",
    "url.query",
    "db.query.text",
    "db.query.summary",
    "db.response.status_code",
    "error.type",
    "dns.question.name",
    "server.address",
    "client.address",
    "network.peer.address",
];

/// A failed span that calls everything so, but for one attribute: others are shown then.
fn span(name: &str, kind: Kind, left_out: usize) -> Span {
    let given = KEYS.iter().enumerate().filter(|(index, _)| *index != left_out);
    Span {
        kind,
        name: name.to_owned().into(),
        status: Status::Error(name.to_owned().into()),
        attributes: given.map(|(_, key)| (*key, Value::Text(name.into()))).collect(),
        ..server_span(&resource(name))
    }
}

fn shown(span: Span, width: Option<usize>) -> String {
    let view = View { trace_ids: true, ..View::default() };
    let mut lines = Lines::new(view, false, Box::new(move || width));
    String::from_utf8(lines.render(&[span]).to_vec()).unwrap()
}

#[test]
fn nothing_in_a_span_can_touch_the_terminal() {
    for width in [None, Some(80), Some(200)] {
        for kind in [Kind::Server, Kind::Client] {
            for left_out in 0..=KEYS.len() {
                let text = shown(span(HOSTILE, kind, left_out), width);
                assert!(is_harmless(&text) && text.contains("a·"), "{text:?}");
                let usual = shown(span("a name of the same length, and nothing odd about it", kind, left_out), width);
                assert_eq!(text.matches('\n').count(), usual.matches('\n').count(), "{text}\n{usual}");
            }
        }
    }
}
