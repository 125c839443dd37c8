//! `wirespan.rules`: who is traced, and what is said of whom, in order.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::{Value as Json, json};
use wirespan_protocols::registry::PROTOCOLS;

use super::lists::{route, texts};
use super::section::Reader;
use super::setting::Setting;
use super::shape::Shape;
use super::value::{Parse, Source, Wrong};
use super::words::Route;
use super::yaml::{Content, Node};
use super::{Error, Place};
use crate::process::{Selectors, spelling};

/// Most payload bytes that a rule can ask for per turn.
const MAX_BUDGET: u64 = wirespan_common::limits::MAX_PAYLOAD as u64;
/// Longest name of a header.
const MAX_HEADER: usize = 128;
/// Most rules.
const MAX_RULES: usize = 1000;

/// A rule as it stands in the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// What it is called: its name, or its place among the rules, from 1.
    pub name: Box<str>,
    /// Whether it takes processes out.
    pub excludes: bool,
    /// Alternatives; none: every process.
    pub selectors: Selectors,
    /// `service.name`.
    pub service_name: Option<Box<str>>,
    /// Resource attributes.
    pub attributes: BTreeMap<Box<str>, Box<str>>,
    /// Names of the protocols that are told.
    pub protocols: Option<Vec<&'static str>>,
    /// Share of the traces without a parent that are kept.
    pub sampling: Option<f64>,
    /// Payload bytes that are copied per turn.
    pub turn_budget: Option<u32>,
    /// Whether what they encrypt with TLS is read.
    pub tls: Option<bool>,
    /// Patterns of routes, besides those of all processes.
    pub routes: Vec<Route>,
    /// Header fields of requests and of responses that become attributes, besides those of all processes.
    pub headers: [Vec<Box<str>>; 2],
    /// Names of secrets, besides those of all processes.
    pub redact_also: Vec<Box<str>>,
    /// Names that are no secrets.
    pub redact_except: Vec<Box<str>>,
}

/// All of them, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleList(pub Vec<Rule>);

fn names() -> impl Iterator<Item = &'static str> + Clone {
    PROTOCOLS.iter().map(|protocol| protocol.spoken.name)
}

