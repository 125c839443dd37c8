//! Prepared statements and portals, by name, as the server knows them.
//!
//! Changes are applied when the server confirms them, so that a Parse that failed, or was skipped after an error, does
//! not replace what the name stood for.

use super::reply::Reply;
use super::wire::server;
use crate::sql::Statement;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Most names of each kind; the oldest goes first.
const MAX_NAMES: usize = 1024;
/// Most bytes of the texts that names of one kind stand for.
const MAX_BYTES: usize = 512 * 1024;

/// What an execution knows about its statement.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// `None`: prepared before the agent saw it, or lost.
    pub statement: Option<Arc<Statement>>,
    /// Serial number of the batch in which it was prepared.
    pub batch: Option<u64>,
}

/// Names of one kind, and what they stand for.
#[derive(Debug, Default)]
struct Table {
    /// The unnamed one is by far the most frequent.
    unnamed: Option<Known>,
    named: HashMap<Box<[u8]>, (Known, u64)>,
    /// Names in the order of their definition, with the serial number of that.
    order: VecDeque<(Box<[u8]>, u64)>,
    serial: u64,
    bytes: usize,
}

fn size(name: &[u8], known: &Known) -> usize {
    let text = known
        .statement
        .as_ref()
        .map_or(0, |statement| statement.text.len() + statement.summary.as_ref().map_or(0, |summary| summary.len()));
    name.len() * 2 + text + 128
}

impl Table {
    fn get(&self, name: &[u8]) -> Option<&Known> {
        if name.is_empty() { self.unnamed.as_ref() } else { self.named.get(name).map(|(known, _)| known) }
    }

    /// Returns how many had to go for it.
    fn set(&mut self, name: &[u8], known: Known) -> u64 {
        if name.is_empty() {
            self.unnamed = Some(known);
            return 0;
        }
        self.remove(name);
        self.serial += 1;
        self.bytes += size(name, &known);
        self.order.push_back((name.into(), self.serial));
        self.named.insert(name.into(), (known, self.serial));
        let mut gone = 0;
        while self.named.len() > 1 && (self.named.len() > MAX_NAMES || self.bytes > MAX_BYTES) {
            let Some((oldest, serial)) = self.order.pop_front() else { break };
            if self.named.get(&oldest).is_some_and(|(_, current)| *current == serial) {
                self.remove(&oldest);
                gone += 1;
            }
        }
        // Entries of names that were removed or defined again.
        if self.order.len() > 2 * self.named.len() + 16 {
            let named = &self.named;
            self.order.retain(|(name, serial)| named.get(name).is_some_and(|(_, current)| current == serial));
        }
        gone
    }

    fn remove(&mut self, name: &[u8]) {
        if name.is_empty() {
            self.unnamed = None;
        } else if let Some((known, _)) = self.named.remove(name) {
            self.bytes = self.bytes.saturating_sub(size(name, &known));
        }
    }

    fn clear(&mut self) {
        *self = Self { serial: self.serial, ..Self::default() };
    }

    fn heap_bytes(&self) -> usize {
        self.bytes + self.order.capacity() * 48 + self.named.capacity() * 64
    }
}

/// The statements and portals of one connection.
#[derive(Debug, Default)]
pub(super) struct Names {
    statements: Table,
    portals: Table,
    /// Messages of the client passed unseen that may have changed names; the answers to them are yet to be seen.
    doubtful: bool,
}

impl Names {
    /// What an execution of this statement would know.
    pub fn statement(&self, name: &[u8]) -> Known {
        self.statements.get(name).cloned().unwrap_or_default()
    }

    /// What an execution of this portal knows.
    pub fn portal(&self, name: &[u8]) -> Known {
        self.portals.get(name).cloned().unwrap_or_default()
    }

    /// A statement was prepared. Returns how many others were forgotten for it.
    pub fn prepared(&mut self, name: &[u8], known: Known) -> u64 {
        self.statements.set(name, known)
    }

    /// A portal was made of a statement.
    pub fn bound(&mut self, portal: &[u8], statement: &[u8]) -> u64 {
        let known = self.statement(statement);
        self.portals.set(portal, known)
    }

    /// A statement went.
    pub fn forget_statement(&mut self, name: &[u8]) {
        self.statements.remove(name);
    }

    /// A portal went.
    pub fn forget_portal(&mut self, name: &[u8]) {
        self.portals.remove(name);
    }

    /// A simple query destroys the unnamed statement and portal.
    pub fn forget_unnamed(&mut self) {
        self.statements.unnamed = None;
        self.portals.unnamed = None;
    }

    /// Portals do not outlive their transaction.
    pub fn forget_portals(&mut self) {
        self.portals.unnamed = None;
        if !self.portals.named.is_empty() {
            self.portals.clear();
        }
    }

    /// Messages of the client passed unseen. Named statements stay: they must be closed before they can be prepared
    /// anew, and the answers to that will show.
    pub fn doubt(&mut self) {
        self.forget_unnamed();
        self.portals.clear();
        self.doubtful = true;
    }

