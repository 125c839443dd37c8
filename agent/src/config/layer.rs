//! One source of settings, and how several become one configuration.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Error;
use super::settings::{Backend, Config, LogFormat, LogLevel, Output, Route};
use crate::export::console::View;
use crate::process::{Selector, Selectors};
use crate::trace::sampler::Sampler;

/// What one source (flags, environment, file) says; `None` where it says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "each field is the one of `Config` of the same name")]
pub struct Layer {
    pub config_file: Option<PathBuf>,
    pub select: Option<Vec<Selector>>,
    pub output: Option<Output>,
    pub output_file: Option<PathBuf>,
    pub console: Option<View>,
    pub otlp: Option<bool>,
    pub otlp_metrics: Option<bool>,
    pub metric_lines: Option<bool>,
    pub otlp_variables: BTreeMap<String, String>,
    pub batch_queue: Option<usize>,
    pub batch_size: Option<usize>,
    pub batch_delay: Option<Duration>,
    pub batch_timeout: Option<Duration>,
    pub metric_interval: Option<Duration>,
    pub prometheus_listen: Option<SocketAddr>,
    pub cardinality_limit: Option<u32>,
    pub max_series: Option<u32>,
    pub series_expiry: Option<Duration>,
    pub metrics_per_process: Option<bool>,
    pub metric_attributes: Option<BTreeMap<Box<str>, Vec<Box<str>>>>,
    pub log_level: Option<LogLevel>,
    pub log_format: Option<LogFormat>,
    pub backend: Option<Backend>,
    pub turn_budget: Option<u32>,
    pub ring_bytes: Option<u32>,
    pub queue_time: Option<bool>,
    pub connections: Option<u32>,
    pub processes: Option<u32>,
    pub redact_also: Option<Vec<Box<str>>>,
    pub redact_except: Option<Vec<Box<str>>>,
    pub routes: Option<Vec<Route>>,
    pub guess_routes: Option<bool>,
    pub sampler: Option<Sampler>,
    pub known_methods: Option<Vec<Box<str>>>,
    pub returned_rows: Option<bool>,
    /// Whether set-ups of connections become spans.
    pub connection_spans: Option<bool>,
    pub telemetry_spans: Option<bool>,
    pub advisor_interval: Option<Duration>,
    /// Whether findings of the advisor are exported over OTLP.
    pub otlp_logs: Option<bool>,
    pub shutdown_timeout: Option<Duration>,
    pub warnings: Vec<String>,
}

/// Prefix of the variables of the OTLP exporter.
pub(super) const OTLP: &str = "OTEL_EXPORTER_OTLP_";
const SIGNALS: [&str; 3] = ["TRACES_", "METRICS_", "LOGS_"];

