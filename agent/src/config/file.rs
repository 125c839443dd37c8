//! The keys of the file.

use std::collections::BTreeMap;
use std::time::Duration;

use super::layer::Layer;
use super::section::Reader;
use super::settings::{LogLevel, Output, Route};
use super::yaml::{self, Content, Node};
use super::{Error, env, exporters};
use crate::metrics::catalog::CATALOG;
use crate::process::{Selector, spelling};

/// Bounds of numbers in the file.
const MAX_NUMBER: u64 = 1 << 24;
const TURN_BUDGET: std::ops::RangeInclusive<u64> = 0..=wirespan_common::limits::MAX_PAYLOAD as u64;
const RING: std::ops::RangeInclusive<u64> = 64 * 1024..=1 << 30;

/// Keys of OpenTelemetry that describe what wirespan does not have.
const OTHERS: [&str; 5] = ["attribute_limits", "propagator", "resource", "instrumentation/development", "distribution"];

pub(super) fn parse(name: &str, text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Layer, Error> {
    layer(name, &yaml::parse(name, text, variable)?)
}

/// What a tree says.
///
/// # Errors
/// The first mistake in it.
pub(super) fn layer(name: &str, root: &Node) -> Result<Layer, Error> {
    let mut reader = Reader { file: name, warnings: Vec::new() };
    let mut layer = Layer::default();
    let mut section = reader.section("", root)?;
    match section.get("file_format") {
        None => reader.warn(root.place, "`file_format` is missing: write file_format: \"1.0\""),
        Some(node) => {
            let version = reader.text("file_format", node)?;
            if version != "1.0" && !version.starts_with("1.0-") {
                return Err(reader.error(node.place, format!("file_format `{version}` is not known: write \"1.0\"")));
            }
        }
    }
    if let Some(node) = section.get("log_level") {
        layer.log_level = Some(log_level(&reader, node)?);
    }
    if let Some(node) = section.get("tracer_provider") {
        exporters::traces(&mut reader, node, &mut layer)?;
    }
    if let Some(node) = section.get("meter_provider") {
        exporters::metrics(&mut reader, node, &mut layer)?;
    }
    if let Some(node) = section.get("logger_provider") {
        exporters::logs(&mut reader, node, &mut layer)?;
    }
    if let Some(node) = section.get("wirespan") {
        wirespan(&mut reader, node, &mut layer)?;
    }
    if let Some(node) = section.get("disabled")
        && reader.truth("disabled", node)?
    {
        (layer.output, layer.otlp) = (Some(Output::None), Some(false));
        (layer.otlp_metrics, layer.otlp_logs) = (Some(false), Some(false));
    }
    section.unused(&OTHERS, &mut reader);
    section.finish(&reader)?;
    layer.warnings = reader.warnings;
    Ok(layer)
}

/// OpenTelemetry knows four numbered grades of each level, and `fatal`.
fn log_level(reader: &Reader<'_>, node: &Node) -> Result<LogLevel, Error> {
    match reader.text("log_level", node)?.trim_end_matches(['2', '3', '4']) {
        "fatal" => Ok(LogLevel::Error),
        word => super::choice(word).map_err(|message| reader.error(node.place, format!("`log_level`: {message}"))),
    }
}

fn wirespan(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    let mut section = reader.section("wirespan", node)?;
    if let Some(node) = section.get("select") {
        let selectors: Result<_, _> =
            texts(reader, "select", node)?.into_iter().map(|item| selector(reader, item)).collect();
        layer.select = Some(selectors?);
    }
    if let Some(node) = section.get("output") {
        layer.output = Some(reader.choice("output", node)?);
    }
    if let Some(node) = section.get("output_file") {
        layer.output_file = Some(reader.text("output_file", node)?.into());
    }
    if let Some(node) = section.get("log_level") {
        layer.log_level = Some(log_level(reader, node)?);
    }
    if let Some(node) = section.get("log_format") {
        layer.log_format = Some(reader.choice("log_format", node)?);
    }
    if let Some(node) = section.get("backend") {
        layer.backend = Some(reader.choice("backend", node)?);
    }
    if let Some(node) = section.get("prometheus_listen") {
        let text = reader.text("prometheus_listen", node)?;
        layer.prometheus_listen = Some(env::address(text).map_err(|what| reader.error(node.place, what))?);
    }
    if let Some(node) = section.get("capture") {
        capture(reader, node, layer)?;
    }
    if let Some(node) = section.get("limits") {
        let mut section = reader.section("wirespan.limits", node)?;
        layer.connections = count(reader, &mut section, "connections")?;
        layer.processes = count(reader, &mut section, "processes")?;
        section.finish(reader)?;
    }
    if let Some(node) = section.get("routes") {
        routes(reader, node, layer)?;
    }
    if let Some(node) = section.get("redaction") {
        let mut section = reader.section("wirespan.redaction", node)?;
        if let Some(node) = section.get("also") {
            layer.redact_also = Some(names(reader, "also", node)?);
        }
        if let Some(node) = section.get("except") {
            layer.redact_except = Some(names(reader, "except", node)?);
        }
        section.finish(reader)?;
    }
    if let Some(node) = section.get("metrics") {
        metrics(reader, node, layer)?;
    }
    if let Some(node) = section.get("known_methods") {
        layer.known_methods = Some(names(reader, "known_methods", node)?);
    }
    if let Some(node) = section.get("returned_rows") {
        layer.returned_rows = Some(reader.truth("returned_rows", node)?);
    }
    if let Some(node) = section.get("advisor") {
        let mut section = reader.section("wirespan.advisor", node)?;
        if let Some(node) = section.get("interval") {
            layer.advisor_interval = Some(milliseconds(reader, "interval", node)?);
        }
        section.finish(reader)?;
    }
    if let Some(node) = section.get("shutdown_timeout") {
        layer.shutdown_timeout = Some(milliseconds(reader, "shutdown_timeout", node)?);
    }
    if let Some(node) = section.get("connections") {
        let mut section = reader.section("wirespan.connections", node)?;
        if let Some(node) = section.get("spans") {
            layer.connection_spans = Some(reader.truth("spans", node)?);
        }
        section.finish(reader)?;
    }
    if let Some(node) = section.get("telemetry") {
        let mut section = reader.section("wirespan.telemetry", node)?;
        if let Some(node) = section.get("spans") {
            layer.telemetry_spans = Some(reader.truth("spans", node)?);
        }
        section.finish(reader)?;
    }
    section.finish(reader)
}

/// A list of words.
fn names(reader: &Reader<'_>, name: &str, node: &Node) -> Result<Vec<Box<str>>, Error> {
    reader.items(name, node)?.iter().map(|item| reader.text(name, item).map(Into::into)).collect()
}

/// A list of patterns, or a section with `patterns` and `heuristic`.
fn routes(reader: &Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    let mut patterns = Some(node);
    if node.entries().is_some() {
        let mut section = reader.section("wirespan.routes", node)?;
        patterns = section.get("patterns");
        if let Some(node) = section.get("heuristic") {
            layer.guess_routes = Some(reader.truth("heuristic", node)?);
        }
        section.finish(reader)?;
    }
    if let Some(node) = patterns {
        let routes = texts(reader, "routes", node)?;
        let routes: Result<Vec<Route>, Error> = routes.into_iter().map(|item| route(reader, item)).collect();
        layer.routes = Some(routes?);
    }
    Ok(())
}

fn metrics(reader: &Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    let mut section = reader.section("wirespan.metrics", node)?;
    if let Some(limit) = count(reader, &mut section, "cardinality_limit")? {
        layer.cardinality_limit = Some(limit);
    }
    layer.max_series = count(reader, &mut section, "max_series")?;
    if let Some(node) = section.get("expiry") {
        layer.series_expiry = Some(milliseconds(reader, "expiry", node)?);
    }
    if let Some(node) = section.get("per_process") {
        layer.metrics_per_process = Some(reader.truth("per_process", node)?);
    }
    if let Some(node) = section.get("attributes") {
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
        layer.metric_attributes = Some(attributes);
    }
    section.finish(reader)
}

fn capture(reader: &Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    let mut section = reader.section("wirespan.capture", node)?;
    if let Some(node) = section.get("turn_budget") {
        layer.turn_budget = u32::try_from(reader.within("turn_budget", node, TURN_BUDGET)?).ok();
    }
    if let Some(node) = section.get("ring_bytes") {
        let bytes = reader.within("ring_bytes", node, RING)?;
        if !bytes.is_power_of_two() {
            return Err(reader.error(node.place, "`ring_bytes` must be a power of two, such as 16777216"));
        }
        layer.ring_bytes = u32::try_from(bytes).ok();
    }
    if let Some(node) = section.get("queue_time") {
        layer.queue_time = Some(reader.truth("queue_time", node)?);
    }
    section.finish(reader)
}

fn count(
    reader: &Reader<'_>,
    section: &mut super::section::Section<'_>,
    key: &'static str,
) -> Result<Option<u32>, Error> {
    section
        .get(key)
        .map(|node| reader.within(key, node, 1..=MAX_NUMBER))
        .transpose()
        .map(|count| count.map(|count| count as u32))
}

/// A list of texts; a single one needs no list.
fn texts<'n>(reader: &Reader<'_>, name: &str, node: &'n Node) -> Result<Vec<&'n Node>, Error> {
    match &node.value {
        Content::Scalar { .. } => Ok(vec![node]),
        _ => Ok(reader.items(name, node)?.iter().collect()),
    }
}

fn selector(reader: &Reader<'_>, node: &Node) -> Result<Selector, Error> {
    let text = reader.text("select", node)?;
    text.parse().map_err(|error| reader.error(node.place, format!("selector `{text}`: {error}")))
}

/// A pattern for all services, or `service` and `pattern`.
fn route(reader: &Reader<'_>, node: &Node) -> Result<Route, Error> {
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

/// Milliseconds, as all times in the file are.
pub(super) fn milliseconds(reader: &Reader<'_>, name: &str, node: &Node) -> Result<Duration, Error> {
    reader.within(name, node, 0..=u64::from(u32::MAX)).map(Duration::from_millis)
}

/// A number of things that must be at least one.
pub(super) fn size(reader: &Reader<'_>, name: &str, node: &Node) -> Result<usize, Error> {
    reader.within(name, node, 1..=MAX_NUMBER).map(|size| size as usize)
}
