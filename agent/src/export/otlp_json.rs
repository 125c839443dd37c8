//! OTLP JSON lines: one `{"resourceSpans":[…]}` object a line, to standard output or to a file.
//!
//! The mapping is the JSON encoding of the OTLP specification ("OTLP/HTTP, JSON Protobuf Encoding"): lowerCamelCase keys, trace and
//! span ids in hexadecimal, 64-bit integers as strings, enumerations as numbers, fields at their default left out.

mod json;
mod metrics;

use super::groups::{Group, SCHEMA_URL, SCOPE_NAME, SCOPE_VERSION, by_resource};
use super::output::{Format, Output};
use crate::trace::span::{Attribute, Resource, Span, Status, Value};
use json::Json;

pub use metrics::MetricLines;

/// Memory of the buffer that is kept from batch to batch.
const KEEP: usize = 1 << 20;

/// `STATUS_CODE_ERROR`.
const STATUS_ERROR: u8 = 2;

/// The format; one line for each batch.
#[derive(Debug, Default)]
pub struct JsonLines {
    json: Json,
}

/// A sink that writes OTLP JSON lines.
pub type OtlpJson = Output<JsonLines>;

impl Format for JsonLines {
    fn render(&mut self, batch: &[Span]) -> &[u8] {
        self.json.clear(KEEP);
        line(&mut self.json, batch);
        self.json.as_bytes()
    }
}

fn line(json: &mut Json, batch: &[Span]) {
    json.object(|json| json.key("resourceSpans").array(by_resource(batch), resource_spans));
    json.newline();
}

fn resource_spans(json: &mut Json, group: Group<'_>) {
    json.object(|json| {
        json.key("resource").object(|json| resource(json, group.resource));
        json.key("scopeSpans").array([group.spans], |json, spans| {
            json.object(|json| {
                json.key("scope").object(scope);
                json.key("spans").array(spans, span);
                json.key("schemaUrl").string(SCHEMA_URL);
            });
        });
        json.key("schemaUrl").string(SCHEMA_URL);
    });
}

fn scope(json: &mut Json) {
    json.key("name").string(SCOPE_NAME);
    json.key("version").string(SCOPE_VERSION);
}

fn resource(json: &mut Json, resource: &Resource) {
    json.key("attributes").array(&resource.attributes, |json, (key, value)| attribute(json, key, value));
}

fn span(json: &mut Json, span: &Span) {
    json.object(|json| {
        json.key("traceId").hex(&span.trace_id);
        json.key("spanId").hex(&span.span_id);
        if let Some(state) = span.trace_state.as_deref().filter(|state| !state.is_empty()) {
            json.key("traceState").string(state);
        }
        if let Some(parent) = &span.parent {
            json.key("parentSpanId").hex(parent);
        }
        json.key("name").string(&span.name);
        json.key("kind").bare(span.kind as u8);
        json.key("startTimeUnixNano").long(span.start_unix_ns);
        json.key("endTimeUnixNano").long(span.end_unix_ns);
        json.key("attributes").array(&span.attributes, |json, (key, value): &Attribute| attribute(json, key, value));
        if !span.links.is_empty() {
            json.key("links").array(&span.links, |json, link| {
                json.object(|json| {
                    json.key("traceId").hex(&link.trace_id);
                    json.key("spanId").hex(&link.span_id);
                });
            });
        }
        json.key("status").object(|json| {
            if let Status::Error(message) = &span.status {
                if !message.is_empty() {
                    json.key("message").string(message);
                }
                json.key("code").bare(STATUS_ERROR);
            }
        });
    });
}

fn attribute(json: &mut Json, key: &str, value: &Value) {
    json.object(|json| {
        json.key("key").string(key);
        json.key("value").object(|json| any_value(json, value));
    });
}

fn any_value(json: &mut Json, value: &Value) {
    match value {
        Value::Static(text) => json.key("stringValue").string(text),
        Value::Shared(text) => json.key("stringValue").string(text),
        Value::Text(text) => json.key("stringValue").string(text),
        Value::Short(text) => json.key("stringValue").string(text.as_str()),
        Value::Int(number) => json.key("intValue").long(number),
        Value::Double(number) => json.key("doubleValue").double(*number),
        Value::Bool(truth) => json.key("boolValue").bare(truth),
        Value::List(items) => json.key("arrayValue").object(|json| {
            json.key("values").array(items, |json, item| json.object(|json| json.key("stringValue").string(item)));
        }),
    }
}

#[cfg(test)]
#[path = "otlp_json/tests.rs"]
mod tests;
