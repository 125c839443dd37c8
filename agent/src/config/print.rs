//! The effective configuration as a file that says the same. Values of headers and
//! credentials in URLs are left out.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::layer::{OTLP, Origins, SAMPLER};
use super::setting::{Access, Setting};
use super::settings::{self, Config, OUTPUT};
use super::standard;
use super::tree::{Branch, branches};
use super::words::Output;
use crate::shown;
use crate::trace::redact;
use crate::trace::sampler::Root;

impl Config {
    /// The configuration as YAML.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        self.written(Yaml::default())
    }

    /// The same, with a comment behind each value that says where it came from.
    #[must_use]
    pub fn to_yaml_with(&self, origins: &Origins) -> String {
        self.written(Yaml { origins: Some(origins.clone()), ..Yaml::default() })
    }

    fn written(&self, mut yaml: Yaml) -> String {
        yaml.line(0, "file_format", quote("1.0"));
        yaml.of("log_level");
        yaml.line(0, "log_level", word(self.log_level));
        self.traces(&mut yaml);
        self.metrics(&mut yaml);
        self.logs(&mut yaml);
        yaml.open(0, "wirespan");
        yaml.below("wirespan.", self, 1);
        yaml.text
    }

    fn sampler(&self, yaml: &mut Yaml) {
        let root = match self.sampler.root {
            Root::On => "{always_on: {}}".to_owned(),
            Root::Off => "{always_off: {}}".to_owned(),
            // The bound is the ratio of 63 bits.
            Root::Below(bound) => format!("{{trace_id_ratio_based: {{ratio: {}}}}}", bound as f64 / 2f64.powi(63)),
        };
        yaml.of(SAMPLER);
        if self.sampler.parent_based {
            yaml.open(1, "sampler");
            yaml.line(2, "parent_based", format!("{{root: {root}}}"));
        } else {
            yaml.line(1, "sampler", root);
        }
    }

    fn traces(&self, yaml: &mut Yaml) {
        yaml.open(0, "tracer_provider");
        self.sampler(yaml);
        yaml.open(1, "processors");
        yaml.open(2, "- batch");
        yaml.below("tracer_provider.processors[].batch.", self, 4);
        if self.otlp {
            yaml.open(4, "exporter");
            self.exporter(yaml, 5, "TRACES_", "v1/traces");
        } else if self.output == Output::Console {
            yaml.open(4, "exporter");
            yaml.of(OUTPUT);
            yaml.line(5, "console", "{}");
        }
    }

    fn metrics(&self, yaml: &mut Yaml) {
        yaml.open(0, "meter_provider");
        yaml.open(1, "readers");
        yaml.open(2, "- periodic");
        yaml.below("meter_provider.readers[].periodic.", self, 4);
        if self.metrics.otlp {
            yaml.open(4, "exporter");
            self.exporter(yaml, 5, "METRICS_", "v1/metrics");
            for (key, name) in named(standard::OTLP_METRICS) {
                if let Some(value) = self.otlp_variables.get(&format!("{OTLP}METRICS_{name}")) {
                    yaml.of(&format!("{OTLP}METRICS_{name}"));
                    yaml.line(6, key, quote(value));
                }
            }
        }
    }

    fn logs(&self, yaml: &mut Yaml) {
        if self.otlp_logs {
            yaml.open(0, "logger_provider");
            yaml.open(1, "processors");
            yaml.open(2, "- simple");
            yaml.open(4, "exporter");
            self.exporter(yaml, 5, "LOGS_", "v1/logs");
        }
    }

    fn exporter(&self, yaml: &mut Yaml, depth: usize, signal: &str, path: &str) {
        let of_signal = |name: &str| self.otlp_variables.get(&format!("{OTLP}{signal}{name}"));
        let get = |name: &str| of_signal(name).or_else(|| self.otlp_variables.get(&format!("{OTLP}{name}")));
        let grpc = get("PROTOCOL").is_some_and(|protocol| protocol == "grpc");
        yaml.open(depth, if grpc { "otlp_grpc" } else { "otlp_http" });
        let endpoint = match (of_signal("ENDPOINT"), get("ENDPOINT")) {
            (Some(endpoint), _) => endpoint.clone(),
            (None, Some(base)) if grpc => base.clone(),
            (None, None) if grpc => "http://localhost:4317".to_owned(),
            (None, base) => {
                let base = base.map_or("http://localhost:4318", |base| base.trim_end_matches('/'));
                format!("{base}/{path}")
            }
        };
        let from = |yaml: &mut Yaml, name: &str| {
            let own = format!("{OTLP}{signal}{name}");
            yaml.of(if of_signal(name).is_some() { own.clone() } else { format!("{OTLP}{name}") }.as_str());
        };
        from(yaml, "ENDPOINT");
        yaml.line(depth + 1, "endpoint", quote(&redact::url(&endpoint)));
        for (key, name) in [("compression", "COMPRESSION"), ("timeout", "TIMEOUT")] {
            if let Some(value) = get(name) {
                from(yaml, name);
                yaml.line(depth + 1, key, scalar(value));
            }
        }
        if let Some(headers) = get("HEADERS") {
            from(yaml, "HEADERS");
            yaml.open(depth + 1, "headers");
            for name in headers.split(',').filter_map(|pair| pair.split('=').next()) {
                yaml.line(depth + 2, "- name", quote(name.trim()));
                yaml.line(depth + 3, "value", quote("REDACTED"));
            }
        }
        // Whether there is TLS is said by the scheme of the end point.
        let tls: Vec<_> = named(standard::OTLP)
            .filter_map(|(path, name)| Some((path.strip_prefix("tls.")?, name)))
            .filter(|(key, _)| *key != "insecure")
            .filter_map(|(key, name)| Some((key, name, get(name)?)))
            .collect();
        if !tls.is_empty() {
            yaml.open(depth + 1, "tls");
            for (key, name, value) in tls {
                from(yaml, name);
                yaml.line(depth + 2, key, quote(value));
            }
        }
    }
}

