//! Parameters: names and values, each behind its length, of one byte or of four (section 3.4).

use super::{FastCgiExchange, MAX_TARGET};
use crate::http::foreign::Header;
use std::sync::Arc;

/// Longest value that is kept besides the target, bytes.
const MAX_VALUE: usize = 1024;

/// Takes one pair from the front; `None` at the end, or where the rest is missing.
fn pair<'a>(bytes: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut rest = *bytes;
    let (name, value) = (length(&mut rest)?, length(&mut rest)?);
    let (name, rest) = rest.split_at_checked(name)?;
    // A value that was cut off is taken as far as it goes.
    let (value, rest) = rest.split_at_checked(value).unwrap_or((rest, &[]));
    *bytes = rest;
    Some((name, value))
}

fn length(bytes: &mut &[u8]) -> Option<usize> {
    let (first, rest) = bytes.split_first()?;
    if first & 0x80 == 0 {
        *bytes = rest;
        return Some(usize::from(*first));
    }
    let (four, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    usize::try_from(u32::from_be_bytes(*four) & 0x7fff_ffff).ok()
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(&value[..value.len().min(MAX_VALUE)]).into_owned()
}

/// What a request asks, by its parameters as far as they were seen. `None` without a method.
pub(super) fn read(mut bytes: &[u8], is_whole: bool) -> Option<FastCgiExchange> {
    let mut exchange = FastCgiExchange::default();
    let (mut uri, mut script, mut path, mut query) = (None, &[][..], &[][..], &[][..]);
    let mut peer = None;
    while let Some((name, value)) = pair(&mut bytes) {
        match name {
            b"REQUEST_METHOD" => exchange.method = text(value),
            b"REQUEST_URI" => uri = Some(value),
            b"SCRIPT_NAME" => script = value,
            b"PATH_INFO" => path = value,
            b"QUERY_STRING" => query = value,
            b"SERVER_PROTOCOL" => exchange.is_old = value == b"HTTP/1.0",
            b"HTTP_HOST" => exchange.host = Some(text(value)),
            b"HTTP_USER_AGENT" => exchange.user_agent = Some(text(value)),
            b"HTTP_TRACEPARENT" => exchange.traceparent = Some(Arc::from(text(value))),
            b"HTTP_TRACESTATE" => exchange.tracestate = Some(text(value)),
            b"HTTP_X_FORWARDED_FOR" => {
                let first = value.split(|byte| *byte == b',').next().unwrap_or_default();
                exchange.forwarded_for = Some(text(first.trim_ascii()));
            }
            b"REMOTE_ADDR" => peer = Some(value),
            _ => {
                if let Some(header) = name.strip_prefix(b"HTTP_").and_then(Header::named) {
                    exchange.foreign.get_or_insert_default().keep(header, value);
                }
            }
        }
    }
    if exchange.method.is_empty() {
        return None;
    }
    exchange.forwarded_for = exchange.forwarded_for.or_else(|| peer.map(text));
    let target = match uri {
        Some(uri) => uri.to_vec(),
        None if query.is_empty() => [script, path].concat(),
        None => [script, path, b"?", query].concat(),
    };
    exchange.target_truncated = target.len() > MAX_TARGET || uri.is_none() && !is_whole;
    exchange.target = String::from_utf8_lossy(&target[..target.len().min(MAX_TARGET)]).into_owned();
    Some(exchange)
}
