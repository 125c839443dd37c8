//! The effective configuration as a file that says the same. Values of headers and
//! credentials in URLs are left out.

use std::fmt::Write as _;

use super::layer::OTLP;
use super::settings::{Config, Output};
use crate::shown;
use crate::trace::redact;
use crate::trace::sampler::Root;

impl Config {
    /// The configuration as YAML.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut yaml = Yaml::default();
        yaml.line(0, "file_format", quote("1.0"));
        yaml.line(0, "log_level", word(self.log_level));
        self.traces(&mut yaml);
        self.metrics(&mut yaml);
        self.logs(&mut yaml);
        yaml.open(0, "wirespan");
        yaml.list(1, "select", self.selectors.iter().map(ToString::to_string));
        yaml.line(1, "output", word(self.output));
        if let Some(path) = &self.output_file {
            yaml.line(1, "output_file", quote(&path.to_string_lossy()));
        }
        if let Some(format) = self.log_format {
            yaml.line(1, "log_format", word(format));
        }
        yaml.line(1, "backend", word(self.backend));
        yaml.open(1, "capture");
        yaml.line(2, "turn_budget", self.capture.turn_budget);
        yaml.line(2, "ring_bytes", self.capture.ring_bytes);
        yaml.line(2, "queue_time", self.capture.queue_time);
        yaml.open(1, "limits");
        yaml.line(2, "connections", self.limits.connections);
        yaml.line(2, "processes", self.limits.processes);
        yaml.open(1, "metrics");
        yaml.line(2, "cardinality_limit", self.metrics.settings.cardinality_limit);
        yaml.line(2, "max_series", self.metrics.settings.max_series);
        yaml.line(2, "expiry", self.metrics.settings.expiry.as_millis());
        yaml.line(2, "per_process", self.metrics.settings.per_process);
        if !self.metrics.settings.attributes.is_empty() {
            yaml.open(2, "attributes");
            for (name, kept) in &self.metrics.settings.attributes {
                yaml.list(3, name, kept.iter().map(ToString::to_string));
            }
        }
        self.redaction(&mut yaml);
        self.routes(&mut yaml);
        if let Some(methods) = &self.known_methods {
            yaml.list(1, "known_methods", methods.iter().map(ToString::to_string));
        }
        yaml.line(1, "returned_rows", self.returned_rows);
        yaml.line(1, "shutdown_timeout", self.shutdown_timeout.as_millis());
        yaml.open(1, "advisor");
        yaml.line(2, "interval", self.advisor_interval.as_millis());
        yaml.open(1, "connections");
        yaml.line(2, "spans", self.connection_spans);
        yaml.open(1, "telemetry");
        yaml.line(2, "spans", self.telemetry_spans);
        if let Some(address) = self.prometheus_listen {
            yaml.line(1, "prometheus_listen", quote(&address.to_string()));
        }
        yaml.0
    }

    fn redaction(&self, yaml: &mut Yaml) {
        yaml.open(1, "redaction");
        yaml.list(2, "also", self.redact_also.iter().map(ToString::to_string));
        yaml.list(2, "except", self.redact_except.iter().map(ToString::to_string));
    }

    fn routes(&self, yaml: &mut Yaml) {
        yaml.open(1, "routes");
        yaml.line(2, "heuristic", self.guess_routes);
        if self.routes.is_empty() {
            return yaml.line(2, "patterns", "[]");
        }
        yaml.open(2, "patterns");
        for route in &self.routes {
            yaml.line(3, "- pattern", quote(&route.pattern));
            if let Some(service) = &route.service {
                yaml.line(4, "service", quote(service));
            }
        }
    }

    fn sampler(&self, yaml: &mut Yaml) {
        let root = match self.sampler.root {
            Root::On => "{always_on: {}}".to_owned(),
            Root::Off => "{always_off: {}}".to_owned(),
            // The bound is the ratio of 63 bits.
            Root::Below(bound) => format!("{{trace_id_ratio_based: {{ratio: {}}}}}", bound as f64 / 2f64.powi(63)),
        };
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
        yaml.line(4, "schedule_delay", self.batch.delay.as_millis());
        yaml.line(4, "export_timeout", self.batch.timeout.as_millis());
        yaml.line(4, "max_queue_size", self.batch.queue);
        yaml.line(4, "max_export_batch_size", self.batch.size);
        if self.otlp {
            yaml.open(4, "exporter");
            self.exporter(yaml, 5, "TRACES_", "v1/traces");
        } else if self.output == Output::Console {
            yaml.open(4, "exporter");
            yaml.line(5, "console", "{}");
        }
    }

    fn metrics(&self, yaml: &mut Yaml) {
        yaml.open(0, "meter_provider");
        yaml.open(1, "readers");
        yaml.open(2, "- periodic");
        yaml.line(4, "interval", self.metric_interval.as_millis());
        if self.metrics.otlp {
            yaml.open(4, "exporter");
            self.exporter(yaml, 5, "METRICS_", "v1/metrics");
            for (key, name) in [
                ("temporality_preference", "TEMPORALITY_PREFERENCE"),
                ("default_histogram_aggregation", "DEFAULT_HISTOGRAM_AGGREGATION"),
            ] {
                if let Some(value) = self.otlp_variables.get(&format!("{OTLP}METRICS_{name}")) {
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
        yaml.line(depth + 1, "endpoint", quote(&redact::url(&endpoint)));
        for (key, name) in [("compression", "COMPRESSION"), ("timeout", "TIMEOUT")] {
            if let Some(value) = get(name) {
                yaml.line(depth + 1, key, scalar(value));
            }
        }
        if let Some(headers) = get("HEADERS") {
            yaml.open(depth + 1, "headers");
            for name in headers.split(',').filter_map(|pair| pair.split('=').next()) {
                yaml.line(depth + 2, "- name", quote(name.trim()));
                yaml.line(depth + 3, "value", quote("REDACTED"));
            }
        }
        let tls: Vec<_> = [("ca_file", "CERTIFICATE"), ("key_file", "CLIENT_KEY"), ("cert_file", "CLIENT_CERTIFICATE")]
            .into_iter()
            .filter_map(|(key, name)| Some((key, get(name)?)))
            .collect();
        if !tls.is_empty() {
            yaml.open(depth + 1, "tls");
            tls.into_iter().for_each(|(key, value)| yaml.line(depth + 2, key, quote(value)));
        }
    }
}

#[derive(Default)]
struct Yaml(String);

impl Yaml {
    fn line(&mut self, depth: usize, key: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{:1$}{key}: {value}", "", depth * 2);
    }

    fn open(&mut self, depth: usize, key: &str) {
        let _ = writeln!(self.0, "{:1$}{key}:", "", depth * 2);
    }

    fn list(&mut self, depth: usize, key: &str, items: impl Iterator<Item = String>) {
        let items: Vec<String> = items.collect();
        if items.is_empty() {
            return self.line(depth, key, "[]");
        }
        self.open(depth, key);
        for item in items {
            let _ = writeln!(self.0, "{:1$}- {2}", "", (depth + 1) * 2, quote(&item));
        }
    }
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
