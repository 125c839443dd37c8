//! Request targets (RFC 9112, section 3.2) and authorities (RFC 3986, section 3.2), read leniently: they come from
//! whoever sent them.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::describe::redact::{self, names::Names};

/// A request target, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Scheme of an absolute-form target; for all others what the request says elsewhere, else that of the connection: `http`, unless it is
    /// encrypted.
    pub scheme: &'a str,
    /// Authority of an absolute-form or authority-form target. May hold credentials.
    pub authority: Option<&'a str>,
    /// Path, or `*`; `None` for the authority form (CONNECT), and where truncation cut it away.
    pub path: Option<&'a str>,
    /// What follows the first `?`.
    pub query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// The same on a connection that is encrypted, or not.
    #[must_use]
    pub fn over(mut self, is_encrypted: bool) -> Self {
        if is_encrypted && self.authority.is_none() {
            self.scheme = "https";
        }
        self
    }

    /// Takes `target` apart. `truncated`: its end is missing.
    #[must_use]
    pub fn parse(method: &str, target: &'a str, truncated: bool) -> Self {
        if target.is_empty() && truncated {
            return Self { scheme: "http", authority: None, path: None, query: None };
        }
        // A CONNECT with a path is an extended one (RFC 8441).
        if method == "CONNECT" && !target.starts_with('/') {
            // An authority without its end might be credentials without their `@`.
            return Self { scheme: "http", authority: (!truncated).then_some(target), path: None, query: None };
        }
        let origin_form = || {
            let (path, query) = split_query(target);
            Self { scheme: "http", authority: None, path: Some(path), query }
        };
        // Nearly every target: not worth a search for a scheme.
        if target.starts_with('/') {
            return origin_form();
        }
        let Some((scheme, rest)) = target.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
            return origin_form();
        };
        match rest.find(['/', '?']) {
            None if truncated => Self { scheme, authority: None, path: None, query: None },
            None => Self { scheme, authority: Some(rest), path: Some("/"), query: None },
            Some(end) => {
                let (authority, rest) = rest.split_at(end);
                let (path, query) = split_query(rest);
                let path = if path.is_empty() { "/" } else { path };
                Self { scheme, authority: Some(authority), path: Some(path), query }
            }
        }
    }
}

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 16
        && bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

fn split_query(text: &str) -> (&str, Option<&str>) {
    let found = memchr::memchr(b'?', text.as_bytes());
    match found.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))) {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    }
}

/// Host and port of a `Host` header or an authority. Brackets of an IPv6 literal and credentials are taken off.
/// `None` when there is no host in it, or characters that no host has.
#[must_use]
pub fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    plain(authority).or_else(|| any(authority))
}

/// The usual form, in one pass: a name or an IPv4 address, and perhaps a port.
fn plain(authority: &str) -> Option<(&str, Option<u16>)> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let end = authority.bytes().position(|byte| !is_plain(&byte)).unwrap_or(authority.len());
    let (host, rest) = authority.split_at_checked(end)?;
    if host.is_empty() {
        return None;
    }
    match rest.strip_prefix(':') {
        Some(digits) => Some((host, Some(digits.parse().ok()?))),
        None => rest.is_empty().then_some((host, None)),
    }
}

/// All other forms.
fn any(authority: &str) -> Option<(&str, Option<u16>)> {
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host).trim();
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, after.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let odd = |byte: u8| byte <= b' ' || byte == 0x7f || b"/?#\\\"<>,".contains(&byte);
    if host.is_empty() || host.bytes().any(odd) {
        return None;
    }
    Some((host, port.and_then(|digits| digits.parse().ok())))
}

/// The port that a scheme implies.
#[must_use]
pub fn usual_port(scheme: &str) -> Option<u16> {
    if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("ws") {
        Some(80)
    } else if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss") {
        Some(443)
    } else {
        None
    }
}

/// `url.full`: redacted, and without the port that the scheme implies. A target that names its own authority keeps it
/// as it is; `host` and `port` complete the others.
#[must_use]
pub fn full(target: &Target<'_>, host: &str, port: Option<u16>, secrets: &Names) -> String {
    let path = redact::path(target.path.unwrap_or(""), secrets);
    let query = target.query.map(|query| redact::query(query, secrets));
    let mut url = String::with_capacity(24 + host.len() + path.len() + query.as_deref().map_or(0, str::len));
    match (target.authority, target.path) {
        // CONNECT: the target is the authority alone (RFC 9110, section 7.1).
        (Some(authority), None) => return redact::authority(authority).into_owned(),
        (Some(authority), Some(_)) => {
            url.push_str(target.scheme);
            url.push_str("://");
            url.push_str(&redact::authority(authority));
        }
        (None, _) => {
            url.push_str(target.scheme);
            url.push_str("://");
            let bare_ipv6 = host.contains(':');
            url.push_str(if bare_ipv6 { "[" } else { "" });
            url.push_str(host);
            url.push_str(if bare_ipv6 { "]" } else { "" });
            if let Some(port) = port.filter(|port| Some(*port) != usual_port(target.scheme)) {
                // Writing to a string cannot fail.
                let _ = write!(url, ":{port}");
            }
        }
    }
    // `OPTIONS *` is about the server as a whole: its URL has no path (RFC 9112, section 3.3).
    if path != "*" {
        url.push_str(&path);
    }
    if let Some(query) = query {
        url.push('?');
        url.push_str(&query);
    }
    url
}

