//! The command line: one file a sub-command.

pub mod advise;
pub mod args;
pub mod configuration;
pub mod destinations;
pub mod doctor;
#[cfg(test)]
mod documents;
pub mod environment;
mod examples;
pub mod flags;
pub mod lockdown;
pub mod log;
mod looking;
pub mod mcp;
pub mod outputs;
pub mod record;
mod reload;
pub mod replay;
pub mod report;
pub mod run;
mod selection;
pub mod signals;
pub mod targets;
pub mod telling;
pub mod top;

pub use args::Args;
pub use environment::variable;
pub use signals::stop_flag;

use crate::config;
use crate::telemetry::{self, Telemetry};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

/// Runs a command. Exit status 2 for mistakes in usage and configuration, 1 for failures at run time.
#[must_use]
pub fn execute(args: &Args) -> ExitCode {
    Telemetry::global().begin();
    // A panic here has made a note of itself.
    let status = std::panic::catch_unwind(AssertUnwindSafe(|| match dispatch(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            telemetry::log::fatal(&format!("{error:#}"));
            if is_usage(&error) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }));
    telemetry::log::flush(telemetry::log::PATIENCE);
    status.unwrap_or(ExitCode::FAILURE)
}

fn dispatch(args: &Args) -> anyhow::Result<()> {
    for warning in environment::check()? {
        tracing::warn!("{warning}");
    }
    match &args.command {
        args::Command::Run(arguments) => run::run(arguments),
        args::Command::Top(arguments) => top::top(arguments),
        args::Command::Report(arguments) => report::report(arguments),
        args::Command::Mcp(arguments) => mcp::mcp(arguments),
        args::Command::Replay(arguments) => replay::replay(arguments),
        args::Command::Record(arguments) => record::record(arguments),
        args::Command::Advise(arguments) => advise::advise(arguments),
        args::Command::Targets(arguments) => targets::targets(arguments),
        args::Command::Doctor(arguments) => doctor::doctor(arguments),
        args::Command::Config(command) => configuration::configuration(command),
    }
}

/// Whether the user can mend it by writing something else.
fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<config::Error>()
        || error.is::<config::otlp::Invalid>()
        || error.is::<crate::trace::route::PatternError>()
        || matches!(error.downcast_ref(), Some(crate::capture::StartError::UnknownBackend(_)))
}
