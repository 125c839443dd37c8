//! Redis spans, one per command: `CLIENT` from the client's socket (and from the wire), `SERVER` from the Redis process.
//!
//! `db.operation.name` is the command of this very span; the span's name says how it was grouped.

use std::borrow::Cow;

use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::redis::{Group, RedisExchange};

use super::connection::View;
use super::span::{Attribute, Value};
use super::{Described, outcome};

/// The port that goes without saying.
pub(crate) const USUAL_PORT: u16 = 6379;
const SYSTEM: &str = "redis";

/// `error.type` of a command, or `None` if it succeeded: the prefix of the error reply, else what became of the
/// connection.
#[must_use]
pub fn error_type(redis: &RedisExchange, exchange: &Exchange) -> Option<Cow<'static, str>> {
    match &redis.error {
        Some(prefix) => Some(Cow::Owned(String::from(&**prefix))),
        None => outcome::transport_error(exchange.ending).map(Cow::Borrowed),
    }
}

pub(super) fn describe(
    redis: &RedisExchange,
    exchange: &Exchange,
    view: &View<'_>,
    mut attributes: Vec<Attribute>,
) -> Described {
    attributes.push(("db.system.name", Value::Static(SYSTEM)));
    attributes.push(("db.operation.name", Value::text(&redis.command)));
    if let Some(database) = redis.database {
        attributes.push(("db.namespace", index(database)));
    }
    if !redis.text.is_empty() {
        attributes.push(("db.query.text", Value::text(&redis.text)));
    }
    if let Some(size) = redis.batch_size.filter(|size| *size > 1) {
        attributes.push(("db.operation.batch.size", Value::Int(size.into())));
    }
    if let Some(script) = &redis.stored_procedure {
        attributes.push(("db.stored_procedure.name", Value::Text(script.clone())));
    }
    view.server_attributes(USUAL_PORT, &mut attributes);
    view.peer_attributes(&mut attributes);
    if let Some(prefix) = &redis.error {
        attributes.push(("db.response.status_code", Value::text(prefix)));
    }
    let error = error_type(redis, exchange);
    let failed = error.is_some();
    attributes.extend(error.map(|error| match error {
        Cow::Borrowed(text) => ("error.type", Value::Static(text)),
        Cow::Owned(text) => ("error.type", Value::Text(text.into())),
    }));
    Described { name: name(redis), attributes, status: outcome::status(failed) }
}

fn name(redis: &RedisExchange) -> Cow<'static, str> {
    let prefix = match redis.group {
        Group::Single => "",
        Group::Pipeline => "PIPELINE ",
        Group::Transaction => "MULTI ",
    };
    // Borrowed for the commonest: most spans of a busy host are one of these.
    match (redis.group, &*redis.command) {
        (_, "") => Cow::Borrowed(SYSTEM),
        (Group::Single, "GET") => Cow::Borrowed("GET"),
        (Group::Single, "SET") => Cow::Borrowed("SET"),
        (_, command) => {
            let mut name = String::with_capacity(prefix.len() + command.len());
            name.push_str(prefix);
            name.push_str(command);
            Cow::Owned(name)
        }
    }
}

/// A database index as text; the default one costs nothing.
fn index(database: u32) -> Value {
    match database {
        0 => Value::Static("0"),
        other => Value::Text(other.to_string().into()),
    }
}

#[cfg(test)]
mod tests;
