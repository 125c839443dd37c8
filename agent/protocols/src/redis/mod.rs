//! Redis serialization protocol: RESP2, RESP3 and inline commands.

use crate::registry::{Context, Probe, Protocol};
use crate::session::Session;

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

/// The registry entry of Redis.
pub const PROTOCOL: Protocol = Protocol { name: "redis", probe, open };

fn probe(_bytes: &[u8], _context: Context) -> Probe {
    Probe::No
}

fn open(_from_start: bool) -> Box<dyn Session> {
    unimplemented!()
}
