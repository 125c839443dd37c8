//! The JSON Schema of the file (draft 2020-12), made from the table of settings.
//!
//! An empty value is as good as none, so null may stand everywhere; a reference to a variable may stand for every value.

use serde_json::{Map, Value as Json, json};

use super::setting::{Access, Setting};
use super::settings::{self, Config};
use super::shape::Shape;
use super::tree::{Branch, branches};

/// The schema of the file.
#[must_use]
pub fn schema() -> Json {
    let mut parts = Map::new();
    let all: Vec<&'static Setting> = settings::all().collect();
    let Json::Object(mut root) = keys(&all, 0, &mut parts) else { return Json::Null };
    let reference = json!({
        "description": "A reference to an environment variable: ${NAME} or ${NAME:-default}.",
        "type": "string",
        "pattern": "\\$\\{",
    });
    parts.insert("reference".to_owned(), reference);
    root.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    root.insert("title".to_owned(), "Configuration of wirespan".into());
    root.insert("$defs".to_owned(), Json::Object(parts));
    Json::Object(root)
}

/// A mapping with the keys of these settings.
fn keys(settings: &[&'static Setting], at: usize, parts: &mut Map<String, Json>) -> Json {
    let mut properties = Map::new();
    for branch in branches(settings, at) {
        match branch {
            Branch::Leaf(setting) => {
                properties.insert(setting.path[at..].to_owned(), leaf(setting, parts));
            }
            Branch::Section(inner) => {
                let mut section = keys(&inner.settings, inner.at, parts);
                if inner.is_list {
                    section = json!({"type": ["array", "null"], "items": section});
                }
                if let Some(setting) = inner.shorthand() {
                    section = json!({"anyOf": [section, value(setting, parts)]});
                }
                properties.insert(inner.key.to_owned(), section);
            }
        }
    }
    json!({"type": ["object", "null"], "properties": properties, "additionalProperties": false})
}

fn leaf(setting: &'static Setting, parts: &mut Map<String, Json>) -> Json {
    let value = match setting.access {
        Access::Unused => json!({}),
        Access::Section(table) => keys(&table.iter().collect::<Vec<_>>(), 0, parts),
        _ => value(setting, parts),
    };
    let Json::Object(mut value) = value else { return value };
    value.insert("description".to_owned(), setting.doc.trim().into());
    if setting.secret {
        value.insert("writeOnly".to_owned(), true.into());
    }
    if let Access::Field { of, .. } = setting.access
        && setting.default.is_empty()
        && !setting.alias
    {
        match of(&mut Config::default()).json() {
            Json::Null => {}
            default => drop(value.insert("default".to_owned(), default)),
        }
    }
    Json::Object(value)
}

/// How the value of a setting is written.
fn value(setting: &Setting, parts: &mut Map<String, Json>) -> Json {
    let or_reference = |schema: Json| json!({"anyOf": [schema, {"$ref": "#/$defs/reference"}]});
    let (least, most) = setting.bounds;
    match setting.shape() {
        Shape::Truth => or_reference(json!({"type": ["boolean", "null"]})),
        Shape::Number if setting.power_of_two => {
            let powers = (0..63).map(|bit| 1u64 << bit).filter(|power| (least..=most).contains(power));
            let all: Vec<Json> = powers.map(Json::from).chain([Json::Null]).collect();
            or_reference(json!({"enum": all}))
        }
        Shape::Number | Shape::Milliseconds => {
            or_reference(json!({"type": ["integer", "null"], "minimum": least, "maximum": most}))
        }
        Shape::Ratio => or_reference(json!({"type": ["number", "null"], "minimum": 0, "maximum": 1})),
        Shape::Text | Shape::Path => json!({"type": ["string", "null"]}),
        shape @ (Shape::Words(_) | Shape::OneOf(_)) => {
            let words = shape.words();
            let words = words.iter().map(|word| word.get_name()).chain(setting.also.iter().copied());
            // What YAML takes for a truth value, an editor does, too.
            let alike = |word: &str| word.parse::<bool>().ok().map(Json::from);
            let all = words.flat_map(|word| [Some(word.into()), alike(word)]).flatten().chain([Json::Null]);
            let all: Vec<Json> = all.collect();
            or_reference(json!({"enum": all}))
        }
        Shape::Texts => json!({"type": ["array", "null"], "items": {"type": "string"}}),
        Shape::TextOrTexts => json!({"type": ["array", "string", "null"], "items": {"type": "string"}}),
        Shape::Own(schema) => match schema() {
            // Anything, but with a description.
            Json::Bool(true) => json!({}),
            schema => schema,
        },
        Shape::Keys(name, tables) => {
            if !parts.contains_key(name) {
                let all: Vec<&'static Setting> = tables.iter().flat_map(|table| table.iter()).collect();
                let part = keys(&all, 0, parts);
                parts.insert(name.to_owned(), part);
            }
            json!({"$ref": format!("#/$defs/{name}")})
        }
    }
}
