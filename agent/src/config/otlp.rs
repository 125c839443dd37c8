//! The `OTEL_*` variables of span export (OpenTelemetry specification: "OpenTelemetry Protocol Exporter", "Environment Variable
//! Specification"). A variable for traces goes before the general one; an empty variable counts as unset; an unknown name in a
//! list of known ones is a warning; a malformed number, URL or header list is an error.

mod read;

use std::path::PathBuf;
use std::time::Duration;

use read::Reader;

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

/// Where and how spans are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otlp {
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
    let mut reader = Reader::new(env);
    let exporters = reader.list("OTEL_TRACES_EXPORTER", &EXPORTERS);
    let asked = exporters.as_ref().is_some_and(|all| all.contains(&TracesExporter::Otlp));
    let batch = batch_spans(&mut reader)?;
    let otlp = otlp(&mut reader, endpoint_flag, asked)?;
    Ok(Settings { exporters, otlp, batch, warnings: reader.warnings })
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
    let (name, value) = reader.signal("PROTOCOL");
    let protocol = value.and_then(|value| reader.one_of(&name, &value, &SUPPORTED_PROTOCOLS)).unwrap_or_default();
    let own = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    let base = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let given = match flag {
        Some(url) => Some(("--otlp-endpoint", url.to_owned(), true)),
        None => reader.get(own).map(|url| (own, url, false)).or_else(|| reader.get(base).map(|url| (base, url, true))),
    };
    let endpoint = match (given, protocol) {
        (Some((name, url, is_base)), Protocol::HttpProtobuf) => read::http_endpoint(name, &url, is_base)?,
        (Some((name, url, _)), Protocol::Grpc) => {
            let insecure = reader.signal("INSECURE").1.is_some_and(|value| value.eq_ignore_ascii_case("true"));
            read::grpc_endpoint(name, &url, insecure)?
        }
        (None, _) if !asked => return Ok(None),
        (None, Protocol::HttpProtobuf) => http::Uri::from_static("http://localhost:4318/v1/traces"),
        (None, Protocol::Grpc) => http::Uri::from_static("http://localhost:4317/"),
    };
    let (name, value) = reader.signal("HEADERS");
    let headers = value.map(|value| read::headers(&name, &value)).transpose()?.unwrap_or_default();
    let timeout = limit(reader.signal_millis("TIMEOUT", 10_000)?);
    let (name, value) = reader.signal("COMPRESSION");
    let compression = value.and_then(|value| reader.one_of(&name, &value, &COMPRESSIONS)).unwrap_or_default();
    let certificate = reader.signal("CERTIFICATE").1.map(PathBuf::from);
    let (key_name, key) = reader.signal("CLIENT_KEY");
    let (chain_name, chain) = reader.signal("CLIENT_CERTIFICATE");
    let missing =
        |name: &str, other: &str| Err(Invalid { name: name.to_owned(), problem: format!("needs {other} too") });
    let client_identity = match (chain, key) {
        (Some(chain), Some(key)) => Some((PathBuf::from(chain), PathBuf::from(key))),
        (None, None) => None,
        (Some(_), None) => return missing(&chain_name, &key_name),
        (None, Some(_)) => return missing(&key_name, &chain_name),
    };
    Ok(Some(Otlp { protocol, endpoint, headers, timeout, compression, certificate, client_identity }))
}

#[cfg(test)]
mod tests;
