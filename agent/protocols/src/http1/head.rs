//! Start lines, header fields, and what they say about framing (RFC 9112, sections 3 to 6).

use super::HttpExchange;
use crate::http1::MAX_TARGET;
use crate::http1::lines::Line;

/// Longest method token. The longest registered one has 17 letters.
pub(super) const MAX_METHOD: usize = 64;

/// The header fields that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Host,
    ContentLength,
    TransferEncoding,
    Expect,
    UserAgent,
    TraceParent,
    TraceState,
    ForwardedFor,
    Forwarded,
}

/// What a line of a header block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    /// The end of the block.
    End,
    /// A field that matters, and its value.
    Field(Field, &'a [u8]),
    /// The continuation of the field before (obs-fold).
    Fold(&'a [u8]),
    /// Another field, or something broken.
    Other,
}

/// Recognises a header line.
pub(super) fn shape(line: &[u8]) -> Shape<'_> {
    let Some(&first) = line.first() else { return Shape::End };
    let candidates: &[(&[u8], Field)] = match first | 0x20 {
        b'h' => &[(b"host", Field::Host)],
        b'c' => &[(b"content-length", Field::ContentLength)],
        b't' => &[
            (b"transfer-encoding", Field::TransferEncoding),
            (b"traceparent", Field::TraceParent),
            (b"tracestate", Field::TraceState),
        ],
        b'e' => &[(b"expect", Field::Expect)],
        b'u' => &[(b"user-agent", Field::UserAgent)],
        b'x' => &[(b"x-forwarded-for", Field::ForwardedFor)],
        b'f' => &[(b"forwarded", Field::Forwarded)],
        _ if first == b' ' || first == b'\t' => return Shape::Fold(line.trim_ascii()),
        _ => return Shape::Other,
    };
    for (name, field) in candidates {
        let Some((start, rest)) = line.split_at_checked(name.len()) else { continue };
        if start.eq_ignore_ascii_case(name)
            && let Some(value) = rest.trim_ascii_start().strip_prefix(b":")
        {
            return Shape::Field(*field, value.trim_ascii());
        }
    }
    Shape::Other
}

/// Whether a line has the form of a header field: a token and a colon.
pub(super) fn is_field(line: &[u8]) -> bool {
    match memchr::memchr(b':', line) {
        Some(0) | None => false,
        Some(at) => line.iter().take(at).all(|byte| is_tchar(*byte)) && is_text(line),
    }
}

/// Whether these bytes can be part of a header line: no control characters.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte >= 0x20 && *byte != 0x7f || *byte == b'\t')
}

/// `tchar` of RFC 9110, section 5.6.2.
pub(super) fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Transfer {
    #[default]
    None,
    Chunked,
    /// Something whose last coding is not `chunked`.
    Other,
}

/// How a header block says that its body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// It says nothing.
    Silent,
    /// `Content-Length`.
    Length(u64),
    /// `Transfer-Encoding` that ends in `chunked`; wins over a length.
    Chunked,
    /// Another transfer coding: a response ends with the connection, a request is an error.
    Coded,
    /// Contradictory or unreadable lengths, or a loss that may have held the answer.
    Unknown,
}

/// What a header block said so far about framing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head {
    length: Option<u64>,
    bad_length: bool,
    transfer: Transfer,
    /// Bytes of the block were lost.
    pub(super) lossy: bool,
    /// A line that is certainly a header field came after the loss.
    pub(super) found_again: bool,
    /// `Expect: 100-continue`.
    pub(super) expects: bool,
    last: Option<Field>,
}

