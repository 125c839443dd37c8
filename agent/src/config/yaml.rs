//! YAML as a tree that knows the place of each of its parts, with `${NAME:-default}` replaced in scalars
//! (OpenTelemetry configuration, "Environment variable substitution"). Bounded in size, depth and by what aliases make.

use std::collections::HashMap;

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
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
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
pub(super) struct Key {
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
}

/// Reads the first document of a file. `lookup` finds variables.
pub(super) fn parse(file: &str, text: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Node, Error> {
    let start = Place { line: 1, column: 1 };
    if text.len() > MAX_FILE {
        return Err(Error::at(file, start, format!("file is too large (at most {MAX_FILE} bytes)")));
    }
    let mut builder = Builder { file, lookup, stack: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let place = Place { line: error.marker().line(), column: error.marker().col() + 1 };
            Error::at(file, place, format!("not YAML: {}", error.info()))
        })?;
        if matches!(event, Event::DocumentEnd) {
            break;
        }
        builder.event(event, span)?;
    }
    Ok(builder.root.unwrap_or(Node { place: start, value: Content::Null }))
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
                    return self.key(place, text.into_owned());
                }
                let text = substitute(&text, self.lookup).map_err(|message| Error::at(self.file, place, message))?;
                self.add(Node::scalar(place, text, quoted), anchor)
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

    fn key(&mut self, place: Place, name: String) -> Result<(), Error> {
        if let Some(open) = self.stack.last_mut() {
            if let Content::Mapping(entries) = &open.node.value
                && let Some((first, _)) = entries.iter().find(|(key, _)| key.name == name && key.name != "<<")
            {
                let message = format!("`{name}` is given twice, first in line {}", first.place.line);
                return Err(Error::at(self.file, place, message));
            }
            open.key = Some(Key { place, name });
        }
        Ok(())
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
        let mut found: Vec<(&str, Place, &Self)> = Vec::with_capacity(entries.len());
        for (key, value) in own.into_iter().chain(merged) {
            let name = key.name.trim_start_matches("<<");
            if !found.iter().any(|(known, ..)| *known == name) {
                found.push((name, key.place, value));
            }
        }
        Some(found)
    }
}
