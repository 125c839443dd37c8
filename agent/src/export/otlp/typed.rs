//! Parts of messages that metrics and logs have in common, as the generated types of opentelemetry-proto. Spans are written
//! without them: see [`encode`](super::encode).

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1 as proto;

use crate::export::groups::{SCOPE_NAME, SCOPE_VERSION};
use crate::trace::span::{Resource, Value};

/// The agent, as the maker of everything in a request.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope { name: SCOPE_NAME.into(), version: SCOPE_VERSION.into(), ..InstrumentationScope::default() }
}

/// Whose something is.
pub(super) fn resource(resource: &Resource) -> proto::Resource {
    let attributes = attributes(resource.attributes.iter().map(|(key, value)| (&**key, value)));
    proto::Resource { attributes, ..proto::Resource::default() }
}

/// Keys with their values.
pub(super) fn attributes<'a>(attributes: impl Iterator<Item = (&'a str, &'a Value)>) -> Vec<KeyValue> {
    attributes
        .map(|(key, value)| KeyValue { key: key.into(), value: Some(any_value(value)), ..KeyValue::default() })
        .collect()
}

/// A text as a value.
pub(super) fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(Any::StringValue(text.into())) }
}

fn any_value(value: &Value) -> AnyValue {
    let value = match value {
        Value::Static(own) => return text(own),
        Value::Shared(own) => return text(own),
        Value::Text(own) => return text(own),
        Value::Short(own) => return text(own.as_str()),
        Value::Int(number) => Any::IntValue(*number),
        Value::Double(number) => Any::DoubleValue(*number),
        Value::Bool(truth) => Any::BoolValue(*truth),
        Value::List(items) => Any::ArrayValue(ArrayValue { values: items.iter().map(|item| text(item)).collect() }),
    };
    AnyValue { value: Some(value) }
}
