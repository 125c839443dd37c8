//! gRPC (grpc/grpc, `doc/PROTOCOL-HTTP2.md` and `doc/PROTOCOL-WEB.md`), whatever version of HTTP it is over: time-outs and statuses.

use std::borrow::Cow;

use crate::describe::family::{Http, Rpc};
use crate::describe::value::Kind;
use crate::http;
use crate::http::texts::put;

/// Longest text of a status that is kept, bytes.
const MAX_MESSAGE: usize = 512;

/// A call, besides what any exchange has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// `grpc-status` of the trailers, or of the head if there is nothing else.
    pub status: Option<u32>,
    /// `grpc-message`, decoded.
    pub message: String,
    /// `grpc-timeout`: how long the client waits, ns.
    pub timeout_ns: Option<u64>,
    /// Messages of the client; `None` when bytes were not seen that tell.
    pub request_messages: Option<u64>,
    /// Messages of the server.
    pub response_messages: Option<u64>,
}

/// Status codes by their numbers (grpc/grpc, `doc/statuscodes.md`).
const STATUSES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
/// `UNKNOWN`, which any number is that the list does not have.
const UNKNOWN: usize = 2;
/// `UNIMPLEMENTED`: the server has no such method.
const UNIMPLEMENTED: u32 = 12;
/// Codes that are a server's failure. All others but `OK` are its caller's.
const FAILURES: [u32; 6] = [2, 4, UNIMPLEMENTED, 13, 14, 15];

/// Whether a `content-type` is one of gRPC over HTTP/2. `application/grpc-web` is something else.
pub(crate) fn is_content(content_type: &[u8]) -> bool {
    let after = content_type.strip_prefix(b"application/grpc");
    after.is_some_and(|after| matches!(after.first(), None | Some(b'+' | b';')))
}

/// How the bytes of a body of gRPC-Web are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As they are.
    Binary,
    /// In base64, of which each piece may be padded.
    Text,
}

/// How a body of this `content-type` is sent, if it is one of gRPC-Web.
pub(crate) fn web_content(content_type: &[u8]) -> Option<Coding> {
    let name = content_type.split(|byte| matches!(byte, b'+' | b';' | b' ')).next().unwrap_or_default();
    match name {
        _ if name.eq_ignore_ascii_case(b"application/grpc-web") => Some(Coding::Binary),
        _ if name.eq_ignore_ascii_case(b"application/grpc-web-text") => Some(Coding::Text),
        _ => None,
    }
}

impl Call {
    /// In the words of the family; `http` is what carried it.
    pub(crate) fn rpc<'a>(&'a self, http: &Http<'a>) -> Rpc<'a> {
        let method = http.target.strip_prefix('/').filter(|_| !http.target_truncated);
        Rpc {
            system: "grpc",
            method: method.filter(|method| method.contains('/')),
            is_unknown: self.is_unknown_method(),
            is_answered: http.status.is_some(),
            status: self.status_name(),
            authority: http.host,
            version: http.version,
            requests: self.request_messages,
            responses: self.response_messages,
            timeout_ns: self.timeout_ns,
        }
    }

    /// `error.type`, if it failed; `http` is the status of what carried it.
    pub(crate) fn error(&self, http: Option<u16>, kind: Kind) -> Option<Cow<'static, str>> {
        match self.status {
            Some(_) if self.has_failed(kind) => self.status_name().map(Cow::Borrowed),
            Some(_) => None,
            // Whoever answers without a status is mostly a proxy.
            None => http::error(http, kind),
        }
    }

    /// `grpc-status` by its name.
    pub(crate) fn status_name(&self) -> Option<&'static str> {
        let status = usize::try_from(self.status?).unwrap_or(UNKNOWN);
        STATUSES.get(status).or(STATUSES.get(UNKNOWN)).copied()
    }

    /// The server says that it has no such method.
    pub(crate) fn is_unknown_method(&self) -> bool {
        self.status == Some(UNIMPLEMENTED)
    }

    /// Whether the status is a failure, as `kind` of its sides sees it. A client minds each but `OK`.
    pub(crate) fn has_failed(&self, kind: Kind) -> bool {
        self.status.is_some_and(|status| {
            let is_listed = usize::try_from(status).is_ok_and(|status| status < STATUSES.len());
            status != 0 && (kind == Kind::Client || !is_listed || FAILURES.contains(&status))
        })
    }

    /// Keeps `grpc-status`: a number.
    pub(crate) fn keep_status(&mut self, value: &[u8]) {
        let digits = value.iter().all(u8::is_ascii_digit) && (1..=9).contains(&value.len());
        self.status = digits.then(|| value.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')));
    }

    /// Keeps `grpc-message`: percent-encoded UTF-8.
    pub(crate) fn keep_message(&mut self, value: &[u8]) {
        let mut text = Vec::with_capacity(value.len().min(MAX_MESSAGE));
        let mut rest = value;
        while let (Some((first, after)), true) = (rest.split_first(), text.len() < MAX_MESSAGE) {
            rest = after;
            let code = after.get(..2).filter(|_| *first == b'%');
            let code = code.and_then(|code| u8::from_str_radix(str::from_utf8(code).ok()?, 16).ok());
            text.push(code.unwrap_or(*first));
            if code.is_some() {
                rest = after.get(2..).unwrap_or_default();
            }
        }
        put(&mut self.message, &text, MAX_MESSAGE);
    }

    /// Keeps `grpc-timeout`: at most eight digits, and a unit.
    pub(crate) fn keep_timeout(&mut self, value: &[u8]) {
        self.timeout_ns = timeout(value);
    }
}

fn timeout(value: &[u8]) -> Option<u64> {
    let (unit, digits) = value.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0u64, |number, digit| number * 10 + u64::from(digit - b'0'));
    let unit = match unit {
        b'H' => 3_600_000_000_000,
        b'M' => 60_000_000_000,
        b'S' => 1_000_000_000,
        b'm' => 1_000_000,
        b'u' => 1_000,
        b'n' => 1,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_call() {
        let mut call = Call::default();
        call.keep_status(b"14");
        call.keep_message(b"no%20\xe2%82%ac 5%");
        call.keep_timeout(b"250m");
        assert_eq!((call.status, call.timeout_ns), (Some(14), Some(250_000_000)));
        assert_eq!(call.message, "no \u{20ac} 5%");
        for bad in [&b""[..], b"m", b"123456789m", b"1x", b"-1S", b"1"] {
            assert_eq!(timeout(bad), None, "{bad:?}");
        }
        call.keep_status(b"x");
        assert_eq!(call.status, None);
    }

    #[test]
    fn contents() {
        for good in ["application/grpc", "application/grpc+proto", "application/grpc;x=y"] {
            assert!(is_content(good.as_bytes()), "{good}");
        }
        for bad in ["application/grpc-web", "application/grpcx", "application/json", ""] {
            assert!(!is_content(bad.as_bytes()), "{bad}");
        }
        let web = |content_type: &str| web_content(content_type.as_bytes());
        for good in ["application/grpc-web", "application/grpc-web+proto", "Application/gRPC-Web; charset=utf-8"] {
            assert_eq!(web(good), Some(Coding::Binary), "{good}");
        }
        assert_eq!(web("application/grpc-web-text+proto"), Some(Coding::Text));
        for bad in ["application/grpc", "application/grpc-webx", "application/grpc-web-text2", ""] {
            assert_eq!(web(bad), None, "{bad}");
        }
    }
}
