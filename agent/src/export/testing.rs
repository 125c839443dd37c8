//! Spans for the tests of exporters.

use std::borrow::Cow;
use std::sync::Arc;

use crate::trace::span::{Kind, Link, Resource, Span, Status, Value};

/// A resource of a service.
pub(crate) fn resource(name: &str) -> Arc<Resource> {
    Arc::new(Resource {
        service_name: name.into(),
        attributes: vec![
            (Cow::Borrowed("service.name"), Value::Shared(name.into())),
            (Cow::Borrowed("process.pid"), Value::Int(4711)),
            (Cow::Owned("team".to_owned()), Value::Text("".into())),
        ],
        ..Resource::default()
    })
}

/// An HTTP server span with a dozen attributes.
pub(crate) fn server_span(resource: &Arc<Resource>) -> Span {
    Span {
        trace_id: [0xab; 16],
        span_id: [1, 2, 3, 4, 5, 6, 7, 0xff],
        parent: Some([9; 8]),
        trace_state: Some("a=1,b=2".into()),
        kind: Kind::Server,
        name: "GET /users/{id}".into(),
        start_unix_ns: 1_795_246_367_123_456_789,
        end_unix_ns: 1_795_246_367_135_856_789,
        answered_unix_ns: None,
        thread: 0,
        attributes: vec![
            ("http.request.method", Value::Static("GET")),
            ("url.path", Value::Text("/users/42".into())),
            ("url.query", Value::Text("full=1".into())),
            ("url.scheme", Value::Static("http")),
            ("http.route", Value::Shared("/users/{id}".into())),
            ("http.response.status_code", Value::Int(503)),
            ("error.type", Value::Static("503")),
            ("network.protocol.version", Value::Static("1.1")),
            ("network.peer.address", Value::Shared("10.0.0.7".into())),
            ("network.peer.port", Value::Int(51234)),
            ("server.address", Value::Shared("api.example".into())),
            ("user_agent.original", Value::Text("curl/8.5 \"x\"".into())),
            ("test.negative", Value::Int(-1)),
            ("test.truth", Value::Bool(false)),
            ("test.seconds", Value::Double(0.48)),
            ("test.list", Value::List(["a".into(), "".into()].into())),
        ],
        status: Status::Error("upstream went away".into()),
        links: vec![Link { trace_id: [7; 16], span_id: [8; 8] }],
        resource: Arc::clone(resource),
    }
}

/// A span with nothing that can be left out.
pub(crate) fn bare_span(resource: &Arc<Resource>) -> Span {
    Span {
        parent: None,
        trace_state: None,
        kind: Kind::Client,
        attributes: Vec::new(),
        status: Status::Unset,
        links: Vec::new(),
        name: "GET".into(),
        ..server_span(resource)
    }
}
