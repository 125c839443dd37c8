//! What a protocol is: a name, a way to recognise it, a way to follow it, and what only it knows. And a [`Registry`], which is
//! a table of protocols. Which ones there are is known one floor up: [`registry`](crate::registry).

use std::fmt;

use crate::blank::Blanking;
use crate::describe::spoken::{FamilyName, Spoken};
use crate::hidden::Hidden;
use crate::session::Session;
use crate::stream::Direction;

/// What is known about bytes that are to be recognised.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The direction, if the connection's roles are known.
    pub direction: Option<Direction>,
    /// Whether these are the first bytes of their direction (false: attached in mid-connection, or after a gap).
    pub from_start: bool,
}

/// A protocol's opinion on some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Certainly this protocol, and bytes of this kind travel in this direction.
    Yes(Direction),
    /// Could be, with more bytes.
    Maybe,
    /// Certainly not, as far as these bytes go (in mid-connection: not at a recognisable boundary).
    No,
}

/// Whether a request and the answer to it are certainly of one protocol.
pub type Answers = fn(request: &[u8], response: &[u8]) -> bool;

/// What is known of a connection when a session of it is opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Both directions are followed from their first byte.
    pub from_start: bool,
    /// What was spoken before, on a connection that has agreed to change.
    pub before: Option<&'static Protocol>,
    /// Secrets of its handshake may come ([`Session::secret`]).
    pub may_decrypt: bool,
    /// All protocols.
    pub registry: Registry,
}

/// What only a protocol knows of itself. Made by [`Protocol::new`]; what does not apply to it is left as it is there.
pub struct Protocol {
    /// Its name and family.
    pub spoken: Spoken,
    /// Its name as people write it.
    pub title: &'static str,
    /// Looks at the bytes of one direction from a system-call boundary on (at most a few hundred are given).
    pub probe: fn(&[u8], Context) -> Probe,
    /// Whether a client's first bytes and the server's first answer to them are certainly of this protocol, where neither
    /// alone is. `None`: there is no such case.
    pub answers: Option<Answers>,
    /// Opens a session.
    pub open: fn(&Opening) -> Box<dyn Session>,
    /// Payload bytes of a turn (a run of calls in one direction) that framing needs, where the default of the capture
    /// layer, enough for headers, is too small.
    pub turn_budget: Option<u32>,
    /// Each message shows what it is, so that an answer that does not is none.
    pub is_self_evident: bool,
    /// The same over datagrams, where it has such a form: each call is one message.
    pub datagrams: Option<&'static Protocol>,
    /// Whether a call in mid-connection begins like one of this protocol, which cannot be followed there.
    pub glimpse: Option<fn(&[u8]) -> bool>,
    /// Whether a call in mid-connection, of so many bytes, that begins so is of this protocol beyond doubt, and can be followed from
    /// there on if its secrets are found ([`Session::candidate`]).
    pub goes_on: Option<fn(&[u8], u32) -> bool>,
    /// What is known of it where its bytes are encrypted.
    pub hidden: Hidden,
    /// What a connection of HTTP/1.1 calls it where it changes to it (RFC 9110, section 7.8).
    pub upgrade: Option<&'static str>,
    /// Whether a driver only tried an operation, which was refused with a status (`db.response.status_code`) that says that
    /// its server lacks it: no failure, if it was a part of the preamble.
    pub is_optional: Option<fn(operation: &str, status: &str) -> bool>,
    /// An error's code in words for people, if it has codes that need them.
    pub explain: Option<fn(code: &str) -> Option<String>>,
    /// Blanks what lets somebody in, in bytes that are recorded.
    pub blank: Option<Blanking>,
}

impl Protocol {
    /// A protocol of which nothing special is known.
    #[must_use]
    pub const fn new(
        spoken: Spoken,
        title: &'static str,
        probe: fn(&[u8], Context) -> Probe,
        open: fn(&Opening) -> Box<dyn Session>,
    ) -> Self {
        Self {
            spoken,
            title,
            probe,
            answers: None,
            open,
            turn_budget: None,
            is_self_evident: false,
            datagrams: None,
            glimpse: None,
            goes_on: None,
            hidden: Hidden::NOTHING,
            upgrade: None,
            is_optional: None,
            explain: None,
            blank: None,
        }
    }

