//! PostgreSQL frontend/backend protocol 3.0 and 3.2 (chapter 55 of its manual).
//!
//! Each statement of a simple query and each Execute is one exchange, from the first byte of the messages that lead to
//! it to the last byte of its CommandComplete (or error, suspension, empty query); ReadyForQuery is not waited for. A
//! Parse or Bind that fails, a commit that fails at Sync and a start-up that fails are exchanges too. Statements of one
//! simple query have one request: the second and later begin when the one before them ended, unless both ends passed
//! in one call: then nothing tells them apart, and each has the time that the client waited for it.
//!
//! Layout: `wire` and `startup` read messages and packets, `front` what the client says, `back` and `reply`
//! what the server says; `step` is the queue between them, `names` the prepared statements and portals,
//! `pairing`, `oddity` and `tail` what is done after a loss, `emit` what comes out, `probe` detection,
//! `set_up` what opening a connection took, `session` ties them together.
//!
//! Limits: 32 KiB of a query are read and 8 KiB of its sanitised text kept; names longer than 512 bytes, more than 1024
//! statements or 512 KiB of their texts are not remembered. What a function does inside the server (`EXECUTE
//! 'DEALLOCATE …'`) is not seen. Passwords and parameter values are never looked at.

mod back;
mod blank;
mod describe;
mod emit;
mod front;
mod hidden;
mod names;
mod oddity;
mod pairing;
mod probe;
mod purpose;
mod reply;
mod session;
mod set_up;
mod sqlstate;
mod startup;
mod step;
mod tags;
mod tail;
#[cfg(test)]
mod tests;
mod wire;

use crate::blank::Blanking;
use crate::describe::spoken::{FamilyName, Spoken};
use crate::hidden::Hidden;
use crate::protocol::{Opening, Protocol};
use crate::session::Session;
use std::sync::Arc;

/// What kind of work an exchange was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operation {
    /// A statement of a simple query, or an execution of a portal.
    #[default]
    Statement,
    /// A function call message (`F`).
    FunctionCall,
    /// A start-up that failed (wrong password, unknown database …).
    Startup,
}

/// The facts of one PostgreSQL execution that a span needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostgresExchange {
    /// What kind of work it was.
    pub operation: Operation,
    /// User of the start-up message, when it was seen.
    pub user: Option<Arc<str>>,
    /// Database of the start-up message (or the user, its default), when it was seen.
    pub database: Option<Arc<str>>,
    /// Sanitised statement text: literals are `?`, parameters are kept; capped. `None` when unknown (prepared before
    /// the agent saw the connection, or lost): never another statement's text.
    pub text: Option<Arc<str>>,
    /// Low-cardinality summary of the text (`SELECT orders`), at most 255 characters.
    pub summary: Option<Arc<str>>,
    /// First word(s) of the command tag of the response (`SELECT`, `INSERT`, `CREATE TABLE`, `BEGIN` …), if seen.
    pub command: Option<Box<str>>,
    /// The statement was prepared by an earlier Parse.
    pub prepared: bool,
    /// Rows returned or affected as the command tag says (or as counted, for a suspended portal).
    pub rows: Option<u64>,
    /// SQLSTATE of the error response.
    pub sqlstate: Option<Box<str>>,
    /// Severity of the error response (`ERROR`, `FATAL`, `PANIC`).
    pub severity: Option<Box<str>>,
    /// How many statements or executions went in one batch (up to one Sync, or one simple query), if more than one.
    pub batch_size: Option<u32>,
    /// The text is longer than what was captured or kept.
    pub text_truncated: bool,
    /// There is no text because the statement is empty, but for comments.
    pub empty: bool,
}

/// Name and family.
const SPOKEN: Spoken = Spoken { name: "postgresql", family: FamilyName::Database };

/// The registry entry of PostgreSQL.
pub static PROTOCOL: Protocol = Protocol {
    turn_budget: Some(64 * 1024),
    hidden: Hidden {
        offer: Some("postgresql"),
        sign_in: Some(hidden::sign_in),
        in_clear: Some("`sslmode=disable` in PostgreSQL clients"),
        ..Hidden::NOTHING
    },
    is_optional: Some(purpose::is_optional),
    explain: Some(sqlstate::explain),
    blank: Some(Blanking { what: "PostgreSQL passwords", scan: blank::passwords }),
    ..Protocol::new(SPOKEN, "PostgreSQL", probe::probe, open)
};

fn open(opening: &Opening) -> Box<dyn Session> {
    Box::new(session::Postgres::new(opening.from_start))
}
