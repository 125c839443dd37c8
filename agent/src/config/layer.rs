//! One source of settings, and how several become one configuration.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Error;
use super::settings::{Backend, Config, LogLevel, Output, Route};
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
    pub otlp: Option<bool>,
    pub otlp_variables: BTreeMap<String, String>,
    pub batch_queue: Option<usize>,
    pub batch_size: Option<usize>,
    pub batch_delay: Option<Duration>,
    pub batch_timeout: Option<Duration>,
    pub metric_interval: Option<Duration>,
    pub prometheus_listen: Option<SocketAddr>,
    pub log_level: Option<LogLevel>,
    pub backend: Option<Backend>,
    pub turn_budget: Option<u32>,
    pub ring_bytes: Option<u32>,
    pub connections: Option<u32>,
    pub processes: Option<u32>,
    pub routes: Option<Vec<Route>>,
    pub sampler: Option<Sampler>,
    pub known_methods: Option<Vec<Box<str>>>,
    pub returned_rows: Option<bool>,
    pub warnings: Vec<String>,
}

/// Prefix of the variables of the OTLP exporter.
pub(super) const OTLP: &str = "OTEL_EXPORTER_OTLP_";
const SIGNALS: [&str; 2] = ["TRACES_", "METRICS_"];

/// One configuration of several layers, the strongest first.
pub(super) fn settle(layers: Vec<Layer>) -> Result<Config, Error> {
    let mut config = Config::default();
    // From the weakest on, so that each layer overwrites those below.
    let (mut output, mut otlp) = (None, None);
    for layer in layers.into_iter().rev() {
        output = layer.output.or(output);
        otlp = layer.otlp.or(otlp);
        overlay(&mut config.otlp_variables, layer.otlp_variables);
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
        set(&mut config.limits.connections, layer.connections);
        set(&mut config.limits.processes, layer.processes);
        set(&mut config.routes, layer.routes);
        set(&mut config.sampler, layer.sampler);
        set(&mut config.returned_rows, layer.returned_rows);
        config.known_methods = layer.known_methods.or(config.known_methods);
        config.output_file = layer.output_file.or(config.output_file);
        config.prometheus_listen = layer.prometheus_listen.or(config.prometheus_listen);
        config.warnings.splice(0..0, layer.warnings);
    }
    config.otlp = otlp.unwrap_or(false);
    config.output = output.unwrap_or(if config.otlp { Output::None } else { Output::Console });
    if config.batch.size > config.batch.queue {
        config.warnings.push(format!(
            "a batch of {} spans cannot be larger than the queue: {} it is",
            config.batch.size, config.batch.queue
        ));
        config.batch.size = config.batch.queue;
    }
    Ok(config)
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
