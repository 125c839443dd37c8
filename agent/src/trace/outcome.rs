//! How an exchange ended, in the words of `error.type`. The same string goes on the span and on the metric.

use std::borrow::Cow;

use wirespan_protocols::exchange::{Detail, Ending, Exchange};

use super::connection::{ConnectionFacts, View};
use super::span::Status;
use super::{http, postgres, redis};

/// `error.type` of an exchange as the observed end sees it; `None` if it succeeded.
#[must_use]
pub fn error_type(exchange: &Exchange, connection: &ConnectionFacts) -> Option<Cow<'static, str>> {
    match &exchange.detail {
        Detail::Http(http) => http::error_type(http, exchange, View::of_http(connection).kind),
        Detail::Postgres(postgres) => postgres::error_type(postgres, exchange),
        Detail::Redis(redis) => redis::error_type(redis, exchange),
        Detail::Dns(dns) => dns_error(dns.response_code, exchange.ending),
        Detail::Opaque(_) => transport_error(exchange.ending).map(Cow::Borrowed),
    }
}

/// `error.type` of a look-up: the name of its `RCODE` (RFC 1035, 4.1.1; IANA, DNS RCODEs), or the lack of an answer.
#[must_use]
pub fn dns_error(response_code: Option<u8>, ending: Ending) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(match response_code {
        None => return transport_error(ending).map(Cow::Borrowed),
        Some(0) => return None,
        Some(1) => "formerr",
        Some(2) => "servfail",
        Some(3) => "nxdomain",
        Some(4) => "notimp",
        Some(5) => "refused",
        Some(code) => return Some(Cow::Owned(format!("rcode_{code}"))),
    }))
}

/// `error.type` of an exchange whose response never became complete; `None` when it did.
#[must_use]
pub fn transport_error(ending: Ending) -> Option<&'static str> {
    match ending {
        Ending::Answered => None,
        Ending::Closed => Some("connection_closed"),
        Ending::Reset => Some("connection_reset"),
        Ending::Unanswered => Some("timeout"),
    }
}

/// The status of a span that has, or has not, an `error.type`. Success is unset.
pub(crate) fn status(failed: bool) -> Status {
    if failed { Status::Error(Cow::Borrowed("")) } else { Status::Unset }
}
