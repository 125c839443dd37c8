//! The settings, their defaults and bounds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use wirespan_common::limits;

use crate::export::console::View;
use crate::metrics::settings::{Reading, Settings};
use crate::process::Selectors;
use crate::trace::redact::names::Names;
use crate::trace::route::Routes;
use crate::trace::sampler::Sampler;

/// What is written where a person or a file reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// One readable line a span.
    Console,
    /// OTLP JSON lines.
    OtlpJson,
    /// Nothing.
    None,
}

/// How data is captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// The best that the kernel grants.
    #[default]
    Auto,
    /// Tracepoints of the socket layer (Linux 6.3 and newer).
    Sockets,
    /// Tracepoints of system calls.
    Syscalls,
}

impl Backend {
    /// Name of the backend that is forced, if one is.
    #[must_use]
    pub fn forced(self) -> Option<&'static str> {
        match self {
            Self::Auto => None,
            Self::Sockets => Some("sockets"),
            Self::Syscalls => Some("syscalls"),
        }
    }
}

/// What the agent says about itself on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What went wrong.
    Error,
    /// What may be wrong.
    Warn,
    /// What it does.
    #[default]
    Info,
    /// Why.
    Debug,
    /// Everything.
    Trace,
}

/// How the agent writes on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines with time and level.
    Text,
    /// One JSON object a line.
    Json,
}

/// How much is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Payload bytes copied per turn of a connection.
    pub turn_budget: u32,
    /// Size of the ring buffer, bytes; a power of two.
    pub ring_bytes: u32,
    /// Whether the arrival of data at a socket is looked at, so that spans show how long a request waited to be read.
    pub queue_time: bool,
}

/// Most of what is kept at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections.
    pub connections: u32,
    /// Processes.
    pub processes: u32,
}

/// How spans are batched for export (`OTEL_BSP_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Most spans that wait.
    pub queue: usize,
    /// Most spans of one request.
    pub size: usize,
    /// Longest wait of a span.
    pub delay: Duration,
    /// Longest export.
    pub timeout: Duration,
}

/// What is done about metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Whether they are exported over OTLP.
    pub otlp: bool,
    /// Whether [`Output::OtlpJson`] writes them beside spans.
    pub lines: bool,
    /// How their values are told over OTLP and in lines; Prometheus is always told sums.
    pub reading: Reading,
    /// Limits and shapes.
    pub settings: Settings,
}

/// A pattern of an HTTP route: `/users/{id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The service that it is for; all if none.
    pub service: Option<String>,
    /// The pattern.
    pub pattern: String,
}

impl Route {
    /// A route whose pattern is sound.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn new(service: Option<&str>, pattern: &str) -> Result<Self, String> {
        Routes::new().add(service, pattern).map_err(|error| error.to_string())?;
        Ok(Self { service: service.map(str::to_owned), pattern: pattern.to_owned() })
    }
}

/// The effective configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Who is traced.
    pub selectors: Selectors,
    /// Where spans are shown or written.
    pub output: Output,
    /// File for [`Output::OtlpJson`] and [`Output::Console`]; stdout if none.
    pub output_file: Option<PathBuf>,
    /// Which spans [`Output::Console`] shows, and what of them.
    pub console: View,
    /// Whether spans are exported over OTLP.
    pub otlp: bool,
    /// `OTEL_EXPORTER_OTLP_*` variables after flags, environment and file: what the OTLP exporter is made of.
    pub otlp_variables: BTreeMap<String, String>,
    /// Batches of spans.
    pub batch: Batch,
    /// How often metrics are exported.
    pub metric_interval: Duration,
    /// Where Prometheus may fetch metrics.
    pub prometheus_listen: Option<SocketAddr>,
    /// Metrics.
    pub metrics: Metrics,
    /// What is logged.
    pub log_level: LogLevel,
    /// How it is logged, if not as the command does by itself.
    pub log_format: Option<LogFormat>,
    /// Capture backend.
    pub backend: Backend,
    /// Capture sizes.
    pub capture: Capture,
    /// Limits of tables.
    pub limits: Limits,
    /// Names of parameters whose values are hidden in URLs, besides those that always are.
    pub redact_also: Vec<Box<str>>,
    /// Names of parameters whose values are shown although they are listed.
    pub redact_except: Vec<Box<str>>,
    /// Patterns of HTTP routes.
    pub routes: Vec<Route>,
    /// Whether the routes of other paths are guessed.
    pub guess_routes: bool,
    /// Which exchanges become spans.
    pub sampler: Sampler,
    /// HTTP methods that are known, if not the usual ones.
    pub known_methods: Option<Vec<Box<str>>>,
    /// Whether spans of databases tell how many rows were returned.
    pub returned_rows: bool,
    /// Whether set-ups of connections become spans.
    pub connection_spans: bool,
    /// Whether spans of the agent's own work are exported.
    pub telemetry_spans: bool,
    /// How often the advisor is asked; never if zero.
    pub advisor_interval: Duration,
    /// Whether its findings are exported as log records over OTLP.
    pub otlp_logs: bool,
    /// How long exporters may take together, at the end, to deliver what waits.
    pub shutdown_timeout: Duration,
    /// What the user should know: one line each.
    pub warnings: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            selectors: Selectors::default(),
            output: Output::Console,
            output_file: None,
            console: View::default(),
            otlp: false,
            otlp_variables: BTreeMap::new(),
            batch: Batch { queue: 2048, size: 512, delay: Duration::from_secs(5), timeout: Duration::from_secs(30) },
            metric_interval: Duration::from_secs(60),
            prometheus_listen: None,
            metrics: Metrics { otlp: false, lines: true, reading: Reading::default(), settings: Settings::default() },
            log_level: LogLevel::default(),
            log_format: None,
            backend: Backend::default(),
            capture: Capture {
                turn_budget: limits::MAX_PAYLOAD as u32,
                ring_bytes: limits::RING_BYTES,
                queue_time: true,
            },
            limits: Limits { connections: limits::MAX_CONNECTIONS, processes: limits::MAX_PROCESSES },
            redact_also: Vec::new(),
            redact_except: Vec::new(),
            routes: Vec::new(),
            guess_routes: true,
            sampler: Sampler::default(),
            known_methods: None,
            returned_rows: false,
            connection_spans: true,
            telemetry_spans: false,
            advisor_interval: Duration::from_secs(60),
            otlp_logs: false,
            shutdown_timeout: Duration::from_secs(5),
            warnings: Vec::new(),
        }
    }
}

impl Config {
    /// What the trace stage needs of it.
    #[must_use]
    pub fn trace(&self) -> crate::trace::Config {
        let mut routes = Routes::new();
        for route in &self.routes {
            // Checked when it was read; a second look finds nothing new.
            let _ = routes.add(route.service.as_deref(), &route.pattern);
        }
        if self.guess_routes {
            routes.guess();
        }
        crate::trace::Config {
            sampler: self.sampler,
            routes,
            known_methods: self.known_methods.clone(),
            returned_rows: self.returned_rows,
            connection_spans: self.connection_spans,
            secrets: Names::new(&self.redact_also, &self.redact_except),
        }
    }

    /// Value of an `OTEL_EXPORTER_OTLP_*` variable after flags, environment and file.
    #[must_use]
    pub fn otlp_variable(&self, name: &str) -> Option<String> {
        self.otlp_variables.get(name).cloned()
    }
}
