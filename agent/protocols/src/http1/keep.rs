//! What of a request's header fields is kept for its span.

use super::HttpExchange;
use super::fields::Field;
use super::head::Head;
use crate::describe::headers::Headers;
use crate::http::forwarded::{first_address, forwarded_for};
use crate::http::otlp;
use crate::http::texts::text;
use crate::rpc::grpc;
use crate::stream::Direction;

/// Reads the lines of a request's header block that are whole, as [`Head::read`] does, and keeps what is wanted of them.
pub(super) fn read_head(
    head: &mut Head,
    bytes: &[u8],
    detail: Option<&mut HttpExchange>,
    headers: &Headers,
) -> (usize, bool) {
    let Some(detail) = detail else { return head.read(bytes, |_| {}, |_, _, _| {}) };
    let mut asked = std::mem::take(&mut detail.kept);
    let read = head.read(
        bytes,
        |line| headers.keep(Direction::ToServer, line, &mut asked),
        |field, value, folded| keep(detail, field, value, folded),
    );
    detail.kept = asked;
    read
}

/// Keeps a request field that a span needs. The first one counts; folded continuations are appended.
pub(super) fn keep(exchange: &mut HttpExchange, field: Field, value: &[u8], folded: bool) {
    let (slot, cap) = match field {
        Field::Host => (&mut exchange.host, 255),
        Field::UserAgent => (&mut exchange.user_agent, 512),
        Field::TraceParent => return keep_parent(exchange, value, folded),
        Field::TraceState => (&mut exchange.tracestate, 512),
        Field::ForwardedFor => return keep_address(exchange, first_address(value)),
        Field::Forwarded => return keep_address(exchange, forwarded_for(value)),
        Field::Foreign(header) if !folded => {
            return exchange.foreign.get_or_insert_default().keep(header, value);
        }
        Field::ContentType if !folded => {
            exchange.has_otlp_type = otlp::is_encoding(value);
            if grpc::web_content(value).is_some() {
                exchange.call.get_or_insert_default();
            }
            return;
        }
        // Whether it is a call is up to another field.
        Field::GrpcTimeout => return exchange.call.get_or_insert_default().keep_timeout(value),
        Field::Foreign(_) | Field::ContentType => return,
        Field::ContentLength | Field::TransferEncoding | Field::Expect | Field::Upgrade => return,
        Field::GrpcStatus | Field::GrpcMessage => return,
    };
    match slot {
        None => *slot = Some(exchange.buffers.text(value, cap)),
        Some(before) if folded && before.len() + value.len() < cap => {
            if !before.is_empty() {
                before.push(' ');
            }
            before.push_str(&String::from_utf8_lossy(value));
        }
        // `tracestate` may be sent in several fields (W3C Trace Context, section 3.3.1).
        Some(before) if field == Field::TraceState && before.len() + value.len() < cap => {
            before.push(',');
            before.push_str(&String::from_utf8_lossy(value));
        }
        Some(_) => {}
    }
}

/// The same for `traceparent`, which is shared.
fn keep_parent(exchange: &mut HttpExchange, value: &[u8], folded: bool) {
    const CAP: usize = 128;
    match &mut exchange.traceparent {
        slot @ None => *slot = Some(text(value, CAP)),
        Some(before) if folded && before.len() + value.len() < CAP => {
            let gap = if before.is_empty() { "" } else { " " };
            *before = format!("{before}{gap}{}", String::from_utf8_lossy(value)).into();
        }
        Some(_) => {}
    }
}

fn keep_address(exchange: &mut HttpExchange, address: Option<&[u8]>) {
    if exchange.forwarded_for.is_none()
        && let Some(address) = address
    {
        exchange.forwarded_for = Some(exchange.buffers.text(address, 64));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_behind_proxies() {
        let address = |field, value: &[u8]| {
            let mut exchange = HttpExchange::default();
            keep(&mut exchange, field, value, false);
            exchange.forwarded_for
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
