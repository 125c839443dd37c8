//! The environment. A value that OpenTelemetry's variables do not know is a warning and ignored, as its specification
//! asks; a mistake in a `WIRESPAN_` variable is an error.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::layer::{Layer, OTLP};
use super::settings::{Output, Route};
use super::{Error, choice};
use crate::process::{Selector, spelling};
use crate::trace::sampler::Sampler;

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Port of the Prometheus end point (OpenTelemetry, `OTEL_EXPORTER_PROMETHEUS_PORT`).
const PROMETHEUS_PORT: u16 = 9464;
const SETTINGS: [&str; 9] = [
    "ENDPOINT",
    "PROTOCOL",
    "HEADERS",
    "TIMEOUT",
    "COMPRESSION",
    "CERTIFICATE",
    "CLIENT_KEY",
    "CLIENT_CERTIFICATE",
    "INSECURE",
];
const OWN: [&str; 13] = [
    "WIRESPAN_ROUTES_HEURISTIC",
    "WIRESPAN_REDACTION_ALSO",
    "WIRESPAN_REDACTION_EXCEPT",
    "WIRESPAN_RETURNED_ROWS",
    "WIRESPAN_CONFIG",
    "WIRESPAN_SELECT",
    "WIRESPAN_OUTPUT",
    "WIRESPAN_OUTPUT_FILE",
    "WIRESPAN_BACKEND",
    "WIRESPAN_LOG_LEVEL",
    "WIRESPAN_LOG_FORMAT",
    "WIRESPAN_PROMETHEUS_LISTEN",
    "WIRESPAN_ROUTES",
];
const STANDARD: [&str; 14] = [
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS",
    "OTEL_SDK_DISABLED",
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_LOGS_EXPORTER",
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_METRIC_EXPORT_INTERVAL",
];

/// Names of the variables of the OTLP exporter, of all signals and of each.
fn otlp_names() -> impl Iterator<Item = String> {
    let more = ["METRICS_TEMPORALITY_PREFERENCE", "METRICS_DEFAULT_HISTOGRAM_AGGREGATION"];
    let more = more.into_iter().map(|name| format!("{OTLP}{name}"));
    ["", "TRACES_", "METRICS_", "LOGS_"]
        .into_iter()
        .flat_map(|signal| SETTINGS.map(move |setting| format!("{OTLP}{signal}{setting}")))
        .chain(more)
}

/// Warnings about variables that a file named by `OTEL_CONFIG_FILE` makes ineffective.
pub(super) fn ignored(variable: Variable<'_>) -> Vec<String> {
    let names = OWN.into_iter().chain(STANDARD).map(str::to_owned).chain(otlp_names());
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
    standard(&mut layer, &get);
    own(&mut layer, &get)?;
    Ok(layer)
}

fn own(layer: &mut Layer, get: Variable<'_>) -> Result<(), Error> {
    if let Some(text) = get("WIRESPAN_SELECT") {
        let selectors = text.split(';').map(str::trim).filter(|one| !one.is_empty());
        let parsed: Result<Vec<Selector>, Error> = selectors
            .map(|one| one.parse().map_err(|error| Error::new(format!("WIRESPAN_SELECT: `{one}`"), format!("{error}"))))
            .collect();
        layer.select = Some(parsed?);
    }
    layer.guess_routes = truth(get, "WIRESPAN_ROUTES_HEURISTIC")?;
    let names = |name: &str| get(name).map(|_| list(get, name).into_iter().map(Into::into).collect());
    layer.redact_also = names("WIRESPAN_REDACTION_ALSO");
    layer.redact_except = names("WIRESPAN_REDACTION_EXCEPT");
    layer.returned_rows = truth(get, "WIRESPAN_RETURNED_ROWS")?;
    layer.output = word(get, "WIRESPAN_OUTPUT")?.or(layer.output);
    layer.output_file = get("WIRESPAN_OUTPUT_FILE").map(Into::into);
    layer.backend = word(get, "WIRESPAN_BACKEND")?;
    layer.log_level = word(get, "WIRESPAN_LOG_LEVEL")?;
    layer.log_format = word(get, "WIRESPAN_LOG_FORMAT")?;
    if let Some(text) = get("WIRESPAN_PROMETHEUS_LISTEN") {
        layer.prometheus_listen = Some(address(&text).map_err(|what| Error::new("WIRESPAN_PROMETHEUS_LISTEN", what))?);
    }
    if let Some(text) = get("WIRESPAN_ROUTES") {
        let routes = text
            .split([',', ';'])
            .map(|one| Route::new(None, one.trim()).map_err(|what| Error::new("WIRESPAN_ROUTES", what)));
        layer.routes = Some(routes.collect::<Result<_, _>>()?);
    }
    Ok(())
}

