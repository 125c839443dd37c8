//! Start lines (RFC 9112, sections 3 and 4).

use super::again::blank;
use super::fields::{is_tchar, is_text};
use super::lines::Line;
use super::{HttpExchange, MAX_TARGET};
use crate::exchange::detail::Detail;
use crate::http::texts::{MAX_METHOD, method as known_method, put, text};

/// The methods of the IANA registry (HTTP Method Registry, 2026), but for `PRI`, which begins HTTP/2.
const REGISTERED: [&[u8]; 39] = [
    b"GET",
    b"POST",
    b"PUT",
    b"HEAD",
    b"DELETE",
    b"PATCH",
    b"OPTIONS",
    b"CONNECT",
    b"TRACE",
    b"QUERY",
    b"ACL",
    b"BASELINE-CONTROL",
    b"BIND",
    b"CHECKIN",
    b"CHECKOUT",
    b"COPY",
    b"LABEL",
    b"LINK",
    b"LOCK",
    b"MERGE",
    b"MKACTIVITY",
    b"MKCALENDAR",
    b"MKCOL",
    b"MKREDIRECTREF",
    b"MKWORKSPACE",
    b"MOVE",
    b"ORDERPATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"REBIND",
    b"REPORT",
    b"SEARCH",
    b"UNBIND",
    b"UNCHECKOUT",
    b"UNLINK",
    b"UNLOCK",
    b"UPDATE",
    b"UPDATEREDIRECTREF",
    b"VERSION-CONTROL",
];

/// Whether these bytes begin with a registered method and a space. Where it is not certain that a request begins, and where
/// its line is not whole, nothing else is taken for one: any word of a body may be a method.
pub(super) fn is_registered(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    method(bytes).is_some_and(|(method, _)| REGISTERED.contains(&method))
}

/// Parses a request line. Spaces within the target are kept: servers differ, and the line's end is unmistakable.
pub(super) fn request_line(line: Line<'_>, spare: &mut Option<Box<dyn Detail>>) -> Option<Box<HttpExchange>> {
    let (line, long) = match line {
        Line::Whole(line) => (line, false),
        Line::Long(line) => (line, true),
        Line::Cut(_) => return None,
    };
    let (method, _) = method(line)?;
    let (rest, version) = line.trim_ascii_end().split_last_chunk::<9>()?;
    let minor = version.strip_prefix(b" HTTP/1.")?.first().filter(|minor| minor.is_ascii_digit())?;
    let target = rest.get(method.len() + 1..).unwrap_or_default().trim_ascii();
    if target.is_empty() || !is_text(target) {
        return None;
    }
    let mut exchange = blank(spare);
    exchange.method = known_method(method);
    put(&mut exchange.target, target, MAX_TARGET);
    exchange.target_truncated = long || target.len() > MAX_TARGET;
    exchange.version_minor = (minor - b'0').min(1);
    Some(exchange)
}

/// The method at the beginning of a request line, and what follows it: a space and more.
fn method(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let near = line.get(..MAX_METHOD + 1).unwrap_or(line);
    let len = near.iter().position(|byte| !is_tchar(*byte))?;
    let (method, rest) = line.split_at(len);
    (!method.is_empty() && rest.starts_with(b" ")).then_some((method, rest))
}

/// As much of a request line as is there: at least a registered method and the space behind it.
pub(super) fn request_start(line: &[u8]) -> Option<Box<HttpExchange>> {
    let (method, target) = method(line).filter(|(method, _)| REGISTERED.contains(method))?;
    let target = target.trim_ascii();
    let target = target.get(..memchr::memchr(b' ', target).unwrap_or(target.len())).unwrap_or_default();
    Some(Box::new(HttpExchange {
        method: known_method(method),
        target: text(target, MAX_TARGET),
        target_truncated: true,
        version_minor: 1,
        ..HttpExchange::default()
    }))
}

/// Parses a status line, or as much of it as reaches the status code's end.
pub(super) fn status_line(line: &[u8]) -> Option<u16> {
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let (minor, rest) = rest.split_first()?;
    let digits = rest.strip_prefix(b" ")?.trim_ascii_start();
    let (code, after) = digits.split_at_checked(3)?;
    if !minor.is_ascii_digit()
        || !code.iter().all(u8::is_ascii_digit)
        || !matches!(after.first(), None | Some(b' ' | b'\r' | b'\n'))
    {
        return None;
    }
    let status = code.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    (status >= 100).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_lines() {
        let line = |line: &'static [u8]| {
            request_line(Line::Whole(line), &mut None).map(|e| (e.method, e.target, e.version_minor))
        };
        assert_eq!(line(b"GET / HTTP/1.1"), Some(("GET".into(), "/".into(), 1)));
        assert_eq!(line(b"M-SEARCH * HTTP/1.0"), Some(("M-SEARCH".into(), "*".into(), 0)));
        assert_eq!(line(b"GET  /a HTTP/1.1"), Some(("GET".into(), "/a".into(), 1)));
        assert_eq!(line(b"GET /a b HTTP/1.1"), Some(("GET".into(), "/a b".into(), 1)));
        for bad in [
            &b"GET /"[..],
            b"GET HTTP/1.1",
            b"PRI * HTTP/2.0",
            b"G(T / HTTP/1.1",
            b" / HTTP/1.1",
            b"GET /\x01 HTTP/1.1",
        ] {
            assert_eq!(line(bad), None, "{}", String::from_utf8_lossy(bad));
        }
        assert!(is_registered(b"GET /") && is_registered(b"VERSION-CONTROL /"));
        assert!(!is_registered(b"BREW /") && !is_registered(b"GET") && !is_registered(b"XGET /"));
        assert!(request_start(b"s3cr3t /").is_none() && request_start(b"GET /a").is_some());
        assert_eq!(status_line(b"HTTP/1.1 200 OK"), Some(200));
        assert_eq!(status_line(b"HTTP/1.0 404"), Some(404));
        for bad in [&b"HTTP/2 200"[..], b"HTTP/1.1 20", b"HTTP/1.1 2000", b"HTTP/1.1 abc", b"HTTP/1.1 099 x"] {
            assert_eq!(status_line(bad), None);
        }
    }
}
