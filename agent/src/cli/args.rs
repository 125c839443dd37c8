//! Arguments: what the command line accepts, and how it answers mistakes in one line.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser, Subcommand};

use super::duration::parse as duration;
use super::examples;
use crate::config::{Backend, Error, Layer, LogFormat, LogLevel, Output};
use crate::export::console::View;
use crate::process::spelling;
use crate::telemetry::log;
use crate::trace::redact;

/// Traces the HTTP, PostgreSQL and Redis requests of unmodified programs as OpenTelemetry spans.
///
/// Errors in usage and configuration end with exit status 2, failures at run time with 1; SIGINT and SIGTERM end
/// with 0 after everything was flushed.
#[derive(Clone, Debug, Parser)]
#[command(name = "wirespan", version = env!("WIRESPAN_VERSION"), propagate_version = true, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Trace the processes of this host
    Run(Run),
    /// Read a recording or a pcap and print its spans; needs no privileges
    Replay(Replay),
    /// Write raw events to a file, for bug reports and tests
    Record(Record),
    /// Watch for a while, then explain what slows callers down
    Advise(Advise),
    /// Tell what this kernel grants, what is missing, and what will be used
    Doctor(Doctor),
    /// Check or print the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// Settings that several commands share.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Common {
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Trace only processes that this selects; several are alternatives
    #[arg(long, value_name = "SELECTOR")]
    pub select: Vec<String>,
    /// Trace only this process and the workers that it forks: as `--select pid=PID`
    #[arg(short, long, value_name = "PID", value_delimiter = ',')]
    pub pid: Vec<u32>,
    /// How to capture
    #[arg(long, value_enum)]
    pub backend: Option<Backend>,
    /// What to log.
    #[command(flatten)]
    pub log: Log,
}

/// What is logged.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Log {
    /// What to log on stderr
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
    /// Log more: as `--log-level debug`
    #[arg(short, long, conflicts_with = "log_level")]
    pub verbose: bool,
    /// How to log on stderr
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// What the console shows.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Shown {
    /// Show the trace id of each span on the console
    #[arg(long)]
    pub trace_id: bool,
    /// Show only what failed on the console
    #[arg(long)]
    pub errors: bool,
    /// Show only what took so long on the console, such as 100ms
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub slower_than: Option<Duration>,
}

/// Arguments of `run` and `config print`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Settings {
    /// Settings that `record` has, too.
    #[command(flatten)]
    pub common: Common,
    /// Where spans are shown [default: console, unless there is an OTLP end point]
    #[arg(short, long, value_enum)]
    pub output: Option<Output>,
    /// Write there instead of to stdout
    #[arg(long, value_name = "PATH")]
    pub output_file: Option<PathBuf>,
    /// Export over OTLP to this end point
    #[arg(long, value_name = "URL")]
    pub otlp_endpoint: Option<String>,
    /// Serve metrics to Prometheus on this address, such as 127.0.0.1:9464
    #[arg(long, value_name = "ADDR")]
    pub prometheus_listen: Option<String>,
}

/// Arguments of `run`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = examples::RUN)]
pub struct Run {
    /// Settings.
    #[command(flatten)]
    pub settings: Settings,
    /// What the console shows.
    #[command(flatten)]
    pub shown: Shown,
    /// End after this time, as by SIGTERM: 90s, 5m, 1h30m; a number alone counts seconds
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
}

/// Arguments of `replay`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = examples::REPLAY)]
pub struct Replay {
    /// A recording of `wirespan record`, or a pcap
    pub file: PathBuf,
    /// How to print spans
    #[arg(short, long, value_enum, default_value = "console")]
    pub output: Output,
    /// With `--output otlp-json`: after the spans, the metrics of the whole file
    #[arg(long)]
    pub metrics: bool,
    /// Write there instead of to stdout
    #[arg(long, value_name = "PATH")]
    pub output_file: Option<PathBuf>,
    /// Configuration file (YAML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What the console shows.
    #[command(flatten)]
    pub shown: Shown,
    /// What to log.
    #[command(flatten)]
    pub log: Log,
}

/// Arguments of `record`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = examples::RECORD)]
pub struct Record {
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Settings that `run` has, too.
    #[command(flatten)]
    pub common: Common,
    /// End after this time, as by SIGTERM: 90s, 5m, 1h30m; a number alone counts seconds
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
}

/// Arguments of `advise`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = examples::ADVISE)]
pub struct Advise {
    /// Look at this recording or pcap instead of this host; needs no privileges
    pub file: Option<PathBuf>,
    /// How long to watch
    #[arg(long = "for", value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub window: Duration,
    /// Settings that `run` has, too.
    #[command(flatten)]
    pub common: Common,
    /// How to answer
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Report,
    /// Write the report to this file as well, as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Tell what changed between two reports in JSON
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"], conflicts_with_all = ["file", "report"])]
    pub diff: Option<Vec<PathBuf>>,
}

/// How `doctor` and `advise` answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Report {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Arguments of `doctor`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = examples::DOCTOR)]
pub struct Doctor {
    /// How to answer
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Report,
}

/// What to do with the configuration.
#[derive(Clone, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a file: names every mistake in it, or says that it is ok
    #[command(after_help = examples::VALIDATE)]
    Validate {
        /// The file
        file: PathBuf,
    },
    /// Print the effective configuration as YAML
    #[command(after_help = examples::PRINT)]
    Print(Settings),
}

