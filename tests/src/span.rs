//! One span, read back from OTLP JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::registered;

/// Attributes by key; 64-bit integers, which OTLP JSON writes as strings, are numbers here.
pub type Attributes = BTreeMap<String, Value>;

/// What a span tells.
#[derive(Clone, Debug)]
pub struct Span {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// The parent's span id.
    pub parent: Option<String>,
    /// The name.
    pub name: String,
    /// `SERVER`, `CLIENT` or `INTERNAL`.
    pub kind: &'static str,
    /// Unix time of the start, in nanoseconds.
    pub start: u64,
    /// Unix time of the end, in nanoseconds.
    pub end: u64,
    /// The span's attributes.
    pub attributes: Attributes,
    /// Whether its status is Error (Ok is never written: reading it fails).
    pub error: bool,
    /// Trace and span id of what it links to.
    pub links: Vec<(String, String)>,
    /// Attributes of its resource.
    pub resource: Attributes,
}

/// Every span of OTLP JSON lines, in their order. All that the lines hold is looked up in the telemetry registry.
///
/// # Panics
/// When a line is not what OTLP prescribes, or holds what the registry does not have.
#[must_use]
pub fn parse(lines: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    for line in lines.lines() {
        let Ok(request) = serde_json::from_str::<Value>(line) else { panic!("not JSON: {line}") };
        registered::request(&request);
        for group in list(&request["resourceSpans"]) {
            let resource = attributes(&group["resource"]["attributes"]);
            for scope in list(&group["scopeSpans"]) {
                assert_eq!(scope["scope"]["name"], "wirespan", "{scope}");
                spans.extend(list(&scope["spans"]).iter().map(|span| Span::read(span, &resource)));
            }
        }
    }
    spans
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a string was expected: {value}"))
}

fn number(value: &Value) -> u64 {
    text(value).parse().unwrap_or_else(|_| panic!("a number in a string was expected: {value}"))
}

fn attributes(value: &Value) -> Attributes {
    let mut attributes = Attributes::new();
    for pair in list(value) {
        let (key, value) = (text(&pair["key"]), &pair["value"]);
        let value = match value["intValue"].as_str().map(str::parse::<i64>) {
            Some(Ok(number)) => number.into(),
            Some(Err(_)) => panic!("{key}: {value}"),
            None => [&value["stringValue"], &value["boolValue"], &value["doubleValue"], &value["arrayValue"]["values"]]
                .into_iter()
                .find(|value| !value.is_null())
                .unwrap_or_else(|| panic!("{key}: {value}"))
                .clone(),
        };
        assert!(attributes.insert(key.to_owned(), value).is_none(), "{key} twice");
    }
    attributes
}

impl Span {
    fn read(span: &Value, resource: &Attributes) -> Self {
        let read = Self {
            trace_id: text(&span["traceId"]).to_owned(),
            span_id: text(&span["spanId"]).to_owned(),
            parent: span["parentSpanId"].as_str().map(str::to_owned),
            name: text(&span["name"]).to_owned(),
            kind: match span["kind"].as_u64() {
                Some(1) => "INTERNAL",
                Some(2) => "SERVER",
                Some(3) => "CLIENT",
                _ => panic!("kind of {span}"),
            },
            start: number(&span["startTimeUnixNano"]),
            end: number(&span["endTimeUnixNano"]),
            attributes: attributes(&span["attributes"]),
            error: match span["status"]["code"].as_u64() {
                None | Some(0) => false,
                Some(2) => true,
                _ => panic!("status of {span}"),
            },
            links: list(&span["links"])
                .iter()
                .map(|link| (text(&link["traceId"]).into(), text(&link["spanId"]).into()))
                .collect(),
            resource: resource.clone(),
        };
        assert_eq!((read.trace_id.len(), read.span_id.len()), (32, 16), "{span}");
        assert!(read.start <= read.end, "it ends before it starts: {span}");
        assert_eq!(read.error, read.attributes.contains_key("error.type"), "status and error.type: {span}");
        read
    }

    /// An attribute as text; empty if there is none.
    #[must_use]
    pub fn text(&self, key: &str) -> String {
        match self.attributes.get(key) {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    /// From first byte to last.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.end - self.start)
    }

    /// Asserts attributes; `null` says that there is none.
    ///
    /// # Panics
    /// When one is another.
    #[track_caller]
    pub fn has(&self, expected: &Value) -> &Self {
        for (key, value) in expected.as_object().into_iter().flatten() {
            assert_eq!(self.attributes.get(key).unwrap_or(&Value::Null), value, "{key} of {self:#?}");
        }
        self
    }

    /// Asserts all attributes: these and no other, but for durations.
    ///
    /// # Panics
    /// When one is another, missing or too many.
    #[track_caller]
    pub fn has_only(&self, expected: &Value) -> &Self {
        let exact = self.attributes.clone().into_iter().filter(|(_, value)| !value.is_f64());
        let there = Value::Object(exact.collect());
        assert_eq!(&there, expected, "{} {}", self.kind, self.name);
        self
    }

    /// Asserts how long it took, in milliseconds.
    ///
    /// # Panics
    /// When it took less or more.
    #[track_caller]
    pub fn took(&self, milliseconds: std::ops::Range<u64>) -> &Self {
        let took = self.duration();
        assert!(milliseconds.contains(&(took.as_millis() as u64)), "{took:?}, not {milliseconds:?}: {self:#?}");
        self
    }

    /// Asserts the status.
    ///
    /// # Panics
    /// When it failed, but should not have, or the other way round.
    #[track_caller]
    pub fn failed(&self, failed: bool) -> &Self {
        assert_eq!(self.error, failed, "{self:#?}");
        self
    }

    /// Whether the other lies within it.
    #[must_use]
    pub fn encloses(&self, inner: &Self) -> bool {
        self.start <= inner.start && inner.end <= self.end
    }

    /// Everything that two captures of one exchange must agree on, but for its parent; durations differ a little.
    #[must_use]
    pub fn essence(&self) -> String {
        let (name, kind, links) = (&self.name, self.kind, self.links.len());
        let service = self.resource.get("service.name").unwrap_or(&Value::Null);
        let pid = self.resource.get("process.pid").unwrap_or(&Value::Null);
        let exact = self.attributes.clone().into_iter().filter(|(_, value)| !value.is_f64());
        let attributes = Value::Object(exact.collect());
        format!("{kind} {name} {attributes} service {service} pid {pid} links {links}")
    }
}
