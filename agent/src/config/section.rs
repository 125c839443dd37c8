//! Reading a mapping of the file: each key is asked for by name, and what nobody asked for is an unknown key.

use super::yaml::{Content, Node};
use super::{Error, Place};
use crate::process::spelling;

/// What reading of a file needs everywhere.
pub(crate) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) warnings: Vec<String>,
}

impl Reader<'_> {
    pub(super) fn error(&self, place: Place, message: impl Into<String>) -> Error {
        Error::at(self.file, place, message.into())
    }

    /// A part is missing that must be there.
    pub(super) fn lacks(&self, place: Place, message: &str) -> Error {
        Error { lacks: true, ..self.error(place, message) }
    }

    pub(super) fn warn(&mut self, place: Place, message: &str) {
        self.warnings.push(Error::at(self.file, place, message.into()).to_string());
    }

    /// Opens a mapping; an empty value is an empty one.
    pub(super) fn section<'n>(&self, path: &str, node: &'n Node) -> Result<Section<'n>, Error> {
        let entries = match &node.value {
            Content::Null => Vec::new(),
            _ => node.entries().ok_or_else(|| {
                self.error(node.place, format!("{} must be a mapping", if path.is_empty() { "the file" } else { path }))
            })?,
        };
        Ok(Section { path: path.to_owned(), entries, known: Vec::new() })
    }

    /// The items of a sequence; an empty value has none.
    pub(super) fn items<'n>(&self, name: &str, node: &'n Node) -> Result<&'n [Node], Error> {
        match &node.value {
            Content::Null => Ok(&[]),
            Content::Sequence(items) => Ok(items),
            _ => Err(self.error(node.place, format!("`{name}` must be a list"))),
        }
    }

    pub(super) fn text<'n>(&self, name: &str, node: &'n Node) -> Result<&'n str, Error> {
        match &node.value {
            Content::Scalar { text, .. } => Ok(text),
            _ => Err(self.error(node.place, format!("`{name}` must be a text"))),
        }
    }

    pub(super) fn number(&self, name: &str, node: &Node) -> Result<u64, Error> {
        match &node.value {
            Content::Scalar { text, quoted: false } if text.parse::<u64>().is_ok() => Ok(text.parse().unwrap_or(0)),
            _ => Err(self.error(node.place, format!("`{name}` must be a whole number"))),
        }
    }

    pub(super) fn truth(&self, name: &str, node: &Node) -> Result<bool, Error> {
        match &node.value {
            Content::Scalar { text, quoted: false } if text == "true" => Ok(true),
            Content::Scalar { text, quoted: false } if text == "false" => Ok(false),
            _ => Err(self.error(node.place, format!("`{name}` must be true or false"))),
        }
    }

    /// A number within bounds.
    pub(super) fn within(&self, name: &str, node: &Node, bounds: std::ops::RangeInclusive<u64>) -> Result<u64, Error> {
        let number = self.number(name, node)?;
        if bounds.contains(&number) {
            return Ok(number);
        }
        let message = format!("`{name}` must be between {} and {}", bounds.start(), bounds.end());
        Err(self.error(node.place, message))
    }

    /// One of a set of words.
    pub(super) fn choice<T: clap::ValueEnum>(&self, name: &str, node: &Node) -> Result<T, Error> {
        super::choice(self.text(name, node)?).map_err(|message| self.error(node.place, format!("`{name}`: {message}")))
    }
}

/// A mapping that is being read.
pub(super) struct Section<'n> {
    path: String,
    entries: Vec<(&'n str, Place, &'n Node)>,
    known: Vec<&'static str>,
}

impl<'n> Section<'n> {
    /// The value of a key, unless it is not given or empty.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'n Node> {
        self.present(key).filter(|node| !matches!(node.value, Content::Null))
    }

    /// The value of a key that means something even when it is empty (`console:`).
    pub(super) fn present(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        self.entries.iter().find(|(name, ..)| *name == key).map(|(.., node)| *node)
    }

    /// Keys that others understand: they are no mistake, and wirespan has no use for them.
    pub(super) fn unused(&mut self, keys: &[&'static str], reader: &mut Reader<'_>) {
        self.known.extend(keys);
        for (name, place, node) in &self.entries {
            if keys.contains(name) && !matches!(node.value, Content::Null) {
                reader.warn(*place, &format!("{}`{name}` has no effect here", self.prefix()));
            }
        }
    }

    /// Complains about the first key that nobody asked for.
    pub(super) fn finish(self, reader: &Reader<'_>) -> Result<(), Error> {
        match self.entries.iter().find(|(name, ..)| !self.known.contains(name)) {
            None => Ok(()),
            Some((name, place, _)) => {
                let mut hint = spelling::suggestion(name, self.known.iter().copied());
                if hint.is_empty() {
                    hint = format!("; write one of {}", self.known.join(", "));
                }
                Err(reader.error(*place, format!("{}unknown key `{name}`{hint}", self.prefix())))
            }
        }
    }

    fn prefix(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) }
    }
}
