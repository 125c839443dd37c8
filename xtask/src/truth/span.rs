//! Spans as the agent writes them with `--output otlp-json`, with the names that their exchanges carry.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::plan::Name;

/// `SPAN_KIND_SERVER` and `SPAN_KIND_CLIENT` of opentelemetry/proto/trace/v1/trace.proto.
const SERVER: u64 = 2;
const CLIENT: u64 = 3;

/// Who stands where in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// What stands before the server.
    Proxy,
    /// The server whose parents are counted.
    Server,
    /// The HTTP server that it asks.
    Leaf,
    /// The database that it asks.
    Postgres,
    /// The cache that it asks.
    Redis,
}

/// Which end of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The one that answers.
    Server,
    /// The one that asks.
    Client,
    /// None: a set-up.
    Internal,
}

/// What of a span is judged.
#[derive(Clone, Debug)]
pub struct Span {
    /// 16 hexadecimal digits.
    pub id: String,
    /// 32 hexadecimal digits.
    pub trace: String,
    /// The parent's id.
    pub parent: Option<String>,
    /// Whose span it is.
    pub role: Role,
    /// Which end of the exchange.
    pub end: End,
    /// What the exchange says of itself; set-ups and what drivers do say nothing.
    pub name: Option<Name>,
    /// Wall time of its start and its end, ns.
    pub time: (u64, u64),
    /// It says that its parent was over before it was (`wirespan.parent.over`).
    pub is_late: bool,
}

/// Every span of a file. `proxy` holds the processes of the proxy, if there is one.
pub fn read(file: &Path, proxy: &BTreeSet<u32>) -> Result<Vec<Span>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    parse(&text, proxy)
}

fn parse(lines: &str, proxy: &BTreeSet<u32>) -> Result<Vec<Span>> {
    let mut spans = Vec::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).context("the agent wrote a line that is no JSON")?;
        for resource in list(&line["resourceSpans"]) {
            let pid = attribute(&resource["resource"], "process.pid").and_then(|value| value["intValue"].as_str());
            let is_proxy = pid.and_then(|pid| pid.parse().ok()).is_some_and(|pid| proxy.contains(&pid));
            for scope in list(&resource["scopeSpans"]) {
                for value in list(&scope["spans"]) {
                    spans.push(span(value, is_proxy).with_context(|| format!("a span lacks what all have: {value}"))?);
                }
            }
        }
    }
    Ok(spans)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn attribute<'a>(of: &'a Value, key: &str) -> Option<&'a Value> {
    list(&of["attributes"]).iter().find(|pair| pair["key"] == key).map(|pair| &pair["value"])
}

fn span(value: &Value, is_proxy: bool) -> Option<Span> {
    let text = |key: &str| value[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let time = |key: &str| value[key].as_str()?.parse().ok();
    let attribute = |key: &str| attribute(value, key)?["stringValue"].as_str();
    let end = match value["kind"].as_u64()? {
        SERVER => End::Server,
        CLIENT => End::Client,
        _ => End::Internal,
    };
    let path = attribute("url.path").unwrap_or_default();
    let role = match (end, attribute("db.system.name")) {
        (End::Server, Some("postgresql")) => Role::Postgres,
        (End::Server, Some("redis")) => Role::Redis,
        (End::Server, None) if path.starts_with("/leaf/") => Role::Leaf,
        _ if is_proxy => Role::Proxy,
        _ => Role::Server,
    };
    let words = ["db.query.text", "url.query", "url.full", "url.path"];
    Some(Span {
        id: text("spanId")?,
        trace: text("traceId")?,
        parent: text("parentSpanId"),
        role,
        end,
        name: words.into_iter().filter_map(attribute).find_map(Name::find),
        time: (time("startTimeUnixNano")?, time("endTimeUnixNano")?),
        is_late: list(&value["attributes"]).iter().any(|pair| pair["key"] == "wirespan.parent.over"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::{End, Name, Role, parse};

    fn role(pid: &str, kind: u64, attributes: &[(&str, &str)]) -> (Role, End, Option<Name>) {
        let attributes: Vec<_> =
            attributes.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect();
        let span = json!({"spanId": "a", "traceId": "b", "kind": kind, "attributes": attributes,
            "startTimeUnixNano": "1", "endTimeUnixNano": "2"});
        let resource = json!({"attributes": [{"key": "process.pid", "value": {"intValue": pid}}]});
        let line = json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]});
        let span = parse(&line.to_string(), &BTreeSet::from([7])).unwrap().remove(0);
        (span.role, span.end, span.name)
    }

    #[test]
    fn a_span_says_who_made_it_and_for_whom() {
        let request = Some(Name::Request(5));
        let query = ("url.query", "id=r5&mode=late");
        assert_eq!(role("7", 2, &[("url.path", "/work"), query]), (Role::Proxy, End::Server, request));
        assert_eq!(role("8", 2, &[("url.path", "/work"), query]), (Role::Server, End::Server, request));
        let full = ("url.full", "http://a/work?id=r5&mode=late");
        assert_eq!(role("7", 3, &[full]), (Role::Proxy, End::Client, request));
        let redis = [("db.system.name", "redis"), ("db.query.text", "GET bg3")];
        assert_eq!(role("8", 3, &redis), (Role::Server, End::Client, Some(Name::Background(3))));
        assert_eq!(role("9", 2, &redis), (Role::Redis, End::Server, Some(Name::Background(3))));
        assert_eq!(role("8", 1, &[]), (Role::Server, End::Internal, None));
    }
}