/// The protocols that are told: a list of those, or a mapping in which some are `false`.
fn protocols(reader: &Reader<'_>, node: &Node) -> Result<Vec<&'static str>, Error> {
    let known = |place: Place, name: &str| {
        names().find(|known| *known == name).ok_or_else(|| {
            let hint = spelling::suggestion(name, names());
            let hint =
                if hint.is_empty() { format!("; write {}", names().collect::<Vec<_>>().join(", ")) } else { hint };
            reader.error(place, format!("`protocols`: unknown protocol `{name}`{hint}"))
        })
    };
    let Some(entries) = node.entries() else {
        let named = texts(reader, "protocols", node)?;
        return named.into_iter().map(|item| known(item.place, reader.text("protocols", item)?)).collect();
    };
    let mut told: Vec<&'static str> = names().collect();
    for (name, place, value) in entries {
        let name = known(place, name)?;
        if !reader.truth(name, value)? {
            told.retain(|other| *other != name);
        }
    }
    Ok(told)
}

fn attributes(reader: &Reader<'_>, node: &Node) -> Result<BTreeMap<Box<str>, Box<str>>, Error> {
    let entries = node.entries().ok_or_else(|| reader.error(node.place, "`attributes` must be a mapping"))?;
    let mut attributes = BTreeMap::new();
    for (name, place, value) in entries {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
        if name.is_empty() || !name.bytes().all(is_name) {
            let what =
                format!("`attributes`: `{name}` is no name of an attribute (letters, digits, `.`, `_`, `-`, `/`)");
            return Err(reader.error(place, what));
        }
        if name == wirespan_semconv::SERVICE_NAME {
            return Err(reader.error(place, "`attributes`: the name of the service is said by `service_name`"));
        }
        attributes.insert(name.into(), reader.text(name, value)?.into());
    }
    Ok(attributes)
}

/// Names of header fields (RFC 9110, section 5.1).
fn headers(reader: &Reader<'_>, key: &str, node: &Node) -> Result<Vec<Box<str>>, Error> {
    let name = |item: &Node| {
        let name = reader.text(key, item)?;
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        match !name.is_empty() && name.len() <= MAX_HEADER && name.bytes().all(is_token) {
            true => Ok(name.to_ascii_lowercase().into()),
            false => Err(reader.error(item.place, format!("`{key}`: `{name}` is no name of a header"))),
        }
    };
    texts(reader, key, node)?.into_iter().map(name).collect()
}

fn share(reader: &Reader<'_>, node: &Node) -> Result<f64, Error> {
    let share = match &node.value {
        Content::Scalar { text, quoted: false } => text.parse().ok(),
        _ => None,
    };
    let is_share = |share: &f64| (0.0..=1.0).contains(share);
    share.filter(is_share).ok_or_else(|| reader.error(node.place, "`sampling` must be a number from 0 to 1"))
}

fn rule(reader: &Reader<'_>, setting: &Setting, node: &Node, at: usize) -> Result<Rule, Error> {
    let mut section = reader.section("wirespan.rules", node)?;
    let mut rule = Rule { name: (at + 1).to_string().into(), ..Rule::default() };
    if let Some(node) = section.get("name") {
        rule.name = reader.text("name", node)?.into();
    }
    let (select, exclude) = (section.get("select"), section.get("exclude"));
    if let (Some(_), Some(exclude)) = (select, exclude) {
        return Err(reader.error(exclude.place, "a rule has `select` or `exclude`; write two rules"));
    }
    rule.excludes = exclude.is_some();
    if let Some(node) = select.or(exclude) {
        rule.selectors = Selectors::read(setting, reader, node)?;
    }
    let mut said = None;
    if let Some(node) = section.get("service_name") {
        (rule.service_name, said) = (Some(reader.text("service_name", node)?.into()), Some(node.place));
    }
    if let Some(node) = section.get("attributes") {
        (rule.attributes, said) = (attributes(reader, node)?, Some(node.place));
    }
    if let Some(node) = section.get("protocols") {
        (rule.protocols, said) = (Some(protocols(reader, node)?), Some(node.place));
    }
    if let Some(node) = section.get("sampling") {
        (rule.sampling, said) = (Some(share(reader, node)?), Some(node.place));
    }
    if let Some(node) = section.get("turn_budget") {
        let budget = reader.within("turn_budget", node, 0..=MAX_BUDGET)?;
        (rule.turn_budget, said) = (u32::try_from(budget).ok(), Some(node.place));
    }
    if let Some(node) = section.get("tls") {
        (rule.tls, said) = (Some(reader.truth("tls", node)?), Some(node.place));
    }
    if let Some(node) = section.get("routes") {
        let routes = texts(reader, "routes", node)?.into_iter().map(|item| route(reader, item));
        (rule.routes, said) = (routes.collect::<Result<_, _>>()?, Some(node.place));
    }
    if let Some(node) = section.get("headers") {
        let mut inner = reader.section("wirespan.rules.headers", node)?;
        for (key, list) in ["request", "response"].into_iter().zip(&mut rule.headers) {
            if let Some(node) = inner.get(key) {
                *list = headers(reader, key, node)?;
            }
        }
        inner.finish(reader)?;
        said = Some(node.place);
    }
    if let Some(node) = section.get("redaction") {
        let mut inner = reader.section("wirespan.rules.redaction", node)?;
        for (key, list) in [("also", &mut rule.redact_also), ("except", &mut rule.redact_except)] {
            if let Some(node) = inner.get(key) {
                let names = texts(reader, key, node)?.into_iter().map(|item| Ok(reader.text(key, item)?.into()));
                *list = names.collect::<Result<_, Error>>()?;
            }
        }
        inner.finish(reader)?;
        said = Some(node.place);
    }
    section.finish(reader)?;
    match said {
        Some(place) if rule.excludes => {
            Err(reader.error(place, "a rule that excludes processes says nothing else of them"))
        }
        _ if rule.excludes && rule.selectors.is_empty() => Err(reader.error(node.place, "`exclude` needs a selector")),
        _ => Ok(rule),
    }
}

impl Rule {
    fn json(&self) -> Json {
        let selectors: Vec<String> = self.selectors.iter().map(ToString::to_string).collect();
        let mut rule = serde_json::Map::new();
        let mut put = |key: &str, value: Json| {
            if !value.is_null() {
                rule.insert(key.to_owned(), value);
            }
        };
        let list = |items: &[Box<str>]| if items.is_empty() { Json::Null } else { json!(items) };
        put("name", json!(self.name));
        put(
            if self.excludes { "exclude" } else { "select" },
            if selectors.is_empty() { Json::Null } else { json!(selectors) },
        );
        put("service_name", json!(self.service_name));
        put("attributes", if self.attributes.is_empty() { Json::Null } else { json!(self.attributes) });
        put("protocols", json!(self.protocols));
        put("sampling", json!(self.sampling));
        put("turn_budget", json!(self.turn_budget));
        put("tls", json!(self.tls));
        put("routes", if self.routes.is_empty() { Json::Null } else { self.routes.json() });
        if self.headers.iter().any(|names| !names.is_empty()) {
            put("headers", json!({"request": self.headers[0], "response": self.headers[1]}));
        }
        if !self.redact_also.is_empty() || !self.redact_except.is_empty() {
            let redaction = [("also", list(&self.redact_also)), ("except", list(&self.redact_except))];
            put(
                "redaction",
                redaction.into_iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.to_owned(), v)).collect(),
            );
        }
        Json::Object(rule)
    }
}

