//! From spans to an encoded `ExportTraceServiceRequest`.
//!
//! Field numbers are those of opentelemetry-proto 1.x: `collector/trace/v1/trace_service.proto`, `trace/v1/trace.proto`,
//! `common/v1/common.proto` and `resource/v1/resource.proto`. The tests decode what is written here with generated types.

use super::wire::{Writer, field_len, tag, varint_len};
use crate::export::groups::{Group, SCHEMA_URL, SCOPE_NAME, SCOPE_VERSION, by_resource};
use crate::trace::span::{Link, Resource, Span, Status, Value};

mod request {
    pub const RESOURCE_SPANS: u32 = 1;
}
mod resource_spans {
    pub const RESOURCE: u32 = 1;
    pub const SCOPE_SPANS: u32 = 2;
    pub const SCHEMA_URL: u32 = 3;
}
mod resource {
    pub const ATTRIBUTES: u32 = 1;
}
mod scope_spans {
    pub const SCOPE: u32 = 1;
    pub const SPANS: u32 = 2;
    pub const SCHEMA_URL: u32 = 3;
}
mod scope {
    pub const NAME: u32 = 1;
    pub const VERSION: u32 = 2;
}
mod span {
    pub const TRACE_ID: u32 = 1;
    pub const SPAN_ID: u32 = 2;
    pub const TRACE_STATE: u32 = 3;
    pub const PARENT_SPAN_ID: u32 = 4;
    pub const NAME: u32 = 5;
    pub const KIND: u32 = 6;
    pub const START_TIME_UNIX_NANO: u32 = 7;
    pub const END_TIME_UNIX_NANO: u32 = 8;
    pub const ATTRIBUTES: u32 = 9;
    pub const LINKS: u32 = 13;
    pub const STATUS: u32 = 15;
}
mod link {
    pub const TRACE_ID: u32 = 1;
    pub const SPAN_ID: u32 = 2;
}
mod status {
    pub const MESSAGE: u32 = 2;
    pub const CODE: u32 = 3;
    pub const ERROR: u64 = 2;
}
mod key_value {
    pub const KEY: u32 = 1;
    pub const VALUE: u32 = 2;
}
mod any_value {
    pub const STRING: u32 = 1;
    pub const BOOL: u32 = 2;
    pub const INT: u32 = 3;
    pub const DOUBLE: u32 = 4;
    pub const ARRAY: u32 = 5;
}
mod array_value {
    pub const VALUES: u32 = 1;
}

/// Bytes that a span takes, roughly: only a first size for the buffer, and a guess how long lengths are.
const TYPICAL_SPAN: usize = 512;

/// Encodes a batch as one request.
#[must_use]
pub fn request(batch: &[Span]) -> Vec<u8> {
    let mut writer = Writer::with_capacity(batch.len() * TYPICAL_SPAN);
    for group in by_resource(batch) {
        let about = group.spans.len() * TYPICAL_SPAN;
        writer.message_of_about(request::RESOURCE_SPANS, about, |writer| resource_spans(writer, &group, about));
    }
    writer.into_bytes()
}

fn resource_spans(writer: &mut Writer, group: &Group<'_>, about: usize) {
    writer.message(resource_spans::RESOURCE, |writer| resource(writer, group.resource));
    writer.message_of_about(resource_spans::SCOPE_SPANS, about, |writer| {
        writer.message(scope_spans::SCOPE, instrumentation_scope);
        for one in &group.spans {
            writer.message_of_about(scope_spans::SPANS, TYPICAL_SPAN, |writer| span(writer, one));
        }
        writer.bytes(scope_spans::SCHEMA_URL, SCHEMA_URL.as_bytes());
    });
    writer.bytes(resource_spans::SCHEMA_URL, SCHEMA_URL.as_bytes());
}

/// The agent, as the maker of everything in a request.
fn instrumentation_scope(writer: &mut Writer) {
    writer.bytes(scope::NAME, SCOPE_NAME.as_bytes());
    writer.bytes(scope::VERSION, SCOPE_VERSION.as_bytes());
}

fn resource(writer: &mut Writer, resource: &Resource) {
    for (key, value) in &resource.attributes {
        attribute(writer, resource::ATTRIBUTES, key, value);
    }
}

