//! Redis serialization protocol: RESP2, RESP3 and inline commands.
//!
//! - `wire`: lines, numbers, short words; `resp`: replies; `request`: commands as they are sent;
//! - `table`, `command`: what the commands are called, where their keys are, what they do to a connection;
//! - `state`: what the server's answers make of the connection (database, transaction, subscriptions);
//! - `queue`: commands that wait for a reply; `sync`: whether replies are known to belong to them;
//! - `session`: one connection; `asking`, `answering`: its two directions; `ending`: what losses and the end of the
//!   connection make of it; `shape`: which replies a command may have; `probe`: recognising it.
//!
//! Every command is one exchange with its own reply and times. A command inside MULTI ends with its own `+QUEUED`;
//! what became of it is told by the exchange of EXEC, which ran it: its error is EXEC's own, or else that of the first
//! element that is one. A subscription ends with the confirmation of its last channel. Messages that the server
//! pushes (publish/subscribe, MONITOR, RESP3 push) are no exchanges. A command that is sent while CLIENT REPLY is off
//! ends when it is sent, without a response.

mod answering;
mod asking;
mod blank;
mod command;
mod describe;
mod ending;
mod hidden;
mod names;
mod probe;
mod queue;
mod request;
mod resp;
mod session;
mod shape;
mod state;
mod sync;
mod table;
#[cfg(test)]
mod tests;
mod wire;

use crate::blank::Blanking;
use crate::describe::spoken::{FamilyName, Spoken};
use crate::hidden::{Hidden, Sizes};
use crate::protocol::{Opening, Protocol};
use crate::session::Session;

/// Whether Redis has a command of this name (upper case, without subcommand).
fn is_command(name: &str) -> bool {
    table::find(name).is_some() || table::is_container(name.as_bytes())
}

/// How a command was grouped with others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// On its own.
    #[default]
    Single,
    /// Several commands were sent before the first reply.
    Pipeline,
    /// Queued inside MULTI … EXEC.
    Transaction,
}

/// The facts of one Redis command that a span needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedisExchange {
    /// Command name in upper case, with its subcommand where it has one (`CLIENT SETNAME`); `_OTHER`-like guesses are
    /// never made: an unknown word is kept as sent (upper-cased, capped).
    pub command: Box<str>,
    /// Redacted text: command and key stay, values are `?`; nothing but the name for AUTH, HELLO, … Capped.
    pub text: Box<str>,
    /// Selected database index, when known.
    pub database: Option<u32>,
    /// Prefix of an error reply (`WRONGTYPE`, `MOVED`, `ERR` …).
    pub error: Option<Box<str>>,
    /// How the command was grouped.
    pub group: Group,
    /// Number of commands in the pipeline or transaction, if more than one.
    pub batch_size: Option<u32>,
    /// Name, or SHA-1 digest, of the script or function (EVALSHA, FCALL).
    pub stored_procedure: Option<Box<str>>,
}

/// Name and family.
const SPOKEN: Spoken = Spoken { name: "redis", family: FamilyName::Database };

/// The registry entry of Redis.
pub static PROTOCOL: Protocol = Protocol {
    answers: Some(probe::answers),
    turn_budget: Some(64 * 1024),
    hidden: Hidden {
        preamble: Some(hidden::preamble),
        // `*1 $4 QUIT`, answered by `+OK`.
        farewell: Some(Sizes { request: 14, response: 5 }),
        ..Hidden::NOTHING
    },
    is_optional: Some(names::is_optional),
    blank: Some(Blanking { what: "arguments of Redis AUTH", scan: blank::arguments }),
    ..Protocol::new(SPOKEN, "Redis", probe::probe, open)
};

fn open(opening: &Opening) -> Box<dyn Session> {
    Box::new(session::RedisSession::new(opening.from_start))
}
