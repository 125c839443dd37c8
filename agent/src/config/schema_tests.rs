//! The schema beside what reads the file: what one takes the other takes, and neither takes a wrong type.

use super::setting::{Access, Setting};
use super::yaml::{self, Content, Node};
use super::*;
use serde_json::{Value as Json, json};

/// As a YAML parser without our knowledge sees it: the types of plain words are guessed.
fn json_of(node: &Node) -> Json {
    match &node.value {
        Content::Null => Json::Null,
        Content::Scalar { text, quoted: true } => text.as_str().into(),
        Content::Scalar { text, .. } => match serde_json::from_str(text) {
            Ok(plain @ (Json::Bool(_) | Json::Number(_))) => plain,
            _ => text.as_str().into(),
        },
        Content::Sequence(items) => items.iter().map(json_of).collect(),
        Content::Mapping(_) => {
            let entries = node.entries().unwrap();
            entries.into_iter().map(|(key, _, value)| (key.to_owned(), json_of(value))).collect()
        }
    }
}

/// Whether a value is what a schema says, for the keywords that ours has. An unknown one is a panic.
fn fits(value: &Json, schema: &Json, root: &Json) -> bool {
    schema.as_object().unwrap().iter().all(|(keyword, says)| match keyword.as_str() {
        "$schema" | "$defs" | "title" | "description" | "default" | "writeOnly" => true,
        "$ref" => fits(value, root.pointer(says.as_str().unwrap().strip_prefix('#').unwrap()).unwrap(), root),
        "anyOf" => says.as_array().unwrap().iter().any(|one| fits(value, one, root)),
        "enum" => says.as_array().unwrap().contains(value),
        "type" => {
            let is = |name: &Json| match name.as_str().unwrap() {
                "null" => value.is_null(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_i64() || value.is_u64(),
                "number" => value.is_number(),
                "string" => value.is_string(),
                "array" => value.is_array(),
                "object" => value.is_object(),
                other => panic!("{other}"),
            };
            says.as_array().map_or_else(|| is(says), |names| names.iter().any(is))
        }
        "minimum" => value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= says.as_f64().unwrap()),
        // The two that there are.
        "pattern" => value.as_str().is_none_or(|text| {
            text.contains("${") || says.as_str().unwrap().starts_with("^/|") && text.starts_with('/')
        }),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| fits(item, says, root))),
        "required" => value.as_object().is_none_or(|entries| {
            says.as_array().unwrap().iter().all(|key| entries.contains_key(key.as_str().unwrap()))
        }),
        "properties" => value.as_object().is_none_or(|entries| {
            entries.iter().all(|(key, value)| says.get(key).is_none_or(|schema| fits(value, schema, root)))
        }),
        "additionalProperties" => {
            let known = schema["properties"].as_object();
            value.as_object().is_none_or(|entries| {
                let mut others = entries.iter().filter(|(key, _)| known.is_none_or(|known| !known.contains_key(*key)));
                others.all(|(_, value)| *says != json!(false) && fits(value, says, root))
            })
        }
        other => panic!("unknown keyword {other}"),
    })
}

fn accepts(text: &str) -> bool {
    let schema = schema();
    let tree = yaml::parse("w.yaml", text, &|_| None).unwrap();
    fits(&json_of(&tree), &schema, &schema)
}

fn is_valid(text: &str) -> bool {
    validate_text("w.yaml", text, &|_| None).is_ok()
}

#[test]
fn examples_are_accepted() {
    let manual = include_str!("../../../docs/configuration.md");
    let example = manual.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let deployed = include_str!("../../../deploy/systemd/wirespan.yaml");
    for text in [example, deployed, &Config::default().to_yaml(), ""] {
        assert!(is_valid(text) && accepts(text), "{text}");
    }
    for text in
        ["log_level: info2", "wirespan: {log_level: fatal}", "wirespan: {routes: /a}", "wirespan: {routes: [/a]}"]
    {
        assert!(is_valid(text) && accepts(text), "{text}");
    }
    // An editor sees references and not what is put in for them.
    let reference = json!({"wirespan": {"limits": {"processes": "${A:-5}"}, "backend": "${B}"}});
    assert!(fits(&reference, &schema(), &schema()));
}

/// The path of a setting with a value at its end.
fn file_with(setting: &Setting, value: &str) -> String {
    let (mut open, mut close) = (String::new(), String::new());
    for key in setting.path.split('.') {
        let (key, list) = key.strip_suffix("[]").map_or((key, false), |key| (key, true));
        open += &format!("{{{key}: {}", if list { "[" } else { "" });
        close.insert_str(0, if list { "]}" } else { "}" });
    }
    format!("{open}{value}{close}")
}

#[test]
fn wrong_types_are_refused_by_both() {
    let mut count = 0;
    for setting in settings::all().filter(|setting| matches!(setting.access, Access::Field { .. })) {
        if setting.path.is_empty() {
            continue;
        }
        let wrong: &[&str] = match setting.shape() {
            Shape::Truth => &["yes", "1", "[]", "{}", "\"true\""],
            Shape::Number | Shape::Milliseconds => &["soon", "-1", "1.5", "\"5\"", "true", "[1]", "{}", "99999999999"],
            Shape::Words(_) => &["zzz", "[]", "{}", "1"],
            Shape::Text | Shape::Path => &["[a]", "{a: b}"],
            Shape::Texts => &["a", "{a: b}", "[[a]]", "[{a: b}]"],
            Shape::TextOrTexts => &["{a: b}", "[[a]]"],
            _ => &["{a: b}", "[[a]]", "[{pattern: [a]}]"],
        };
        for value in wrong {
            let text = file_with(setting, value);
            assert!(!is_valid(&text), "read: {text}");
            assert!(!accepts(&text), "the schema: {text}");
            count += 1;
        }
        let typo = file_with(setting, "null").replace(setting.key(), "zzzz");
        assert!(!is_valid(&typo) && !accepts(&typo), "{typo}");
    }
    assert!(count > 80, "{count}");
    for text in [
        "tracer_provider: {sampler: {trace_id_ratio_based: {ratio: 2}}}",
        "tracer_provider: {sampler: {parent_based: {root: {parent_based: {}}}}}",
        "tracer_provider: {processors: [{batch: {exporter: {otlp_http: {timeout: soon}}}}]}",
        "tracer_provider: {processors: [{batch: {exporter: {otlp_http: {temporality_preference: delta}}}}]}",
        "tracer_provider: {processors: [{simple: {schedule_delay: 1}}]}",
        "tracer_provider: {processors: {}}",
        "meter_provider: {readers: [{pull: {exporter: {prometheus/development: {port: 0}}}}]}",
        "logger_provider: {processors: [{batch: {exporter: {otlp_grpc: {headers: [{nam: x}]}}}}]}",
        "wirespan: []",
        "disabled: maybe",
    ] {
        assert!(!is_valid(text) && !accepts(text), "{text}");
    }
}

#[test]
fn keys_without_effect_are_accepted_by_both() {
    fn unused(table: &'static [Setting]) -> impl Iterator<Item = &'static Setting> {
        table.iter().filter(|setting| matches!(setting.access, Access::Unused))
    }
    for setting in settings::TABLES.iter().flat_map(|table| unused(table)) {
        let text = file_with(setting, "{a: [b]}");
        assert!(is_valid(&text) && accepts(&text), "{text}");
    }
}
