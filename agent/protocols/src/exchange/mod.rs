//! What comes out of a parser: a request and its response, with times, sizes and the facts that a span needs.
//!
//! [`detail`]: what the protocol says of it.

pub mod detail;

use std::borrow::Cow;

use wirespan_semconv as semconv;

use crate::describe::value::{Attribute, Kind, Status, Value};
use crate::describe::{Described, Scene};
use crate::stream::{Actor, Stamp};
use detail::Detail;

/// One message, or run of messages, as seen at the socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Kernel time of the first byte, ns.
    pub first_ns: u64,
    /// Kernel time of the last byte, ns.
    pub last_ns: u64,
    /// Stream position of the first byte.
    pub pos: u64,
    /// Bytes on the wire, headers and framing included.
    pub bytes: u64,
    /// For a message that was received: when its first byte came to the socket; 0 when unknown.
    pub arrived_ns: u64,
    /// Of 256 messages like it so many were left out unseen; 0 for none.
    pub rejected: u8,
}

impl Window {
    /// A window that starts at `pos` with the first byte of `stamp`.
    #[must_use]
    pub fn open(pos: u64, stamp: Stamp) -> Self {
        let Stamp { first_ns, last_ns, arrived_ns, rejected, .. } = stamp;
        Self { first_ns, last_ns, pos, bytes: 0, arrived_ns, rejected }
    }

    /// Extends the window to the byte before `end`, which passed at `stamp`.
    pub fn extend(&mut self, end: u64, stamp: Stamp) {
        self.last_ns = self.last_ns.max(stamp.last_ns);
        self.bytes = end.saturating_sub(self.pos);
    }
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The whole response was seen (or its end is certain from its framing).
    Answered,
    /// The connection was closed in an orderly way before the response was complete.
    Closed,
    /// The connection was reset before the response was complete.
    Reset,
    /// No response came within the limit; the entry was given up.
    Unanswered,
}

impl Ending {
    /// `error.type` of an exchange whose response never became complete; `None` when it did.
    #[must_use]
    pub fn error_type(self) -> Option<&'static str> {
        match self {
            Self::Answered => None,
            Self::Closed => Some("connection_closed"),
            Self::Reset => Some("connection_reset"),
            Self::Unanswered => Some("timeout"),
        }
    }
}

/// One request and its response.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Which of its connection's streams it is of; 0 where a connection is one. Only within a stream do requests end in the
    /// order in which they began.
    pub stream: u64,
    /// The request, from its first to its last byte.
    pub request: Window,
    /// The response, if any byte of it was seen.
    pub response: Option<Window>,
    /// Who received (server side) or sent (client side) the first byte of the request.
    pub actor: Actor,
    /// How it ended, and when: for anything but `Answered` the time of that end, ns.
    pub ending: Ending,
    /// Kernel time at which the exchange was over, ns. Never before `request.first_ns`.
    pub end_ns: u64,
    /// What the protocol says.
    pub detail: Box<dyn Detail>,
}

impl PartialEq for Exchange {
    fn eq(&self, other: &Self) -> bool {
        let facts = |exchange: &Self| {
            let Self { stream, request, response, actor, ending, end_ns, .. } = *exchange;
            (stream, request, response, actor, ending, end_ns)
        };
        facts(self) == facts(other) && *self.detail == *other.detail
    }
}

impl Exchange {
    /// For how many exchanges this one stands, since others like it were left out unseen: 1 or more.
    #[must_use]
    pub fn weight(&self) -> f64 {
        256.0 / (256.0 - f64::from(self.request.rejected))
    }

    /// `error.type` as one side sees it, or `None` if it succeeded. What the answer says comes before what became of the
    /// connection.
    #[must_use]
    pub fn error_type(&self, kind: Kind) -> Option<Cow<'static, str>> {
        self.detail.error(kind).or_else(|| self.ending.error_type().map(Cow::Borrowed))
    }

    /// Its name and attributes as a span, `error.type` among them, and the span's status. `attributes` is empty.
    #[must_use]
    pub fn describe(&self, scene: &Scene<'_>, attributes: Vec<Attribute>) -> (Described, Status) {
        let mut described = self.detail.describe(scene, attributes);
        let Some(error) = self.error_type(scene.view.kind) else { return (described, Status::Unset) };
        described.attributes.push((semconv::ERROR_TYPE, Value::from(error)));
        let status = Status::Error(std::mem::take(&mut described.message));
        (described, status)
    }
}