fn truth(get: Variable<'_>, name: &str) -> Result<Option<bool>, Error> {
    let Some(text) = get(name) else { return Ok(None) };
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => Err(Error::new(name, format!("`{text}` is neither `true` nor `false`"))),
    }
}

fn word<T: clap::ValueEnum>(get: Variable<'_>, name: &str) -> Result<Option<T>, Error> {
    get(name).map(|text| choice(&text).map_err(|what| Error::new(name, what))).transpose()
}

fn standard(layer: &mut Layer, get: Variable<'_>) {
    for name in otlp_names() {
        if let Some(value) = get(&name) {
            layer.otlp_variables.insert(name, value);
        }
    }
    if ["ENDPOINT", "TRACES_ENDPOINT"].iter().any(|name| layer.otlp_variables.contains_key(&format!("{OTLP}{name}"))) {
        layer.otlp = Some(true);
    }
    if ["ENDPOINT", "METRICS_ENDPOINT"].iter().any(|name| layer.otlp_variables.contains_key(&format!("{OTLP}{name}"))) {
        layer.otlp_metrics = Some(true);
    }
    if ["ENDPOINT", "LOGS_ENDPOINT"].iter().any(|name| layer.otlp_variables.contains_key(&format!("{OTLP}{name}"))) {
        layer.otlp_logs = Some(true);
    }
    exporters(layer, get);
    if let Some(name) = get("OTEL_TRACES_SAMPLER") {
        match Sampler::parse(&name, get("OTEL_TRACES_SAMPLER_ARG").as_deref()) {
            Ok(sampler) => layer.sampler = Some(sampler),
            Err(error) => layer.warnings.push(format!("OTEL_TRACES_SAMPLER: {error}; ignored")),
        }
    }
    if get("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS").is_some() {
        let methods = list(get, "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS");
        layer.known_methods = Some(methods.into_iter().map(Into::into).collect());
    }
    let mut number = |name: &str| {
        let text = get(name)?;
        let parsed = text.parse::<u32>().ok();
        if parsed.is_none() {
            layer.warnings.push(format!("{name}: `{text}` is no whole number; ignored"));
        }
        parsed
    };
    let milliseconds = |value: u32| Duration::from_millis(value.into());
    let positive = |value: &u32| *value > 0;
    let queue = number("OTEL_BSP_MAX_QUEUE_SIZE").filter(positive);
    let size = number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE").filter(positive);
    let delay = number("OTEL_BSP_SCHEDULE_DELAY").map(milliseconds);
    let timeout = number("OTEL_BSP_EXPORT_TIMEOUT").map(milliseconds);
    let interval = number("OTEL_METRIC_EXPORT_INTERVAL").filter(positive).map(milliseconds);
    let port = number("OTEL_EXPORTER_PROMETHEUS_PORT").and_then(|port| u16::try_from(port).ok());
    layer.batch_queue = queue.map(|queue| queue as usize);
    layer.batch_size = size.map(|size| size as usize);
    (layer.batch_delay, layer.batch_timeout, layer.metric_interval) = (delay, timeout, interval);
    if list(get, "OTEL_METRICS_EXPORTER").iter().any(|name| name == "prometheus") {
        let host = get("OTEL_EXPORTER_PROMETHEUS_HOST").unwrap_or_else(|| "localhost".into());
        match address(&format!("{host}:{}", port.unwrap_or(PROMETHEUS_PORT))) {
            Ok(address) => layer.prometheus_listen = Some(address),
            Err(what) => layer.warnings.push(format!("OTEL_EXPORTER_PROMETHEUS_HOST: {what}; ignored")),
        }
    }
}

