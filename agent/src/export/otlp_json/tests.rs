use serde_json::{Value as Read, json};

use super::*;
use crate::export::testing::{bare_span, resource, server_span};

fn rendered(batch: &[Span]) -> Read {
    let mut lines = JsonLines::default();
    let bytes = lines.render(batch);
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1, "one line");
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn every_field_follows_the_mapping() {
    let line = rendered(&[server_span(&resource("api"))]);
    let scope_spans = &line["resourceSpans"][0]["scopeSpans"][0];
    assert_eq!(line["resourceSpans"][0]["schemaUrl"], "https://opentelemetry.io/schemas/1.44.0");
    assert_eq!(scope_spans["schemaUrl"], "https://opentelemetry.io/schemas/1.44.0");
    assert_eq!(scope_spans["scope"], json!({"name": "wirespan", "version": env!("CARGO_PKG_VERSION")}));
    assert_eq!(
        line["resourceSpans"][0]["resource"],
        json!({"attributes": [
            {"key": "service.name", "value": {"stringValue": "api"}},
            {"key": "process.pid", "value": {"intValue": "4711"}},
            {"key": "team", "value": {"stringValue": ""}},
        ]})
    );
    let span = &scope_spans["spans"][0];
    let string = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let expected = json!({
        "traceId": "abababababababababababababababab",
        "spanId": "01020304050607ff",
        "traceState": "a=1,b=2",
        "parentSpanId": "0909090909090909",
        "name": "GET /users/{id}",
        "kind": 2,
        "startTimeUnixNano": "1795246367123456789",
        "endTimeUnixNano": "1795246367135856789",
        "attributes": [
            string("http.request.method", "GET"),
            string("url.path", "/users/42"),
            string("url.query", "full=1"),
            string("url.scheme", "http"),
            string("http.route", "/users/{id}"),
            {"key": "http.response.status_code", "value": {"intValue": "503"}},
            string("error.type", "503"),
            string("network.protocol.version", "1.1"),
            string("network.peer.address", "10.0.0.7"),
            {"key": "network.peer.port", "value": {"intValue": "51234"}},
            string("server.address", "api.example"),
            string("user_agent.original", "curl/8.5 \"x\""),
            {"key": "test.negative", "value": {"intValue": "-1"}},
            {"key": "test.truth", "value": {"boolValue": false}},
            {"key": "test.seconds", "value": {"doubleValue": 0.48}},
            {"key": "test.list", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": ""}]}}},
        ],
        "links": [{"traceId": "07070707070707070707070707070707", "spanId": "0808080808080808"}],
        "status": {"message": "upstream went away", "code": 2},
    });
    assert_eq!(*span, expected);
}

#[test]
fn what_is_absent_is_left_out() {
    let line = rendered(&[bare_span(&resource("api"))]);
    let span = line["resourceSpans"][0]["scopeSpans"][0]["spans"][0].as_object().unwrap();
    for absent in ["traceState", "parentSpanId", "links"] {
        assert!(!span.contains_key(absent), "{absent}");
    }
    assert_eq!((&span["kind"], &span["status"], &span["attributes"]), (&json!(3), &json!({}), &json!([])));
}

#[test]
fn spans_are_grouped_by_resource() {
    let (a, b) = (resource("a"), resource("b"));
    let line = rendered(&[bare_span(&a), bare_span(&b), bare_span(&a), bare_span(&b), bare_span(&b)]);
    let groups: Vec<_> = line["resourceSpans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            let name = &group["resource"]["attributes"][0]["value"]["stringValue"];
            (name.as_str().unwrap(), group["scopeSpans"][0]["spans"].as_array().unwrap().len())
        })
        .collect();
    assert_eq!(groups, [("a", 2), ("b", 3)]);
}
