//! Is this PostgreSQL? By the bodies of whole messages, not by tags alone: a letter and a length are easily met.

use super::reply::{command_tag, failure};
use super::startup::{Opening, opening};
use super::wire::{HEADER, Head, Header, client, client_may_send, cstr, head, int16, int32, server, server_may_send};
use crate::protocol::{Context, Probe};
use crate::sql::begins_like_sql;
use crate::stream::Direction;

/// What one message's body says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Evidence {
    /// Has the whole structure that its tag demands.
    Strong,
    /// Nothing against it.
    Weak,
    /// Not a message of this kind.
    Against,
}

use Evidence::{Against, Strong, Weak};

fn strong_if(condition: bool) -> Evidence {
    if condition { Strong } else { Against }
}

/// The registry's question.
pub(super) fn probe(bytes: &[u8], context: Context) -> Probe {
    let may_be = |direction| context.direction.is_none_or(|known| known == direction);
    if context.from_start && may_be(Direction::ToServer) {
        match opening(bytes) {
            Opening::Complete(..) => return Probe::Yes(Direction::ToServer),
            Opening::Partial if bytes.len() >= 8 => return Probe::Yes(Direction::ToServer),
            Opening::Partial => return Probe::Maybe,
            Opening::Invalid => {}
        }
    }
    if !context.from_start && may_be(Direction::ToServer) && client_call(bytes) {
        return Probe::Yes(Direction::ToServer);
    }
    if may_be(Direction::ToClient) && server_call(bytes) {
        return Probe::Yes(Direction::ToClient);
    }
    let answer =
        context.from_start && context.direction == Some(Direction::ToClient) && matches!(bytes, b"S" | b"N" | b"G");
    let short = bytes.len() < HEADER && !context.from_start && is_short_head(bytes, may_be(Direction::ToServer));
    if answer || short { Probe::Maybe } else { Probe::No }
}

/// Whether a few bytes may become a header: a known tag and a length under 64 KiB.
fn is_short_head(bytes: &[u8], client: bool) -> bool {
    let Some((tag, rest)) = bytes.split_first() else { return true };
    let known = tag.is_ascii_alphabetic() || (tag.is_ascii_digit() && !client);
    known && rest.iter().take(2).all(|byte| *byte == 0)
}

/// Whether a call that begins with these bytes was made by a client.
pub(super) fn client_call(bytes: &[u8]) -> bool {
    call(bytes, client_may_send, client_body)
}

/// Whether a call that begins with these bytes was made by a server.
pub(super) fn server_call(bytes: &[u8]) -> bool {
    call(bytes, server_may_send, server_body)
}

/// Messages from the first byte on, the last of which may be cut, none that cannot be and one that must be.
fn call(mut bytes: &[u8], may_send: fn(Header) -> bool, judge: fn(u8, &[u8], bool) -> Evidence) -> bool {
    let mut certain = false;
    loop {
        let header = match head(bytes) {
            Head::Complete(header) if may_send(header) => header,
            Head::Partial => return certain,
            _ => return false,
        };
        let body = bytes.get(HEADER..bytes.len().min(header.total())).unwrap_or_default();
        let whole = body.len() == header.body;
        match judge(header.tag, body, whole) {
            Strong => certain = true,
            Weak => {}
            Against => return false,
        }
        if !whole {
            return certain;
        }
        bytes = bytes.get(header.total()..).unwrap_or_default();
    }
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte >= 0x20 && *byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c))
}

/// A NUL-terminated text and nothing else.
fn only_text(body: &[u8]) -> bool {
    cstr(body).is_some_and(|(text, rest)| is_text(text) && rest.is_empty())
}

