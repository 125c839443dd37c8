//! Notes for the person at the terminal, on stderr.

use crate::config::{self, Config, LogLevel};
use std::io::Write;

/// A note that is part of normal running.
pub fn info(config: &Config, text: &str) {
    if config.log_level >= LogLevel::Info {
        for line in text.lines() {
            eprintln!("wirespan: {line}");
        }
    }
}

/// What is odd in the configuration.
pub fn warnings(config: &Config) {
    if config.log_level >= LogLevel::Warn {
        let misspelt = config::unknown_variables(std::env::vars().map(|(name, _)| name));
        for warning in config.warnings.iter().chain(&misspelt) {
            eprintln!("wirespan: warning: {warning}");
        }
    }
}

/// Which processes are traced.
#[must_use]
pub fn selection(config: &Config, targets: usize) -> String {
    if config.selectors.select_all() {
        format!("tracing every process of this host ({targets} now)")
    } else {
        format!("tracing the processes that the selectors choose ({targets} now)")
    }
}

/// The answer of a command, on stdout. A reader that went away is no error.
pub fn answer(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
