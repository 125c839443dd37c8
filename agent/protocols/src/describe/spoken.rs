//! What a connection speaks: all that floors above the protocols need to tell one from another.

use super::value::Kind;

/// A protocol's name and family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Spoken {
    /// Short lower-case name, as in `network.protocol.name` and `db.system.name`; unique in a registry.
    pub name: &'static str,
    /// Its family.
    pub family: FamilyName,
}

/// The families, without what an exchange says: see [`Family`](super::family::Family).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FamilyName {
    /// HTTP.
    Http,
    /// Calls of remote procedures.
    Rpc,
    /// Databases.
    Database,
    /// Look-ups of names.
    Lookup,
    /// Encrypted.
    Opaque,
}

impl FamilyName {
    /// Which side tells an exchange that is seen on the wire, where both are the same: a server tells HTTP and calls of remote procedures, a client what it
    /// asked of a database, which is how the conventions describe such a call.
    #[must_use]
    pub fn on_the_wire(self) -> Kind {
        match self {
            Self::Http | Self::Rpc => Kind::Server,
            Self::Database | Self::Lookup | Self::Opaque => Kind::Client,
        }
    }

    /// Whether an exchange is a request that somebody waits for, and becomes a span at its end. A look-up is a part of what
    /// needs its answer; of what is encrypted it is not known where a request ends.
    #[must_use]
    pub fn has_requests(self) -> bool {
        match self {
            Self::Http | Self::Rpc | Self::Database => true,
            Self::Lookup | Self::Opaque => false,
        }
    }
}
