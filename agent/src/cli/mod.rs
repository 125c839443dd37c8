//! The command line: one file a sub-command.

pub mod advise;
pub mod args;
pub mod configuration;
pub mod doctor;
pub mod log;
pub mod outputs;
pub mod record;
pub mod replay;
pub mod run;

pub use args::Args;

use crate::config;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Runs a command. Exit status 2 for mistakes in usage and configuration, 1 for failures at run time.
#[must_use]
pub fn execute(args: &Args) -> ExitCode {
    let result = match &args.command {
        args::Command::Run(arguments) => run::run(arguments),
        args::Command::Replay(arguments) => replay::replay(arguments),
        args::Command::Record(arguments) => record::record(arguments),
        args::Command::Advise(arguments) => advise::advise(arguments),
        args::Command::Doctor(arguments) => doctor::doctor(arguments),
        args::Command::Config(command) => configuration::configuration(command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wirespan: {error:#}");
            if is_usage(&error) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// Whether the user can mend it by writing something else.
fn is_usage(error: &anyhow::Error) -> bool {
    error.is::<config::Error>()
        || error.is::<config::otlp::Invalid>()
        || error.is::<crate::trace::route::PatternError>()
        || matches!(error.downcast_ref(), Some(crate::capture::StartError::UnknownBackend(_)))
}

/// A variable of the agent's own environment.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A flag that SIGINT and SIGTERM set.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn stop_flag() -> std::io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}
