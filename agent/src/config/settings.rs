//! The settings, their defaults and bounds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use wirespan_common::limits;

use crate::process::Selectors;

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

/// How much is captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capture {
    /// Payload bytes copied per turn of a connection.
    pub turn_budget: u32,
    /// Size of the ring buffer, bytes; a power of two.
    pub ring_bytes: u32,
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

/// The effective configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Who is traced.
    pub selectors: Selectors,
    /// Where spans are shown or written.
    pub output: Output,
    /// File for [`Output::OtlpJson`] and [`Output::Console`]; stdout if none.
    pub output_file: Option<PathBuf>,
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
    /// What is logged.
    pub log_level: LogLevel,
    /// Capture backend.
    pub backend: Backend,
    /// Capture sizes.
    pub capture: Capture,
    /// Limits of tables.
    pub limits: Limits,
    /// Patterns of HTTP routes (`/users/{id}`), the first that fits counts.
    pub routes: Vec<String>,
    /// What the user should know: one line each.
    pub warnings: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            selectors: Selectors::default(),
            output: Output::Console,
            output_file: None,
            otlp: false,
            otlp_variables: BTreeMap::new(),
            batch: Batch { queue: 2048, size: 512, delay: Duration::from_secs(5), timeout: Duration::from_secs(30) },
            metric_interval: Duration::from_secs(60),
            prometheus_listen: None,
            log_level: LogLevel::default(),
            backend: Backend::default(),
            capture: Capture { turn_budget: limits::MAX_PAYLOAD as u32, ring_bytes: limits::RING_BYTES },
            limits: Limits { connections: limits::MAX_CONNECTIONS, processes: limits::MAX_PROCESSES },
            routes: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl Config {
    /// Value of an `OTEL_EXPORTER_OTLP_*` variable after flags, environment and file.
    #[must_use]
    pub fn otlp_variable(&self, name: &str) -> Option<String> {
        self.otlp_variables.get(name).cloned()
    }
}
