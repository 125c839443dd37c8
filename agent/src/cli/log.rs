//! Notes for the person at the terminal, on stderr.

use crate::config::{self, Config, LogFormat};
use crate::telemetry::log::{self, Style};
use anyhow::Context as _;
use std::io::Write;

/// Notes of a command that runs for a while have time and level.
pub fn begin(config: &Config) {
    style(config, Style::Log);
}

/// Notes of a command that answers and ends are plain, unless the user asked for another format.
pub fn plain(config: &Config) {
    style(config, Style::Plain);
}

fn style(config: &Config, usual: Style) {
    let style = match config.log_format {
        None => usual,
        Some(LogFormat::Text) => Style::Log,
        Some(LogFormat::Json) => Style::Json,
    };
    log::configure(config.log_level as u8, style);
    warnings(config);
}

/// Several lines of our own words.
pub fn lines(text: &str) {
    text.lines().for_each(|line| tracing::info!("{line}"));
}

/// What is odd in the configuration.
fn warnings(config: &Config) {
    let misspelt = config::unknown_variables(super::environment::names());
    config.warnings.iter().chain(&misspelt).for_each(|warning| tracing::warn!("{warning}"));
}

/// Which processes are traced.
#[must_use]
pub fn selection(config: &Config, targets: usize) -> String {
    format!("tracing {} ({targets} now)", outline(config))
}

/// Who is traced, in a few words.
#[must_use]
pub fn outline(config: &Config) -> String {
    let count = |number: usize, what: &str| match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    };
    let parts = [count(config.rules.0.len(), "rule"), count(config.selectors.iter().count(), "selector")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => "every process of this host".to_owned(),
        false => format!("the processes that {} choose", parts.join(" and ")),
    }
}

/// The answer of a command, on stdout. A reader that went away is no error.
///
/// # Errors
/// When it cannot be written.
pub fn answer(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).context("cannot write the answer"),
        _ => Ok(()),
    }
}
