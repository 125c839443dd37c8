//! `tracer_provider`, `meter_provider` and `logger_provider` of the file. OTLP exporters become the variables that say the same, so that
//! whoever makes an exporter reads one kind of settings.

use super::Error;
use super::env;
use super::file::{milliseconds, size};
use super::layer::{Layer, OTLP};
use super::section::{Reader, Section};
use super::settings::Output;
use super::yaml::Node;
use crate::trace::sampler::Sampler;

pub(super) fn traces(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    let mut section = reader.section("tracer_provider", node)?;
    if let Some(node) = section.get("processors") {
        let items = reader.items("processors", node)?;
        for item in items {
            let mut section = reader.section("tracer_provider.processors", item)?;
            for kind in ["batch", "simple"] {
                if let Some(node) = section.get(kind) {
                    processor(reader, kind, node, layer)?;
                }
            }
            section.finish(reader)?;
        }
    }
    if let Some(node) = section.get("sampler") {
        layer.sampler = Some(sampler(reader, node, false)?);
    }
    section.unused(&["limits", "tracer_configurator/development", "id_generator"], reader);
    section.finish(reader)
}

/// A sampler; `root`: that of `parent_based`.
fn sampler(reader: &mut Reader<'_>, node: &Node, root: bool) -> Result<Sampler, Error> {
    let mut section = reader.section("tracer_provider.sampler", node)?;
    let mut chosen = None;
    for name in ["always_on", "always_off"] {
        if section.present(name).is_some() {
            chosen = Sampler::parse(name, None).ok();
        }
    }
    if let Some(node) = section.present("trace_id_ratio_based") {
        let mut ratio = reader.section("trace_id_ratio_based", node)?;
        let value = ratio.get("ratio");
        let text = value.map(|node| reader.text("ratio", node)).transpose()?;
        let place = value.unwrap_or(node).place;
        chosen = Some(Sampler::parse("traceidratio", text).map_err(|what| reader.error(place, what.to_string()))?);
        ratio.finish(reader)?;
    }
    if !root && let Some(node) = section.present("parent_based") {
        let mut parent = reader.section("parent_based", node)?;
        let root = parent.get("root").map(|node| sampler(reader, node, true)).transpose()?.unwrap_or_default();
        chosen = Some(Sampler { parent_based: true, ..root });
        // They are always followed, which is what these say by default.
        let followed =
            ["remote_parent_sampled", "remote_parent_not_sampled", "local_parent_sampled", "local_parent_not_sampled"];
        parent.unused(&followed, reader);
        parent.finish(reader)?;
    }
    section.finish(reader)?;
    chosen.ok_or_else(|| reader.lacks(node.place, "a sampler must be named, such as always_on"))
}

fn processor(reader: &mut Reader<'_>, kind: &str, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    let path = format!("tracer_provider.processors.{kind}");
    let mut section = reader.section(&path, node)?;
    if kind == "batch" {
        if let Some(node) = section.get("schedule_delay") {
            layer.batch_delay = Some(milliseconds(reader, "schedule_delay", node)?);
        }
        if let Some(node) = section.get("export_timeout") {
            layer.batch_timeout = Some(milliseconds(reader, "export_timeout", node)?);
        }
        if let Some(node) = section.get("max_queue_size") {
            layer.batch_queue = Some(size(reader, "max_queue_size", node)?);
        }
        if let Some(node) = section.get("max_export_batch_size") {
            layer.batch_size = Some(size(reader, "max_export_batch_size", node)?);
        }
    }
    if let Some(node) = section.get("exporter") {
        let mut section = reader.section(&format!("{path}.exporter"), node)?;
        if otlp(reader, &mut section, "TRACES_", layer)? {
            layer.otlp = Some(true);
        }
        if section.present("console").is_some() {
            layer.output = Some(Output::Console);
        }
        if let Some(node) = section.present("otlp_file/development") {
            output_file(reader, node, layer)?;
        }
        section.finish(reader)?;
    }
    section.finish(reader)
}

