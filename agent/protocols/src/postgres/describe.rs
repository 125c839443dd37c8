//! PostgreSQL spans, one per execution: `CLIENT` from the client's socket (and from the wire), `SERVER` from a backend
//! process.
//!
//! Beyond the conventions: `wirespan.db.statement.unknown` = true when the text was never seen (prepared before the agent
//! saw the connection, or lost), `wirespan.db.statement.truncated` = true when the text went on after what is shown.

use std::borrow::Cow;

use wirespan_semconv as semconv;

use super::{Operation, PostgresExchange, SPOKEN, purpose, sqlstate, tags};
use crate::describe::family::{Database, Family, Namespace};
use crate::describe::name::Name;
use crate::describe::spoken::Spoken;
use crate::describe::value::{Attribute, Kind, Value};
use crate::describe::view::View;
use crate::describe::{Described, Scene};
use crate::exchange::detail::{Detail, Purpose};

/// The port that goes without saying.
const USUAL_PORT: u16 = 5432;

impl Detail for PostgresExchange {
    fn spoken(&self) -> Spoken {
        SPOKEN
    }

    fn family(&self) -> Family<'_> {
        Family::Database(Database {
            system: SPOKEN.name,
            namespace: self.database.as_ref().map(Namespace::Name),
            summary: self.summary.as_ref(),
            operation: self.command.as_deref().filter(|command| !command.is_empty()),
            is_known: tags::is_known,
            is_batched: self.batch_size.is_some_and(|size| size > 1),
            status: self.sqlstate.as_deref(),
            returned_rows: returned_rows(self),
            usual_port: USUAL_PORT,
        })
    }

    fn describe(&self, scene: &Scene<'_>, mut attributes: Vec<Attribute>) -> Described {
        let view = &scene.view;
        attributes.push((semconv::DB_SYSTEM_NAME, Value::Static(SPOKEN.name)));
        if let Some(database) = &self.database {
            attributes.push((semconv::DB_NAMESPACE, Value::shared(database)));
        }
        let name = statement(self, view, &mut attributes);
        if let Some(size) = self.batch_size.filter(|size| *size > 1) {
            attributes.push((semconv::DB_OPERATION_BATCH_SIZE, Value::Int(size.into())));
        }
        view.server_attributes(USUAL_PORT, &mut attributes);
        view.peer_attributes(&mut attributes);
        if scene.options.returned_rows
            && let Some(rows) = returned_rows(self)
        {
            attributes.push((semconv::DB_RESPONSE_RETURNED_ROWS, Value::Int(i64::try_from(rows).unwrap_or(i64::MAX))));
        }
        if let Some(state) = &self.sqlstate {
            attributes.push((semconv::DB_RESPONSE_STATUS_CODE, Value::text(state)));
        }
        Described { name, attributes, message: severity(self).into() }
    }

    /// The SQLSTATE, unless its class is 00 (success) or 01 (warning).
    fn error(&self, _kind: Kind) -> Option<Cow<'static, str>> {
        self.sqlstate.as_deref().filter(|state| sqlstate::is_failure(state)).map(|state| Cow::Owned(state.to_owned()))
    }

    fn purpose(&self) -> Purpose {
        purpose::of(self)
    }

    fn preamble(&self) -> Option<Box<str>> {
        self.text.as_deref().filter(|_| self.operation == Operation::Statement).and_then(purpose::preamble)
    }

    fn is_start_up(&self) -> bool {
        self.operation == Operation::Startup
    }
}

/// What was executed; returns the span's name.
fn statement(postgres: &PostgresExchange, view: &View<'_>, attributes: &mut Vec<Attribute>) -> Name {
    let is_statement = postgres.operation == Operation::Statement;
    if let Some(text) = &postgres.text {
        attributes.push((semconv::DB_QUERY_TEXT, Value::shared(text)));
        if postgres.text_truncated {
            attributes.push((semconv::WIRESPAN_DB_STATEMENT_TRUNCATED, Value::Bool(true)));
        }
    } else if is_statement && !postgres.empty {
        attributes.push((semconv::WIRESPAN_DB_STATEMENT_UNKNOWN, Value::Bool(true)));
    }
    if let Some(summary) = postgres.summary.as_ref().filter(|summary| !summary.is_empty()) {
        attributes.push((semconv::DB_QUERY_SUMMARY, Value::shared(summary)));
        return Name::shared(summary);
    }
    // The command tag of the response is the server's word, not a reading of the text.
    let Some(command) = postgres.command.as_ref().filter(|command| is_statement && !command.is_empty()) else {
        return SPOKEN.name.into();
    };
    attributes.push((semconv::DB_OPERATION_NAME, Value::text(command)));
    let server = view.server;
    Name::from(match (&postgres.database, server.port) {
        (Some(database), _) => format!("{command} {database}"),
        (None, Some(port)) if server.address.contains(':') => format!("{command} [{}]:{port}", server.address),
        (None, Some(port)) => format!("{command} {}:{port}", server.address),
        (None, None) if server.address.is_empty() => String::from(&**command),
        (None, None) => format!("{command} {}", server.address),
    })
}

/// Rows that came back. The count of an INSERT, UPDATE, DELETE or COPY tells rows affected, not returned; a portal that
/// was suspended has no tag, and its rows were counted.
fn returned_rows(postgres: &PostgresExchange) -> Option<u64> {
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
#[path = "describe_tests.rs"]
mod tests;
