//! Recognition by content.

use super::fields::is_tchar;
use super::start::is_registered;
use crate::http::texts::MAX_METHOD;
use crate::protocol::{Context, Probe};
use crate::stream::Direction;

/// After so many bytes without a decision it is not HTTP.
const ENOUGH: usize = 512;

/// The methods after which a long path alone is enough: the version at its end may be out of sight.
const COMMON: &[&[u8]] = &[b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"PATCH", b"OPTIONS"];

/// The longest path that is not yet enough.
const LONG_PATH: usize = 200;

/// Certain only on a method, a target and ` HTTP/1.`, or on `HTTP/1.` of a status line. The exception: a common method
/// and more than [`LONG_PATH`] bytes of a path, so that long request lines are recognised at all.
pub(super) fn probe(bytes: &[u8], context: Context) -> Probe {
    let response = match context.direction {
        Some(Direction::ToServer) => Probe::No,
        _ => response(bytes),
    };
    match (response, context.direction) {
        (Probe::No, None | Some(Direction::ToServer)) => request(bytes),
        (Probe::Maybe, None) => {
            if request(bytes) == Probe::No {
                Probe::Maybe
            } else {
                request(bytes)
            }
        }
        (response, _) => response,
    }
}

/// Whether a response begins here. `HTTP/1.` is enough: nothing else begins so.
pub(super) fn response(bytes: &[u8]) -> Probe {
    const START: &[u8] = b"HTTP/1.";
    let Some(rest) = bytes.strip_prefix(START) else {
        return if START.starts_with(bytes) { Probe::Maybe } else { Probe::No };
    };
    let digit = |at: usize| rest.get(at).is_none_or(u8::is_ascii_digit);
    let fits = digit(0) && rest.get(1).is_none_or(|byte| *byte == b' ') && digit(2) && digit(3) && digit(4);
    if fits { Probe::Yes(Direction::ToClient) } else { Probe::No }
}

/// Whether a request begins here.
pub(super) fn request(bytes: &[u8]) -> Probe {
    // Empty lines before a request line are to be ignored (RFC 9112, section 2.2).
    let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let bytes = bytes.get(blank..).unwrap_or_default();
    let token = bytes.iter().take(MAX_METHOD + 1).take_while(|byte| is_tchar(**byte)).count();
    if token == bytes.len() {
        return if token <= MAX_METHOD && blank <= 4 { Probe::Maybe } else { Probe::No };
    }
    if token == 0 || token > MAX_METHOD || bytes.get(token) != Some(&b' ') {
        return Probe::No;
    }
    let (method, target) = (bytes.get(..token).unwrap_or_default(), bytes.get(token + 1..).unwrap_or_default());
    let end = memchr::memchr(b'\n', target).unwrap_or(target.len());
    let (line, complete) = (target.get(..end).unwrap_or_default(), end < target.len());
    if line.iter().any(|byte| (*byte < 0x20 || *byte == 0x7f) && *byte != b'\r') {
        return Probe::No;
    }
    // More spaces than one are taken for one, as servers do (RFC 9112, section 3).
    let line = line.trim_ascii_start();
    if let Some(at) = memchr::memmem::find(line, b" HTTP/") {
        // More must follow: the version.
        return match line.get(at + 6..at + 8) {
            Some(b"1.") => Probe::Yes(Direction::ToServer),
            None if !complete && line.get(at + 6).is_none_or(|byte| *byte == b'1') => Probe::Maybe,
            _ => Probe::No,
        };
    }
    if complete {
        return Probe::No;
    }
    let path =
        line.len() > LONG_PATH && (line.starts_with(b"/") || line.starts_with(b"http://")) && !line.contains(&b' ');
    match (path && COMMON.contains(&method), bytes.len() < ENOUGH) {
        (true, _) => Probe::Yes(Direction::ToServer),
        (false, true) => Probe::Maybe,
        (false, false) => Probe::No,
    }
}

/// Whether a request begins here, where that is not certain: after a loss, or in mid-connection. `ends_call`: nothing more
/// was sent with these bytes.
pub(super) fn begins_again(bytes: &[u8], ends_call: bool) -> bool {
    match request(bytes) {
        Probe::Yes(_) => is_registered(bytes),
        Probe::Maybe => ends_call && common_start(bytes),
        Probe::No => false,
    }
}

/// Whether bytes that may be the beginning of a request line begin with a common method and a path: enough to take a
/// line up that is split over two writes, after a loss.
fn common_start(bytes: &[u8]) -> bool {
    COMMON.iter().any(|method| bytes.strip_prefix(*method).is_some_and(|rest| rest.starts_with(b" /")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Context = Context { direction: None, from_start: true };

    #[test]
    fn certain_only_on_what_is_certain() {
        let to_server = Probe::Yes(Direction::ToServer);
        for (bytes, verdict) in [
            (&b"GET / HTTP/1.1\r\nHost: x\r\n"[..], to_server),
            (b"\r\nPOST /x?y HTTP/1.0\r\n", to_server),
            (b"BREW /pot HTTP/1.1\r\n", to_server),
            (b"GET http://a/b HTTP/1.", to_server),
            (b"CONNECT a:443 HTTP/1.1\r\n\r\n", to_server),
            (b"GET  /two HTTP/1.1\r\n", to_server),
            (b"GET  ", Probe::Maybe),
            (b"GET  HTTP/1.1\r\n", Probe::No),
            (b"GE", Probe::Maybe),
            (b"GET ", Probe::Maybe),
            (b"GET /index.h", Probe::Maybe),
            (b"GET / HTT", Probe::Maybe),
            (b"GET / HTTP/1", Probe::Maybe),
            (b"\r\n", Probe::Maybe),
            (b"HTTP/1.1 200 OK\r\n", Probe::Yes(Direction::ToClient)),
            (b"HTTP/1.", Probe::Yes(Direction::ToClient)),
            (b"HTT", Probe::Maybe),
            (b"HTTP/1.x", Probe::No),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Probe::No),
            (b"GET key\r\n", Probe::No),
            (b"PING\r\n", Probe::No),
            (b"*1\r\n$4\r\nPING\r\n", Probe::No),
            (b"\x00\x00\x00\x08\x04\xd2\x16\x2f", Probe::No),
            (b"\x16\x03\x01\x02\x00\x01", Probe::No),
            (b"GET /\x00 HTTP/1.1", Probe::No),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Probe::No),
        ] {
            assert_eq!(probe(bytes, ANY), verdict, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_long_path_is_recognised_by_its_method() {
        let long = |method: &str| [method.as_bytes(), b" /", &[b'a'; 600]].concat();
        assert_eq!(probe(&long("GET")[..150], ANY), Probe::Maybe);
        assert_eq!(probe(&long("GET"), ANY), Probe::Yes(Direction::ToServer));
        assert_eq!(probe(&long("BREW")[..400], ANY), Probe::Maybe);
        assert_eq!(probe(&long("BREW"), ANY), Probe::No);
    }

    #[test]
    fn a_known_direction_counts() {
        let to_client = Context { direction: Some(Direction::ToClient), from_start: false };
        assert_eq!(probe(b"GET / HTTP/1.1\r\n", to_client), Probe::No);
        let to_server = Context { direction: Some(Direction::ToServer), from_start: false };
        assert_eq!(probe(b"HTTP/1.1 200 OK\r\n", to_server), Probe::No);
    }
}
