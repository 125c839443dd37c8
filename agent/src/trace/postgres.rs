//! PostgreSQL spans, one per execution: `CLIENT` from the client's socket (and from the wire), `SERVER` from a backend
//! process.
//!
//! Beyond the conventions: `wirespan.db.statement.unknown` = true when the text was never seen (prepared before the agent
//! saw the connection, or lost), `wirespan.db.statement.truncated` = true when the text went on after what is shown.

use std::borrow::Cow;

use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::postgres::{Operation, PostgresExchange};

use super::connection::View;
use super::span::{Attribute, Status, Value};
use super::{Config, Described, outcome};

/// The port that goes without saying.
pub(crate) const USUAL_PORT: u16 = 5432;
const SYSTEM: &str = "postgresql";

/// `error.type` of an execution, or `None` if it succeeded: the SQLSTATE, unless its class is 00 (success) or 01
/// (warning), else what became of the connection.
#[must_use]
pub fn error_type(postgres: &PostgresExchange, exchange: &Exchange) -> Option<Cow<'static, str>> {
    match postgres.sqlstate.as_deref() {
        Some(state) if is_failure(state) => Some(Cow::Owned(state.to_owned())),
        _ => outcome::transport_error(exchange.ending).map(Cow::Borrowed),
    }
}

/// Classes are two characters, digits before letters (PostgreSQL documentation, appendix A).
fn is_failure(sqlstate: &str) -> bool {
    !sqlstate.starts_with("00") && !sqlstate.starts_with("01")
}

pub(super) fn describe(
    postgres: &PostgresExchange,
    exchange: &Exchange,
    view: &View<'_>,
    config: &Config,
    mut attributes: Vec<Attribute>,
) -> Described {
    attributes.push(("db.system.name", Value::Static(SYSTEM)));
    if let Some(database) = &postgres.database {
        attributes.push(("db.namespace", Value::shared(database)));
    }
    let name = statement(postgres, view, &mut attributes);
    if let Some(size) = postgres.batch_size.filter(|size| *size > 1) {
        attributes.push(("db.operation.batch.size", Value::Int(size.into())));
    }
    view.server_attributes(USUAL_PORT, &mut attributes);
    view.peer_attributes(&mut attributes);
    if config.returned_rows
        && let Some(rows) = returned_rows(postgres)
    {
        attributes.push(("db.response.returned_rows", Value::Int(i64::try_from(rows).unwrap_or(i64::MAX))));
    }
    if let Some(state) = &postgres.sqlstate {
        attributes.push(("db.response.status_code", Value::text(state)));
    }
    let mut status = Status::Unset;
    if let Some(error) = error_type(postgres, exchange) {
        status = Status::Error(Cow::Borrowed(severity(postgres)));
        attributes.push((
            "error.type",
            match error {
                Cow::Borrowed(text) => Value::Static(text),
                Cow::Owned(text) => Value::Text(text.into()),
            },
        ));
    }
    Described { name, attributes, status }
}

/// What was executed; returns the span's name.
fn statement(postgres: &PostgresExchange, view: &View<'_>, attributes: &mut Vec<Attribute>) -> Cow<'static, str> {
    let is_statement = postgres.operation == Operation::Statement;
    if let Some(text) = &postgres.text {
        attributes.push(("db.query.text", Value::shared(text)));
        if postgres.text_truncated {
            attributes.push(("wirespan.db.statement.truncated", Value::Bool(true)));
        }
    } else if is_statement && !postgres.empty {
        attributes.push(("wirespan.db.statement.unknown", Value::Bool(true)));
    }
    if let Some(summary) = postgres.summary.as_ref().filter(|summary| !summary.is_empty()) {
        attributes.push(("db.query.summary", Value::shared(summary)));
        return Cow::Owned(String::from(&**summary));
    }
    // The command tag of the response is the server's word, not a reading of the text.
    let Some(command) = postgres.command.as_ref().filter(|command| is_statement && !command.is_empty()) else {
        return Cow::Borrowed(SYSTEM);
    };
    attributes.push(("db.operation.name", Value::text(command)));
    let server = view.server;
    Cow::Owned(match (&postgres.database, server.port) {
        (Some(database), _) => format!("{command} {database}"),
        (None, Some(port)) if server.address.contains(':') => format!("{command} [{}]:{port}", server.address),
        (None, Some(port)) => format!("{command} {}:{port}", server.address),
        (None, None) if server.address.is_empty() => String::from(&**command),
        (None, None) => format!("{command} {}", server.address),
    })
}

/// Rows that came back. The count of an INSERT, UPDATE, DELETE or COPY tells rows affected, not returned; a portal that
/// was suspended has no tag, and its rows were counted.
pub(crate) fn returned_rows(postgres: &PostgresExchange) -> Option<u64> {
    let returns = postgres.command.as_deref().is_none_or(|command| matches!(command, "SELECT" | "FETCH"));
    postgres.rows.filter(|_| returns)
}

/// What the severity adds to the SQLSTATE: that the session is over.
fn severity(postgres: &PostgresExchange) -> &'static str {
    match postgres.severity.as_deref() {
        Some("FATAL") => "FATAL",
        Some("PANIC") => "PANIC",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
