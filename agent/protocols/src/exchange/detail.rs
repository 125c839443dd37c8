//! The protocol's part of an exchange, which describes itself. Each protocol has one type of its own; nobody above knows
//! which.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;

use crate::describe::family::Family;
use crate::describe::spoken::Spoken;
use crate::describe::value::{Attribute, Kind};
use crate::describe::{Described, Scene};

/// What an exchange is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Data.
    Data,
    /// Sets up or checks the session, and fetches no data.
    Session,
    /// Begins or ends a transaction.
    Transaction,
    /// Ends the connection: nobody waits for it.
    Farewell,
}

/// The span that a request names as its parent, as its headers say it, unparsed (W3C Trace Context).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parent<'a> {
    /// `traceparent`.
    pub traceparent: Option<&'a str>,
    /// `tracestate`.
    pub tracestate: Option<&'a str>,
}

/// A span of another tracing system that a request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its trace. Systems with shorter ids have leading zeros.
    pub trace_id: [u8; 16],
    /// The span.
    pub span_id: [u8; 8],
}

/// A kind of telemetry, of those that wirespan makes, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metrics.
    Metrics,
}

/// What a protocol says of an exchange.
pub trait Detail: Any + Debug + Send + Same {
    /// Which protocol it is.
    fn spoken(&self) -> Spoken;

    /// What it was, in the words of its family.
    fn family(&self) -> Family<'_>;

    /// Name and attributes of its span, for protocols that make one of each exchange
    /// ([`FamilyName::has_requests`](crate::describe::spoken::FamilyName::has_requests)). `attributes` is empty; what
    /// others say of the span comes after.
    fn describe(&self, _scene: &Scene<'_>, attributes: Vec<Attribute>) -> Described {
        Described { name: self.spoken().name.into(), attributes, message: Cow::Borrowed("") }
    }

    /// `error.type` if the answer itself tells of a failure, as one side sees it.
    fn error(&self, _kind: Kind) -> Option<Cow<'static, str>> {
        None
    }

    /// What it was for.
    fn purpose(&self) -> Purpose {
        Purpose::Data
    }

    /// The parent that its request names.
    fn parent(&self) -> Parent<'_> {
        Parent::default()
    }

    /// Spans of other tracing systems that its request names; a few.
    fn spans(&self) -> Vec<Identity> {
        Vec::new()
    }

    /// What its client exported with it, if it was an export of OpenTelemetry's that was taken.
    fn exports(&self) -> Option<Signal> {
        None
    }

    /// What a driver did with it before the first request of its program, in few different words; `None` when it may be
    /// the program's own.
    fn preamble(&self) -> Option<Box<str>> {
        None
    }

    /// Whether it belongs to the set-up although it is no step of a preamble: a start-up that failed.
    fn is_start_up(&self) -> bool {
        false
    }
}

/// Copies and compares what is only known as a [`Detail`]. Every type that can be copied and compared has it.
pub trait Same {
    /// A copy.
    fn boxed(&self) -> Box<dyn Detail>;

    /// Whether both are of one type, and equal.
    fn equals(&self, other: &dyn Detail) -> bool;
}

impl<T: Detail + Clone + PartialEq> Same for T {
    fn boxed(&self) -> Box<dyn Detail> {
        Box::new(self.clone())
    }

    fn equals(&self, other: &dyn Detail) -> bool {
        other.downcast::<T>() == Some(self)
    }
}

impl dyn Detail {
    /// The protocol's own type, for those who know it.
    #[must_use]
    pub fn downcast<T: Detail>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }

    /// The same, to change it.
    #[must_use]
    pub fn downcast_mut<T: Detail>(&mut self) -> Option<&mut T> {
        (self as &mut dyn Any).downcast_mut()
    }
}

impl PartialEq for dyn Detail {
    fn eq(&self, other: &Self) -> bool {
        self.equals(other)
    }
}

impl Clone for Box<dyn Detail> {
    fn clone(&self) -> Self {
        (**self).boxed()
    }
}