fn list(get: Variable<'_>, name: &str) -> Vec<String> {
    get(name).map(|text| text.split(',').map(|one| one.trim().to_owned()).collect()).unwrap_or_default()
}

/// `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER`, `OTEL_SDK_DISABLED`.
fn exporters(layer: &mut Layer, get: Variable<'_>) {
    let names = list(get, "OTEL_TRACES_EXPORTER");
    for name in &names {
        match name.as_str() {
            "otlp" => layer.otlp = Some(true),
            "console" => layer.output = Some(Output::Console),
            "none" => layer.output = Some(Output::None),
            other => layer.warnings.push(format!("OTEL_TRACES_EXPORTER: unknown exporter `{other}`; ignored")),
        }
    }
    // An end point alone does not make an exporter where others are named.
    if layer.output.is_some() && !names.iter().any(|name| name == "otlp") {
        layer.otlp = Some(false);
    }
    let names = list(get, "OTEL_METRICS_EXPORTER");
    let mut known = false;
    for name in &names {
        match name.as_str() {
            "otlp" | "prometheus" => known = true,
            "none" => (known, layer.metric_lines) = (true, Some(false)),
            "console" => layer.warnings.push("OTEL_METRICS_EXPORTER: metrics are not shown on the console".to_owned()),
            other => layer.warnings.push(format!("OTEL_METRICS_EXPORTER: unknown exporter `{other}`; ignored")),
        }
    }
    if known {
        layer.otlp_metrics = Some(names.iter().any(|name| name == "otlp"));
    }
    for name in list(get, "OTEL_LOGS_EXPORTER") {
        match name.as_str() {
            "otlp" => layer.otlp_logs = Some(true),
            "none" => layer.otlp_logs = Some(false),
            "console" => layer.warnings.push("OTEL_LOGS_EXPORTER: new advice is noted on stderr anyway".to_owned()),
            other => layer.warnings.push(format!("OTEL_LOGS_EXPORTER: unknown exporter `{other}`; ignored")),
        }
    }
    if let Some(text) = get("OTEL_SDK_DISABLED") {
        if text.eq_ignore_ascii_case("true") {
            (layer.output, layer.otlp) = (Some(Output::None), Some(false));
            (layer.otlp_metrics, layer.otlp_logs) = (Some(false), Some(false));
        } else if !text.eq_ignore_ascii_case("false") {
            layer.warnings.push(format!("OTEL_SDK_DISABLED: `{text}` is neither true nor false, so false"));
        }
    }
}

/// Warnings about variables that look like wirespan's and are none. `names` are those of the environment.
pub fn unknown_variables(names: impl IntoIterator<Item = String>) -> Vec<String> {
    /// What the build and the tests use.
    const TOOLS: [&str; 4] = ["WIRESPAN_BIN", "WIRESPAN_TEST_", "WIRESPAN_EBPF_OBJECT", "WIRESPAN_VERIFIER_LOG"];
    let own = |name: &String| {
        name.starts_with("WIRESPAN_")
            && !OWN.contains(&name.as_str())
            && !TOOLS.iter().any(|tool| name.starts_with(tool))
    };
    let warning = |name: String| format!("{name}: unknown variable{}", spelling::suggestion(&name, OWN));
    names.into_iter().filter(own).map(warning).collect()
}

/// An address to listen on: `HOST:PORT`, or a port on the loopback interface. Names are not looked up but `localhost`.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("localhost", text));
    let host = match host {
        "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        "" => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        other => other.parse().ok(),
    };
    match (host, port.parse()) {
        (Some(host), Ok(port)) => Ok(SocketAddr::new(host, port)),
        _ => {
            Err(format!("`{text}` is no address to listen on: write ADDRESS:PORT, such as 127.0.0.1:{PROMETHEUS_PORT}"))
        }
    }
}