    /// A session of it alone: without other protocols, and nothing was spoken before.
    #[must_use]
    pub fn session(&self, from_start: bool) -> Box<dyn Session> {
        (self.open)(&Opening { from_start, before: None, may_decrypt: false, registry: Registry::new(&[]) })
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Protocol").field(&self.spoken).finish()
    }
}

/// The verdict on a connection's bytes.
#[derive(Clone, Copy, Debug)]
pub enum Verdict {
    /// It is this protocol, and the probed bytes travelled in this direction.
    Match(&'static Protocol, Direction),
    /// Not certain yet.
    Unsure,
    /// None of ours.
    None,
}

/// A table of protocols, most common first.
#[derive(Clone, Copy, Debug)]
pub struct Registry(&'static [&'static Protocol]);

impl Registry {
    /// A registry of these.
    #[must_use]
    pub const fn new(protocols: &'static [&'static Protocol]) -> Self {
        Self(protocols)
    }

    /// All of them, in order.
    pub fn iter(self) -> impl Iterator<Item = &'static Protocol> + Clone {
        self.0.iter().copied()
    }

    /// Their number.
    #[must_use]
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The place of a protocol.
    #[must_use]
    pub fn index(self, spoken: Spoken) -> Option<usize> {
        self.0.iter().position(|protocol| protocol.spoken == spoken)
    }

    /// The protocol of this name.
    #[must_use]
    pub fn named(self, name: &str) -> Option<&'static Protocol> {
        self.iter().find(|protocol| protocol.spoken.name == name)
    }

    /// Titles of those whose requests are shown.
    #[must_use]
    pub fn titles(self) -> Vec<&'static str> {
        let shown = self.iter().filter(|protocol| protocol.spoken.family.has_requests());
        shown.map(|protocol| protocol.title).collect()
    }

    /// What is spoken over datagrams.
    #[must_use]
    pub fn datagrams(self) -> Option<&'static Protocol> {
        self.iter().find_map(|protocol| protocol.datagrams)
    }

    /// What a connection of HTTP/1.1 changes to by this name.
    #[must_use]
    pub fn upgrade(self, name: &str) -> Option<&'static Protocol> {
        self.iter().find(|protocol| protocol.upgrade.is_some_and(|own| own.eq_ignore_ascii_case(name)))
    }

    /// What encrypts others.
    #[must_use]
    pub fn encryption(self) -> Option<&'static Protocol> {
        self.iter().find(|protocol| protocol.spoken.family == FamilyName::Opaque)
    }

    /// Whether a call of a connection that was joined midway begins like something encrypted.
    #[must_use]
    pub fn looks_encrypted(self, bytes: &[u8]) -> bool {
        self.encryption().and_then(|protocol| protocol.glimpse).is_some_and(|glimpse| glimpse(bytes))
    }

    /// What encrypts a connection that was joined midway, of which a call of so many bytes begins so.
    #[must_use]
    pub fn goes_on(self, bytes: &[u8], len: u32) -> Option<&'static Protocol> {
        self.encryption().filter(|protocol| protocol.goes_on.is_some_and(|goes_on| goes_on(bytes, len)))
    }

    /// The protocol that clients offer under this name when they encrypt it (ALPN, RFC 7301).
    #[must_use]
    pub fn offered(self, name: &str) -> Option<&'static Protocol> {
        self.iter().find(|protocol| protocol.hidden.offer == Some(name))
    }

    /// The protocol of which `response` answers `request`, where neither alone was certain.
    #[must_use]
    pub fn agree(self, request: &[u8], response: &[u8]) -> Option<&'static Protocol> {
        self.iter().find(|protocol| protocol.answers.is_some_and(|answers| answers(request, response)))
    }

    /// Asks each protocol in turn.
    #[must_use]
    pub fn detect(self, bytes: &[u8], context: Context) -> Verdict {
        let mut unsure = false;
        for protocol in self.iter() {
            match (protocol.probe)(bytes, context) {
                Probe::Yes(direction) if context.direction.is_none_or(|known| known == direction) => {
                    return Verdict::Match(protocol, direction);
                }
                Probe::Maybe => unsure = true,
                Probe::Yes(_) | Probe::No => {}
            }
        }
        if unsure { Verdict::Unsure } else { Verdict::None }
    }
}
