//! Authentication inside TLS, by the sizes of its messages ("Message Formats", chapter 55.7 of PostgreSQL's manual). The
//! protocol is certain; the sizes tell the method.

use super::SPOKEN;
use crate::hidden::{RoundTrip, SignIn, Verdict};
use crate::phase::{Authentication, Phase, PhaseKind};
use crate::stream::Actor;

/// `AuthenticationCleartextPassword`. `AuthenticationGSS` is as long: the client's answer tells them apart.
const PASSWORD: u64 = 9;
/// `AuthenticationMD5Password`, with a salt.
const MD5: u64 = 13;
/// A `PasswordMessage` with `md5`, 32 hexadecimal digits and NUL.
const MD5_ANSWER: u64 = 5 + 36;
/// `AuthenticationSASL` with `SCRAM-SHA-256`, and with `SCRAM-SHA-256-PLUS` before it.
const SCRAM: u64 = 9 + 14 + 1;
const SCRAM_PLUS: u64 = 9 + 19 + 14 + 1;
/// `AuthenticationOk`, all `ParameterStatus`, `BackendKeyData` and `ReadyForQuery` are longer.
const WELCOME: u64 = 200;
/// `ErrorResponse` with its severity, code and message.
const ERROR: std::ops::RangeInclusive<u64> = 50..=WELCOME;
/// Passwords, tokens of cloud services left out; tickets of Kerberos are longer.
const PASSWORD_ANSWER: std::ops::RangeInclusive<u64> = 6..=200;
/// `SASLInitialResponse`, `AuthenticationSASLContinue` and `SASLResponse`, whatever the length of the nonces.
const SCRAM_FIRST: std::ops::RangeInclusive<u64> = 50..=400;
const SCRAM_CONTINUE: std::ops::RangeInclusive<u64> = 60..=400;
const SCRAM_FINAL: std::ops::RangeInclusive<u64> = 80..=600;

/// What is expected next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    StartUp,
    Password,
    Md5,
    ScramFirst,
    ScramFinal,
}

/// The authentication of one connection.
#[derive(Debug)]
struct Sizes {
    step: Step,
    method: Option<&'static str>,
    rounds: u32,
    start_ns: u64,
    end_ns: u64,
    actor: Actor,
    is_refused: bool,
}

/// Follows one.
pub(super) fn sign_in() -> Box<dyn SignIn> {
    Box::new(Sizes::new())
}

impl Sizes {
    fn new() -> Self {
        Self {
            step: Step::StartUp,
            method: None,
            rounds: 0,
            start_ns: 0,
            end_ns: 0,
            actor: Actor::default(),
            is_refused: false,
        }
    }

    fn over(&mut self, method: &'static str) -> Verdict {
        self.method = Some(method);
        Verdict::Over(self.phase(None))
    }

    fn phase(&self, error: Option<Box<str>>) -> Phase {
        let authentication = Authentication { method: self.method, round_trips: self.rounds, encrypted: true };
        Phase {
            start_ns: self.start_ns,
            end_ns: self.end_ns.max(self.start_ns),
            actor: self.actor,
            error,
            spoken: Some(SPOKEN),
            goes_on: false,
            kind: PhaseKind::Authentication(Box::new(authentication)),
        }
    }
}

impl SignIn for Sizes {
    fn round(&mut self, round: &RoundTrip) -> Verdict {
        let (asked, answer) = (round.request, round.answer);
        if self.rounds == 0 {
            self.start_ns = round.start_ns;
            self.actor = round.actor;
        }
        self.rounds += 1;
        self.end_ns = round.end_ns;
        let welcome = answer > WELCOME;
        if std::mem::take(&mut self.is_refused) {
            return Verdict::Unknown;
        }
        let next = match self.step {
            Step::StartUp => match answer {
                PASSWORD => Some(Step::Password),
                MD5 => Some(Step::Md5),
                SCRAM | SCRAM_PLUS => Some(Step::ScramFirst),
                _ if welcome => return self.over("trust"),
                _ => None,
            },
            Step::Password if welcome && PASSWORD_ANSWER.contains(&asked) => return self.over("password"),
            Step::Md5 if welcome && asked == MD5_ANSWER => return self.over("md5"),
            Step::ScramFirst if SCRAM_FIRST.contains(&asked) && SCRAM_CONTINUE.contains(&answer) => {
                Some(Step::ScramFinal)
            }
            Step::ScramFinal if welcome && SCRAM_FINAL.contains(&asked) => return self.over("scram-sha-256"),
            Step::Password | Step::Md5 | Step::ScramFinal if ERROR.contains(&answer) => {
                self.is_refused = true;
                return Verdict::Refused;
            }
            _ => None,
        };
        match next {
            Some(step) => {
                self.step = step;
                Verdict::Goes
            }
            None => Verdict::Unknown,
        }
    }

    fn refused(mut self: Box<Self>) -> Option<Phase> {
        self.method = match self.step {
            Step::Md5 => Some("md5"),
            Step::ScramFinal => Some("scram-sha-256"),
            Step::Password | Step::StartUp | Step::ScramFirst => None,
        };
        self.is_refused.then(|| self.phase(Some("connection_closed".into())))
    }
}
