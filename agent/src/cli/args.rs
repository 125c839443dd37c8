//! Arguments: what the command line accepts, and how it answers mistakes in one line.

use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Parser, Subcommand};

use super::examples;
use super::flags::Flags;
use crate::advise::words::list;
use crate::config::{ADVISE, DOCTOR, Error, LOOK, Layer, Output, PRINT, RECORD, REPLAY, RUN, TARGETS, duration};
use crate::process::spelling;
use crate::telemetry::log;
use wirespan_protocols::registry::PROTOCOLS;

/// The command line.
#[derive(Clone, Debug, Parser)]
#[command(about = about(), long_about = about() + EXIT_STATUS)]
#[command(name = "wirespan", version = env!("WIRESPAN_VERSION"), propagate_version = true, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program does.
fn about() -> String {
    let titles: Vec<_> = PROTOCOLS.titles().into_iter().map(str::to_owned).collect();
    format!("Traces the {} requests of unmodified programs as OpenTelemetry spans", list(&titles))
}

/// What every subcommand ends with.
const EXIT_STATUS: &str = ".\n\nErrors in usage and configuration end with exit status 2, failures at run time with 1; SIGINT \
    and SIGTERM end with 0 after everything was flushed.";

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Trace the processes of this host
    Run(Run),
    /// Look at what happens, on the terminal
    Top(Top),
    /// Write one page to take away: map, operations, worst traces, advice
    Report(TakeAway),
    /// Answer an assistant's questions, by the Model Context Protocol on standard input and output
    #[command(after_help = examples::MCP)]
    Mcp(Top),
    /// Read a recording or a pcap and print its spans; needs no privileges
    Replay(Replay),
    /// Write raw events to a file, for bug reports and tests
    Record(Record),
    /// Watch for a while, then explain what slows callers down
    Advise(Advise),
    /// Tell which processes would be traced, why, and what would be known of their calls
    Targets(Targets),
    /// Tell what this kernel grants, what is missing, and what will be used
    Doctor(Doctor),
    /// Check or print the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// Arguments of `run`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = examples::RUN)]
pub struct Run {
    /// Settings.
    #[command(flatten)]
    pub settings: Flags<RUN>,
    /// End after this time, as by SIGTERM: 90s, 5m, 1h30m; a number alone counts seconds
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub duration: Option<Duration>,
}

/// Arguments of `top` and `mcp`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = examples::TOP)]
pub struct Top {
    /// Look at this recording or pcap instead of this host; needs no privileges
    pub file: Option<PathBuf>,
    /// Settings.
    #[command(flatten)]
    pub settings: Flags<LOOK>,
}

/// Arguments of `report`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = examples::REPORT)]
pub struct TakeAway {
    /// Look at this recording or pcap instead of this host; needs no privileges
    pub file: Option<PathBuf>,
    /// How long to watch
    #[arg(long = "for", value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub window: Duration,
    /// The page to write (HTML)
    #[arg(short, long, value_name = "PAGE")]
    pub output: PathBuf,
    /// Put two recordings side by side
    #[arg(long, num_args = 2, value_names = ["BEFORE", "AFTER"], conflicts_with = "file")]
    pub diff: Option<Vec<PathBuf>>,
    /// Settings.
    #[command(flatten)]
    pub settings: Flags<LOOK>,
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
    /// Read what is encrypted with TLS, by the secrets in this log of keys (`SSLKEYLOGFILE`)
    #[arg(long, value_name = "FILE")]
    pub keylog: Option<PathBuf>,
    /// Settings.
    #[command(flatten)]
    pub settings: Flags<REPLAY>,
}

/// Arguments of `record`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = examples::RECORD)]
pub struct Record {
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Settings.
    #[command(flatten)]
    pub settings: Flags<RECORD>,
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
    /// Settings.
    #[command(flatten)]
    pub settings: Flags<ADVISE>,
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

/// Arguments of `targets`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = examples::TARGETS)]
pub struct Targets {
    /// Settings.
    #[command(flatten)]
    pub settings: Flags<TARGETS>,
    /// Tell of the processes that would not be traced, too
    #[arg(short, long)]
    pub all: bool,
    /// How to answer
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Report,
}

/// How `targets`, `doctor` and `advise` answer.
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
    /// Settings.
    #[command(flatten)]
    pub settings: Flags<DOCTOR>,
    /// How to answer
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Report,
    /// Write what a bug report needs into this archive (.tar.gz), and tell what is in it
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// With `--bundle`: record for so long, without what was sent and received
    #[arg(long, value_name = "TIME", requires = "bundle", value_parser = duration)]
    pub record: Option<Duration>,
    /// With `--bundle`: replace a file that is there
    #[arg(long, requires = "bundle")]
    pub force: bool,
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
    Print(Flags<PRINT>),
    /// Make a file of what Grafana Beyla or OpenTelemetry eBPF Instrumentation was configured with
    #[command(after_help = examples::IMPORT)]
    Import {
        /// Their file
        #[arg(required_unless_present = "env")]
        file: Option<PathBuf>,
        /// Take their environment variables (BEYLA_*, OTEL_EBPF_*) instead
        #[arg(long, conflicts_with = "file")]
        env: bool,
    },
    /// Print a JSON Schema of the file, for editors and other tools
    #[command(after_help = examples::SCHEMA)]
    Schema,
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

impl Advise {
    /// What the flags say; spans are not shown.
    ///
    /// # Errors
    /// A selector that is none.
    pub fn layer(&self) -> Result<Layer, Error> {
        let mut layer = self.settings.layer()?;
        layer.show(Output::None);
        Ok(layer)
    }
}

impl Replay {
    /// What the flags say.
    ///
    /// # Errors
    /// A value that is none.
    pub fn layer(&self) -> Result<Layer, Error> {
        let mut layer = self.settings.layer()?;
        layer.show(self.output);
        Ok(layer)
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
