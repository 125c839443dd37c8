//! TLS 1.0 to 1.3 (RFC 8446, RFC 5246) as it passes on the wire: the handshake in time and in what it shows in clear,
//! then the first rounds of what is inside, in time and size. Nothing is decrypted.
//!
//! - `probe`: recognition by a ClientHello;
//! - `record`: the record layer of one direction; bodies are skipped by their length;
//! - `message`, `hello`, `names`: handshake messages in clear, what hellos say, names of suites and alerts;
//! - `handshake`: where the handshake stands, up to its last Finished, and how it failed;
//! - `rounds`, `opaque`: turns of application data;
//! - `postgres`: the authentication of PostgreSQL by the sizes of its messages;
//! - `session`: all of them together.
//!
//! What a loss means here. Bodies of encrypted records, and of certificates, are not needed. Any other loss in the
//! handshake, and the time of its last byte, voids it. Lost calls after it void the round that they lie in; of a call of
//! which only a part was copied the time is known, and the sizes are not.

mod handshake;
mod hello;
mod message;
mod names;
mod opaque;
mod postgres;
mod probe;
mod record;
mod rounds;
mod session;
#[cfg(test)]
mod tests;

pub use opaque::OpaqueExchange;

use crate::registry::Protocol;
use crate::session::Session;

/// The registry entry of TLS.
pub const PROTOCOL: Protocol = Protocol { name: "tls", probe: probe::probe, answers: None, open, turn_budget: None };

/// The same, for a connection that changed to it.
pub static TLS: Protocol = PROTOCOL;

/// Whether a call begins like a record of encrypted data: what a connection shows whose handshake was before our time.
#[must_use]
pub fn begins_record(bytes: &[u8]) -> bool {
    record::begins_data(bytes)
}

fn open(_from_start: bool) -> Box<dyn Session> {
    Box::new(session::Tls::new(None))
}

/// A session for what follows on a connection that spoke the protocol `before` and agreed to change to TLS.
#[must_use]
pub fn open_after(before: &'static str) -> Box<dyn Session> {
    Box::new(session::Tls::new((before == session::POSTGRES).then_some(session::POSTGRES)))
}
