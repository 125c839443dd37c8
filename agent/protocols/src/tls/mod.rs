//! TLS 1.0 to 1.3 (RFC 8446, RFC 5246) as it passes on the wire: the handshake in time and in what it shows in clear,
//! then the first rounds of what is inside, in time and size. Where the secrets of the handshake come, what is inside is decrypted.
//!
//! - `probe`: recognition by a ClientHello;
//! - `record`: the record layer of one direction; bodies are skipped by their length;
//! - `message`, `hello`, `names`: handshake messages in clear, what hellos say, names of suites and alerts;
//! - `handshake`: where the handshake stands, up to its last Finished, and how it failed;
//! - `rounds`, `opaque`: turns of application data;
//! - `inside`: what is known of the protocol inside, and its authentication;
//! - `outside`: all of them together, a connection as anybody sees it;
//! - `decrypt`: the inside of a connection whose secrets are known;
//! - `session`: both;
//! - `older`: a connection whose handshake passed before anybody looked, and whose secrets are found later.
//!
//! What a loss means here. Bodies of encrypted records, and of certificates, are not needed. Any other loss in the
//! handshake, and the time of its last byte, voids it. Lost calls after it void the round that they lie in; of a call of
//! which only a part was copied the time is known, and the sizes are not.

mod decrypt;
mod handshake;
mod hello;
mod inside;
mod message;
mod names;
mod older;
mod opaque;
mod outside;
mod probe;
mod record;
mod rounds;
mod session;
#[cfg(test)]
mod tests;

pub use opaque::OpaqueExchange;

use crate::describe::spoken::{FamilyName, Spoken};
use crate::protocol::{Opening, Protocol};
use crate::session::Session;

/// Name and family.
const SPOKEN: Spoken = Spoken { name: "tls", family: FamilyName::Opaque };

/// The registry entry of TLS.
pub static PROTOCOL: Protocol = Protocol {
    glimpse: Some(record::begins_data),
    goes_on: Some(record::is_of_data),
    ..Protocol::new(SPOKEN, "TLS", probe::probe, open)
};

fn open(opening: &Opening) -> Box<dyn Session> {
    if opening.may_decrypt && !opening.from_start {
        return Box::new(older::Older::new());
    }
    Box::new(session::Tls::new(opening))
}
