//! Recognising Redis by content.
//!
//! An array of bulk strings that begins with a command word is a request. Inline commands look like those of other
//! text protocols (memcached, POP3, SMTP, NATS): they are believed only at the start of a connection and for words
//! that nothing else begins with, or when the server's reply fits them.

use super::request;
use super::resp::{self, Step};
use super::shape;
use super::table;
use super::wire::{line, number};
use crate::protocol::{Context, Probe};
use crate::stream::Direction;

/// Error words that only Redis says.
const ERRORS: [&[u8]; 12] = [
    b"-NOAUTH ",
    b"-WRONGTYPE ",
    b"-MOVED ",
    b"-ASK ",
    b"-LOADING ",
    b"-READONLY ",
    b"-NOSCRIPT ",
    b"-WRONGPASS ",
    b"-EXECABORT ",
    b"-CLUSTERDOWN ",
    b"-CROSSSLOT ",
    b"-NOPERM ",
];

/// See [`Protocol::probe`](crate::protocol::Protocol).
pub fn probe(bytes: &[u8], context: Context) -> Probe {
    let to_server = context.direction != Some(Direction::ToClient);
    let to_client = context.direction != Some(Direction::ToServer);
    match bytes.first() {
        None => Probe::Maybe,
        Some(b'*') => array(bytes, to_server),
        Some(b'$' | b'+' | b'-' | b':' | b'%' | b'>' | b'~' | b'_') if to_client => reply(bytes),
        Some(byte) if byte.is_ascii_alphabetic() && to_server => inline(bytes, context),
        Some(_) => Probe::No,
    }
}

fn array(bytes: &[u8], to_server: bool) -> Probe {
    let Ok(count) = line(&bytes[1..]) else { return Probe::No };
    let Some(count) = count else { return prefix(&bytes[1..]) };
    if !number(count).is_some_and(|count| (-1..1 << 31).contains(&count)) {
        return Probe::No;
    }
    let rest = &bytes[count.len() + 3..];
    match rest.first() {
        None => return Probe::Maybe,
        Some(b'$') => {}
        // Arrays of anything else are replies: not enough alone.
        Some(b':' | b'*' | b'+' | b'-' | b'%' | b'_') => return if to_server { Probe::No } else { Probe::Maybe },
        Some(_) => return Probe::No,
    }
    let Ok(len) = line(&rest[1..]) else { return Probe::No };
    let Some(len) = len else { return prefix(&rest[1..]) };
    let Some(size) = number(len).and_then(|size| usize::try_from(size).ok()) else { return Probe::No };
    if !to_server {
        // A list of strings, or a replica's stream.
        return Probe::Maybe;
    }
    let body = &rest[len.len() + 3..];
    if size == 0 || size > 64 {
        return Probe::No;
    }
    let word = &body[..size.min(body.len())];
    if !word.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
        return Probe::No;
    }
    match body.get(size..size + 2) {
        // The confirmations and messages of publish/subscribe have the shape of requests; those are in lower case
        // and travel to the client, of which the caller may not know.
        Some(b"\r\n") if matches!(word, b"message" | b"pmessage" | b"smessage") => Probe::Maybe,
        Some(b"\r\n") if word[0].is_ascii_alphabetic() => Probe::Yes(Direction::ToServer),
        Some(_) => Probe::No,
        None if size + 2 > body.len() => Probe::Maybe,
        None => Probe::No,
    }
}

/// Whether these bytes begin as a command does, as far as they go.
pub fn begins_command(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'*') && array(bytes, true) != Probe::No
}

/// Inline commands alone are not certain: are they with what the server answers to them?
pub fn answers(request: &[u8], response: &[u8]) -> bool {
    let mut commands = request::Scanner::new();
    if !request.first().is_some_and(u8::is_ascii_alphabetic) || commands.step(request).1 != Step::Done {
        return false;
    }
    let Some(name) = commands.args.get(0).map(|word| String::from_utf8_lossy(word).to_ascii_uppercase()) else {
        return false;
    };
    let mut reply = resp::Scanner::new();
    let ended = match reply.step(response).1 {
        Step::Done => true,
        // The line with the length of a string says enough.
        Step::Skip(_) => response.first() == Some(&b'$'),
        Step::Need | Step::Bad => false,
    };
    // `+OK` and more words is what POP3 and others say, too.
    let terse = match reply.head.kind {
        b'+' => response.len() <= 12 && !response.contains(&b' '),
        b'-' => response.starts_with(b"-ERR ") || ERRORS.iter().any(|error| response.starts_with(error)),
        _ => true,
    };
    ended && terse && table::find(&name).is_some() && shape::fits(&name, &reply.head)
}

/// The beginning of a number whose line has not ended.
fn prefix(bytes: &[u8]) -> Probe {
    let digits = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    if digits.len() < 12 && digits.iter().all(u8::is_ascii_digit) { Probe::Maybe } else { Probe::No }
}

fn reply(bytes: &[u8]) -> Probe {
    let telling = bytes.starts_with(b"+PONG\r\n")
        || bytes.starts_with(b"+QUEUED\r\n")
        || ERRORS.iter().any(|error| bytes.starts_with(error));
    if telling {
        return Probe::Yes(Direction::ToClient);
    }
    let mut scanner = resp::Scanner::new();
    match scanner.step(bytes).1 {
        Step::Bad => Probe::No,
        // A string of exactly the length that it says.
        Step::Done if bytes[0] == b'$' && !scanner.head.null => Probe::Yes(Direction::ToClient),
        Step::Done | Step::Skip(_) => Probe::Maybe,
        Step::Need if bytes.len() < 512 => Probe::Maybe,
        Step::Need => Probe::No,
    }
}

fn inline(bytes: &[u8], context: Context) -> Probe {
    let Ok(Some(text)) = line(bytes) else {
        let short = bytes.len() < 64 && bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r'));
        return if short && context.from_start { Probe::Maybe } else { Probe::No };
    };
    if text.windows(6).any(|part| part == b" HTTP/") {
        return Probe::No;
    }
    let mut scanner = request::Scanner::new();
    if scanner.step(bytes).1 != Step::Done {
        return Probe::No;
    }
    let Some(word) = scanner.args.get(0) else { return Probe::No };
    let name = String::from_utf8_lossy(word).to_ascii_uppercase();
    if table::find(&name).is_none() {
        return Probe::No;
    }
    let server = context.direction == Some(Direction::ToServer);
    match name.as_str() {
        "PING" if scanner.args.total == 1 && server && context.from_start => Probe::Yes(Direction::ToServer),
        // Words of memcached, SMTP, POP3, FTP and HTTP.
        "GET" | "SET" | "APPEND" | "INCR" | "DECR" | "TOUCH" | "QUIT" | "AUTH" | "TYPE" | "HELP" | "RESET" => {
            if context.from_start { Probe::Maybe } else { Probe::No }
        }
        _ => Probe::Maybe,
    }
}
