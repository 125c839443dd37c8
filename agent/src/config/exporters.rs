//! Parts of `tracer_provider`, `meter_provider` and `logger_provider` that are more than a value. OTLP exporters become the
//! variables that say the same, so that whoever makes an exporter reads one kind of settings.

use super::layer::{Layer, OTLP};
use super::section::Reader;
use super::setting::{Access, Setting};
use super::settings::{OUTPUT_FILE, PROMETHEUS_LISTEN};
use super::words::Output;
use super::yaml::Node;
use super::{Error, address, file, standard};
use crate::trace::sampler::Sampler;

/// OTLP over HTTP.
pub(super) const OTLP_HTTP: &str = "otlp_http";
/// OTLP over gRPC.
pub(super) const OTLP_GRPC: &str = "otlp_grpc";

/// The keys of a table below `above` that have no effect.
fn unused(table: &[Setting], above: &str) -> Vec<&'static str> {
    let unused = table.iter().filter(|setting| matches!(setting.access, Access::Unused));
    unused.filter_map(|setting| setting.path.strip_prefix(above)).collect()
}

/// `tracer_provider.sampler`.
pub(super) fn sampler(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    layer.sampler = Some(any_sampler(reader, node, false)?);
    Ok(())
}

/// A sampler; `root`: that of `parent_based`.
fn any_sampler(reader: &mut Reader<'_>, node: &Node, root: bool) -> Result<Sampler, Error> {
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
        let root = parent.get("root").map(|node| any_sampler(reader, node, true)).transpose()?.unwrap_or_default();
        chosen = Some(Sampler { parent_based: true, ..root });
        parent.unused(&unused(standard::PARENT_BASED, "parent_based."), reader);
        parent.finish(reader)?;
    }
    section.finish(reader)?;
    chosen.ok_or_else(|| reader.lacks(node.place, "a sampler must be named, such as always_on"))
}

/// The exporter `console`.
pub(super) fn console(_: &mut Reader<'_>, _: &Node, layer: &mut Layer) -> Result<(), Error> {
    layer.show(Output::Console);
    Ok(())
}

/// The exporter `otlp_file/development`.
pub(super) fn otlp_file(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    layer.show(Output::OtlpJson);
    let mut section = reader.section("otlp_file/development", node)?;
    if let Some(node) = section.get("output_stream") {
        match reader.text("output_stream", node)? {
            "stdout" => {}
            other => match other.strip_prefix("file://") {
                Some(path) => layer.give(OUTPUT_FILE, |config| config.output_file = Some(path.into())),
                None => return Err(reader.error(node.place, "`output_stream` must be stdout or file:///PATH")),
            },
        }
    }
    section.finish(reader)
}

/// The exporter `prometheus/development`.
pub(super) fn prometheus(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    let mut section = reader.section("prometheus/development", node)?;
    let host = section.get("host").map(|node| reader.text("host", node)).transpose()?.unwrap_or("localhost");
    let port = match section.get("port") {
        Some(node) => reader.within("port", node, 1..=u64::from(u16::MAX))?,
        None => address::PROMETHEUS_PORT.into(),
    };
    let address = address::parse(&format!("{host}:{port}")).map_err(|what| reader.error(node.place, what))?;
    layer.give(PROMETHEUS_LISTEN, |config| config.prometheus_listen = Some(address));
    section.unused(&unused(standard::PROMETHEUS, ""), reader);
    section.finish(reader)
}

/// `otlp_http` of spans.
pub(super) fn traces_http(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    layer.otlp = Some(true);
    otlp(reader, node, layer, "TRACES_", OTLP_HTTP)
}

/// `otlp_grpc` of spans.
pub(super) fn traces_grpc(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    layer.otlp = Some(true);
    otlp(reader, node, layer, "TRACES_", OTLP_GRPC)
}

/// `otlp_http` of metrics.
pub(super) fn metrics_http(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    layer.otlp_metrics = Some(true);
    otlp(reader, node, layer, "METRICS_", OTLP_HTTP)
}

/// `otlp_grpc` of metrics.
pub(super) fn metrics_grpc(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    layer.otlp_metrics = Some(true);
    otlp(reader, node, layer, "METRICS_", OTLP_GRPC)
}

/// `otlp_http` of log records.
pub(super) fn logs_http(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    layer.otlp_logs = Some(true);
    otlp(reader, node, layer, "LOGS_", OTLP_HTTP)
}

/// `otlp_grpc` of log records.
pub(super) fn logs_grpc(reader: &mut Reader<'_>, node: &Node, layer: &mut Layer) -> Result<(), Error> {
    layer.otlp_logs = Some(true);
    otlp(reader, node, layer, "LOGS_", OTLP_GRPC)
}

/// An OTLP exporter: each of its keys becomes its variable.
fn otlp(
    reader: &mut Reader<'_>,
    node: &Node,
    layer: &mut Layer,
    signal: &str,
    kind: &'static str,
) -> Result<(), Error> {
    let mut set = |name: &str, value: String| layer.otlp_variables.insert(format!("{OTLP}{signal}{name}"), value);
    set("PROTOCOL", if kind == OTLP_GRPC { "grpc" } else { "http/protobuf" }.to_owned());
    let more = if signal == "METRICS_" { standard::OTLP_METRICS } else { &[] };
    let keys: Vec<&'static Setting> = standard::OTLP.iter().chain(more).collect();
    let mut pairs = Vec::new();
    let mut section = reader.section(kind, node)?;
    file::walk(reader, &mut section, &keys, 0, &mut |reader, setting, node| {
        match setting.path {
            "encoding" if reader.text("encoding", node)? != "protobuf" => {
                return Err(reader.error(node.place, "`encoding` must be protobuf"));
            }
            // As the variable has it; what is given one by one comes after it, and so counts more.
            "headers_list" => pairs.push(reader.text("headers_list", node)?.to_owned()),
            "headers" => pairs.append(&mut headers(reader, node)?),
            "tls.insecure" => drop(set("INSECURE", reader.truth("insecure", node)?.to_string())),
            _ => {
                let text = reader.text(setting.key(), node)?;
                setting.variables.iter().for_each(|variable| drop(set(variable.name, text.to_owned())));
            }
        }
        Ok(())
    })?;
    section.finish(reader)?;
    if !pairs.is_empty() {
        set("HEADERS", pairs.join(","));
    }
    Ok(())
}

/// `headers`: names and values, in the form of the variable.
fn headers(reader: &Reader<'_>, node: &Node) -> Result<Vec<String>, Error> {
    let mut pairs = Vec::new();
    for item in reader.items("headers", node)? {
        let mut header = reader.section("headers", item)?;
        let name = header.get("name").map(|node| reader.text("name", node)).transpose()?;
        let name = name.ok_or_else(|| reader.lacks(item.place, "a header needs a `name`"))?;
        let value = header.get("value").map(|node| reader.text("value", node)).transpose()?.unwrap_or("");
        pairs.push(format!("{name}={}", encode(value)));
        header.finish(reader)?;
    }
    Ok(pairs)
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