impl Head {
    /// Takes what a line says. Returns a field whose value is for someone else.
    pub(super) fn take<'a>(&mut self, shape: Shape<'a>) -> Option<(Field, &'a [u8], bool)> {
        let (field, value, folded) = match shape {
            Shape::Field(field, value) => (field, value, false),
            Shape::Fold(value) => (self.last?, value, true),
            Shape::End | Shape::Other => {
                self.last = None;
                return None;
            }
        };
        self.last = Some(field);
        match field {
            Field::ContentLength => self.content_length(value),
            Field::TransferEncoding => self.transfer_encoding(value),
            Field::Expect => self.expects = value.eq_ignore_ascii_case(b"100-continue"),
            _ => return Some((field, value, folded)),
        }
        None
    }

    /// The length that was declared, whether or not it counts.
    pub(super) fn declared_length(&self) -> Option<u64> {
        if self.bad_length || self.transfer != Transfer::None { None } else { self.length }
    }

    /// What the block says about framing, now that it has ended.
    pub(super) fn framing(&self) -> Framing {
        match (self.transfer, self.bad_length, self.length) {
            (Transfer::Chunked, ..) => Framing::Chunked,
            (Transfer::Other, ..) => Framing::Coded,
            (Transfer::None, true, _) => Framing::Unknown,
            (Transfer::None, false, Some(length)) => Framing::Length(length),
            (Transfer::None, false, None) if self.lossy => Framing::Unknown,
            (Transfer::None, false, None) => Framing::Silent,
        }
    }

    /// Bytes of the block were lost.
    pub(super) fn lose(&mut self) {
        self.lossy = true;
        self.found_again = false;
        self.last = None;
    }

    /// The same length may be repeated, in a list or in several fields (RFC 9112, section 6.3).
    fn content_length(&mut self, value: &[u8]) {
        for item in value.split(|byte| *byte == b',') {
            let item = item.trim_ascii();
            if item.is_empty() {
                // `Content-Length:` alone, whose value may follow folded.
                continue;
            }
            let mut number = Some(0u64);
            for byte in item {
                let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
                number = number.zip(digit).and_then(|(number, digit)| number.checked_mul(10)?.checked_add(digit));
            }
            match (number, self.length) {
                (None, _) => self.bad_length = true,
                (Some(number), Some(before)) if number != before => self.bad_length = true,
                (Some(number), _) => self.length = Some(number),
            }
        }
    }

    fn transfer_encoding(&mut self, value: &[u8]) {
        let last = value.rsplit(|byte| *byte == b',').map(<[u8]>::trim_ascii).find(|coding| !coding.is_empty());
        let Some(last) = last else { return };
        let coding = last.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        self.transfer = if coding.eq_ignore_ascii_case(b"chunked") {
            Transfer::Chunked
        } else if coding.eq_ignore_ascii_case(b"identity") && self.transfer == Transfer::None {
            Transfer::None
        } else {
            Transfer::Other
        };
    }
}

/// Text of the wire, capped.
pub(super) fn text(bytes: &[u8], cap: usize) -> Box<str> {
    String::from_utf8_lossy(bytes.get(..cap).unwrap_or(bytes)).into_owned().into_boxed_str()
}

/// Parses a request line. Spaces within the target are kept: servers differ, and the line's end is unmistakable.
pub(super) fn request_line(line: Line<'_>) -> Option<Box<HttpExchange>> {
    let (line, long) = match line {
        Line::Whole(line) => (line, false),
        Line::Long(line) => (line, true),
        Line::Cut(_) => return None,
    };
    let (method, _) = method(line)?;
    let line = line.trim_ascii_end();
    let (rest, version) = line.split_at_checked(line.len().checked_sub(9)?)?;
    let minor = version.strip_prefix(b" HTTP/1.")?.first().filter(|minor| minor.is_ascii_digit())?;
    let target = rest.get(method.len() + 1..).unwrap_or_default().trim_ascii();
    if target.is_empty() || !is_text(target) {
        return None;
    }
    Some(Box::new(HttpExchange {
        method: text(method, MAX_METHOD),
        target: text(target, MAX_TARGET),
        target_truncated: long || target.len() > MAX_TARGET,
        version_minor: (minor - b'0').min(1),
        ..HttpExchange::default()
    }))
}

/// The method at the beginning of a request line, and what follows the space behind it.
fn method(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b' ', line.get(..line.len().min(MAX_METHOD + 1))?)?;
    let (method, rest) = line.split_at(at);
    (!method.is_empty() && method.iter().all(|byte| is_tchar(*byte))).then_some((method, rest))
}

