//! Settings that are lists and mappings: names, selectors, routes, attributes of metrics.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::{Value as Json, json};

use super::Error;
use super::section::Reader;
use super::setting::Setting;
use super::shape::Shape;
use super::value::{Parse, Source, Wrong};
use super::words::Route;
use super::yaml::{Content, Node};
use crate::metrics::catalog::CATALOG;
use crate::process::{Selector, Selectors, spelling};

/// Attributes to keep, by the name of their metric.
pub(super) type Attributes = BTreeMap<Box<str>, Vec<Box<str>>>;

/// A list of texts; a single one needs no list.
pub(super) fn texts<'n>(reader: &Reader<'_>, name: &str, node: &'n Node) -> Result<Vec<&'n Node>, Error> {
    match &node.value {
        Content::Scalar { .. } => Ok(vec![node]),
        _ => Ok(reader.items(name, node)?.iter().collect()),
    }
}

impl Parse for Vec<Box<str>> {
    fn read(setting: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        let key = setting.key();
        reader.items(key, node)?.iter().map(|item| reader.text(key, item).map(Into::into)).collect()
    }

    fn parse(_: &Setting, _: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        Ok(texts.iter().map(|text| text.to_string_lossy().into()).collect())
    }

    fn json(&self) -> Json {
        self.iter().map(ToString::to_string).collect()
    }

    fn shape() -> Shape {
        Shape::Texts
    }
}

impl Parse for Selectors {
    fn read(_: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        let selector = |node: &Node| -> Result<Selector, Error> {
            let text = reader.text("select", node)?;
            text.parse().map_err(|error| reader.error(node.place, format!("selector `{text}`: {error}")))
        };
        texts(reader, "select", node)?.into_iter().map(selector).collect()
    }

    fn parse(_: &Setting, source: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        let selector = |text: &OsString| {
            let text = text.to_string_lossy();
            let wrong = |error: &dyn ToString| Wrong { item: Some(text.to_string()), what: error.to_string() };
            text.parse::<Selector>().map_err(|error| wrong(&error))
        };
        // A variable may end with what stands between selectors; a flag without one is a mistake.
        texts.iter().filter(|text| source == Source::Flag || !text.is_empty()).map(selector).collect()
    }

    fn json(&self) -> Json {
        self.iter().map(ToString::to_string).collect()
    }

    fn shape() -> Shape {
        Shape::TextOrTexts
    }
}

/// A pattern for all services, or `service` and `pattern`.
pub(super) fn route(reader: &Reader<'_>, node: &Node) -> Result<Route, Error> {
    if let Content::Scalar { text, .. } = &node.value {
        return Route::new(None, text).map_err(|what| reader.error(node.place, what));
    }
    let mut section = reader.section("wirespan.routes", node)?;
    let service = section.get("service").map(|node| reader.text("service", node)).transpose()?;
    let Some(pattern) = section.get("pattern") else {
        return Err(reader.lacks(node.place, "a route needs a `pattern`"));
    };
    let route = Route::new(service, reader.text("pattern", pattern)?);
    section.finish(reader)?;
    route.map_err(|what| reader.error(pattern.place, what))
}

impl Parse for Vec<Route> {
    fn read(_: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        texts(reader, "routes", node)?.into_iter().map(|item| route(reader, item)).collect()
    }

    fn parse(_: &Setting, _: Source, texts: &[OsString]) -> Result<Self, Wrong> {
        Ok(texts.iter().map(|text| Route::new(None, &text.to_string_lossy())).collect::<Result<_, String>>()?)
    }

    fn json(&self) -> Json {
        let route = |route: &Route| match &route.service {
            Some(service) => json!({"pattern": route.pattern, "service": service}),
            None => json!({"pattern": route.pattern}),
        };
        self.iter().map(route).collect()
    }

    fn shape() -> Shape {
        let schema = || {
            let pattern = json!({"type": "string", "pattern": "^/|\\$\\{"});
            let text = json!({"type": ["string", "null"]});
            let of_service = json!({
                "type": "object",
                "properties": {"service": text, "pattern": pattern},
                "required": ["pattern"],
                "additionalProperties": false,
            });
            let item = json!({"anyOf": [pattern, of_service]});
            json!({"anyOf": [pattern, {"type": ["array", "null"], "items": item}]})
        };
        Shape::Own(schema)
    }
}

impl Parse for Attributes {
    fn read(_: &Setting, reader: &Reader<'_>, node: &Node) -> Result<Self, Error> {
        let entries = node.entries().ok_or_else(|| {
            reader.error(node.place, "`attributes` must be a mapping of metric names to lists of attributes")
        })?;
        let mut attributes = BTreeMap::new();
        for (name, place, node) in entries {
            let names = CATALOG.iter().map(|instrument| instrument.name);
            if !names.clone().any(|known| known == name) {
                let hint = spelling::suggestion(name, names);
                return Err(reader.error(place, format!("wirespan.metrics.attributes: unknown metric `{name}`{hint}")));
            }
            let kept = texts(reader, "attributes", node)?;
            let kept: Result<Vec<Box<str>>, Error> =
                kept.into_iter().map(|item| reader.text("attributes", item).map(Into::into)).collect();
            attributes.insert(name.into(), kept?);
        }
        Ok(attributes)
    }

    fn parse(_: &Setting, _: Source, _: &[OsString]) -> Result<Self, Wrong> {
        Err("can be given in the file only".to_owned().into())
    }

    fn json(&self) -> Json {
        if self.is_empty() {
            return Json::Null;
        }
        self.iter().map(|(name, kept)| (name.to_string(), Parse::json(kept))).collect()
    }

    fn shape() -> Shape {
        let schema = || {
            let kept = json!({"type": ["array", "string", "null"], "items": {"type": "string"}});
            let metrics: serde_json::Map<String, Json> =
                CATALOG.iter().map(|metric| (metric.name.to_owned(), kept.clone())).collect();
            json!({"type": ["object", "null"], "properties": metrics, "additionalProperties": false})
        };
        Shape::Own(schema)
    }
}
