//! The environment. A value that OpenTelemetry's variables do not know is a warning and ignored, as its specification
//! asks; a mistake in a `WIRESPAN_` variable is an error.

use std::ffi::OsString;

use super::address::{self, PROMETHEUS_PORT};
use super::layer::{Layer, OTLP, SAMPLER, SIGNALS};
use super::setting::{Setting, Variable as Name};
use super::settings::{self, PROMETHEUS_LISTEN};
use super::value::{Source, Wrong};
use super::words::Output;
use super::{Error, standard};
use crate::process::spelling;
use crate::trace::redact;
use crate::trace::sampler::Sampler;

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The variables of settings, but those of the OTLP exporter.
fn variables() -> impl Iterator<Item = (&'static Setting, &'static Name)> {
    settings::all().flat_map(|setting| setting.variables.iter().map(move |variable| (setting, variable)))
}

/// The names of wirespan's own variables.
fn own() -> impl Iterator<Item = &'static str> {
    variables().filter(|(_, variable)| variable.is_own()).map(|(_, variable)| variable.name)
}

/// Names of the variables of the OTLP exporter, of all signals and of each.
fn otlp_names() -> impl Iterator<Item = String> {
    fn names(keys: &'static [Setting]) -> impl Iterator<Item = &'static str> + Clone {
        keys.iter().flat_map(|key| key.variables).map(|variable| variable.name)
    }
    let of_all = [""].into_iter().chain(SIGNALS);
    of_all
        .flat_map(|signal| names(standard::OTLP).map(move |name| format!("{OTLP}{signal}{name}")))
        .chain(names(standard::OTLP_METRICS).map(|name| format!("{OTLP}METRICS_{name}")))
}

/// Warnings about variables that a file named by `OTEL_CONFIG_FILE` makes ineffective.
pub(super) fn ignored(variable: Variable<'_>) -> Vec<String> {
    let standard = variables().filter(|(_, variable)| !variable.is_own()).map(|(_, variable)| variable.name);
    let names = own().chain(standard).map(str::to_owned).chain(otlp_names());
    let set: Vec<String> = names.filter(|name| variable(name).is_some_and(|value| !value.is_empty())).collect();
    if set.is_empty() {
        return Vec::new();
    }
    vec![format!("ignored beside OTEL_CONFIG_FILE: {}", set.join(", "))]
}

/// What the environment says.
pub(super) fn read(variable: Variable<'_>) -> Result<Layer, Error> {
    // An empty value is as good as none, says the specification.
    let get = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    let mut layer = Layer::default();
    for name in otlp_names() {
        if let Some(value) = get(&name) {
            layer.origins.insert(name.clone(), name.clone());
            layer.otlp_variables.insert(name, value);
        }
    }
    let has = |name: &str| layer.otlp_variables.contains_key(&format!("{OTLP}{name}"));
    let exported = |own: &str| (has("ENDPOINT") || has(own)).then_some(true);
    (layer.otlp, layer.otlp_metrics, layer.otlp_logs) =
        (exported("TRACES_ENDPOINT"), exported("METRICS_ENDPOINT"), exported("LOGS_ENDPOINT"));
    // wirespan's own count more.
    for is_own in [false, true] {
        for (setting, name) in variables().filter(|(_, name)| name.is_own() == is_own) {
            if let Some(text) = get(name.name) {
                write(&mut layer, setting, name, &text)?;
            }
        }
        if !is_own {
            sampler(&mut layer, &get);
            prometheus(&mut layer, &get);
        }
    }
    Ok(layer)
}

fn write(layer: &mut Layer, setting: &'static Setting, name: &Name, text: &str) -> Result<(), Error> {
    if name.positive && text.parse() == Ok(0) {
        return Ok(());
    }
    let texts: Vec<OsString> = match name.between {
        [] => vec![text.into()],
        between => text.split(between).map(|item| item.trim().into()).collect(),
    };
    let source = if name.is_own() { Source::Own } else { Source::Standard };
    let Err(Wrong { item, what }) = layer.write(setting, source, name.name, &texts) else { return Ok(()) };
    let place = item.map_or(name.name.to_owned(), |item| format!("{}: `{item}`", name.name));
    let error = Error::new(place, what);
    if name.is_own() {
        return Err(error);
    }
    layer.warnings.push(format!("{error}; ignored"));
    Ok(())
}

/// `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`.
fn sampler(layer: &mut Layer, get: Variable<'_>) {
    if let Some(name) = get("OTEL_TRACES_SAMPLER") {
        match Sampler::parse(&name, get("OTEL_TRACES_SAMPLER_ARG").as_deref()) {
            Ok(sampler) => {
                layer.sampler = Some(sampler);
                layer.origins.insert(SAMPLER.to_owned(), "OTEL_TRACES_SAMPLER".to_owned());
            }
            Err(error) => layer.warnings.push(format!("OTEL_TRACES_SAMPLER: {error}; ignored")),
        }
    }
}

/// `OTEL_EXPORTER_PROMETHEUS_HOST` and `OTEL_EXPORTER_PROMETHEUS_PORT`, if `OTEL_METRICS_EXPORTER` names Prometheus.
fn prometheus(layer: &mut Layer, get: Variable<'_>) {
    let port = get("OTEL_EXPORTER_PROMETHEUS_PORT").and_then(|text| {
        let port = text.parse::<u32>().ok();
        if port.is_none() {
            layer.warnings.push(format!("OTEL_EXPORTER_PROMETHEUS_PORT: `{text}` is no whole number; ignored"));
        }
        u16::try_from(port?).ok()
    });
    if get("OTEL_METRICS_EXPORTER").is_some_and(|text| items(&text).any(|name| name == "prometheus")) {
        let host = get("OTEL_EXPORTER_PROMETHEUS_HOST").unwrap_or_else(|| "localhost".into());
        match address::parse(&format!("{host}:{}", port.unwrap_or(PROMETHEUS_PORT))) {
            Ok(address) => {
                layer.give(PROMETHEUS_LISTEN, |config| config.prometheus_listen = Some(address));
                layer.origins.insert(PROMETHEUS_LISTEN.to_owned(), "OTEL_METRICS_EXPORTER".to_owned());
            }
            Err(what) => layer.warnings.push(format!("OTEL_EXPORTER_PROMETHEUS_HOST: {what}; ignored")),
        }
    }
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}

/// `--otlp-endpoint`.
pub(super) fn otlp_endpoint(layer: &mut Layer, endpoint: &str) -> Result<(), String> {
    if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
        return Err(format!("`{}` must begin with http:// or https://", redact::url(endpoint)));
    }
    // Whoever is on this host can read it there.
    let authority =
        endpoint.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if authority.contains('@') {
        return Err(
            "a password does not belong on the command line; write it into OTEL_EXPORTER_OTLP_HEADERS or the file"
                .into(),
        );
    }
    (layer.otlp, layer.otlp_metrics, layer.otlp_logs) = (Some(true), Some(true), Some(true));
    layer.otlp_variables.insert(format!("{OTLP}ENDPOINT"), endpoint.to_owned());
    Ok(())
}