fn output_file(reader: &Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    layer.output = Some(Output::OtlpJson);
    let mut section = reader.section("otlp_file/development", node)?;
    if let Some(node) = section.get("output_stream") {
        match reader.text("output_stream", node)? {
            "stdout" => {}
            other => match other.strip_prefix("file://") {
                Some(path) => layer.output_file = Some(path.into()),
                None => return Err(reader.error(node.place, "`output_stream` must be stdout or file:///PATH")),
            },
        }
    }
    section.finish(reader)
}

pub(super) fn metrics(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    let mut section = reader.section("meter_provider", node)?;
    if let Some(node) = section.get("readers") {
        for item in reader.items("readers", node)? {
            let mut section = reader.section("meter_provider.readers", item)?;
            if let Some(node) = section.get("periodic") {
                periodic(reader, node, layer)?;
            }
            if let Some(node) = section.get("pull") {
                pull(reader, node, layer)?;
            }
            section.finish(reader)?;
        }
    }
    section.unused(&["views", "exemplar_filter", "meter_configurator/development"], reader);
    section.finish(reader)
}

pub(super) fn logs(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    let mut section = reader.section("logger_provider", node)?;
    if let Some(node) = section.get("processors") {
        for item in reader.items("processors", node)? {
            let mut section = reader.section("logger_provider.processors", item)?;
            for kind in ["batch", "simple"] {
                if let Some(node) = section.get(kind) {
                    let path = format!("logger_provider.processors.{kind}");
                    let mut section = reader.section(&path, node)?;
                    if let Some(node) = section.get("exporter") {
                        let mut section = reader.section(&format!("{path}.exporter"), node)?;
                        if otlp(reader, &mut section, "LOGS_", layer)? {
                            layer.otlp_logs = Some(true);
                        }
                        section.unused(&["console", "otlp_file/development"], reader);
                        section.finish(reader)?;
                    }
                    // Advice is sent as soon as it is there.
                    let batching = ["schedule_delay", "export_timeout", "max_queue_size", "max_export_batch_size"];
                    section.unused(&batching, reader);
                    section.finish(reader)?;
                }
            }
            section.finish(reader)?;
        }
    }
    section.unused(&["limits", "logger_configurator/development"], reader);
    section.finish(reader)
}

fn periodic(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    let mut section = reader.section("meter_provider.readers.periodic", node)?;
    if let Some(node) = section.get("interval") {
        layer.metric_interval = Some(milliseconds(reader, "interval", node)?);
    }
    if let Some(node) = section.get("exporter") {
        let mut section = reader.section("meter_provider.readers.periodic.exporter", node)?;
        if otlp(reader, &mut section, "METRICS_", layer)? {
            layer.otlp_metrics = Some(true);
        }
        section.unused(&["console", "otlp_file/development"], reader);
        section.finish(reader)?;
    }
    cardinality(reader, &mut section, layer)?;
    section.unused(&["timeout", "producers"], reader);
    section.finish(reader)
}

fn pull(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    let mut section = reader.section("meter_provider.readers.pull", node)?;
    if let Some(node) = section.get("exporter") {
        let mut section = reader.section("meter_provider.readers.pull.exporter", node)?;
        if let Some(node) = section.present("prometheus/development") {
            let mut section = reader.section("prometheus/development", node)?;
            let host = section.get("host").map(|node| reader.text("host", node)).transpose()?.unwrap_or("localhost");
            let port = match section.get("port") {
                Some(node) => reader.within("port", node, 1..=u64::from(u16::MAX))?,
                None => 9464,
            };
            let address = env::address(&format!("{host}:{port}")).map_err(|what| reader.error(node.place, what))?;
            layer.prometheus_listen = Some(address);
            let unused = ["without_scope_info", "with_resource_constant_labels", "translation_strategy"];
            section.unused(&unused, reader);
            section.finish(reader)?;
        }
        section.finish(reader)?;
    }
    cardinality(reader, &mut section, layer)?;
    section.unused(&["producers"], reader);
    section.finish(reader)
}

