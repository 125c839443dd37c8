//! From what the trace floor tells to the few words that findings need.

use std::borrow::Cow;
use std::sync::Arc;

use super::failure::Failure;
use super::limits;
use super::words::cut;
use crate::event::{Role, Vantage};
use crate::trace::connection::{ConnectionFacts, Site};
use crate::trace::span::Kind as SpanKind;
use wirespan_protocols::describe::family::{Family, Namespace};
use wirespan_protocols::describe::route::Route;
use wirespan_protocols::describe::spoken::Spoken;
use wirespan_protocols::exchange::Exchange;
pub use wirespan_protocols::exchange::detail::Purpose;
pub use wirespan_protocols::hidden::Sizes;
use wirespan_protocols::http;

/// Whether it is told from the side that calls. On the wire each exchange is told once: as the client's. `None` while
/// the role is not known.
#[must_use]
pub fn is_client(connection: &ConnectionFacts) -> Option<bool> {
    connection.role.map(|role| role == Role::Client || connection.vantage == Vantage::Wire)
}

/// The end that asks and the end that answers.
#[must_use]
pub fn ends(connection: &ConnectionFacts) -> (&Site, &Site) {
    match connection.role {
        Some(Role::Server) => (&connection.remote, &connection.local),
        Some(Role::Client) | None => (&connection.local, &connection.remote),
    }
}

/// What one exchange was, in the few words that findings need.
#[derive(Clone, Debug)]
pub struct Operation<'a> {
    /// Protocol; of what is encrypted, what is known to be inside.
    pub protocol: Spoken,
    /// Low-cardinality summary: `SELECT orders`, `GET`, `A db.local`; empty when encrypted.
    pub summary: Cow<'a, str>,
    /// Database.
    pub namespace: Option<Cow<'a, str>>,
    /// Whether it went together with others in one round trip.
    pub batched: bool,
    /// Whether it says something about the session or the transaction and fetches no data.
    pub purpose: Purpose,
    /// Whether and why it failed.
    pub failure: Option<Failure>,
    /// Set when the content is encrypted; the sizes where they are known.
    pub opaque: Option<Option<Sizes>>,
}

impl<'a> Operation<'a> {
    /// The operation of an exchange.
    #[must_use]
    pub fn of(exchange: &'a Exchange) -> Self {
        let detail = &*exchange.detail;
        let plain = |summary: Cow<'a, str>| Self {
            protocol: detail.spoken(),
            summary,
            namespace: None,
            batched: false,
            purpose: detail.purpose(),
            failure: Failure::of_call(exchange),
            opaque: None,
        };
        match detail.family() {
            Family::Http(http) => plain(cut(http.method, limits::NAME)),
            Family::Rpc(call) => plain(cut(call.method.unwrap_or(call.system), limits::NAME)),
            Family::Database(database) => Self {
                namespace: database.namespace.map(Namespace::text),
                batched: database.is_batched,
                ..plain(Cow::Borrowed(database.title()))
            },
            Family::Lookup(lookup) => plain(format!("{} {}", lookup.question, cut(lookup.name, limits::NAME)).into()),
            Family::Opaque(opaque) => {
                let sizes = opaque.request.zip(opaque.response);
                let sizes = sizes.map(|(request, response)| Sizes { request, response });
                Self {
                    protocol: opaque.inside.unwrap_or(detail.spoken()),
                    opaque: Some(sizes),
                    ..plain(Cow::Borrowed(""))
                }
            }
        }
    }
}

/// Method and path of a request, low in cardinality: what patterns call it, else the path with its ids taken out.
#[must_use]
pub fn route(exchange: &Exchange, known: Option<&Route>) -> Arc<str> {
    let http = match exchange.detail.family() {
        Family::Http(http) => http,
        Family::Rpc(call) => {
            return Arc::from(cut(call.method_label(SpanKind::Server).unwrap_or(call.system), limits::NAME));
        }
        Family::Database(_) | Family::Lookup(_) | Family::Opaque(_) => return Arc::from(""),
    };
    if let (Some(route), Some(method)) = (known, http::usual_method(http.method)) {
        return route.title(method);
    }
    let method = cut(http.method, 16);
    match known {
        Some(route) => Arc::from(format!("{method} {}", route.pattern)),
        None => {
            let path = http.target.split(['?', '#']).next().unwrap_or_default();
            Arc::from(format!("{method} {}", cut(&without_ids(path), limits::NAME)))
        }
    }
}

/// A path whose segments that look like ids are `{id}`: numbers, UUIDs, long hexadecimal or mixed words.
fn without_ids(path: &str) -> String {
    let mut out = String::with_capacity(path.len().min(limits::NAME + 8));
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        let digits = segment.bytes().filter(u8::is_ascii_digit).count();
        let hexadecimal = segment.len() >= 8 && segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let is_id = digits > 0 && (digits == segment.len() || hexadecimal || digits >= 4) || segment.len() > 40;
        out.push_str(if is_id { "{id}" } else { segment });
        if out.len() > limits::NAME {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_out_of_paths() {
        let cases = [
            ("/", "/"),
            ("/checkout", "/checkout"),
            ("/users/17/orders", "/users/{id}/orders"),
            ("/v1/files/0123abcd-0000-4000-8000-0123456789ab", "/v1/files/{id}"),
            ("/img/deadbeef99.png", "/img/deadbeef99.png"),
            ("/oauth2/token", "/oauth2/token"),
        ];
        for (path, route) in cases {
            assert_eq!(without_ids(path), route, "{path}");
        }
    }
}
