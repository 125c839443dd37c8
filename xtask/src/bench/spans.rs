//! Spans as the agent writes them with `--output otlp-json`.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// `SPAN_KIND_SERVER` and `SPAN_KIND_CLIENT` of opentelemetry/proto/trace/v1/trace.proto.
pub const SERVER: u64 = 2;
/// See [`SERVER`].
pub const CLIENT: u64 = 3;

/// What of a span is compared.
pub struct Span {
    /// Kind.
    pub kind: u64,
    /// Wall time, ns.
    pub start: u64,
    /// Wall time, ns.
    pub end: u64,
    /// `url.path`, the path of `url.full`, or `db.query.text`.
    pub what: String,
}

impl Span {
    /// Nanoseconds.
    pub fn duration(&self) -> f64 {
        self.end as f64 - self.start as f64
    }

    /// Does `inner` lie within?
    pub fn contains(&self, inner: &Self) -> bool {
        self.start <= inner.start && inner.end <= self.end
    }
}

/// Every span of a file.
pub fn read(file: &Path) -> Result<Vec<Span>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut spans = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).context("the agent wrote a line that is no JSON")?;
        let nested = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
        for resource in nested(&line, "resourceSpans") {
            for scope in nested(&resource, "scopeSpans") {
                spans.extend(scope["spans"].as_array().into_iter().flatten().filter_map(span));
            }
        }
    }
    spans.sort_by_key(|s| s.start);
    Ok(spans)
}

fn span(value: &Value) -> Option<Span> {
    let time = |key: &str| value[key].as_str()?.parse().ok();
    let attribute = |key: &str| {
        let all = value["attributes"].as_array()?;
        all.iter().find(|a| a["key"] == key)?["value"]["stringValue"].as_str()
    };
    let full = || attribute("url.full")?.split_once("://")?.1.find('/');
    let path_of_full = || attribute("url.full")?.split_once("://")?.1.get(full()?..);
    let what = attribute("url.path").or_else(path_of_full).or_else(|| attribute("db.query.text"));
    Some(Span {
        kind: value["kind"].as_u64()?,
        start: time("startTimeUnixNano")?,
        end: time("endTimeUnixNano")?,
        what: what.unwrap_or_default().to_owned(),
    })
}
