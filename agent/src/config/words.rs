//! Words that settings are one of, and routes.

use clap::ValueEnum;

use crate::enrich::kubernetes::Enabled;
use crate::trace::route::Routes;
use crate::trace::sdk::Deference;

/// What is written where a person or a file reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// One readable line a span, by traces.
    Console,
    /// One readable line a span, as they come.
    Lines,
    /// OTLP JSON lines.
    OtlpJson,
    /// Chrome's JSON of traces, for Perfetto.
    Perfetto,
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

/// Which probes may be put into programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Uprobes {
    /// None.
    None,
    /// Those that show for which request a runtime works.
    #[default]
    #[value(alias = "auto")]
    Contexts,
    /// All of them: in this version the same.
    All,
}

/// What wirespan forbids itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Lockdown {
    /// All that the kernel has for it.
    #[default]
    Auto,
    /// The same, and it does not run where the kernel lacks one of them.
    Strict,
    /// Nothing.
    Off,
}

/// Whether Kubernetes is asked for the pods of this node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Kubernetes {
    /// In a cluster, or with a kubeconfig.
    #[default]
    Auto,
    /// Yes; that it cannot be is said.
    True,
    /// No.
    False,
}

impl From<Kubernetes> for Enabled {
    fn from(word: Kubernetes) -> Self {
        match word {
            Kubernetes::Auto => Self::Auto,
            Kubernetes::True => Self::True,
            Kubernetes::False => Self::False,
        }
    }
}

/// What is left to the SDKs of processes that export their own telemetry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Sdk {
    /// What they are taken to tell.
    #[default]
    Defer,
    /// The same without calls of databases.
    DeferHttp,
    /// Nothing.
    Ignore,
}

impl From<Sdk> for Deference {
    fn from(word: Sdk) -> Self {
        match word {
            Sdk::Defer => Self::All,
            Sdk::DeferHttp => Self::Http,
            Sdk::Ignore => Self::Nothing,
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

/// Which spans are shown, and what of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Show the id of each span's trace.
    pub trace_ids: bool,
    /// Only what failed.
    pub errors: bool,
    /// Only what took at least so long, ns.
    pub slowest_ns: u64,
}
