//! What setting a connection up shows: encryption requests, start-up and authentication ("Start-up", chapter 55.2.1, and
//! "SASL Authentication", chapter 55.3 of PostgreSQL's manual). Passwords and their proofs are never looked at.

use super::SPOKEN;
use super::session::{Framing, Postgres};
use super::step::{Kind, Step};
use super::wire::int32;
use crate::phase::{Authentication, Phase, PhaseKind};
use crate::session::{Close, Output};
use crate::stream::Actor;

/// Bytes of an authentication request that are looked at: the names of SASL mechanisms.
pub(super) const MAX_REQUEST: usize = 128;

/// A start-up that is under way.
#[derive(Debug)]
pub(super) struct SignIn {
    start_ns: u64,
    actor: Actor,
    method: Option<&'static str>,
    round_trips: u32,
}

/// The method that an authentication request asks for; `None` if it goes on with one, or is unknown.
pub(super) fn method(body: &[u8]) -> Option<&'static str> {
    let (code, rest) = int32(body)?;
    Some(match code {
        2 => "kerberos",
        3 => "password",
        5 => "md5",
        7 => "gss",
        9 => "sspi",
        // Mechanisms that the server offers; one with channel binding is the same method.
        10 => {
            let offered = rest.split(|byte| *byte == 0).next()?;
            match offered {
                b"SCRAM-SHA-256" | b"SCRAM-SHA-256-PLUS" => "scram-sha-256",
                b"OAUTHBEARER" => "oauthbearer",
                _ => return None,
            }
        }
        _ => return None,
    })
}

/// Whether an authentication request says that the client may come in.
pub(super) fn is_granted(body: &[u8]) -> bool {
    int32(body).is_some_and(|(code, _)| code == 0)
}

/// A request to encrypt the connection was answered, or not.
pub(super) fn encryption_request(step: &Step, accepted: bool, error: Option<Box<str>>, end_ns: u64, out: &mut Output) {
    let start_ns = step.request.first_ns;
    let kind = PhaseKind::EncryptionRequest { accepted };
    let (end_ns, actor) = (end_ns.max(start_ns), step.actor);
    // Accepted or not, the client goes on with a start-up.
    out.phases.push(Phase { start_ns, end_ns, actor, error, spoken: Some(SPOKEN), goes_on: true, kind });
}

impl Postgres {
    /// A start-up message was sent.
    pub fn begin_sign_in(&mut self, start_ns: u64, actor: Actor) {
        self.sign_in = Some(SignIn { start_ns, actor, method: None, round_trips: 1 });
    }

    /// The client answered an authentication request.
    pub fn authenticate(&mut self) {
        if let Some(sign_in) = &mut self.sign_in {
            sign_in.round_trips = sign_in.round_trips.saturating_add(1);
        }
    }

    /// The server asked for a method, or for nothing (more).
    pub fn challenge(&mut self, method: Option<&'static str>, granted: bool) {
        if let Some(sign_in) = &mut self.sign_in {
            let trusted = granted && sign_in.round_trips == 1;
            sign_in.method = sign_in.method.or(method).or(trusted.then_some("trust"));
        }
    }

    /// The start-up is over. Once a connection.
    pub fn end_sign_in(&mut self, error: Option<Box<str>>, end_ns: u64, out: &mut Output) {
        let Some(SignIn { start_ns, actor, method, round_trips }) = self.sign_in.take() else { return };
        let kind = PhaseKind::Authentication(Box::new(Authentication { method, round_trips, encrypted: false }));
        let end_ns = end_ns.max(start_ns);
        out.phases.push(Phase { start_ns, end_ns, actor, error, spoken: Some(SPOKEN), goes_on: false, kind });
    }

    /// The connection ended in the middle of its set-up.
    pub fn cut_set_up(&mut self, how: Close, at_ns: u64, out: &mut Output) {
        if self.adrift || self.back == Framing::Lost {
            return;
        }
        let error = || {
            Some(Box::from(match how {
                Close::Orderly => "connection_closed",
                Close::Reset => "connection_reset",
            }))
        };
        if self.pending.front().is_some_and(|step| matches!(step.kind, Kind::Encrypt))
            && let Some(step) = self.pop()
        {
            encryption_request(&step, false, error(), at_ns, out);
        }
        self.end_sign_in(error(), at_ns, out);
    }
}