/// The keys of a table that have a variable, with its name.
fn named(table: &'static [Setting]) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.iter().flat_map(|setting| setting.variables.iter().map(|variable| (setting.path, variable.name)))
}

#[derive(Default)]
struct Yaml {
    text: String,
    /// Where values come from, if that is to be told.
    origins: Option<Origins>,
    /// What the next line ends with.
    comment: String,
}

impl Yaml {
    /// The next line has the value of this setting, or of this variable.
    fn of(&mut self, what: &str) {
        if let Some(origins) = &self.origins {
            let origin = origins.get(what).map_or("default", String::as_str);
            self.comment = format!("  # {}", shown::shown(origin));
        }
    }

    fn line(&mut self, depth: usize, key: &str, value: impl std::fmt::Display) {
        let comment = std::mem::take(&mut self.comment);
        let _ = writeln!(self.text, "{:1$}{key}: {value}{comment}", "", depth * 2);
    }

    fn open(&mut self, depth: usize, key: &str) {
        let comment = std::mem::take(&mut self.comment);
        let _ = writeln!(self.text, "{:1$}{key}:{comment}", "", depth * 2);
    }

    /// The settings whose paths begin so.
    fn below(&mut self, path: &str, config: &Config, depth: usize) {
        let is_shown = |setting: &&Setting| setting.path.starts_with(path) && !setting.alias;
        let settings: Vec<&'static Setting> = settings::all().filter(is_shown).collect();
        self.section(&mut config.clone(), &settings, path.len(), depth);
    }

    /// The settings of a section whose keys begin `at` this byte of their paths.
    fn section(&mut self, values: &mut Config, settings: &[&'static Setting], at: usize, depth: usize) {
        for branch in branches(settings, at) {
            match branch {
                Branch::Section(inner) => {
                    self.open(depth, inner.key);
                    self.section(values, &inner.settings, inner.at, depth + 1);
                }
                Branch::Leaf(setting) => {
                    let Access::Field { of, .. } = setting.access else { continue };
                    let field = of(values);
                    let is_word = !field.shape().words().is_empty();
                    let value = field.json();
                    if !value.is_null() {
                        self.of(setting.path);
                    }
                    match value {
                        Json::Null => {}
                        _ if setting.secret => self.line(depth, setting.key(), quote("REDACTED")),
                        Json::String(word) if is_word => self.line(depth, setting.key(), word),
                        value => self.value(depth, setting.key(), &value),
                    }
                }
            }
        }
    }

    fn value(&mut self, depth: usize, key: &str, value: &Json) {
        self.nested(depth, depth + 1, key, value);
    }

    /// A value whose parts stand at the depth `below`.
    fn nested(&mut self, depth: usize, below: usize, key: &str, value: &Json) {
        match value {
            Json::String(text) => self.line(depth, key, quote(text)),
            Json::Array(items) if items.is_empty() => self.line(depth, key, "[]"),
            Json::Array(items) => {
                self.open(depth, key);
                items.iter().for_each(|item| self.item(below, item));
            }
            Json::Object(entries) if entries.is_empty() => self.line(depth, key, "{}"),
            Json::Object(entries) => {
                self.open(depth, key);
                entries.iter().for_each(|(key, value)| self.value(below, key, value));
            }
            other => self.line(depth, key, other),
        }
    }

    /// An item of a list: a text, or a mapping.
    fn item(&mut self, depth: usize, item: &Json) {
        let Json::Object(entries) = item else {
            let text = item.as_str().map_or_else(|| item.to_string(), quote);
            let _ = writeln!(self.text, "{:1$}- {text}", "", depth * 2);
            return;
        };
        for (at, (key, value)) in entries.iter().enumerate() {
            match at {
                0 => self.nested(depth, depth + 2, &format!("- {key}"), value),
                _ => self.value(depth + 1, key, value),
            }
        }
    }
}

/// Any mapping as a file.
pub(super) fn document(root: &serde_json::Map<String, Json>) -> String {
    let mut yaml = Yaml::default();
    root.iter().for_each(|(key, value)| yaml.value(0, key, value));
    yaml.text
}

/// Name of a value of one of the enumerations.
fn word<T: clap::ValueEnum>(value: T) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// A number or word as it is, anything else in quotes.
fn scalar(text: &str) -> String {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        text.to_owned()
    } else {
        quote(text)
    }
}

/// A double-quoted scalar (YAML 1.2, section 7.3.1), with `$` doubled so that nothing is put in for it.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '$' => quoted.push_str("$$"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            odd if shown::is_unsafe(odd) && u32::from(odd) > 0xffff => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(odd));
            }
            odd if shown::is_unsafe(odd) => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(odd));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