    /// Something that the server said passed unseen.
    pub fn unseen(&mut self) {
        if self.doubtful {
            self.clear();
        }
    }

    /// All that was asked for unseen was answered.
    pub fn certain(&mut self) {
        self.doubtful = false;
    }

    /// The server answered something that was not seen.
    pub fn passed(&mut self, tag: u8, reply: &Reply) {
        let changes = match reply {
            Reply::Complete(tag) => tag.name().is_none_or(|name| name.starts_with('D') && &*name != "DELETE"),
            _ => tag == server::CLOSE_COMPLETE,
        };
        if self.doubtful && changes {
            self.statements.clear();
        }
    }

    /// A statement was to be prepared, and how that went will not be seen. If it was not there it is now, or any use of
    /// it fails.
    pub fn perhaps_prepared(&mut self, name: &[u8], known: Known) {
        let same = |before: &Known| match (&before.statement, &known.statement) {
            (Some(before), Some(now)) => before.text == now.text,
            _ => false,
        };
        match self.statements.get(name) {
            _ if name.is_empty() => self.statements.remove(name),
            None => {
                self.statements.set(name, known);
            }
            Some(before) if same(before) => {}
            Some(_) => self.perhaps_closed(name),
        }
    }

    /// A statement may stand for something else from now on.
    pub fn perhaps_closed(&mut self, name: &[u8]) {
        if name.is_empty() {
            self.statements.remove(name);
        } else {
            self.statements.set(name, Known::default());
        }
    }

    /// Nothing is certain any more.
    pub fn clear(&mut self) {
        self.statements.clear();
        self.portals.clear();
    }

    /// A command that succeeded may have changed the names.
    pub fn after_command(&mut self, command: &str, text: Option<&str>) {
        match command {
            "DEALLOCATE" | "PREPARE" => match text.and_then(|text| sql_name(text, command)) {
                Some(name) => self.statements.remove(name.as_bytes()),
                None => self.statements.clear(),
            },
            "DEALLOCATE ALL" => self.statements.clear(),
            "DISCARD ALL" => self.clear(),
            _ => {}
        }
    }

    /// Heap bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.statements.heap_bytes() + self.portals.heap_bytes()
    }
}

/// The name in `DEALLOCATE [PREPARE] name` or `PREPARE name …`.
fn sql_name(text: &str, command: &str) -> Option<String> {
    let mut words = text.split([' ', '\t', '\n', '\r', '(']).filter(|word| !word.is_empty());
    words.next().filter(|word| word.eq_ignore_ascii_case(command))?;
    let mut name = words.next()?;
    if command == "DEALLOCATE" && name.eq_ignore_ascii_case("PREPARE") {
        name = words.next()?;
    }
    if let Some(quoted) = name.strip_prefix('"') {
        return quoted.strip_suffix('"').filter(|name| !name.contains('"')).map(str::to_owned);
    }
    Some(name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Reading, statement};

    fn known(text: &str) -> Known {
        let reading = Reading { complete: true, backslash: false };
        Known { statement: Some(Arc::new(statement(text.as_bytes(), reading))), batch: Some(1) }
    }

    fn text(known: &Known) -> Option<&str> {
        known.statement.as_ref().map(|statement| &*statement.text)
    }

    #[test]
    fn a_portal_keeps_the_statement_it_was_made_of() {
        let mut names = Names::default();
        names.prepared(b"s", known("SELECT a"));
        names.bound(b"", b"s");
        names.prepared(b"s", known("SELECT b"));
        assert_eq!(text(&names.portal(b"")), Some("SELECT a"));
        assert_eq!(text(&names.statement(b"s")), Some("SELECT b"));
        names.bound(b"p", b"unknown");
        assert_eq!(text(&names.portal(b"p")), None);
    }

    #[test]
    fn deallocate_by_any_spelling() {
        for (command, sql) in [
            ("DEALLOCATE", "DEALLOCATE S"),
            ("DEALLOCATE", "deallocate prepare \"s\""),
            ("DEALLOCATE ALL", "DEALLOCATE ALL"),
            ("DISCARD ALL", "DISCARD ALL"),
            ("PREPARE", "PREPARE s(int) AS SELECT 1"),
        ] {
            let mut names = Names::default();
            names.prepared(b"s", known("SELECT a"));
            names.prepared(b"t", known("SELECT b"));
            names.after_command(command, Some(sql));
            assert_eq!(text(&names.statement(b"s")), None, "{sql}");
            assert_eq!(text(&names.statement(b"t")).is_some(), !command.ends_with("ALL"), "{sql}");
        }
    }

    #[test]
    fn names_are_limited() {
        let mut names = Names::default();
        let mut gone = 0;
        for index in 0..3000u32 {
            gone += names.prepared(&index.to_be_bytes(), known("SELECT a"));
        }
        assert_eq!(gone, 3000 - MAX_NAMES as u64);
        for _ in 0..10_000 {
            names.prepared(b"again", known("SELECT a"));
        }
        assert!(names.statements.order.len() < 3 * MAX_NAMES);
        assert!(names.heap_bytes() < MAX_BYTES);
    }
}