fn span(writer: &mut Writer, span: &Span) {
    writer.bytes(span::TRACE_ID, &span.trace_id);
    writer.bytes(span::SPAN_ID, &span.span_id);
    if let Some(state) = &span.trace_state {
        writer.bytes_unless_empty(span::TRACE_STATE, state.as_bytes());
    }
    if let Some(parent) = &span.parent {
        writer.bytes(span::PARENT_SPAN_ID, parent);
    }
    writer.bytes_unless_empty(span::NAME, span.name.as_bytes());
    writer.varint(span::KIND, span.kind as u64);
    writer.fixed64(span::START_TIME_UNIX_NANO, span.start_unix_ns);
    writer.fixed64(span::END_TIME_UNIX_NANO, span.end_unix_ns);
    for (key, value) in &span.attributes {
        attribute(writer, span::ATTRIBUTES, key, value);
    }
    for one in &span.links {
        writer.message(span::LINKS, |writer| link(writer, one));
    }
    if let Status::Error(message) = &span.status {
        writer.message(span::STATUS, |writer| {
            writer.bytes_unless_empty(status::MESSAGE, message.as_bytes());
            writer.varint(status::CODE, status::ERROR);
        });
    }
}

fn link(writer: &mut Writer, link: &Link) {
    writer.bytes(link::TRACE_ID, &link.trace_id);
    writer.bytes(link::SPAN_ID, &link.span_id);
}

/// An attribute as a field of another message. Lengths are added up first, so that nothing has to be moved: attributes are most
/// of what there is.
fn attribute(writer: &mut Writer, field: u32, key: &str, value: &Value) {
    let value_len = any_value_len(value);
    let key_len = if key.is_empty() { 0 } else { field_len(key.len()) };
    let length = key_len + field_len(value_len);
    // Nearly all of them: each length is one byte, so heads are written at once.
    if length < 0x80 && !key.is_empty() {
        writer.raw(&[tag(field), length as u8, tag(key_value::KEY), key.len() as u8]);
        writer.raw(key.as_bytes());
        match value.as_bytes() {
            Some(text) => {
                writer.raw(&[tag(key_value::VALUE), value_len as u8, tag(any_value::STRING), text.len() as u8]);
                writer.raw(text);
            }
            None => {
                writer.raw(&[tag(key_value::VALUE), value_len as u8]);
                any_value(writer, value);
            }
        }
        return;
    }
    writer.message_of(field, length, |writer| {
        writer.bytes_unless_empty(key_value::KEY, key.as_bytes());
        writer.message_of(key_value::VALUE, value_len, |writer| any_value(writer, value));
    });
}

/// Bytes that [`any_value`] writes.
fn any_value_len(value: &Value) -> usize {
    match value {
        Value::Static(text) => field_len(text.len()),
        Value::Shared(text) => field_len(text.len()),
        Value::Text(text) => field_len(text.len()),
        Value::Short(text) => field_len(text.as_bytes().len()),
        Value::Int(number) => 1 + varint_len(number.cast_unsigned()),
        Value::Double(_) => 1 + size_of::<u64>(),
        Value::Bool(_) => 2,
        Value::List(items) => field_len(items.iter().map(|item| field_len(field_len(item.len()))).sum()),
    }
}

/// `AnyValue` is a `oneof`: an empty string or a zero must be written, or there would be no value at all.
fn any_value(writer: &mut Writer, value: &Value) {
    match value {
        Value::Static(text) => writer.bytes(any_value::STRING, text.as_bytes()),
        Value::Shared(text) => writer.bytes(any_value::STRING, text.as_bytes()),
        Value::Text(text) => writer.bytes(any_value::STRING, text.as_bytes()),
        Value::Short(text) => writer.bytes(any_value::STRING, text.as_bytes()),
        Value::Int(number) => writer.varint(any_value::INT, number.cast_unsigned()),
        Value::Double(number) => writer.fixed64(any_value::DOUBLE, number.to_bits()),
        Value::Bool(truth) => writer.varint(any_value::BOOL, u64::from(*truth)),
        Value::List(items) => writer.message(any_value::ARRAY, |writer| {
            for item in items {
                writer.message(array_value::VALUES, |writer| writer.bytes(any_value::STRING, item.as_bytes()));
            }
        }),
    }
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
