//! Phases of a connection's set-up above TCP, and beginnings of requests: what a session tells besides exchanges.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::describe::spoken::Spoken;
use crate::stream::Actor;

/// One phase of setting a connection up, whole or failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Kernel time of its first byte at this socket, ns.
    pub start_ns: u64,
    /// Kernel time of its last byte, or of the end that cut it short, ns. Never before `start_ns`.
    pub end_ns: u64,
    /// Who sent (client) or received (server) its first byte.
    pub actor: Actor,
    /// Why it failed, in the words of `error.type`; `None` when it succeeded.
    pub error: Option<Box<str>>,
    /// The protocol that it is known by now to be the set-up of, beneath or inside whatever encrypts it.
    pub spoken: Option<Spoken>,
    /// Another phase has to follow it.
    pub goes_on: bool,
    /// What it was.
    pub kind: PhaseKind,
}

impl Phase {
    /// Heap bytes held.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let text = |text: &Option<Box<str>>| text.as_ref().map_or(0, |text| text.len());
        let kind = match &self.kind {
            PhaseKind::Tls(tls) => {
                let offered: usize = tls.offered_protocols.iter().map(|name| name.len() + size_of::<Box<str>>()).sum();
                let texts = text(&tls.cipher) + text(&tls.server_name) + text(&tls.chosen_protocol);
                size_of::<TlsHandshake>() + offered + texts
            }
            PhaseKind::EncryptionRequest { .. } | PhaseKind::Preface(_) => 0,
            PhaseKind::Authentication(_) => size_of::<Authentication>(),
        };
        kind + text(&self.error)
    }
}

/// What a phase was.
#[derive(Clone, Debug, PartialEq)]
pub enum PhaseKind {
    /// A TLS handshake, ClientHello to the last Finished.
    Tls(Box<TlsHandshake>),
    /// What is said to a proxy, or by one, before the protocol begins: `proxy` (the PROXY protocol), `socks4`, `socks5`.
    Preface(&'static str),
    /// A request to encrypt what follows, and its answer.
    EncryptionRequest {
        /// Whether the server agreed.
        accepted: bool,
    },
    /// Start-up and authentication.
    Authentication(Box<Authentication>),
}

/// What a TLS handshake shows on the wire. `None`, and empty lists: not seen, or encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsHandshake {
    /// Negotiated version as in `tls.protocol.version`: `1.2`, `1.3`.
    pub version: Option<&'static str>,
    /// Cipher suite by its IANA name; unknown ones as `0x1301`.
    pub cipher: Option<Box<str>>,
    /// Server name that the client asked for.
    pub server_name: Option<Box<str>>,
    /// Application protocols that the client offered, in its order; at most 8.
    pub offered_protocols: Vec<Box<str>>,
    /// Application protocol that the server chose (in clear only up to TLS 1.2).
    pub chosen_protocol: Option<Box<str>>,
    /// Whether an earlier session was resumed.
    pub resumed: Option<bool>,
    /// Whether the server asked for a client certificate.
    pub client_certificate_asked: Option<bool>,
    /// Whether the server asked for another ClientHello first (HelloRetryRequest).
    pub retried: bool,
}

/// What a start-up shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// Method: `trust` (nothing was asked), `password`, `md5`, `scram-sha-256`, `gss`, …
    pub method: Option<&'static str>,
    /// Round trips that it took, the start-up message included.
    pub round_trips: u32,
    /// True when the messages were encrypted and only their sizes were seen.
    pub encrypted: bool,
}

/// A request began to arrive (server) or to leave (client). `stream` and `pos` are those of the exchange that will tell the
/// rest: its `stream`, and the position of its request.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestStart {
    /// Which of its connection's streams it is of; 0 where a connection is one.
    pub stream: u64,
    /// Position of its first byte.
    pub pos: u64,
    /// Kernel time of its first byte, ns.
    pub at_ns: u64,
    /// Kernel time at which its head had been read or sent, ns.
    pub read_ns: u64,
    /// Who read or sent the end of its head, and so knows what is asked.
    pub actor: Actor,
    /// `traceparent` header, if there was one: the same that its exchange will tell.
    pub traceparent: Option<Arc<str>>,
    /// What is asked, where that can be told from others.
    pub print: Option<Print>,
}

/// What is asked, in short: a proxy that passes a request on asks the same of another. Equal ones are equal requests, but for chance
/// (1 in 2^64).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Print {
    /// Of all that names it: method and target.
    pub whole: u64,
    /// Of its end alone, which stays when a proxy replaces the beginning: method, last segment of the path and query.
    pub tail: u64,
}

impl Print {
    /// That of a request that names its target by a path of segments, and perhaps a query.
    #[must_use]
    pub fn of(method: &str, target: &str) -> Self {
        let path = target.split('?').next().unwrap_or_default();
        let tail = path.rfind('/').map_or(target, |slash| &target[slash..]);
        let hash = |text: &str| {
            let mut hasher = rustc_hash::FxHasher::default();
            (method, text).hash(&mut hasher);
            hasher.finish()
        };
        Self { whole: hash(target), tail: hash(tail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_passed_on_keeps_its_end() {
        let print = |target| Print::of("GET", target);
        assert_eq!(print("/api/users/7?a=b/c"), print("/api/users/7?a=b/c"));
        assert_eq!(print("/api/users/7?a=b/c").tail, print("/users/7?a=b/c").tail);
        assert_ne!(print("/api/users/7?a=b/c").whole, print("/users/7?a=b/c").whole);
        assert_ne!(print("/users/7?a=b/c").tail, print("/users/7?a=d/c").tail);
        assert_ne!(print("/users/7").tail, print("/users/8").tail);
        assert_ne!(print("/users/7"), Print::of("POST", "/users/7"));
        assert_eq!(print("*").tail, print("*").tail);
    }
}