impl Parse for RuleList {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        let items = reader.items("rules", node)?;
        if let Some(extra) = items.get(MAX_RULES) {
            return Err(reader.error(extra.place, format!("there are more than {MAX_RULES} rules")));
        }
        let rules: Result<Vec<Rule>, Error> =
            items.iter().enumerate().map(|(at, node)| rule(reader, setting, node, at)).collect();
        Ok(Self(rules?))
    }

    fn parse(_: &Setting, _: Source, _: &[OsString]) -> Result<Self, Wrong> {
        Err("can be given in the file only".to_owned().into())
    }

    fn json(&self) -> Json {
        self.0.iter().map(Rule::json).collect()
    }

    fn shape() -> Shape {
        Shape::Own(schema)
    }
}

fn schema() -> Json {
    let text = json!({"type": ["string", "null"]});
    let texts = json!({"type": ["array", "string", "null"], "items": {"type": "string"}});
    let names: Vec<&str> = names().collect();
    let switches: serde_json::Map<String, Json> =
        names.iter().map(|name| ((*name).to_owned(), json!({"type": "boolean"}))).collect();
    json!({
        "type": ["array", "null"],
        "items": {
            "type": "object",
            "properties": {
                "name": text,
                "select": texts,
                "exclude": texts,
                "service_name": text,
                "attributes": {"type": ["object", "null"], "additionalProperties": {"type": ["string", "number", "boolean"]}},
                "protocols": {"anyOf": [
                    {"type": ["array", "null"], "items": {"enum": names}},
                    {"type": "object", "properties": switches, "additionalProperties": false},
                    {"enum": names},
                ]},
                "sampling": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                "turn_budget": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_BUDGET},
                "tls": {"type": ["boolean", "null"]},
                "routes": texts,
                "headers": {
                    "type": ["object", "null"],
                    "properties": {"request": texts, "response": texts},
                    "additionalProperties": false,
                },
                "redaction": {
                    "type": ["object", "null"],
                    "properties": {"also": texts, "except": texts},
                    "additionalProperties": false,
                },
            },
            "additionalProperties": false,
        },
    })
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
