//! `wirespan config`.

use super::args;
use crate::{config, notes};

/// Checks a file, or prints the effective configuration.
///
/// # Errors
/// Every mistake in the configuration, one line.
pub fn configuration(command: &args::ConfigCommand) -> anyhow::Result<()> {
    match command {
        args::ConfigCommand::Validate { file } => {
            for warning in config::validate(file, &super::variable)? {
                notes::warn(&warning);
            }
        }
        args::ConfigCommand::Print(settings) => {
            let config = config::load(settings.layer()?, &super::variable)?;
            super::log::plain(&config);
            super::log::answer(&config.to_yaml())?;
        }
    }
    Ok(())
}
