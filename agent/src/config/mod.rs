//! Configuration: flags, then environment, then file, then defaults.
//!
//! The file has the shape of the OpenTelemetry declarative configuration 1.0, with a section `wirespan:` for what that
//! does not know. A file named by `OTEL_CONFIG_FILE` replaces all other variables, as OpenTelemetry has it; beside one
//! named by `--config` (or `WIRESPAN_CONFIG`) they count more than the file. Every mistake is one line with its place.

mod address;
mod duration;
mod effective;
mod env;
mod exporters;
mod file;
mod groups;
pub mod import;
mod layer;
mod lists;
#[cfg(test)]
mod logs_tests;
#[cfg(test)]
mod metrics_tests;
pub mod otlp;
mod print;
mod processors;
mod rules;
mod schema;
#[cfg(test)]
mod schema_tests;
mod section;
mod setting;
mod settings;
mod shape;
mod standard;
mod substitute;
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
mod token;
mod tree;
mod validation;
mod value;
mod words;
mod yaml;

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

pub(crate) use duration::parse as duration;
pub use env::unknown_variables;
pub use groups::{Batch, Capture, Cluster, Limits, Metrics, Runtimes, Shown};
pub use layer::{Layer, Origins};
pub use processors::Processors;
pub use rules::{Rule, RuleList};
pub use schema::schema;
pub(crate) use setting::Access;
#[cfg(test)]
pub(crate) use setting::Variable;
pub(crate) use setting::{ADVISE, Commands, DOCTOR, Flag, LOOK, Means, PRINT, RECORD, REPLAY, RUN, Setting, TARGETS};
pub use settings::Config;
pub(crate) use settings::all as settings;
pub(crate) use shape::Shape;
#[cfg(test)]
pub(crate) use standard::{OTLP as OTLP_KEYS, OTLP_METRICS as OTLP_METRICS_KEYS};
pub use token::Token;
pub(crate) use value::{Source, Wrong};
pub use words::{Backend, Kubernetes, Lockdown, LogFormat, LogLevel, Output, Route, Sdk, Uprobes, View};

use crate::process::spelling;

/// A place in a file, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A mistake in the configuration: where, and what. One line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    place: String,
    message: String,
    /// Where in its file, if it is in one.
    at: Option<Place>,
    /// Something is missing there.
    lacks: bool,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.message.replace('\n', " "))
    }
}

impl Error {
    pub(crate) fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), at: None, lacks: false }
    }

    fn at(file: &str, place: Place, message: String) -> Self {
        let error = Self::new(format!("{file}:{}:{}", place.line, place.column), message);
        Self { at: Some(place), ..error }
    }
}

/// Reads the configuration: `flags` from the command line, `variable` finds environment variables.
///
/// # Errors
/// The first mistake that is found.
pub fn load(flags: Layer, variable: &dyn Fn(&str) -> Option<String>) -> Result<Config, Error> {
    load_with_origins(flags, variable).map(|(config, _)| config)
}

/// As [`load`], with where each value came from.
///
/// # Errors
/// The first mistake that is found.
pub fn load_with_origins(flags: Layer, variable: &dyn Fn(&str) -> Option<String>) -> Result<(Config, Origins), Error> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let named = flags.values().file.clone().or_else(|| set("WIRESPAN_CONFIG").map(PathBuf::from));
    let standard = set("OTEL_CONFIG_FILE").map(PathBuf::from);
    let mut layers = vec![flags];
    match (named, standard) {
        (Some(path), _) => {
            layers.push(env::read(variable)?);
            layers.push(read_file(&path, variable)?);
        }
        (None, Some(path)) => {
            let mut layer = read_file(&path, variable)?;
            layer.warnings.extend(env::ignored(variable));
            layers.push(layer);
        }
        (None, None) => layers.push(env::read(variable)?),
    }
    layer::settle(layers)
}

/// The file that [`load`] reads, if there is one.
#[must_use]
pub fn file_of(flags: &Layer, variable: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    flags.values().file.clone().or_else(|| set("WIRESPAN_CONFIG")).or_else(|| set("OTEL_CONFIG_FILE"))
}

/// The settings in which two configurations differ of those that cannot change while the agent runs: their places in the file.
#[must_use]
pub fn fixed(before: &Config, after: &Config) -> Vec<&'static str> {
    let (mut before, mut after) = (before.clone(), after.clone());
    let mut differs = |setting: &&'static Setting| match setting.access {
        Access::Field { of, .. } => !setting.path.is_empty() && of(&mut before).json() != of(&mut after).json(),
        _ => false,
    };
    let is_fixed = |setting: &&'static Setting| !setting.alias && !setting.live;
    settings::all().filter(is_fixed).filter(&mut differs).map(|setting| setting.path).collect()
}

/// Checks a file by itself. Returns what the user should know about it.
///
/// # Errors
/// Every mistake in it, in the order of their places.
pub fn validate(path: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Vec<String>, Vec<Error>> {
    let (name, text) = read(path).map_err(|error| vec![error])?;
    validate_text(&name, &text, variable)
}

/// A file of another agent as one of wirespan ([`import`](mod@import)).
///
/// # Errors
/// When it cannot be read, or is no YAML.
pub fn import(path: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<import::Imported, Error> {
    let (name, text) = read(path)?;
    import::file(&name, &text, variable)
}

/// Checks the text of a file; `name` stands in front of each place.
///
/// # Errors
/// Every mistake in it, in the order of their places.
pub fn validate_text(
    name: &str,
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<String>, Vec<Error>> {
    validation::validate(name, text, variable)
}

fn read_file(path: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Layer, Error> {
    let (name, text) = read(path)?;
    file::parse(&name, &text, variable)
}

/// The name of a file, for messages, and its text. No more is read than a configuration may have.
fn read(path: &Path) -> Result<(String, String), Error> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    let limit = yaml::MAX_FILE as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| Error::new(&*name, format!("cannot be read: {error}")))?;
    if bytes.len() > yaml::MAX_FILE {
        return Err(Error::new(name, yaml::too_large()));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok((name, text)),
        Err(_) => Err(Error::new(name, "is not UTF-8")),
    }
}

/// One of a set of words, or what is wrong.
fn choice<T: clap::ValueEnum>(word: &str) -> Result<T, String> {
    T::from_str(word, true).map_err(|_| {
        let names: Vec<String> = T::value_variants()
            .iter()
            .filter_map(|variant| variant.to_possible_value().map(|value| value.get_name().to_owned()))
            .collect();
        let hint = match spelling::nearest(word, names.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("write one of {}", names.join(", ")),
        };
        format!("unknown value `{word}`; {hint}")
    })
}
