//! YAML as a tree that knows the place of each of its parts, with `${NAME:-default}` replaced in scalars
//! (OpenTelemetry configuration, "Environment variable substitution"). Bounded in size, depth and by what aliases make.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::substitute::substitute;
use super::{Error, Place};

/// Most bytes of a file.
pub(super) const MAX_FILE: usize = 1 << 20;
/// Most parts of a file, copies by aliases included.
const MAX_NODES: usize = 20_000;
const MAX_DEPTH: usize = 32;

/// A part of the file.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(super) place: Place,
    pub(super) value: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Null,
    /// `quoted`: a string whatever it looks like.
    Scalar {
        text: String,
        quoted: bool,
    },
    Sequence(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(super) place: Place,
    pub(super) name: String,
}

impl Node {
    fn scalar(place: Place, text: String, quoted: bool) -> Self {
        let null = !quoted && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
        Self { place, value: if null { Content::Null } else { Content::Scalar { text, quoted } } }
    }

    fn count(&self) -> usize {
        1 + match &self.value {
            Content::Null | Content::Scalar { .. } => 0,
            Content::Sequence(items) => items.iter().map(Self::count).sum(),
            Content::Mapping(entries) => entries.iter().map(|(_, value)| value.count()).sum(),
        }
    }
}

/// A collection that is being read.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<Key>,
}

struct Builder<'a> {
    file: &'a str,
    lookup: &'a dyn Fn(&str) -> Option<String>,
    stack: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
    mistakes: Vec<Error>,
}

/// What is wrong with a file that nobody would write.
pub(super) fn too_large() -> String {
    format!("file is too large (at most {MAX_FILE} bytes)")
}

/// Reads the first document of a file. `lookup` finds variables.
///
/// # Errors
/// The first mistake.
pub(super) fn parse(file: &str, text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Node, Error> {
    let (root, mistakes) = parse_all(file, text, lookup);
    mistakes.into_iter().next().map_or(Ok(root), Err)
}

/// As much as can be read of a file, and every mistake up to where it is no YAML any more.
pub(super) fn parse_all(file: &str, text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> (Node, Vec<Error>) {
    let mut builder = Builder {
        file,
        lookup,
        stack: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
        mistakes: Vec::new(),
    };
    if let Err(error) = builder.document(text) {
        builder.mistakes.push(error);
    }
    let nothing = Node { place: START, value: Content::Null };
    (builder.root.unwrap_or(nothing), builder.mistakes)
}

/// The beginning of a file.
const START: Place = Place { line: 1, column: 1 };

impl Builder<'_> {
    fn document(&mut self, text: &str) -> Result<(), Error> {
        if text.len() > MAX_FILE {
            return Err(Error::at(self.file, START, too_large()));
        }
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| {
                let place = Place { line: error.marker().line(), column: error.marker().col() + 1 };
                Error::at(self.file, place, format!("not YAML: {}", error.info()))
            })?;
            if matches!(event, Event::DocumentEnd) {
                break;
            }
            self.event(event, span)?;
        }
        Ok(())
    }
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Error> {
        let place = Place { line: span.start.line(), column: span.start.col() + 1 };
        self.nodes += 1;
        if self.nodes > MAX_NODES || self.stack.len() > MAX_DEPTH {
            return Err(Error::at(self.file, place, "too many or too deeply nested values".into()));
        }
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let quoted = style != ScalarStyle::Plain;
                if self.expects_key() {
                    self.key(place, text.into_owned());
                    return Ok(());
                }
                let node = match substitute(&text, self.lookup) {
                    Ok(text) => Node::scalar(place, text, quoted),
                    Err(message) => {
                        self.mistakes.push(Error::at(self.file, place, message));
                        Node { place, value: Content::Null }
                    }
                };
                self.add(node, anchor)
            }
            Event::SequenceStart(anchor, _) => self.open(place, anchor, Content::Sequence(Vec::new())),
            Event::MappingStart(anchor, _) => self.open(place, anchor, Content::Mapping(Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(open) => self.add(open.node, open.anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| Error::at(self.file, place, "alias of an unfinished value".into()))?;
                self.nodes += node.count();
                self.add(node, 0)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn expects_key(&self) -> bool {
        self.stack.last().is_some_and(|open| open.key.is_none() && matches!(open.node.value, Content::Mapping(_)))
    }

    fn key(&mut self, place: Place, name: String) {
        if let Some(open) = self.stack.last_mut() {
            if let Content::Mapping(entries) = &open.node.value
                && let Some((first, _)) = entries.iter().find(|(key, _)| key.name == name && key.name != "<<")
            {
                let message = format!("`{name}` is given twice, first in line {}", first.place.line);
                self.mistakes.push(Error::at(self.file, place, message));
            }
            open.key = Some(Key { place, name });
        }
    }

    fn open(&mut self, place: Place, anchor: usize, value: Content) -> Result<(), Error> {
        if self.expects_key() {
            return Err(Error::at(self.file, place, "a key must be a plain word".into()));
        }
        self.stack.push(Open { node: Node { place, value }, anchor, key: None });
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Error> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
            self.nodes += node.count();
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.node.value, open.key.take()) {
            (Content::Sequence(items), _) => items.push(node),
            (Content::Mapping(entries), Some(key)) if key.name == "<<" => match node.value {
                // A merge key: what is given beside it counts.
                Content::Mapping(merged) => entries.extend(
                    merged
                        .into_iter()
                        .map(|(key, value)| (Key { place: key.place, name: format!("<<{}", key.name) }, value)),
                ),
                _ => return Err(Error::at(self.file, key.place, "`<<` needs a mapping".into())),
            },
            (Content::Mapping(entries), Some(key)) => entries.push((key, node)),
            _ => return Err(Error::at(self.file, node.place, "a key must be a plain word".into())),
        }
        Ok(())
    }
}

impl Node {
    /// The entries of a mapping; those that were merged in come after all others and only if not given.
    pub(super) fn entries(&self) -> Option<Vec<(&str, Place, &Self)>> {
        let Content::Mapping(entries) = &self.value else {
            return None;
        };
        let (merged, own): (Vec<_>, Vec<_>) = entries.iter().partition(|(key, _)| key.name.starts_with("<<"));
        let mut seen = HashSet::with_capacity(entries.len());
        let all =
            own.into_iter().chain(merged).map(|(key, value)| (key.name.trim_start_matches("<<"), key.place, value));
        Some(all.filter(|(name, ..)| seen.insert(*name)).collect())
    }
}