/// `cardinality_limits` of a reader: one limit holds for all metrics and readers.
fn cardinality(reader: &mut Reader<'_>, section: &mut Section<'_>, layer: &mut Layer) -> Result<(), Error> {
    let Some(node) = section.get("cardinality_limits") else { return Ok(()) };
    let mut limits = reader.section("cardinality_limits", node)?;
    if let Some(node) = limits.get("default") {
        layer.cardinality_limit = u32::try_from(size(reader, "default", node)?).ok();
    }
    let kinds = [
        "counter",
        "gauge",
        "histogram",
        "observable_counter",
        "observable_gauge",
        "observable_up_down_counter",
        "up_down_counter",
    ];
    limits.unused(&kinds, reader);
    limits.finish(reader)
}

/// `otlp_http` or `otlp_grpc` of an exporter. Whether there is one.
fn otlp(reader: &mut Reader<'_>, exporter: &mut Section<'_>, signal: &str, layer: &mut Layer) -> Result<bool, Error> {
    let mut found = false;
    for (kind, protocol) in [("otlp_http", "http/protobuf"), ("otlp_grpc", "grpc")] {
        let Some(node) = exporter.present(kind) else {
            continue;
        };
        found = true;
        let mut set = |name: &str, value: String| layer.otlp_variables.insert(format!("{OTLP}{signal}{name}"), value);
        set("PROTOCOL", protocol.into());
        let mut section = reader.section(kind, node)?;
        for (key, name) in [("endpoint", "ENDPOINT"), ("compression", "COMPRESSION"), ("timeout", "TIMEOUT")] {
            if let Some(node) = section.get(key) {
                set(name, reader.text(key, node)?.to_owned());
            }
        }
        if let Some(node) = section.get("encoding")
            && reader.text("encoding", node)? != "protobuf"
        {
            return Err(reader.error(node.place, "`encoding` must be protobuf"));
        }
        if let Some(headers) = headers(reader, &mut section)? {
            set("HEADERS", headers);
        }
        if let Some(node) = section.get("tls") {
            let mut tls = reader.section("tls", node)?;
            for (key, name) in
                [("ca_file", "CERTIFICATE"), ("key_file", "CLIENT_KEY"), ("cert_file", "CLIENT_CERTIFICATE")]
            {
                if let Some(node) = tls.get(key) {
                    set(name, reader.text(key, node)?.to_owned());
                }
            }
            if let Some(node) = tls.get("insecure") {
                set("INSECURE", reader.truth("insecure", node)?.to_string());
            }
            tls.finish(reader)?;
        }
        if signal == "METRICS_" {
            for (key, name) in [
                ("temporality_preference", "TEMPORALITY_PREFERENCE"),
                ("default_histogram_aggregation", "DEFAULT_HISTOGRAM_AGGREGATION"),
            ] {
                if let Some(node) = section.get(key) {
                    set(name, reader.text(key, node)?.to_owned());
                }
            }
        }
        section.finish(reader)?;
    }
    Ok(found)
}

/// `headers` (names and values) over `headers_list` (as the variable has it), in the form of the variable.
fn headers(reader: &Reader<'_>, section: &mut Section<'_>) -> Result<Option<String>, Error> {
    let mut pairs = Vec::new();
    if let Some(node) = section.get("headers_list") {
        pairs.push(reader.text("headers_list", node)?.to_owned());
    }
    if let Some(node) = section.get("headers") {
        for item in reader.items("headers", node)? {
            let mut header = reader.section("headers", item)?;
            let name = header.get("name").map(|node| reader.text("name", node)).transpose()?;
            let name = name.ok_or_else(|| reader.lacks(item.place, "a header needs a `name`"))?;
            let value = header.get("value").map(|node| reader.text("value", node)).transpose()?.unwrap_or("");
            pairs.push(format!("{name}={}", encode(value)));
            header.finish(reader)?;
        }
    }
    Ok((!pairs.is_empty()).then(|| pairs.join(",")))
}

/// Percent-encodes what would end a value in the variable.
fn encode(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'!'..=b'~' if !matches!(byte, b',' | b'%' | b'"' | b'\\' | b';') => text.push(byte.into()),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
