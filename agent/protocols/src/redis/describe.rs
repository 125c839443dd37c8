//! Redis spans, one per command: `CLIENT` from the client's socket (and from the wire), `SERVER` from the Redis process.
//!
//! `db.operation.name` is the command of this very span; the span's name says how it was grouped.

use std::borrow::Cow;

use wirespan_semconv as semconv;

use super::{Group, RedisExchange, SPOKEN, names};
use crate::describe::family::{Database, Family, Namespace};
use crate::describe::spoken::Spoken;
use crate::describe::value::{Attribute, Kind, Value};
use crate::describe::{Described, Scene};
use crate::exchange::detail::{Detail, Purpose};

/// The port that goes without saying.
const USUAL_PORT: u16 = 6379;

impl Detail for RedisExchange {
    fn spoken(&self) -> Spoken {
        SPOKEN
    }

    fn family(&self) -> Family<'_> {
        Family::Database(Database {
            system: SPOKEN.name,
            namespace: self.database.map(Namespace::Index),
            summary: None,
            operation: Some(&self.command),
            is_known: names::is_known,
            is_batched: self.group != Group::Single,
            status: self.error.as_deref(),
            returned_rows: None,
            usual_port: USUAL_PORT,
        })
    }

    fn describe(&self, scene: &Scene<'_>, mut attributes: Vec<Attribute>) -> Described {
        let view = &scene.view;
        attributes.push((semconv::DB_SYSTEM_NAME, Value::Static(SPOKEN.name)));
        attributes.push((semconv::DB_OPERATION_NAME, Value::text(&self.command)));
        if let Some(database) = self.database {
            attributes.push((semconv::DB_NAMESPACE, Namespace::Index(database).value()));
        }
        if !self.text.is_empty() {
            attributes.push((semconv::DB_QUERY_TEXT, Value::text(&self.text)));
        }
        if let Some(size) = self.batch_size.filter(|size| *size > 1) {
            attributes.push((semconv::DB_OPERATION_BATCH_SIZE, Value::Int(size.into())));
        }
        if let Some(script) = &self.stored_procedure {
            attributes.push((semconv::DB_STORED_PROCEDURE_NAME, Value::Text(script.clone())));
        }
        view.server_attributes(USUAL_PORT, &mut attributes);
        view.peer_attributes(&mut attributes);
        if let Some(prefix) = &self.error {
            attributes.push((semconv::DB_RESPONSE_STATUS_CODE, Value::text(prefix)));
        }
        Described { name: name(self).into(), attributes, message: Cow::Borrowed("") }
    }

    /// The prefix of the error reply.
    fn error(&self, _kind: Kind) -> Option<Cow<'static, str>> {
        self.error.as_ref().map(|prefix| Cow::Owned(String::from(&**prefix)))
    }

    fn purpose(&self) -> Purpose {
        names::purpose(&self.command)
    }

    fn preamble(&self) -> Option<Box<str>> {
        names::is_preamble(&self.command).then(|| self.command.clone())
    }
}

fn name(redis: &RedisExchange) -> Cow<'static, str> {
    let prefix = match redis.group {
        Group::Single => "",
        Group::Pipeline => "PIPELINE ",
        Group::Transaction => "MULTI ",
    };
    // Borrowed for the commonest: most spans of a busy host are one of these.
    match (redis.group, &*redis.command) {
        (_, "") => Cow::Borrowed(SPOKEN.name),
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

#[cfg(test)]
#[path = "describe_tests.rs"]
mod tests;
