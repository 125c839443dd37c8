//! Bodies of replies: command tags ("CommandComplete") and errors ("Error and Notice Message Fields", chapter 55.8).

use super::set_up;
use super::wire::{Header, cstr, server};
use crate::sql::is_command;

/// Bytes of an error that are looked at: the fields of interest come first.
const MAX_ERROR: usize = 4096;
/// Bytes of a parameter's name and value that are looked at.
const MAX_PARAMETER: usize = 256;

/// A message of the server.
pub(super) enum Reply {
    /// Of no interest, at any time.
    Aside,
    /// `standard_conforming_strings` changed.
    Backslash(bool),
    /// An error.
    Failure(Failure),
    /// An authentication request: its method, and whether it asks for nothing.
    Authentication(Option<&'static str>, bool),
    /// CommandComplete.
    Complete(Tag),
    /// ReadyForQuery: whether no transaction is open.
    Ready(bool),
    /// Nothing but the tag matters.
    Other,
    /// More bytes are needed.
    Wait,
    /// It is not what it seemed.
    Broken,
}

/// Reads a message of which `body` is what is there; `cut`: no more of it will come.
pub(super) fn reply(header: Header, body: &[u8], cut: bool) -> Reply {
    let whole = body.len() == header.body;
    let wait = |needed: usize| body.len() < header.body.min(needed) && !cut;
    match header.tag {
        server::NOTICE | server::NOTIFICATION => Reply::Aside,
        server::PARAMETER_STATUS => {
            if wait(MAX_PARAMETER) {
                return Reply::Wait;
            }
            match cstr(body) {
                Some((b"standard_conforming_strings", value)) => Reply::Backslash(value.starts_with(b"off")),
                _ => Reply::Aside,
            }
        }
        server::ERROR => {
            if wait(MAX_ERROR) {
                return Reply::Wait;
            }
            failure(body, whole).map_or(Reply::Broken, Reply::Failure)
        }
        server::AUTHENTICATION => {
            if wait(set_up::MAX_REQUEST) {
                return Reply::Wait;
            }
            Reply::Authentication(set_up::method(body), set_up::is_granted(body))
        }
        server::COMMAND_COMPLETE | server::READY if !whole => {
            if cut {
                Reply::Broken
            } else {
                Reply::Wait
            }
        }
        // A statement ended, whatever else is said.
        server::COMMAND_COMPLETE => Reply::Complete(command_tag(body).unwrap_or_default()),
        server::READY => match body {
            b"I" => Reply::Ready(true),
            b"T" | b"E" => Reply::Ready(false),
            _ => Reply::Broken,
        },
        _ => Reply::Other,
    }
}

/// What a command tag says. That of another server than PostgreSQL may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tag {
    /// Its words; none if it cannot be read.
    pub command: Box<str>,
    /// Rows returned or affected.
    pub rows: Option<u64>,
}

/// Reads the body of a CommandComplete message: words, then for some commands an object id and a number of rows.
pub(super) fn command_tag(body: &[u8]) -> Option<Tag> {
    let (tag, rest) = cstr(body)?;
    let tag = std::str::from_utf8(tag).ok()?;
    let first = tag.as_bytes().first()?;
    if !rest.is_empty() || !first.is_ascii_alphabetic() || !tag.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return None;
    }
    let digits = |byte: char| byte.is_ascii_digit();
    let words = tag.trim_end_matches(|byte: char| digits(byte) || byte == ' ');
    let words = if words.is_empty() { tag } else { words };
    let rows = tag.rsplit(' ').next().filter(|last| last.len() < tag.len() && last.chars().all(digits));
    Some(Tag { command: words.into(), rows: rows.and_then(|rows| rows.parse().ok()) })
}

impl Tag {
    /// The words, if they are the name of a command.
    pub fn name(&self) -> Option<Box<str>> {
        let words = self.command.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' ');
        let first = self.command.split(' ').next().unwrap_or_default();
        let is_name = words && self.command.len() <= 48 && is_command(first);
        is_name.then(|| self.command.to_ascii_uppercase().into())
    }
}

/// What is kept of an ErrorResponse. Messages, details and hints may hold user data: they are not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Failure {
    /// SQLSTATE.
    pub code: Option<Box<str>>,
    /// `ERROR`, `FATAL` or `PANIC`, never localised.
    pub severity: Option<Box<str>>,
    /// Where in the query's text, in characters from 1 on.
    pub position: Option<usize>,
}

impl Failure {
    /// Whether the server ends the connection after it.
    pub fn is_fatal(&self) -> bool {
        matches!(self.severity.as_deref(), Some("FATAL" | "PANIC"))
    }
}

/// Reads the body of an ErrorResponse, or as much of it as is there. `None` if it has not the form of one.
pub(super) fn failure(mut body: &[u8], complete: bool) -> Option<Failure> {
    let mut found = Failure::default();
    let mut localised = None;
    while let Some((&field, rest)) = body.split_first() {
        if field == 0 {
            if found.severity.is_none() {
                found.severity = localised;
            }
            return rest.is_empty().then_some(found);
        }
        if !field.is_ascii_alphabetic() {
            return None;
        }
        let Some((value, rest)) = cstr(rest) else { break };
        body = rest;
        let text = || std::str::from_utf8(value).ok().filter(|text| text.len() <= 32);
        match field {
            b'C' => {
                found.code = text()
                    .filter(|code| {
                        code.len() == 5 && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
                    })
                    .map(Box::from);
            }
            // `V` is never localised but came with 9.6 only; `S` may be.
            b'V' => found.severity = text().map(Box::from),
            b'S' => localised = text().map(Box::from),
            b'P' => found.position = text().and_then(|text| text.parse().ok()),
            _ => {}
        }
    }
    if found.severity.is_none() {
        found.severity = localised;
    }
    (!complete && found.code.is_some()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_tags() {
        for (tag, command, rows) in [
            ("SELECT 5", "SELECT", Some(5)),
            ("INSERT 0 12", "INSERT", Some(12)),
            ("CREATE TABLE", "CREATE TABLE", None),
            ("BEGIN", "BEGIN", None),
            ("COPY 3", "COPY", Some(3)),
            ("COPY", "COPY", None),
        ] {
            let body = [tag.as_bytes(), b"\0"].concat();
            assert_eq!(command_tag(&body), Some(Tag { command: command.into(), rows }));
        }
        for (tag, name) in
            [("SELECT 5", Some("SELECT")), ("ok", None), ("OK 1", None), ("create table", Some("CREATE TABLE"))]
        {
            let body = [tag.as_bytes(), b"\0"].concat();
            assert_eq!(command_tag(&body).unwrap().name().as_deref(), name);
        }
        assert_eq!(command_tag(b"SELECT 1"), None);
        assert_eq!(command_tag(b"\0"), None);
        assert_eq!(command_tag(b"SEL\x01CT\0"), None);
    }

    #[test]
    fn errors() {
        let body = b"SFEHLER\0VERROR\0C42601\0Msyntax error at or near \"x\"\0P8\0\0";
        let expected = Failure { code: Some("42601".into()), severity: Some("ERROR".into()), position: Some(8) };
        assert_eq!(failure(body, true), Some(expected));
        assert_eq!(failure(b"SFATAL\0C28P01\0\0", true).unwrap().severity.as_deref(), Some("FATAL"));
        assert!(failure(b"SFATAL\0C28P01\0\0", true).unwrap().is_fatal());
        assert_eq!(failure(&body[..30], true), None);
        assert!(failure(&body[..30], false).unwrap().code.is_some());
        assert_eq!(failure(b"\x01\x02", false), None);
    }
}
