//! Why a call failed: the phase, and the code by which that phase names its failures.

use crate::conn::fact::SetUp;
use std::borrow::Cow;
use wirespan_protocols::describe::family::Family;
use wirespan_protocols::describe::spoken::{FamilyName, Spoken};
use wirespan_protocols::exchange::{Ending, Exchange};
use wirespan_protocols::phase::PhaseKind;
use wirespan_protocols::registry::PROTOCOLS;

use crate::trace::span::Kind as SpanKind;

/// Where in a call it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The name was not found.
    Dns,
    /// The TCP connection was not established.
    Connect,
    /// The request for encryption.
    Encryption,
    /// The TLS handshake.
    Tls,
    /// Logging in.
    Authentication,
    /// The connection was reset.
    Reset,
    /// No answer came.
    Timeout,
    /// The connection ended in an orderly way before the answer.
    Closed,
    /// The answer says so.
    Status,
}

impl Stage {
    /// Its name in attributes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Encryption => "encryption_request",
            Self::Tls => "tls",
            Self::Authentication => "authentication",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Status => "status",
        }
    }
}

/// A failure as it is counted: few different ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Failure {
    /// Where.
    pub stage: Stage,
    /// `error.type`: `connection_refused`, an alert's name, `503`, an SQLSTATE …
    pub code: Cow<'static, str>,
}

/// Response code of DNS for "no such name" (RFC 1035).
const NXDOMAIN: u8 = 3;

impl Failure {
    fn new(stage: Stage, code: impl Into<Cow<'static, str>>) -> Self {
        Self { stage, code: code.into() }
    }

    /// The failure of a set-up, if it failed.
    #[must_use]
    pub fn of_set_up(set_up: &SetUp) -> Option<Self> {
        let code = set_up.error.as_deref()?;
        if set_up.tcp.is_some_and(|tcp| tcp.error != 0) {
            return Some(Self::new(Stage::Connect, code.to_owned()));
        }
        let phase = set_up.phases.iter().find(|phase| phase.error.is_some());
        let stage = match phase.map(|phase| &phase.kind) {
            Some(PhaseKind::Tls(_)) => Stage::Tls,
            Some(PhaseKind::EncryptionRequest { .. }) => Stage::Encryption,
            Some(PhaseKind::Authentication(_)) => Stage::Authentication,
            Some(PhaseKind::Preface(_)) | None => Stage::Connect,
        };
        let code = phase.and_then(|phase| phase.error.as_deref()).unwrap_or(code);
        Some(Self::new(stage, code.to_owned()))
    }

    /// The failure of an exchange as the client sees it, if it failed.
    #[must_use]
    pub fn of_call(exchange: &Exchange) -> Option<Self> {
        let has_status = match exchange.detail.family() {
            Family::Http(http) => http.status.is_some(),
            Family::Rpc(call) => call.status.is_some(),
            Family::Database(database) => database.status.is_some(),
            Family::Lookup(lookup) => match lookup.response_code {
                Some(0) | None => false,
                Some(NXDOMAIN) => return Some(Self::new(Stage::Dns, "NXDOMAIN")),
                Some(2) => return Some(Self::new(Stage::Dns, "SERVFAIL")),
                Some(5) => return Some(Self::new(Stage::Dns, "REFUSED")),
                Some(code) => return Some(Self::new(Stage::Dns, format!("RCODE {code}"))),
            },
            Family::Opaque(_) => false,
        };
        // What the answer, or the end of one stream among others, says of a failure.
        let has_status = has_status || exchange.detail.error(SpanKind::Client).is_some();
        if has_status && let Some(code) = exchange.error_type(SpanKind::Client) {
            return Some(Self::new(Stage::Status, code));
        }
        match exchange.ending {
            Ending::Answered => None,
            Ending::Reset => Some(Self::new(Stage::Reset, "connection_reset")),
            Ending::Closed => Some(Self::new(Stage::Closed, "connection_closed")),
            Ending::Unanswered => Some(Self::new(Stage::Timeout, "timeout")),
        }
    }

    /// What the call did, after "its call to …".
    #[must_use]
    pub fn text(&self, protocol: Option<Spoken>) -> String {
        let code = &*self.code;
        let explain = protocol.and_then(|spoken| PROTOCOLS.named(spoken.name)?.explain);
        let explained = explain.map(|explain| explain(code).unwrap_or_else(|| words(code)));
        match self.stage {
            Stage::Dns => format!("gets no address: {code}"),
            Stage::Connect => format!("cannot connect: {}", errno_words(code)),
            Stage::Encryption => format!("fails when it asks for encryption: {}", words(code)),
            Stage::Tls => format!("fails in the TLS handshake: {}", words(code)),
            Stage::Authentication => format!("cannot log in: {}", explained.unwrap_or_else(|| words(code))),
            Stage::Reset => "is cut off: the connection is reset before the answer (ECONNRESET)".to_owned(),
            Stage::Timeout => "gets no answer".to_owned(),
            Stage::Closed => "gets no answer: the connection is closed first".to_owned(),
            Stage::Status => match (explained, protocol.map(|spoken| spoken.family)) {
                (Some(explained), _) => format!("fails: {explained}"),
                (None, Some(FamilyName::Database)) => format!("is answered with the error {code}"),
                (None, Some(FamilyName::Http)) if code.starts_with(|first: char| first.is_ascii_digit()) => {
                    format!("is answered with {code}")
                }
                (None, _) => format!("fails with {code}"),
            },
        }
    }
}

fn words(code: &str) -> String {
    code.replace('_', " ")
}

/// The causes of a failed connect, with the name that a program's own log has for it.
fn errno_words(code: &str) -> String {
    let name = match code {
        "connection_refused" => "ECONNREFUSED",
        "timeout" => return "no answer (ETIMEDOUT)".to_owned(),
        "host_unreachable" => "EHOSTUNREACH",
        "network_unreachable" => "ENETUNREACH",
        "connection_reset" => "ECONNRESET",
        "aborted" => return "it gave up waiting".to_owned(),
        other => return words(other),
    };
    format!("{} ({name})", words(code))
}
