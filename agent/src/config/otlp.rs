//! The `OTEL_*` variables of OTLP export (OpenTelemetry specification: "OpenTelemetry Protocol Exporter", "Environment Variable
//! Specification"). A variable of the signal goes before the general one; an empty variable counts as unset; an unknown name in a
//! list of known ones is a warning; a malformed number, URL or header list is an error.

mod read;

use std::path::PathBuf;
use std::time::Duration;

use read::Reader;

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metrics.
    Metrics,
    /// Log records.
    Logs,
}

impl Signal {
    /// As it stands in the names of variables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
            Self::Logs => "LOGS",
        }
    }

    /// As people say it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }

    /// What is appended to a base URL for HTTP.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Traces => "v1/traces",
            Self::Metrics => "v1/metrics",
            Self::Logs => "v1/logs",
        }
    }

    /// What one request is made of, for messages.
    #[must_use]
    pub fn items(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Metrics => "data points",
            Self::Logs => "log records",
        }
    }

    fn usual_url(self) -> String {
        format!("http://localhost:4318/{}", self.path())
    }
}

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Protobuf over HTTP.
    #[default]
    HttpProtobuf,
    /// gRPC.
    Grpc,
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip.
    Gzip,
}

/// An entry of `OTEL_TRACES_EXPORTER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracesExporter {
    /// OTLP.
    Otlp,
    /// The console.
    Console,
    /// Nothing.
    None,
}

/// Where and how a signal is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otlp {
    /// What is sent.
    pub signal: Signal,
    /// Protocol.
    pub protocol: Protocol,
    /// URL; for HTTP with the whole path, for gRPC its scheme and authority matter.
    pub endpoint: http::Uri,
    /// Headers (gRPC: metadata) of every request; the values are secrets.
    pub headers: http::HeaderMap,
    /// Longest time of one attempt; no limit if absent.
    pub timeout: Option<Duration>,
    /// Compression.
    pub compression: Compression,
    /// PEM file of the authorities to trust instead of the system's.
    pub certificate: Option<PathBuf>,
    /// PEM files of the client's own certificate chain and key.
    pub client_identity: Option<(PathBuf, PathBuf)>,
}

impl Otlp {
    /// Scheme, host and port of the end point, for messages: user information, path and query may be secrets.
    #[must_use]
    pub fn target(&self) -> String {
        let host = self.endpoint.host().unwrap_or_default();
        let port = self.endpoint.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}://{host}{port}", self.endpoint.scheme_str().unwrap_or_default())
    }

    /// The TCP port of the end point.
    #[must_use]
    pub fn port(&self) -> u16 {
        let usual = if self.endpoint.scheme_str() == Some("https") { 443 } else { 80 };
        self.endpoint.port_u16().unwrap_or(usual)
    }
}

/// `OTEL_BSP_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSpans {
    /// Most spans that wait: 2048.
    pub max_queue_size: usize,
    /// Most spans of one request: 512.
    pub max_export_batch_size: usize,
    /// Longest wait of an incomplete batch: 5 s.
    pub schedule_delay: Duration,
    /// Longest time for a batch, retries included: 30 s; no limit if absent.
    pub export_timeout: Option<Duration>,
}

/// What the environment says about span export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `OTEL_TRACES_EXPORTER`, if it names anything that is known.
    pub exporters: Option<Vec<TracesExporter>>,
    /// Present when an end point is given, by flag or variable, or when [`TracesExporter::Otlp`] asks for the default one.
    pub otlp: Option<Otlp>,
    /// Batching.
    pub batch: BatchSpans,
    /// One line each, for a person to read.
    pub warnings: Vec<String>,
}

/// A variable or flag that cannot be used; one line, with its name and what is expected. Never quotes a header's value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct Invalid {
    /// The variable or flag.
    pub name: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

const SUPPORTED_PROTOCOLS: [(&str, Protocol); 2] =
    [("http/protobuf", Protocol::HttpProtobuf), ("grpc", Protocol::Grpc)];
const COMPRESSIONS: [(&str, Compression); 2] = [("none", Compression::None), ("gzip", Compression::Gzip)];
const EXPORTERS: [(&str, TracesExporter); 3] =
    [("otlp", TracesExporter::Otlp), ("console", TracesExporter::Console), ("none", TracesExporter::None)];

/// Reads the environment. `endpoint_flag` is `--otlp-endpoint`: a base URL that goes before the variables.
///
/// # Errors
/// The first value that cannot be used.
pub fn settings(env: &dyn Fn(&str) -> Option<String>, endpoint_flag: Option<&str>) -> Result<Settings, Invalid> {
    let mut reader = Reader::new(env, Signal::Traces);
    let exporters = reader.list("OTEL_TRACES_EXPORTER", &EXPORTERS);
    let asked = exporters.as_ref().is_some_and(|all| all.contains(&TracesExporter::Otlp));
    let batch = batch_spans(&mut reader)?;
    let otlp = otlp(&mut reader, endpoint_flag, asked)?;
    Ok(Settings { exporters, otlp, batch, warnings: reader.warnings })
}

