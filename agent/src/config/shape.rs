//! How a value is written: for the schema, the documentation and the help.

use clap::builder::PossibleValue;
use serde_json::Value as Json;

use super::setting::Setting;

/// How a value is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// `true` or `false`.
    Truth,
    /// A whole number within the setting's bounds.
    Number,
    /// A whole number of milliseconds within the setting's bounds.
    Milliseconds,
    /// A number from 0 to 1.
    Ratio,
    /// A text.
    Text,
    /// The path of a file.
    Path,
    /// One of the words of an enumeration.
    Words(fn() -> Vec<PossibleValue>),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A list of texts, or a single one.
    TextOrTexts,
    /// A mapping of keys that these tables name. The name is that of the part in the schema.
    Keys(&'static str, &'static [&'static [Setting]]),
    /// What only a schema of its own describes.
    Own(fn() -> Json),
}

impl Shape {
    /// The words that a value is one of; none if it is something else.
    pub(crate) fn words(self) -> Vec<PossibleValue> {
        match self {
            Self::Words(words) => words(),
            Self::OneOf(words) => words.iter().map(|word| PossibleValue::new(*word)).collect(),
            _ => Vec::new(),
        }
    }
}
