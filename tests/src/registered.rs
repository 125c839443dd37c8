//! Everything that tests receive is in the telemetry registry: spans, metrics, log records, resources.

use serde_json::Value;
use wirespan_semconv::attribute::{self, Type};
use wirespan_semconv::check::{self, Emitted, Shape};
use wirespan_semconv::group::SpanKind;
use wirespan_semconv::registry::metrics::CATALOG;

/// Asserts it of OTLP JSON lines.
///
/// # Panics
/// When a line is not JSON, or holds what the registry does not have.
#[track_caller]
pub fn lines(lines: &str) {
    for line in lines.lines() {
        let Ok(read) = serde_json::from_str::<Value>(line) else { panic!("not JSON: {line}") };
        request(&read);
    }
}

/// Asserts it of one line.
///
/// # Panics
/// When it holds what the registry does not have.
#[track_caller]
pub fn request(request: &Value) {
    let signals = [
        ("resourceSpans", "scopeSpans", "spans"),
        ("resourceMetrics", "scopeMetrics", "metrics"),
        ("resourceLogs", "scopeLogs", "logRecords"),
    ];
    for (groups, scopes, items) in signals {
        for group in list(&request[groups]) {
            pass(check::resource(&attributes(&group["resource"]["attributes"])));
            for item in list(&group[scopes]).iter().flat_map(|scope| list(&scope[items])) {
                match items {
                    "spans" => span(item),
                    "metrics" => metric(item),
                    _ => pass(check::event(text(&item["eventName"]), &attributes(&item["attributes"]))),
                }
            }
        }
    }
}

#[track_caller]
fn span(span: &Value) {
    let kind = match span["kind"].as_u64() {
        Some(2) => SpanKind::Server,
        Some(3) => SpanKind::Client,
        _ => SpanKind::Internal,
    };
    pass(check::span(kind, text(&span["name"]), &attributes(&span["attributes"])));
}

#[track_caller]
fn metric(metric: &Value) {
    let (name, unit) = (text(&metric["name"]), text(&metric["unit"]));
    let is_monotonic = metric["sum"]["isMonotonic"].as_bool().unwrap_or_default();
    let kinds = [
        ("sum", Shape::Sum { is_monotonic }),
        ("gauge", Shape::Gauge),
        ("histogram", Shape::Histogram),
        ("exponentialHistogram", Shape::Histogram),
    ];
    for (key, shape) in kinds {
        for point in list(&metric[key]["dataPoints"]) {
            let is_integer = (shape != Shape::Histogram).then(|| !point["asInt"].is_null());
            pass(check::metric(name, unit, shape, is_integer, &attributes(&point["attributes"])));
        }
    }
}

/// Asserts that names and types are in the registry of what a Collector's `debug` exporter wrote in detail.
///
/// # Panics
/// When one is not.
#[track_caller]
pub fn received(written: &str) {
    let mut attributes = 0;
    for line in written.lines().filter_map(|line| line.trim().strip_prefix("-> ")) {
        let Some((name, value)) = line.split_once(": ") else { continue };
        let kinds = [
            ("Str(", Type::String),
            ("Int(", Type::Int),
            ("Double(", Type::Double),
            ("Bool(", Type::Bool),
            ("Slice(", Type::StringList),
        ];
        if let Some((_, kind)) = kinds.into_iter().find(|(word, _)| value.starts_with(word)) {
            let entry = attribute::find(name).unwrap_or_else(|| panic!("not in the registry: {line}"));
            assert_eq!(entry.kind, kind, "{line}");
            attributes += 1;
        } else if name == "Name" {
            assert!(CATALOG.iter().any(|metric| metric.name == value), "no metric of the registry: {line}");
        }
    }
    assert!(attributes > 0, "nothing was found in: {written}");
}

/// Asserts that the name and the labels of a sample for Prometheus come from the registry.
///
/// # Panics
/// When one does not.
#[track_caller]
pub fn sample<'a>(name: &str, labels: impl Iterator<Item = &'a str>) {
    let plain = |name: &str| name.replace('.', "_");
    let metric = CATALOG.iter().find(|metric| name.starts_with(&plain(metric.name)));
    assert!(metric.is_some() || name == "target_info", "no metric of the registry: {name}");
    let known = wirespan_semconv::registry::attributes::ATTRIBUTES;
    for label in labels.filter(|label| !matches!(*label, "le" | "job" | "instance")) {
        // The registry's labels of `target_info` are those of resources, where a target may have others.
        let is_known = name == "target_info" || known.iter().any(|one| plain(one.name) == label);
        assert!(is_known, "{name}: no attribute of the registry: {label}");
    }
}

#[track_caller]
fn pass<T>(result: Result<T, String>) {
    if let Err(error) = result {
        panic!("{error}");
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn attributes(value: &Value) -> Vec<Emitted<'_>> {
    let kinds = [
        ("stringValue", Type::String),
        ("intValue", Type::Int),
        ("doubleValue", Type::Double),
        ("boolValue", Type::Bool),
        ("arrayValue", Type::StringList),
    ];
    list(value)
        .iter()
        .map(|pair| {
            let value = &pair["value"];
            let found = kinds.into_iter().find(|(key, _)| !value[*key].is_null());
            let (_, kind) = found.unwrap_or_else(|| panic!("an attribute without a value: {pair}"));
            Emitted { name: text(&pair["key"]), kind, text: value["stringValue"].as_str() }
        })
        .collect()
}