fn client_body(tag: u8, body: &[u8], whole: bool) -> Evidence {
    match tag {
        client::QUERY if whole => strong_if(only_text(body)),
        client::QUERY => strong_if(begins_like_sql(body)),
        client::PARSE => parse(body, whole),
        client::BIND => bind(body, whole).unwrap_or(if whole { Against } else { Weak }),
        client::DESCRIBE | client::CLOSE if whole => match body.split_first() {
            Some((b'S' | b'P', name)) => strong_if(only_text(name)),
            _ => Against,
        },
        client::EXECUTE if whole => strong_if(cstr(body).is_some_and(|(name, rest)| {
            is_text(name) && int32(rest).is_some_and(|(rows, rest)| rows < 1 << 31 && rest.is_empty())
        })),
        client::SYNC | client::FLUSH | client::TERMINATE => Strong,
        client::COPY_FAIL if whole => strong_if(only_text(body)),
        _ => Weak,
    }
}

fn parse(body: &[u8], whole: bool) -> Evidence {
    let Some((name, rest)) = cstr(body) else { return if whole { Against } else { Weak } };
    if !is_text(name) {
        return Against;
    }
    match cstr(rest) {
        Some((text, types)) if whole => {
            strong_if(is_text(text) && int16(types).is_some_and(|(count, types)| types.len() == 4 * usize::from(count)))
        }
        Some((text, _)) => strong_if(is_text(text)),
        None => strong_if(!whole && begins_like_sql(rest)),
    }
}

/// Formats are 0 (text) or 1 (binary). `None` if they are cut.
fn formats(bytes: &[u8]) -> Option<(bool, &[u8])> {
    let (count, rest) = int16(bytes)?;
    let (codes, rest) = rest.split_at_checked(2 * usize::from(count))?;
    Some((codes.chunks_exact(2).all(|code| matches!(code, [0, 0 | 1])), rest))
}

/// `None` if it is cut before anything can be said.
fn bind(body: &[u8], whole: bool) -> Option<Evidence> {
    let (portal, rest) = cstr(body)?;
    let (statement, rest) = cstr(rest)?;
    let (good, rest) = formats(rest)?;
    if !good || !is_text(portal) || !is_text(statement) {
        return Some(Against);
    }
    let (count, mut rest) = int16(rest)?;
    if !whole {
        return Some(Strong);
    }
    for _ in 0..count {
        let (length, values) = int32(rest)?;
        rest = if length == u32::MAX { values } else { values.get(length as usize..)? };
    }
    let (good, rest) = formats(rest)?;
    Some(strong_if(good && rest.is_empty()))
}

fn server_body(tag: u8, body: &[u8], whole: bool) -> Evidence {
    match tag {
        server::ROW_DESCRIPTION => row_description(body, whole),
        server::DATA_ROW if whole => strong_if(data_row(body)),
        server::COMMAND_COMPLETE if whole => {
            strong_if(body.first().is_some_and(u8::is_ascii_uppercase) && command_tag(body).is_some())
        }
        server::ERROR | server::NOTICE => match failure(body, whole) {
            Some(failure) if failure.code.is_some() && failure.severity.is_some() => Strong,
            _ if whole => Against,
            _ => Weak,
        },
        server::READY if whole => strong_if(matches!(body, b"I" | b"T" | b"E")),
        server::PARSE_COMPLETE
        | server::BIND_COMPLETE
        | server::CLOSE_COMPLETE
        | server::NO_DATA
        | server::PORTAL_SUSPENDED
        | server::EMPTY_QUERY => Strong,
        server::PARAMETER_STATUS if whole => {
            strong_if(cstr(body).is_some_and(|(name, value)| !name.is_empty() && is_text(name) && only_text(value)))
        }
        server::AUTHENTICATION => match int32(body) {
            Some((0, rest)) if whole => strong_if(rest.is_empty()),
            Some((2..=12, _)) => Strong,
            Some(_) => Against,
            None => Weak,
        },
        server::NOTIFICATION if whole => strong_if(body.get(4..).and_then(cstr).is_some_and(|(channel, payload)| {
            is_text(channel) && cstr(payload).is_some_and(|(_, rest)| rest.is_empty())
        })),
        server::PARAMETER_DESCRIPTION if whole => {
            strong_if(int16(body).is_some_and(|(count, types)| types.len() == 4 * usize::from(count)))
        }
        server::COPY_IN | server::COPY_OUT | server::COPY_BOTH if whole => strong_if(match body.split_first() {
            Some((0 | 1, columns)) => formats(columns).is_some_and(|(good, rest)| good && rest.is_empty()),
            _ => false,
        }),
        _ => Weak,
    }
}