/// `url.scheme` as the conventions want it: lower case.
#[must_use]
pub fn scheme(scheme: &str) -> Cow<'static, str> {
    match scheme {
        "http" => Cow::Borrowed("http"),
        "https" => Cow::Borrowed("https"),
        other => Cow::Owned(other.to_ascii_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(method: &str, target: &'a str) -> (&'a str, Option<&'a str>, Option<&'a str>, Option<&'a str>) {
        let target = Target::parse(method, target, false);
        (target.scheme, target.authority, target.path, target.query)
    }

    #[test]
    fn the_four_forms() {
        assert_eq!(parts("GET", "/a/b?c=d?e"), ("http", None, Some("/a/b"), Some("c=d?e")));
        assert_eq!(parts("GET", "/a?"), ("http", None, Some("/a"), Some("")));
        assert_eq!(parts("GET", "http://h:1/a?b"), ("http", Some("h:1"), Some("/a"), Some("b")));
        assert_eq!(parts("GET", "HTTPS://h"), ("HTTPS", Some("h"), Some("/"), None));
        assert_eq!(parts("GET", "http://h?b"), ("http", Some("h"), Some("/"), Some("b")));
        assert_eq!(parts("CONNECT", "h:443"), ("http", Some("h:443"), None, None));
        assert_eq!(parts("OPTIONS", "*"), ("http", None, Some("*"), None));
        assert_eq!(parts("GET", "/r?to=http://x/y"), ("http", None, Some("/r"), Some("to=http://x/y")));
    }

    #[test]
    fn hosts() {
        assert_eq!(host_and_port("example.com"), Some(("example.com", None)));
        assert_eq!(host_and_port("example.com:8080"), Some(("example.com", Some(8080))));
        assert_eq!(host_and_port("[::1]:8080"), Some(("::1", Some(8080))));
        assert_eq!(host_and_port("[::1]"), Some(("::1", None)));
        assert_eq!(host_and_port("u:p@h:1"), Some(("h", Some(1))));
        assert_eq!(host_and_port("h:"), Some(("h", None)));
        assert_eq!(host_and_port("h:99999"), Some(("h", None)));
        for bad in ["", ":80", "[::1", "a b", "a/b", "a\nb"] {
            assert_eq!(host_and_port(bad), None, "{bad}");
        }
        for text in ["h", "h:", "h:1", "h:+1", "a-b.c:80", "1.2.3.4:5", "h:1:2", "h:1@i:2", "h:x", " h:1", "h ", "é:1"]
        {
            assert_eq!(host_and_port(text), any(text), "{text}");
        }
    }

    #[test]
    fn full_urls() {
        let url = |method: &str, target: &str, host: &str, port| {
            full(&Target::parse(method, target, false), host, port, &Names::default())
        };
        assert_eq!(url("GET", "/a?b=c", "h", Some(80)), "http://h/a?b=c");
        assert_eq!(url("GET", "/a", "h", Some(8080)), "http://h:8080/a");
        assert_eq!(url("GET", "/a", "::1", Some(8080)), "http://[::1]:8080/a");
        assert_eq!(url("GET", "/?sig=x", "h", None), "http://h/?sig=REDACTED");
        assert_eq!(
            url("GET", "http://u:p@x:1/a?sig=x", "h", Some(3128)),
            "http://REDACTED:REDACTED@x:1/a?sig=REDACTED"
        );
        assert_eq!(url("CONNECT", "x:443", "h", Some(3128)), "x:443");
        assert_eq!(url("OPTIONS", "*", "h", Some(81)), "http://h:81");
    }

    #[test]
    fn credentials_that_lost_their_end_are_not_shown() {
        let target = Target::parse("GET", "http://user:passw", true);
        assert_eq!(full(&target, "h", Some(80), &Names::default()), "http://h");
        assert_eq!(Target::parse("CONNECT", "user:passw", true).authority, None);
    }
}
