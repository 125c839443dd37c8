//! The file that is made: values at paths, and what is decided when all are known.

use serde_json::{Map, Value as Json, json};

use super::super::print::document;
use super::rules::{self, Service};

/// What was found out.
#[derive(Debug, Default)]
pub(super) struct Out {
    root: Map<String, Json>,
    /// Signals that are exported over OTLP: end point and protocol.
    pub(super) traces: Export,
    pub(super) metrics: Export,
    /// Rules that choose processes, and those that leave processes out.
    pub(super) chosen: Vec<Json>,
    pub(super) left_out: Vec<Json>,
    /// Terms at the top of the file: one rule of all of them, for this service.
    pub(super) single: Vec<String>,
    pub(super) service: Service,
    /// Whether processes are traced that no rule names.
    pub(super) takes_others: Option<bool>,
    /// Whether spans are shown.
    pub(super) is_shown: bool,
}

/// An exporter.
#[derive(Debug, Default)]
pub(super) struct Export {
    pub(super) endpoint: Option<String>,
    pub(super) protocol: Option<String>,
}

impl Export {
    /// The exporter as the file has it; its protocol is that of the usual port if it is not named.
    fn json(&self, signal: &str) -> Option<(String, Json)> {
        let endpoint = self.endpoint.as_ref()?;
        let is_grpc = self.protocol.as_deref().map_or(endpoint.contains(":4317"), |protocol| protocol == "grpc");
        let endpoint = if endpoint.contains("://") { endpoint.clone() } else { format!("http://{endpoint}") };
        let has_path = endpoint.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains('/'));
        let url = match (is_grpc, has_path) {
            (true, _) => endpoint,
            (false, true) if endpoint.contains("/v1/") => endpoint,
            (false, _) => format!("{}/v1/{signal}", endpoint.trim_end_matches('/')),
        };
        let kind = if is_grpc { "otlp_grpc" } else { "otlp_http" };
        Some((kind.to_owned(), json!({"endpoint": url})))
    }
}

impl Out {
    /// Puts a value at a path; `name[]` is the first item of a list.
    pub(super) fn set(&mut self, path: &str, value: Json) {
        let mut keys = path.split('.').peekable();
        let mut at = &mut self.root;
        while let Some(key) = keys.next() {
            let (key, is_list) = key.strip_suffix("[]").map_or((key, false), |key| (key, true));
            if keys.peek().is_none() {
                at.insert(key.to_owned(), value);
                return;
            }
            let slot = at.entry(key).or_insert_with(|| if is_list { json!([{}]) } else { json!({}) });
            let inner = if is_list { slot.get_mut(0) } else { Some(slot) };
            let Some(Json::Object(inner)) = inner else { return };
            at = inner;
        }
    }

    /// What depends on several keys.
    pub(super) fn finish(&mut self) {
        self.root.insert("file_format".to_owned(), "1.0".into());
        for (path, export) in [
            ("tracer_provider.processors[].batch.exporter", self.traces.json("traces")),
            ("meter_provider.readers[].periodic.exporter", self.metrics.json("metrics")),
        ] {
            if let Some((kind, value)) = export {
                self.set(&format!("{path}.{kind}"), value);
            }
        }
        if !self.is_shown {
            self.set("wirespan.output", "none".into());
        }
    }

    /// What a process must be to be traced, in the order in which it counts: the first rule that fits does.
    pub(super) fn rules(&mut self) -> Vec<Json> {
        if !self.single.is_empty() {
            let mut rule = rules::rule("select", &self.single);
            self.service.add(&mut rule);
            self.chosen.insert(0, rule.into());
        }
        if self.takes_others == Some(true) {
            self.chosen.push(rules::others().into());
        }
        self.left_out.drain(..).chain(self.chosen.drain(..)).collect()
    }

    /// Another root: what is left of this one.
    pub(super) fn replace(&mut self, root: Json) {
        if let Json::Object(root) = root {
            self.root = root;
        }
    }

    /// The file, so far.
    pub(super) fn yaml(&self) -> String {
        document(&self.root)
    }
}
