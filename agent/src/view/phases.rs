//! The phases of a span: what its time went to, in the order in which it did.

use crate::trace::setup;
use crate::trace::span::{Kind, Span, Value};
use wirespan_semconv as semconv;

/// What time went to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// A name was looked up.
    Lookup,
    /// TCP, and what comes before TLS.
    Connect,
    /// The handshake of TLS.
    Tls,
    /// Authentication, and what a driver asks first.
    Authentication,
    /// The request lay in the socket of a busy server.
    Queue,
    /// From the beginning of the request to the first byte of the answer.
    FirstByte,
    /// From the first byte of the answer to the last.
    Body,
    /// Not told apart.
    Whole,
}

impl Phase {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Lookup,
        Self::Connect,
        Self::Tls,
        Self::Authentication,
        Self::Queue,
        Self::FirstByte,
        Self::Body,
        Self::Whole,
    ];

    /// For people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Lookup => "look-up",
            Self::Connect => "connect",
            Self::Tls => "TLS",
            Self::Authentication => "authentication",
            Self::Queue => "queue",
            Self::FirstByte => "first byte",
            Self::Body => "body",
            Self::Whole => "time",
        }
    }

    /// That of a part of a set-up, by its place in [`setup::PHASES`].
    fn of_part(place: usize) -> Self {
        match place {
            0 => Self::Lookup,
            1..=3 => Self::Connect,
            4 => Self::Tls,
            _ => Self::Authentication,
        }
    }
}

/// A phase with its time, ns since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What it is.
    pub phase: Phase,
    /// Its beginning.
    pub start_ns: u64,
    /// Its end.
    pub end_ns: u64,
}

fn seconds(span: &Span, key: &str) -> Option<u64> {
    match span.attribute(key) {
        Some(Value::Double(seconds)) if *seconds > 0.0 => Some((seconds * 1e9).round() as u64),
        _ => None,
    }
}

/// The phases of a span, in the order of their beginnings. Without gaps but where a set-up has them.
#[must_use]
pub fn segments(span: &Span) -> Vec<Segment> {
    let (start, end) = (span.start_unix_ns, span.end_unix_ns.max(span.start_unix_ns));
    if span.kind == Kind::Internal {
        return internal(span, start, end);
    }
    let mut segments = Vec::with_capacity(3);
    if let Some(queued) = seconds(span, semconv::WIRESPAN_QUEUE_DURATION) {
        segments.push(Segment { phase: Phase::Queue, start_ns: start.saturating_sub(queued), end_ns: start });
    }
    match span.answered_unix_ns.filter(|answered| (start..=end).contains(answered)) {
        Some(answered) => {
            segments.push(Segment { phase: Phase::FirstByte, start_ns: start, end_ns: answered });
            if answered < end {
                segments.push(Segment { phase: Phase::Body, start_ns: answered, end_ns: end });
            }
        }
        None => segments.push(Segment { phase: Phase::Whole, start_ns: start, end_ns: end }),
    }
    segments
}

/// Of a set-up its parts, one after another; of one of those what it is.
fn internal(span: &Span, start: u64, end: u64) -> Vec<Segment> {
    if span.name == setup::NAME {
        let mut at = start;
        let mut segments = Vec::new();
        for (place, (key, _)) in setup::PHASES.iter().enumerate() {
            if let Some(took) = seconds(span, key) {
                let until = at.saturating_add(took).min(end);
                segments.push(Segment { phase: Phase::of_part(place), start_ns: at, end_ns: until });
                at = until;
            }
        }
        if !segments.is_empty() {
            return segments;
        }
    }
    let phase = match &*span.name {
        name if name.starts_with("DNS") => Phase::Lookup,
        name if name.starts_with("TLS") => Phase::Tls,
        name if name.starts_with("auth") || name == "preamble" => Phase::Authentication,
        name if name.starts_with("TCP") || name.contains("connect") || name.contains("proxy") => Phase::Connect,
        _ => Phase::Whole,
    };
    vec![Segment { phase, start_ns: start, end_ns: end }]
}
