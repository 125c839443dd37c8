//! From what the trace floor tells to the few words that findings need.

use std::borrow::Cow;
use std::sync::Arc;

use super::failure::Failure;
use super::limits;
use super::words::cut;
use crate::event::{Role, Vantage};
use crate::trace::connection::{ConnectionFacts, Site};
use wirespan_protocols::exchange::{Detail, Exchange};
use wirespan_protocols::postgres::PostgresExchange;
use wirespan_protocols::redis::Group;
use wirespan_protocols::tls::OpaqueExchange;

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

/// Sizes of a round trip whose content is encrypted, bytes of plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Of the request.
    pub request: u64,
    /// Of the response.
    pub response: u64,
}

/// What one exchange was, in the few words that findings need.
#[derive(Clone, Debug)]
pub struct Operation<'a> {
    /// Protocol.
    pub protocol: &'static str,
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

/// What a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Data.
    Data,
    /// Sets up or checks the session: `SET …`, `SHOW …`, `SELECT ?` without a table, `PING`, `SELECT` of Redis.
    Session,
    /// Begins or ends a transaction.
    Transaction,
    /// Ends the connection: nobody waits for it.
    Farewell,
}

impl<'a> Operation<'a> {
    /// The operation of an exchange.
    #[must_use]
    pub fn of(exchange: &'a Exchange) -> Self {
        let failure = Failure::of_call(exchange);
        let plain = |protocol, summary: Cow<'a, str>| Self {
            protocol,
            summary,
            namespace: None,
            batched: false,
            purpose: Purpose::Data,
            failure: None,
            opaque: None,
        };
        let operation = match &exchange.detail {
            Detail::Http(http) => plain("http", cut(&http.method, limits::NAME)),
            Detail::Postgres(postgres) => Self {
                namespace: postgres.database.as_deref().map(Cow::Borrowed),
                batched: postgres.batch_size.is_some_and(|size| size > 1),
                purpose: postgres_purpose(postgres),
                ..plain("postgresql", postgres_summary(postgres))
            },
            Detail::Redis(redis) => Self {
                namespace: redis.database.map(index),
                batched: redis.group != Group::Single,
                purpose: redis_purpose(&redis.command),
                ..plain("redis", Cow::Borrowed(&*redis.command))
            },
            Detail::Dns(dns) => plain("dns", format!("{} {}", dns.question, cut(&dns.name, limits::NAME)).into()),
            Detail::Opaque(opaque) => {
                let inside = opaque.inside.unwrap_or("tls");
                Self { opaque: Some(sizes(opaque)), ..plain(inside, Cow::Borrowed("")) }
            }
        };
        Self { failure, ..operation }
    }
}

/// Sizes of a round trip. Session tickets that came with the response are records of their own before it.
fn sizes(opaque: &OpaqueExchange) -> Option<Sizes> {
    let response = match opaque.response_records {
        Some(2..=3) if opaque.perhaps_tickets => opaque.last_record_bytes,
        _ => opaque.response_bytes,
    };
    Some(Sizes { request: opaque.request_bytes?, response: response? })
}

/// A database index as text; the default one costs nothing.
fn index(database: u32) -> Cow<'static, str> {
    if database == 0 { Cow::Borrowed("0") } else { Cow::Owned(database.to_string()) }
}

fn postgres_summary(postgres: &PostgresExchange) -> Cow<'_, str> {
    match (&postgres.summary, &postgres.command) {
        (Some(summary), _) => Cow::Borrowed(&**summary),
        (None, Some(command)) => Cow::Borrowed(&**command),
        (None, None) => Cow::Borrowed("statement"),
    }
}

fn postgres_purpose(postgres: &PostgresExchange) -> Purpose {
    let text = postgres.text.as_deref().or(postgres.summary.as_deref()).or(postgres.command.as_deref());
    let mut words = text.unwrap_or_default().trim_start().splitn(2, |letter: char| !letter.is_ascii_alphabetic());
    let first = words.next().unwrap_or_default().to_ascii_uppercase();
    match first.as_str() {
        "BEGIN" | "COMMIT" | "ROLLBACK" | "START" | "END" | "SAVEPOINT" | "RELEASE" | "ABORT" => Purpose::Transaction,
        "SET" | "SHOW" | "RESET" | "DISCARD" | "DEALLOCATE" => Purpose::Session,
        "SELECT" => {
            // Without a table nothing is fetched: `SELECT 1`, `SELECT version()`, `SELECT current_schema()`.
            let rest = words.next().unwrap_or_default();
            let fetches = rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            let known = postgres.text.is_some() && !postgres.text_truncated;
            if known && !fetches.into_iter().any(|word| word.eq_ignore_ascii_case("from")) && rest.len() < 64 {
                Purpose::Session
            } else {
                Purpose::Data
            }
        }
        _ => Purpose::Data,
    }
}

fn redis_purpose(command: &str) -> Purpose {
    let first = command.split(' ').next().unwrap_or_default();
    match first {
        "PING" | "SELECT" | "CLIENT" | "HELLO" | "AUTH" | "ECHO" | "COMMAND" | "READONLY" => Purpose::Session,
        "QUIT" => Purpose::Farewell,
        "MULTI" | "EXEC" | "DISCARD" | "WATCH" | "UNWATCH" => Purpose::Transaction,
        _ => Purpose::Data,
    }
}

/// Method and path of a request, low in cardinality: what patterns call it, else the path with its ids taken out.
#[must_use]
pub fn route(exchange: &Exchange, known: Option<&str>) -> Arc<str> {
    let Detail::Http(http) = &exchange.detail else { return Arc::from("") };
    let method = cut(&http.method, 16);
    match known {
        Some(route) => Arc::from(format!("{method} {route}")),
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

    #[test]
    fn statements_that_fetch_nothing_belong_to_the_session() {
        let of = |text: &str| {
            postgres_purpose(&PostgresExchange { text: Some(Arc::from(text)), ..PostgresExchange::default() })
        };
        for text in
            ["SELECT ?", "select version()", "SET search_path TO a", "SHOW timezone", "SELECT pg_catalog.version()"]
        {
            assert_eq!(of(text), Purpose::Session, "{text}");
        }
        for text in ["BEGIN", "COMMIT", "start transaction isolation level serializable", "ROLLBACK"] {
            assert_eq!(of(text), Purpose::Transaction, "{text}");
        }
        for text in
            ["SELECT * FROM orders", "SELECT a\nFROM\tb", "INSERT INTO a VALUES (?)", "UPDATE a SET b = ?", "selection"]
        {
            assert_eq!(of(text), Purpose::Data, "{text}");
        }
    }
}