impl Args {
    /// Parses the command line, or ends the program: 0 after help and version, 2 after one line about a mistake.
    #[must_use]
    pub fn parse_or_exit() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            if error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
                log::fatal(&one_line(&error));
                log::flush(log::PATIENCE);
                std::process::exit(2);
            }
            error.exit()
        })
    }
}

impl Common {
    fn layer(&self) -> Result<Layer, Error> {
        let select: Result<Vec<_>, Error> = self
            .select
            .iter()
            .map(|text| text.parse().map_err(|error| Error::new(format!("--select `{text}`"), format!("{error}"))))
            .chain(self.pid.iter().map(|pid| {
                format!("pid={pid}").parse().map_err(|error| Error::new(format!("--pid {pid}"), format!("{error}")))
            }))
            .collect();
        let select = select?;
        Ok(Layer {
            config_file: self.config.clone(),
            select: (!select.is_empty()).then_some(select),
            backend: self.backend,
            log_level: self.log.level(),
            log_format: self.log.log_format,
            ..Layer::default()
        })
    }
}

impl Log {
    fn level(self) -> Option<LogLevel> {
        if self.verbose { Some(LogLevel::Debug) } else { self.log_level }
    }
}

impl Shown {
    fn view(self) -> Option<View> {
        let slowest_ns = self.slower_than.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        let view = View { trace_ids: self.trace_id, errors: self.errors, slowest_ns };
        (view != View::default()).then_some(view)
    }
}

impl Run {
    /// What the flags say.
    ///
    /// # Errors
    /// A selector or an address that is none.
    pub fn layer(&self) -> Result<Layer, Error> {
        Ok(Layer { console: self.shown.view(), ..self.settings.layer()? })
    }
}

impl Settings {
    /// What the flags say.
    ///
    /// # Errors
    /// A selector or an address that is none.
    pub fn layer(&self) -> Result<Layer, Error> {
        let mut layer = self.common.layer()?;
        layer.output = self.output;
        layer.output_file.clone_from(&self.output_file);
        if let Some(endpoint) = &self.otlp_endpoint {
            if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
                return Err(Error::new(
                    "--otlp-endpoint",
                    format!("`{}` must begin with http:// or https://", redact::url(endpoint)),
                ));
            }
            (layer.otlp, layer.otlp_metrics, layer.otlp_logs) = (Some(true), Some(true), Some(true));
            layer.otlp_variables.insert("OTEL_EXPORTER_OTLP_ENDPOINT".into(), endpoint.clone());
        }
        if let Some(text) = &self.prometheus_listen {
            let address = crate::config::address(text).map_err(|what| Error::new("--prometheus-listen", what))?;
            layer.prometheus_listen = Some(address);
        }
        Ok(layer)
    }
}

impl Record {
    /// What the flags say.
    ///
    /// # Errors
    /// A selector that is none.
    pub fn layer(&self) -> Result<Layer, Error> {
        self.common.layer()
    }
}

impl Advise {
    /// What the flags say; spans are not shown.
    ///
    /// # Errors
    /// A selector that is none.
    pub fn layer(&self) -> Result<Layer, Error> {
        Ok(Layer { output: Some(Output::None), ..self.common.layer()? })
    }
}

impl Replay {
    /// What the flags say.
    #[must_use]
    pub fn layer(&self) -> Layer {
        Layer {
            config_file: self.config.clone(),
            output: Some(self.output),
            output_file: self.output_file.clone(),
            console: self.shown.view(),
            log_level: self.log.level(),
            log_format: self.log.log_format,
            ..Layer::default()
        }
    }
}

/// clap finds no word that was typed with two letters swapped if it is short.
fn nearest_command(word: &str) -> Option<String> {
    let command = Args::command();
    let names =
        command.get_subcommands().flat_map(|one| one.get_subcommands().chain([one])).map(clap::Command::get_name);
    spelling::nearest(word, names).map(str::to_owned)
}

/// A mistake on the command line in one line, with the nearest right spelling.
#[must_use]
pub fn one_line(error: &clap::Error) -> String {
    let get = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) if !texts.is_empty() => Some(texts.join(", ")),
        Some(ContextValue::StyledStr(text)) => Some(text.to_string()),
        _ => None,
    };
    let first = |kind| match error.get(kind) {
        Some(ContextValue::Strings(texts)) => texts.first().cloned(),
        _ => get(kind),
    };
    let mut suggestion = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
        .into_iter()
        .find_map(first);
    let what = match (error.kind(), get(ContextKind::InvalidArg), get(ContextKind::InvalidValue)) {
        (ErrorKind::UnknownArgument, Some(argument), _) => format!("unexpected argument `{argument}`"),
        (ErrorKind::InvalidSubcommand, ..) => {
            let word = get(ContextKind::InvalidSubcommand).unwrap_or_default();
            suggestion = suggestion.or_else(|| nearest_command(&word));
            format!("unknown command `{word}`")
        }
        (ErrorKind::InvalidValue, Some(argument), Some(value)) if value.is_empty() => {
            format!("a value is missing for `{argument}`")
        }
        (ErrorKind::InvalidValue, Some(argument), Some(value)) => format!("`{argument}`: unknown value `{value}`"),
        (ErrorKind::MissingRequiredArgument, Some(arguments), _) => format!("`{arguments}` is missing"),
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.strip_prefix("error: ").unwrap_or(line).to_owned()
        }
    };
    match (suggestion, get(ContextKind::ValidValue)) {
        (Some(suggestion), _) => format!("{what}; did you mean `{suggestion}`?"),
        (None, Some(values)) => format!("{what}; write one of {values}"),
        (None, None) => format!("{what}; see `wirespan --help`"),
    }
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
