//! What is written here, read with the generated types of opentelemetry-proto.

use std::time::Instant;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1 as proto;
use prost::Message as _;

use super::*;
use crate::export::testing::{bare_span, resource as test_resource, server_span};

fn decoded(batch: &[Span]) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::decode(request(batch).as_slice()).unwrap()
}

fn pairs(attributes: &[KeyValue]) -> Vec<(&str, Any)> {
    attributes.iter().map(|one| (one.key.as_str(), one.value.clone().unwrap().value.unwrap())).collect()
}

fn text(text: &str) -> Any {
    Any::StringValue(text.to_owned())
}

#[test]
fn attributes_of_every_length_are_read_as_they_were() {
    let keys =
        ["", "k", "a.key.of.some.length", "a.key.that.is.longer.than.most.keys.are.and.still.growing.until.it.is.long"];
    let mut expected = Vec::new();
    let mut span = bare_span(&test_resource("api"));
    span.attributes.clear();
    for key in keys {
        for length in (0..140).chain([16_300, 16_384]) {
            let value = "x".repeat(length);
            span.attributes
                .push((key, if length % 2 == 0 { Value::text(&value) } else { Value::Shared(value.as_str().into()) }));
            expected.push((key, text(&value)));
        }
        for number in [0, 1, -1, 127, 128, i64::MAX, i64::MIN] {
            span.attributes.push((key, Value::Int(number)));
            expected.push((key, Any::IntValue(number)));
        }
        span.attributes.push((key, Value::Double(0.5)));
        expected.push((key, Any::DoubleValue(0.5)));
        span.attributes.push((key, Value::Bool(true)));
        expected.push((key, Any::BoolValue(true)));
    }
    let decoded = decoded(&[span]);
    assert_eq!(pairs(&decoded.resource_spans[0].scope_spans[0].spans[0].attributes), expected);
}

#[test]
fn every_field_is_where_the_schema_has_it() {
    let decoded = decoded(&[server_span(&test_resource("api"))]);
    let group = &decoded.resource_spans[0];
    assert_eq!(group.schema_url, SCHEMA_URL);
    assert_eq!(
        pairs(&group.resource.as_ref().unwrap().attributes),
        [("service.name", text("api")), ("process.pid", Any::IntValue(4711)), ("team", text(""))]
    );
    let scope = &group.scope_spans[0];
    assert_eq!(scope.schema_url, SCHEMA_URL);
    let name = scope.scope.as_ref().unwrap();
    assert_eq!((name.name.as_str(), name.version.as_str()), (SCOPE_NAME, SCOPE_VERSION));
    let span = &scope.spans[0];
    assert_eq!(span.trace_id, [0xab; 16]);
    assert_eq!(span.span_id, [1, 2, 3, 4, 5, 6, 7, 0xff]);
    assert_eq!(span.parent_span_id, [9; 8]);
    assert_eq!(span.trace_state, "a=1,b=2");
    assert_eq!(span.name, "GET /users/{id}");
    assert_eq!(span.kind(), proto::span::SpanKind::Server);
    assert_eq!(span.start_time_unix_nano, 1_795_246_367_123_456_789);
    assert_eq!(span.end_time_unix_nano, 1_795_246_367_135_856_789);
    let status = span.status.as_ref().unwrap();
    assert_eq!((status.code(), status.message.as_str()), (proto::status::StatusCode::Error, "upstream went away"));
    assert_eq!((&span.links[0].trace_id[..], &span.links[0].span_id[..]), (&[7; 16][..], &[8; 8][..]));
    let attributes = pairs(&span.attributes);
    assert_eq!(attributes.len(), 16);
    assert_eq!(attributes[0], ("http.request.method", text("GET")));
    assert_eq!(attributes[4], ("http.route", text("/users/{id}")));
    assert_eq!(attributes[5], ("http.response.status_code", Any::IntValue(503)));
    assert_eq!(attributes[11], ("user_agent.original", text("curl/8.5 \"x\"")));
    assert_eq!(attributes[12], ("test.negative", Any::IntValue(-1)));
    assert_eq!(attributes[13], ("test.truth", Any::BoolValue(false)));
    let values = ["a", ""].map(|item| AnyValue { value: Some(text(item)) }).to_vec();
    assert_eq!(attributes[14], ("test.seconds", Any::DoubleValue(0.48)));
    assert_eq!(attributes[15], ("test.list", Any::ArrayValue(ArrayValue { values })));
}

#[test]
fn our_bytes_are_those_of_the_generated_types() {
    let (a, b) = (test_resource("a"), test_resource("b"));
    let mut long = server_span(&b);
    long.attributes.push(("db.query.text", Value::Text("x".repeat(70_000).into())));
    let batch = [server_span(&a), bare_span(&b), bare_span(&a), long];
    assert!(request(&batch) == decoded(&batch).encode_to_vec());
    let decoded = decoded(&batch);
    let sizes: Vec<_> = decoded.resource_spans.iter().map(|group| group.scope_spans[0].spans.len()).collect();
    assert_eq!(sizes, [2, 2]);
    let bare = &decoded.resource_spans[0].scope_spans[0].spans[1];
    assert_eq!((bare.kind(), &bare.status), (proto::span::SpanKind::Client, &None));
}

/// `cargo test --release -p wirespan encoding_cost -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, for release builds"]
fn encoding_cost() {
    let resources: Vec<_> = (0..4).map(|index| test_resource(&format!("service-{index}"))).collect();
    let batch: Vec<Span> = (0..512).map(|index| server_span(&resources[index / 16 % 4])).collect();
    let per_span = |what: &str, body: &mut dyn FnMut() -> usize| {
        let best = (0..50)
            .map(|_| {
                let start = Instant::now();
                std::hint::black_box(body());
                start.elapsed().as_nanos() / 512
            })
            .min();
        println!("{what}: {} ns a span", best.unwrap());
    };
    per_span("direct writer", &mut || request(&batch).len());
    // The types' price without even the conversion from our span: clone (its allocations) and encode.
    let typed = decoded(&batch);
    per_span("generated types, build", &mut || typed.clone().resource_spans.len());
    per_span("generated types, encode", &mut || typed.encode_to_vec().len());
}