/// Where and how a signal is sent, and warnings, one line each: as [`settings`] for another signal than spans. `asked`:
/// without any end point the default one is taken.
///
/// # Errors
/// The first value that cannot be used.
pub fn of_signal(
    env: &dyn Fn(&str) -> Option<String>,
    signal: Signal,
    asked: bool,
) -> Result<(Option<Otlp>, Vec<String>), Invalid> {
    let mut reader = Reader::new(env, signal);
    let otlp = otlp(&mut reader, None, asked)?;
    Ok((otlp, reader.warnings))
}

fn batch_spans(reader: &mut Reader<'_>) -> Result<BatchSpans, Invalid> {
    let max_queue_size = reader.count("OTEL_BSP_MAX_QUEUE_SIZE", 2048)?;
    let mut max_export_batch_size = reader.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512)?;
    if max_export_batch_size > max_queue_size {
        max_export_batch_size = max_queue_size;
        if env_set(reader, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE") {
            reader.warnings.push(format!(
                "OTEL_BSP_MAX_EXPORT_BATCH_SIZE: larger than OTEL_BSP_MAX_QUEUE_SIZE, {max_queue_size} is used"
            ));
        }
    }
    Ok(BatchSpans {
        max_queue_size,
        max_export_batch_size,
        schedule_delay: reader.millis("OTEL_BSP_SCHEDULE_DELAY", 5_000)?,
        export_timeout: limit(reader.millis("OTEL_BSP_EXPORT_TIMEOUT", 30_000)?),
    })
}

fn env_set(reader: &Reader<'_>, name: &str) -> bool {
    reader.get(name).is_some()
}

/// A time-out of zero means none.
fn limit(timeout: Duration) -> Option<Duration> {
    (!timeout.is_zero()).then_some(timeout)
}

fn otlp(reader: &mut Reader<'_>, flag: Option<&str>, asked: bool) -> Result<Option<Otlp>, Invalid> {
    let (name, value) = reader.variable("PROTOCOL");
    let protocol = value.and_then(|value| reader.one_of(&name, &value, &SUPPORTED_PROTOCOLS)).unwrap_or_default();
    let signal = reader.signal;
    let own = reader.own("ENDPOINT");
    let own = own.as_str();
    let base = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let given = match flag {
        Some(url) => Some(("--otlp-endpoint", url.to_owned(), true)),
        None => reader.get(own).map(|url| (own, url, false)).or_else(|| reader.get(base).map(|url| (base, url, true))),
    };
    let endpoint = match (given, protocol) {
        (Some((name, url, is_base)), Protocol::HttpProtobuf) => read::http_endpoint(signal, name, &url, is_base)?,
        (Some((name, url, _)), Protocol::Grpc) => {
            let insecure = reader.variable("INSECURE").1.is_some_and(|value| value.eq_ignore_ascii_case("true"));
            read::grpc_endpoint(name, &url, insecure)?
        }
        (None, _) if !asked => return Ok(None),
        (None, Protocol::HttpProtobuf) => read::http_endpoint(signal, base, "http://localhost:4318", true)?,
        (None, Protocol::Grpc) => http::Uri::from_static("http://localhost:4317/"),
    };
    let (name, value) = reader.variable("HEADERS");
    let headers = value.map(|value| read::headers(&name, &value)).transpose()?.unwrap_or_default();
    let timeout = limit(reader.signal_millis("TIMEOUT", 10_000)?);
    let (name, value) = reader.variable("COMPRESSION");
    let compression = value.and_then(|value| reader.one_of(&name, &value, &COMPRESSIONS)).unwrap_or_default();
    let certificate = reader.variable("CERTIFICATE").1.map(PathBuf::from);
    let (key_name, key) = reader.variable("CLIENT_KEY");
    let (chain_name, chain) = reader.variable("CLIENT_CERTIFICATE");
    let missing =
        |name: &str, other: &str| Err(Invalid { name: name.to_owned(), problem: format!("needs {other} too") });
    let client_identity = match (chain, key) {
        (Some(chain), Some(key)) => Some((PathBuf::from(chain), PathBuf::from(key))),
        (None, None) => None,
        (Some(_), None) => return missing(&chain_name, &key_name),
        (None, Some(_)) => return missing(&key_name, &chain_name),
    };
    Ok(Some(Otlp { signal, protocol, endpoint, headers, timeout, compression, certificate, client_identity }))
}

#[cfg(test)]
mod tests;