/// One configuration of several layers, the strongest first.
pub(super) fn settle(layers: Vec<Layer>) -> Result<Config, Error> {
    let mut config = Config::default();
    // From the weakest on, so that each layer overwrites those below.
    let (mut output, mut otlp) = (None, None);
    let metrics = &mut config.metrics;
    for layer in layers.into_iter().rev() {
        output = layer.output.or(output);
        otlp = layer.otlp.or(otlp);
        set(&mut metrics.otlp, layer.otlp_metrics);
        set(&mut metrics.lines, layer.metric_lines);
        set(&mut metrics.settings.cardinality_limit, layer.cardinality_limit);
        set(&mut metrics.settings.max_series, layer.max_series);
        set(&mut metrics.settings.expiry, layer.series_expiry);
        set(&mut metrics.settings.per_process, layer.metrics_per_process);
        set(&mut metrics.settings.attributes, layer.metric_attributes);
        overlay(&mut config.otlp_variables, layer.otlp_variables);
        set(&mut config.console, layer.console);
        set(&mut config.selectors, layer.select.map(Selectors::new));
        set(&mut config.batch.queue, layer.batch_queue);
        set(&mut config.batch.size, layer.batch_size);
        set(&mut config.batch.delay, layer.batch_delay);
        set(&mut config.batch.timeout, layer.batch_timeout);
        set(&mut config.metric_interval, layer.metric_interval);
        set(&mut config.log_level, layer.log_level);
        set(&mut config.backend, layer.backend);
        set(&mut config.capture.turn_budget, layer.turn_budget);
        set(&mut config.capture.ring_bytes, layer.ring_bytes);
        set(&mut config.capture.queue_time, layer.queue_time);
        set(&mut config.limits.connections, layer.connections);
        set(&mut config.limits.processes, layer.processes);
        set(&mut config.redact_also, layer.redact_also);
        set(&mut config.redact_except, layer.redact_except);
        set(&mut config.routes, layer.routes);
        set(&mut config.guess_routes, layer.guess_routes);
        set(&mut config.sampler, layer.sampler);
        set(&mut config.returned_rows, layer.returned_rows);
        set(&mut config.connection_spans, layer.connection_spans);
        set(&mut config.telemetry_spans, layer.telemetry_spans);
        set(&mut config.advisor_interval, layer.advisor_interval);
        set(&mut config.otlp_logs, layer.otlp_logs);
        set(&mut config.shutdown_timeout, layer.shutdown_timeout);
        config.log_format = layer.log_format.or(config.log_format);
        config.known_methods = layer.known_methods.or(config.known_methods);
        config.output_file = layer.output_file.or(config.output_file);
        config.prometheus_listen = layer.prometheus_listen.or(config.prometheus_listen);
        config.warnings.splice(0..0, layer.warnings);
    }
    config.otlp = otlp.unwrap_or(false);
    config.output = output.unwrap_or(if config.otlp { Output::None } else { Output::Console });
    if config.output != Output::Console && config.console != View::default() {
        let warning = "--trace-id, --errors and --slower-than are for the console, and the output is another one";
        config.warnings.push(warning.to_owned());
    }
    metric_variables(&mut config);
    if config.batch.size > config.batch.queue {
        config.warnings.push(format!(
            "a batch of {} spans cannot be larger than the queue: {} it is",
            config.batch.size, config.batch.queue
        ));
        config.batch.size = config.batch.queue;
    }
    Ok(config)
}

/// What the variables of the OTLP metrics exporter say of the metrics themselves. An unknown word is a warning.
fn metric_variables(config: &mut Config) {
    const TEMPORALITY: &str = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    const AGGREGATION: &str = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    if let Some(word) = config.otlp_variable(TEMPORALITY) {
        match super::choice(&word.replace('_', "")) {
            Ok(reading) => config.metrics.reading = reading,
            Err(what) => config.warnings.push(format!("{TEMPORALITY}: {what}; ignored")),
        }
    }
    if let Some(word) = config.otlp_variable(AGGREGATION) {
        match word.to_ascii_lowercase().as_str() {
            "explicit_bucket_histogram" => config.metrics.settings.exponential = false,
            "base2_exponential_bucket_histogram" => config.metrics.settings.exponential = true,
            _ => config.warnings.push(format!(
                "{AGGREGATION}: unknown value `{word}`; write explicit_bucket_histogram or \
                 base2_exponential_bucket_histogram; ignored"
            )),
        }
    }
    // A value must have been told before it is forgotten.
    let shortest = config.metric_interval * 2;
    if config.metrics.settings.expiry < shortest {
        config.warnings.push(format!(
            "series cannot expire before two export intervals have passed: {} ms it is",
            shortest.as_millis()
        ));
        config.metrics.settings.expiry = shortest;
    }
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

/// Puts stronger variables over weaker ones. A stronger one for all signals counts more than a weaker one for a single
/// signal.
fn overlay(variables: &mut BTreeMap<String, String>, stronger: BTreeMap<String, String>) {
    for name in stronger.keys() {
        if let Some(rest) = name.strip_prefix(OTLP) {
            for signal in SIGNALS {
                variables.remove(&format!("{OTLP}{signal}{rest}"));
            }
        }
    }
    variables.extend(stronger);
}