/// `OTEL_TRACES_EXPORTER`.
pub(super) fn traces_exporter(layer: &mut Layer, text: &str) -> Result<(), String> {
    let mut output = None;
    for name in items(text) {
        match name {
            "otlp" => layer.otlp = Some(true),
            "console" => output = Some(Output::Console),
            "none" => output = Some(Output::None),
            other => layer.warnings.push(format!("OTEL_TRACES_EXPORTER: unknown exporter `{other}`; ignored")),
        }
    }
    if let Some(output) = output {
        layer.show(output);
        // An end point alone does not make an exporter where others are named.
        if !items(text).any(|name| name == "otlp") {
            layer.otlp = Some(false);
        }
    }
    Ok(())
}

/// `OTEL_METRICS_EXPORTER`.
pub(super) fn metrics_exporter(layer: &mut Layer, text: &str) -> Result<(), String> {
    let mut known = false;
    for name in items(text) {
        match name {
            "otlp" | "prometheus" => known = true,
            "none" => (known, layer.metric_lines) = (true, Some(false)),
            "console" => layer.warnings.push("OTEL_METRICS_EXPORTER: metrics are not shown on the console".to_owned()),
            other => layer.warnings.push(format!("OTEL_METRICS_EXPORTER: unknown exporter `{other}`; ignored")),
        }
    }
    if known {
        layer.otlp_metrics = Some(items(text).any(|name| name == "otlp"));
    }
    Ok(())
}

/// `OTEL_LOGS_EXPORTER`.
pub(super) fn logs_exporter(layer: &mut Layer, text: &str) -> Result<(), String> {
    for name in items(text) {
        match name {
            "otlp" => layer.otlp_logs = Some(true),
            "none" => layer.otlp_logs = Some(false),
            "console" => layer.warnings.push("OTEL_LOGS_EXPORTER: new advice is noted on stderr anyway".to_owned()),
            other => layer.warnings.push(format!("OTEL_LOGS_EXPORTER: unknown exporter `{other}`; ignored")),
        }
    }
    Ok(())
}

/// `OTEL_SDK_DISABLED`.
pub(super) fn sdk_disabled(layer: &mut Layer, text: &str) -> Result<(), String> {
    if text.eq_ignore_ascii_case("true") {
        layer.disable();
    } else if !text.eq_ignore_ascii_case("false") {
        layer.warnings.push(format!("OTEL_SDK_DISABLED: `{text}` is neither true nor false, so false"));
    }
    Ok(())
}

/// Warnings about variables that look like wirespan's and are none. `names` are those of the environment.
pub fn unknown_variables(names: impl IntoIterator<Item = String>) -> Vec<String> {
    /// What the build and the tests use.
    const TOOLS: [&str; 4] = ["WIRESPAN_BIN", "WIRESPAN_TEST_", "WIRESPAN_EBPF_OBJECT", "WIRESPAN_VERIFIER_LOG"];
    let is_strange = |name: &String| {
        name.starts_with("WIRESPAN_")
            && !own().any(|known| known == name)
            && !TOOLS.iter().any(|tool| name.starts_with(tool))
    };
    let warning = |name: String| format!("{name}: unknown variable{}", spelling::suggestion(&name, own()));
    names.into_iter().filter(is_strange).map(warning).collect()
}
