//! What lies inside: the protocol, as far as it is known, and its authentication by the sizes of its messages.

use super::handshake::Handshake;
use super::rounds::Round;
use crate::describe::spoken::Spoken;
use crate::hidden::{RoundTrip, SignIn, Verdict};
use crate::phase::Phase;
use crate::protocol::{Opening, Protocol, Registry};

/// See the module.
#[derive(Debug)]
pub(super) struct Inside {
    registry: Registry,
    /// What was spoken before, and agreed to encrypt itself.
    before: Option<&'static Protocol>,
    /// What is certain to be inside.
    certain: Option<&'static Protocol>,
    sign_in: Option<Box<dyn SignIn>>,
}

impl Inside {
    pub fn new(opening: &Opening) -> Self {
        Self { registry: opening.registry, before: opening.before, certain: opening.before, sign_in: None }
    }

    /// The protocol that is certain.
    pub fn spoken(&self) -> Option<Spoken> {
        self.certain.map(|protocol| protocol.spoken)
    }

    /// The handshake is done: an authentication comes next, if the protocol has one.
    pub fn begin(&mut self, handshake: &Handshake) {
        if let [only] = handshake.offered() {
            self.certain = self.registry.offered(only).or(self.certain);
        }
        self.sign_in = self.certain.and_then(|protocol| protocol.hidden.sign_in).map(|sign_in| sign_in());
    }

    /// The handshake as a phase, over at `end_ns`, with what its names tell of the inside.
    pub fn phase(&self, handshake: &mut Handshake, end_ns: u64, error: Option<Box<str>>) -> Option<Phase> {
        let offered = |name: Option<&str>| name.and_then(|name| self.registry.offered(name));
        let spoken = offered(handshake.chosen()).map(|protocol| protocol.spoken);
        let likely = self.before.or_else(|| offered(handshake.best_offer()));
        let goes_on = likely.is_some_and(|protocol| protocol.hidden.sign_in.is_some());
        handshake.phase(end_ns, error).map(|phase| Phase { spoken, goes_on, ..phase })
    }

    /// Whether the authentication goes on.
    pub fn signs_in(&self) -> bool {
        self.sign_in.is_some()
    }

    /// Takes in a round of the authentication; the phase when it is over.
    pub fn round(&mut self, round: &Round) -> Option<Phase> {
        let sign_in = self.sign_in.as_mut()?;
        match round_trip(round).map_or(Verdict::Unknown, |trip| sign_in.round(&trip)) {
            Verdict::Goes | Verdict::Refused => None,
            Verdict::Over(phase) => {
                self.sign_in = None;
                Some(phase)
            }
            Verdict::Unknown => {
                self.sign_in = None;
                None
            }
        }
    }

    /// The server ended the connection: the phase, if it had refused the client.
    pub fn refused(&mut self) -> Option<Phase> {
        self.sign_in.take().and_then(|sign_in| sign_in.refused())
    }
}

/// A round as a part of an authentication; `None` if not all of it is known.
fn round_trip(round: &Round) -> Option<RoundTrip> {
    Some(RoundTrip {
        start_ns: round.request.first_ns,
        end_ns: round.response?.last_ns,
        actor: round.actor,
        request: round.request_bytes()?,
        answer: round.last_record_bytes()?,
    })
}
