//! Reading single values: variables, URLs, header lists.

use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::{Invalid, Signal};

/// Where a value comes from, and the warnings on the way.
pub(super) struct Reader<'a> {
    pub signal: Signal,
    env: &'a dyn Fn(&str) -> Option<String>,
    pub warnings: Vec<String>,
}

fn invalid(name: &str, problem: impl Into<String>) -> Invalid {
    Invalid { name: name.to_owned(), problem: problem.into() }
}

impl<'a> Reader<'a> {
    pub fn new(env: &'a dyn Fn(&str) -> Option<String>, signal: Signal) -> Self {
        Self { signal, env, warnings: Vec::new() }
    }

    /// A variable; an empty one counts as unset.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.env)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Name of the signal's own variable.
    pub fn own(&self, suffix: &str) -> String {
        format!("OTEL_EXPORTER_OTLP_{}_{suffix}", self.signal.name())
    }

    /// The signal's own variable (`OTEL_EXPORTER_OTLP_TRACES_…`) or else `OTEL_EXPORTER_OTLP_…`; the name is that of the one found.
    pub fn variable(&self, suffix: &str) -> (String, Option<String>) {
        let own = self.own(suffix);
        if let Some(value) = self.get(&own) {
            return (own, Some(value));
        }
        let general = format!("OTEL_EXPORTER_OTLP_{suffix}");
        let value = self.get(&general);
        (general, value)
    }

    /// One of several names; case does not matter. Anything else is a warning, and unset.
    pub fn one_of<T: Copy>(&mut self, name: &str, value: &str, known: &[(&str, T)]) -> Option<T> {
        let found = known.iter().find(|(text, _)| text.eq_ignore_ascii_case(value)).map(|(_, one)| *one);
        if found.is_none() {
            let names: Vec<_> = known.iter().map(|(text, _)| *text).collect();
            self.warnings.push(format!("{name}: '{value}' is not supported and ignored (known: {})", names.join(", ")));
        }
        found
    }

    /// Several names with commas between them; `None` if the variable is unset or none is known.
    pub fn list<T: Copy>(&mut self, name: &str, known: &[(&str, T)]) -> Option<Vec<T>> {
        let value = self.get(name)?;
        let items: Vec<T> = value.split(',').filter_map(|item| self.one_of(name, item.trim(), known)).collect();
        (!items.is_empty()).then_some(items)
    }

    /// A positive number.
    pub fn count(&self, name: &str, default: usize) -> Result<usize, Invalid> {
        let Some(value) = self.get(name) else { return Ok(default) };
        let number: Option<usize> = value.parse().ok().filter(|number| (1..=MAX_COUNT).contains(number));
        number.ok_or_else(|| invalid(name, format!("'{value}' is not a whole number from 1 to {MAX_COUNT}")))
    }

    /// A number of milliseconds.
    pub fn millis(&self, name: &str, default: u64) -> Result<Duration, Invalid> {
        let Some(value) = self.get(name) else { return Ok(Duration::from_millis(default)) };
        let number: Option<u32> = value.parse().ok();
        number
            .map(|number| Duration::from_millis(number.into()))
            .ok_or_else(|| invalid(name, format!("'{value}' is not a number of milliseconds (0 to {})", u32::MAX)))
    }

    /// [`Reader::millis`] of a variable that exists for the signal and in general.
    pub fn signal_millis(&self, suffix: &str, default: u64) -> Result<Duration, Invalid> {
        let (name, _) = self.variable(suffix);
        self.millis(&name, default)
    }
}

/// The queue holds memory: about a kilobyte for each span.
const MAX_COUNT: usize = 1_000_000;

/// A URL with `http` or `https`, a host, and no credentials. The message does not quote it: it may hold a secret.
fn url(name: &str, text: &str, example: &str) -> Result<Uri, Invalid> {
    let uri: Uri = text.parse().map_err(|_| invalid(name, format!("not a URL; expected one like {example}")))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(invalid(name, format!("expected a URL with http:// or https:// and a host, like {example}")));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(invalid(name, "credentials in the URL are not sent: put them in OTEL_EXPORTER_OTLP_HEADERS"));
    }
    // `Uri` accepts any digits after the colon, and has no port then.
    let after_host = uri.authority().zip(uri.host()).and_then(|(all, host)| all.as_str().strip_prefix(host));
    if after_host.is_some_and(|port| !port.is_empty()) && uri.port_u16().is_none_or(|port| port == 0) {
        return Err(invalid(name, format!("the port is not a number from 1 to 65535; expected a URL like {example}")));
    }
    Ok(uri)
}

/// The URL for HTTP: a base gets the signal's path appended (`v1/traces`), the signal's own URL is used as it is.
pub(super) fn http_endpoint(signal: Signal, name: &str, text: &str, is_base: bool) -> Result<Uri, Invalid> {
    let example = if is_base { "http://localhost:4318".to_owned() } else { signal.usual_url() };
    let uri = url(name, text, &example)?;
    if !is_base {
        return Ok(uri);
    }
    let path = format!("{}/{}", uri.path().trim_end_matches('/'), signal.path());
    let path = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = uri.into_parts();
    let path: PathAndQuery = path.parse().map_err(|_| invalid(name, "not a URL that a path can be appended to"))?;
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map_err(|_| invalid(name, "not a URL that a path can be appended to"))
}

/// The URL for gRPC: without a scheme it is TLS, unless `OTEL_EXPORTER_OTLP_INSECURE` is true.
pub(super) fn grpc_endpoint(name: &str, text: &str, insecure: bool) -> Result<Uri, Invalid> {
    let example = "http://localhost:4317";
    if text.contains("://") {
        return url(name, text, example);
    }
    url(name, &format!("{}://{text}", if insecure { "http" } else { "https" }), example)
}

/// `key=value,key=value`, values percent-encoded (W3C Baggage without properties).
pub(super) fn headers(name: &str, text: &str) -> Result<HeaderMap, Invalid> {
    let mut headers = HeaderMap::new();
    for (index, item) in text.split(',').enumerate().filter(|(_, item)| !item.trim().is_empty()) {
        let wrong =
            |problem: &str| invalid(name, format!("entry {}: {problem}; expected key=value,key=value", index + 1));
        let (key, value) = item.split_once('=').ok_or_else(|| wrong("no '='"))?;
        let key: HeaderName = key.trim().parse().map_err(|_| wrong("the key is not a header name"))?;
        if is_reserved(key.as_str()) {
            let problem = format!("entry {}: `{key}` is part of how a request is sent and cannot be set", index + 1);
            return Err(invalid(name, problem));
        }
        let value = percent_decoded(value.trim()).ok_or_else(|| wrong("a '%' without two hexadecimal digits"))?;
        let mut value = HeaderValue::from_bytes(&value).map_err(|_| wrong("the value is not one of a header"))?;
        value.set_sensitive(true);
        headers.append(key, value);
    }
    Ok(headers)
}

/// Headers that frame a request, belong to one connection, or say what the body is: another value would tear requests.
fn is_reserved(key: &str) -> bool {
    key.starts_with("grpc-")
        || matches!(
            key,
            "accept-encoding"
                | "connection"
                | "content-encoding"
                | "content-length"
                | "content-type"
                | "expect"
                | "keep-alive"
                | "proxy-connection"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
        )
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}
