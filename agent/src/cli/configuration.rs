//! `wirespan config`.

use super::args;
use crate::config;
use crate::shown::shown;
use crate::telemetry::log;
use std::path::Path;

/// Checks a file, or prints the effective configuration.
///
/// # Errors
/// Mistakes in the configuration, one line each.
pub fn configuration(command: &args::ConfigCommand) -> anyhow::Result<()> {
    match command {
        args::ConfigCommand::Validate { file } => validate(file)?,
        args::ConfigCommand::Print(settings) => {
            let (config, origins) = config::load_with_origins(settings.layer()?, &super::variable)?;
            super::log::plain(&config);
            super::log::answer(&config.to_yaml_with(&origins))?;
        }
        args::ConfigCommand::Import { file, .. } => import(file.as_deref())?,
        args::ConfigCommand::Schema => {
            super::log::answer(&format!("{:#}\n", config::schema()))?;
        }
    }
    Ok(())
}

/// Makes a file of ours of one of theirs, or of their variables. What has no equivalent is a warning.
fn import(file: Option<&Path>) -> anyhow::Result<()> {
    let imported = match file {
        Some(file) => config::import(file, &super::variable)?,
        None => config::import::environment(super::environment::all()),
    };
    for line in &imported.lost {
        tracing::warn!("no equivalent: {line}");
    }
    super::log::answer(&imported.yaml)
}

/// Says that a file is ok, or what is wrong with it: all but the last mistake here, the last one as the error of the command.
fn validate(file: &Path) -> anyhow::Result<()> {
    match config::validate(file, &super::variable) {
        Ok(warnings) => {
            for warning in &warnings {
                tracing::warn!("{warning}");
            }
            super::log::answer(&format!("{}: ok\n", shown(&file.to_string_lossy())))?;
            Ok(())
        }
        Err(mut mistakes) => {
            let last = mistakes.pop();
            for mistake in mistakes {
                log::fatal(&mistake.to_string());
            }
            last.map_or(Ok(()), |mistake| Err(mistake.into()))
        }
    }
}
