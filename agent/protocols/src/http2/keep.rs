//! What of the fields of a request and of a response is kept.

use super::hpack::Field;
use super::names::Name;
use super::{Http2Exchange, MAX_TARGET};
use crate::describe::headers::Headers;
use crate::http::forwarded::{first_address, forwarded_for};
use crate::http::otlp;
use crate::http::texts::{method, put, text};
use crate::rpc::grpc::{self, Coding};
use crate::stream::Direction;

/// What a block had, besides what is kept.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// `:path`.
    pub(super) path: bool,
    /// `content-type`.
    pub(super) content_type: bool,
    /// How the body is sent, if that says that it is one of gRPC-Web.
    pub(super) coding: Option<Coding>,
    /// `:status`.
    pub(super) status: Option<u16>,
    /// `content-length`.
    pub(super) length: Option<u64>,
    /// `grpc-status`.
    pub(super) grpc_status: bool,
    /// Fields that refer to what was lost.
    pub(super) lost: bool,
}

/// Keeps a field of a request.
pub(super) fn request(exchange: &mut Http2Exchange, seen: &mut Seen, field: &Field<'_>, headers: &Headers) {
    let value = field.value;
    match field.kind {
        Name::Method => exchange.method = method(value),
        Name::Path => {
            seen.path = true;
            put(&mut exchange.target, value, MAX_TARGET);
            exchange.target_truncated = value.len() > MAX_TARGET;
        }
        Name::Scheme => {
            exchange.scheme = match value {
                b"http" => "http".into(),
                b"https" => "https".into(),
                _ => text::<String>(value, 32).into(),
            };
        }
        Name::Authority => {
            let host = exchange.buffers.text(value, 255);
            let before = exchange.host.replace(host);
            exchange.buffers.take(&mut { before });
        }
        Name::Host if exchange.host.is_none() => exchange.host = Some(exchange.buffers.text(value, 255)),
        Name::UserAgent if exchange.user_agent.is_none() => {
            exchange.user_agent = Some(exchange.buffers.text(value, 512));
        }
        Name::TraceParent if exchange.traceparent.is_none() => exchange.traceparent = Some(text(value, 128)),
        Name::TraceState => match &mut exchange.tracestate {
            None => exchange.tracestate = Some(exchange.buffers.text(value, 512)),
            // It may be sent in several fields (W3C Trace Context, section 3.3.1).
            Some(before) if before.len() + value.len() < 512 => {
                before.push(',');
                before.push_str(&String::from_utf8_lossy(value));
            }
            Some(_) => {}
        },
        Name::ForwardedFor => keep_address(exchange, first_address(value)),
        Name::Forwarded => keep_address(exchange, forwarded_for(value)),
        Name::Foreign(header) => exchange.foreign.get_or_insert_default().keep(header, value),
        Name::ContentType => {
            seen.content_type = true;
            exchange.has_otlp_type = otlp::is_encoding(value);
            keep_content(exchange, seen, value);
        }
        Name::GrpcTimeout => exchange.call.get_or_insert_default().keep_timeout(value),
        Name::Unknown => seen.lost = true,
        _ => {}
    }
    if !headers.is_empty() {
        headers.keep_field(Direction::ToServer, field.name, value, &mut exchange.kept);
    }
}

/// Whoever sends messages makes a call, or answers one.
fn keep_content(exchange: &mut Http2Exchange, seen: &mut Seen, content_type: &[u8]) {
    seen.coding = grpc::web_content(content_type);
    if seen.coding.is_some() || grpc::is_content(content_type) {
        exchange.call.get_or_insert_default();
    }
}

fn keep_address(exchange: &mut Http2Exchange, address: Option<&[u8]>) {
    if exchange.forwarded_for.is_none()
        && let Some(address) = address
    {
        exchange.forwarded_for = Some(exchange.buffers.text(address, 64));
    }
}

/// Keeps a field of a response's head or of its trailers.
pub(super) fn response(exchange: &mut Http2Exchange, seen: &mut Seen, field: &Field<'_>, headers: &Headers) {
    let value = field.value;
    match field.kind {
        Name::Status => {
            let [a, b, c] = *value else { return };
            if value.iter().all(u8::is_ascii_digit) {
                let digit = |byte: u8| u16::from(byte - b'0');
                seen.status = Some(digit(a) * 100 + digit(b) * 10 + digit(c));
            }
        }
        Name::ContentType => {
            seen.content_type = true;
            keep_content(exchange, seen, value);
        }
        Name::ContentLength => seen.length = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()),
        Name::GrpcStatus => {
            seen.grpc_status = true;
            exchange.call.get_or_insert_default().keep_status(value);
        }
        Name::GrpcMessage => exchange.call.get_or_insert_default().keep_message(value),
        Name::Unknown => seen.lost = true,
        _ => {}
    }
    if !headers.is_empty() && seen.status.is_some_and(|status| status >= 200) {
        headers.keep_field(Direction::ToClient, field.name, value, &mut exchange.kept);
    }
}