/// Each field: a name, then 18 bytes of which the last two are its format.
fn row_description(body: &[u8], whole: bool) -> Evidence {
    let Some((count, mut rest)) = int16(body) else { return Weak };
    let mut seen = 0;
    for _ in 0..count {
        let Some(((name, after), whole_field)) = cstr(rest).map(|(name, after)| ((name, after), after.len() >= 18))
        else {
            break;
        };
        if !is_text(name) {
            return Against;
        }
        if !whole_field {
            break;
        }
        if !matches!(after.get(16..18), Some([0, 0 | 1])) {
            return Against;
        }
        rest = after.get(18..).unwrap_or_default();
        seen += 1;
    }
    match (whole, seen == count) {
        (true, all) => strong_if(all && rest.is_empty()),
        (false, _) if seen > 0 => Strong,
        _ => Weak,
    }
}

fn data_row(body: &[u8]) -> bool {
    let Some((count, mut rest)) = int16(body) else { return false };
    for _ in 0..count {
        let Some((length, values)) = int32(rest) else { return false };
        let skipped = if length == u32::MAX { Some(values) } else { values.get(length as usize..) };
        let Some(after) = skipped else { return false };
        rest = after;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn middle(bytes: &[u8]) -> Probe {
        probe(bytes, Context { direction: None, from_start: false })
    }

    #[test]
    fn openings() {
        let startup = b"\0\0\0\x13\0\x03\0\0user\0bob\0\0";
        let start = |bytes: &[u8]| probe(bytes, Context { direction: None, from_start: true });
        assert_eq!(start(startup), Probe::Yes(Direction::ToServer));
        assert_eq!(start(&startup[..10]), Probe::Yes(Direction::ToServer));
        assert_eq!(start(&startup[..4]), Probe::Maybe);
        assert_eq!(start(b"\0\0\0\x08\x04\xd2\x16\x2f"), Probe::Yes(Direction::ToServer));
        assert_eq!(start(b"GET / HTTP/1.1\r\n\r\n"), Probe::No);
        assert_eq!(start(b"*1\r\n$4\r\nPING\r\n"), Probe::No);
        assert_eq!(start(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"), Probe::No);
    }

    #[test]
    fn the_middle_of_a_connection() {
        let server = Probe::Yes(Direction::ToClient);
        let client = Probe::Yes(Direction::ToServer);
        assert_eq!(middle(b"Q\0\0\0\x0dSELECT 1\0"), client);
        assert_eq!(middle(b"Q\0\0\x40\0  select * from a_long_query where"), client);
        assert_eq!(middle(b"Q\0\0\x40\0whatever this may be"), Probe::No);
        assert_eq!(
            middle(b"P\0\0\0\x10\0SELECT 1\0\0\0B\0\0\0\x0c\0\0\0\0\0\0\0\0E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04"),
            client
        );
        assert_eq!(middle(b"B\0\0\x10\0\0stmt\0\0\x01\0\x01\0\x02\0\0"), client);
        assert_eq!(middle(b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I"), server);
        assert_eq!(middle(b"2\0\0\0\x04D\0\0\0\x0b\0\x01\0\0\0\x011C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I"), server);
        assert_eq!(middle(b"Q\0\0"), Probe::Maybe);
    }

    #[test]
    fn other_protocols() {
        for other in [
            &b"POST / HTTP/1.1\r\n"[..],
            b"HTTP/1.1 200 OK\r\n",
            b"+OK\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"\x16\x03\x01\0\xc8\x01\0\0",
            b"\x4a\0\0\0\x0a8.0.30\0",
            b"EHLO x\r\n",
            b"\0\0\0\x20\0\x12\0\x04\0\0",
            b"",
        ] {
            assert!(!matches!(middle(other), Probe::Yes(_)), "{other:?}");
        }
    }
}
