//! What carries attributes: spans, resources, log records.

/// Kind of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// Internal operation.
    Internal,
    /// The server's side of a call.
    Server,
    /// The client's side of a call.
    Client,
}

/// An attribute where it stands, and when it is set there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// Name of the attribute.
    pub name: &'static str,
    /// When it is set at the server's end of a connection; empty: never.
    pub server: &'static str,
    /// When it is set at the client's end; empty: never.
    pub client: &'static str,
    /// More about it there.
    pub note: &'static str,
}

impl Use {
    /// Set at both ends alike, or where there are no ends.
    #[must_use]
    pub const fn new(name: &'static str, when: &'static str, note: &'static str) -> Self {
        Self { name, server: when, client: when, note }
    }

    /// Set in other cases at the server's end than at the client's.
    #[must_use]
    pub const fn ends(name: &'static str, server: &'static str, client: &'static str, note: &'static str) -> Self {
        Self { name, server, client, note }
    }
}

/// What tells a span from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Its name.
    Name(&'static [&'static str]),
    /// An attribute, whatever its value.
    Attribute(&'static str),
    /// An attribute with this value.
    Value(&'static str, &'static str),
}

/// A span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its own name here, and that of its table.
    pub id: &'static str,
    /// Its kinds.
    pub kinds: &'static [SpanKind],
    /// What tells it from others of these kinds.
    pub sign: Sign,
    /// What it is.
    pub brief: &'static str,
    /// Its attributes besides those that [`shared`](Self::shared) lists.
    pub uses: &'static [Use],
    /// Attributes that it has in common with other spans.
    pub shared: &'static [Use],
}

impl Span {
    /// All its attributes.
    pub fn all(&self) -> impl Iterator<Item = &'static Use> {
        self.uses.iter().chain(self.shared)
    }
}

/// Attributes of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its own name here, and that of its table.
    pub id: &'static str,
    /// Its attributes.
    pub uses: &'static [Use],
}

/// A log record of the kind that OpenTelemetry calls an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name (`event_name`).
    pub name: &'static str,
    /// What it is.
    pub brief: &'static str,
    /// Its attributes.
    pub uses: &'static [Use],
}