/// As much of a request line as is there: at least the method and the space behind it.
pub(super) fn request_start(line: &[u8]) -> Option<Box<HttpExchange>> {
    let (method, target) = method(line)?;
    let target = target.trim_ascii();
    let target = target.get(..memchr::memchr(b' ', target).unwrap_or(target.len())).unwrap_or_default();
    Some(Box::new(HttpExchange {
        method: text(method, MAX_METHOD),
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

/// Keeps a request field that a span needs. The first one counts; folded continuations are appended.
pub(super) fn keep(exchange: &mut HttpExchange, field: Field, value: &[u8], folded: bool) {
    let (slot, cap) = match field {
        Field::Host => (&mut exchange.host, 255),
        Field::UserAgent => (&mut exchange.user_agent, 512),
        Field::TraceParent => (&mut exchange.traceparent, 128),
        Field::TraceState => (&mut exchange.tracestate, 512),
        Field::ForwardedFor => return keep_address(exchange, first_address(value)),
        Field::Forwarded => return keep_address(exchange, forwarded_for(value)),
        Field::ContentLength | Field::TransferEncoding | Field::Expect => return,
    };
    match slot {
        None => *slot = Some(text(value, cap)),
        Some(before) if folded && before.len() + value.len() < cap => {
            let joined = if before.is_empty() { String::new() } else { format!("{before} ") };
            *slot = Some((joined + &String::from_utf8_lossy(value)).into_boxed_str());
        }
        // `tracestate` may be sent in several fields (W3C Trace Context, section 3.3.1).
        Some(before) if field == Field::TraceState && before.len() + value.len() < cap => {
            *slot = Some(format!("{before},{}", String::from_utf8_lossy(value)).into_boxed_str());
        }
        Some(_) => {}
    }
}

fn keep_address(exchange: &mut HttpExchange, address: Option<&[u8]>) {
    if exchange.forwarded_for.is_none()
        && let Some(address) = address
    {
        exchange.forwarded_for = Some(text(address, 64));
    }
}

/// The first address of `X-Forwarded-For`, without a port.
fn first_address(value: &[u8]) -> Option<&[u8]> {
    bare_address(value.split(|byte| *byte == b',').next()?)
}

/// The first `for=` of `Forwarded` (RFC 7239, section 5.2).
fn forwarded_for(value: &[u8]) -> Option<&[u8]> {
    let element = value.split(|byte| *byte == b',').next()?;
    element.split(|byte| *byte == b';').find_map(|pair| {
        let (name, node) = pair.trim_ascii().split_at_checked(4)?;
        name.eq_ignore_ascii_case(b"for=").then(|| bare_address(node))?
    })
}

fn bare_address(node: &[u8]) -> Option<&[u8]> {
    let node = node.trim_ascii();
    let node = node.strip_prefix(b"\"").unwrap_or(node);
    let node = node.strip_suffix(b"\"").unwrap_or(node);
    let address = if let Some(v6) = node.strip_prefix(b"[") {
        v6.get(..memchr::memchr(b']', v6)?)?
    } else if node.iter().filter(|byte| **byte == b':').count() == 1 {
        node.split(|byte| *byte == b':').next()?
    } else {
        node
    };
    // Obfuscated identifiers and `unknown` are no addresses.
    let is_address = !address.is_empty() && !address.starts_with(b"_") && !address.eq_ignore_ascii_case(b"unknown");
    is_address.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(lines: &[&[u8]]) -> Framing {
        let mut head = Head::default();
        for line in lines {
            head.take(shape(line));
        }
        head.framing()
    }

    #[test]
    fn framing_follows_the_rfc() {
        assert_eq!(framing(&[b"Accept: */*"]), Framing::Silent);
        assert_eq!(framing(&[b"content-LENGTH:7"]), Framing::Length(7));
        assert_eq!(framing(&[b"Content-Length:", b"  7"]), Framing::Length(7));
        assert_eq!(framing(&[b"Content-Length: 7", b"Content-Length: 7, 7"]), Framing::Length(7));
        assert_eq!(framing(&[b"Content-Length: 7", b"Content-Length: 8"]), Framing::Unknown);
        assert_eq!(framing(&[b"Content-Length: -1"]), Framing::Unknown);
        assert_eq!(framing(&[b"Content-Length: 99999999999999999999999"]), Framing::Unknown);
        assert_eq!(framing(&[b"Content-Length: 7", b"Transfer-Encoding: Chunked"]), Framing::Chunked);
        assert_eq!(framing(&[b"Transfer-Encoding: gzip, chunked"]), Framing::Chunked);
        assert_eq!(framing(&[b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"]), Framing::Chunked);
        assert_eq!(framing(&[b"Transfer-Encoding: gzip"]), Framing::Coded);
        assert_eq!(framing(&[b"Content-Lengths: 7", b"X-Content-Length: 7"]), Framing::Silent);
    }

    #[test]
    fn start_lines() {
        let line = |line: &'static [u8]| request_line(Line::Whole(line)).map(|e| (e.method, e.target, e.version_minor));
        assert_eq!(line(b"GET / HTTP/1.1"), Some(("GET".into(), "/".into(), 1)));
        assert_eq!(line(b"M-SEARCH * HTTP/1.0"), Some(("M-SEARCH".into(), "*".into(), 0)));
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
        assert_eq!(status_line(b"HTTP/1.1 200 OK"), Some(200));
        assert_eq!(status_line(b"HTTP/1.0 404"), Some(404));
        for bad in [&b"HTTP/2 200"[..], b"HTTP/1.1 20", b"HTTP/1.1 2000", b"HTTP/1.1 abc", b"HTTP/1.1 099 x"] {
            assert_eq!(status_line(bad), None);
        }
    }

    #[test]
    fn the_client_behind_proxies() {
        let address = |field, value: &[u8]| {
            let mut exchange = HttpExchange::default();
            keep(&mut exchange, field, value, false);
            exchange.forwarded_for.map(String::from)
        };
        assert_eq!(address(Field::ForwardedFor, b"203.0.113.7, 10.0.0.1").as_deref(), Some("203.0.113.7"));
        assert_eq!(address(Field::ForwardedFor, b"203.0.113.7:4711").as_deref(), Some("203.0.113.7"));
        assert_eq!(address(Field::ForwardedFor, b"2001:db8::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(
            address(Field::Forwarded, b"proto=http; For=\"[2001:db8::1]:80\", for=x").as_deref(),
            Some("2001:db8::1")
        );
        assert_eq!(address(Field::Forwarded, b"for=unknown"), None);
        assert_eq!(address(Field::Forwarded, b"for=_gazonk"), None);
    }
}
