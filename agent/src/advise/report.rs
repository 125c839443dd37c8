//! What the advisor says: findings with numbers and evidence, and where the time of each route goes. As JSON it has a
//! version, and reads back to the same report.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wirespan_protocols::describe::spoken::FamilyName;
use wirespan_protocols::registry::PROTOCOLS;

/// Version of the JSON form. Fields may be added within a version; none changes its meaning.
pub const VERSION: u32 = 1;

/// What was seen in a window of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`VERSION`].
    pub version: u32,
    /// Version of the program that made it.
    pub wirespan: String,
    /// The time that it is about.
    pub window: Window,
    /// Failures first, then the most expensive first.
    pub findings: Vec<Finding>,
    /// Where the time goes: the routes that took most of it.
    pub routes: Vec<RouteTime>,
    /// Every pair of service and peer that had connections opened: what their set-up took, whether that is a finding
    /// or not.
    pub connections: Vec<PeerConnections>,
    /// Connections on which time passed that nothing above knows of: what they carry cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unread: Vec<Unread>,
    /// What exceeded a bound and is missing above, by name; empty when nothing is.
    pub lost: BTreeMap<String, u64>,
}

/// The window, and how much was seen in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Length, s.
    pub seconds: f64,
    /// Services seen.
    pub services: u64,
    /// Requests that these served.
    pub requests: u64,
    /// Operations (calls of databases and other services, round trips of encrypted connections).
    pub operations: u64,
    /// Connections that were opened by observed clients.
    pub connections_opened: u64,
}

/// What kind of finding it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Requests fail because something that they depend on fails.
    FailingDependency,
    /// Connections are opened for one or a few operations.
    NoPool,
    /// The same statement comes first again and again.
    RepeatedPreamble,
    /// The same statement many times within one request.
    NPlusOne,
    /// Calls one after another that may not need each other: a candidate.
    SequentialCalls,
    /// Requests queue while all connections are busy.
    PoolTooSmall,
    /// Connections that carry nothing.
    IdlePoolTooLarge,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::FailingDependency,
        Self::NoPool,
        Self::RepeatedPreamble,
        Self::NPlusOne,
        Self::SequentialCalls,
        Self::PoolTooSmall,
        Self::IdlePoolTooLarge,
    ];

    /// Its name in JSON and in attributes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FailingDependency => "failing_dependency",
            Self::NoPool => "no_pool",
            Self::RepeatedPreamble => "repeated_preamble",
            Self::NPlusOne => "n_plus_one",
            Self::SequentialCalls => "sequential_calls",
            Self::PoolTooSmall => "pool_too_small",
            Self::IdlePoolTooLarge => "idle_pool_too_large",
        }
    }

    /// Its name for a person.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::FailingDependency => "Failing dependency",
            Self::NoPool => "No connection pool",
            Self::RepeatedPreamble => "Repeated preamble",
            Self::NPlusOne => "N+1 calls",
            Self::SequentialCalls => "Sequential calls (candidate)",
            Self::PoolTooSmall => "Pool too small",
            Self::IdlePoolTooLarge => "Idle connections",
        }
    }

    /// Whether it is a matter for a warning; else it is a hint.
    #[must_use]
    pub fn is_warning(self) -> bool {
        !matches!(self, Self::SequentialCalls | Self::IdlePoolTooLarge)
    }
}

/// The other end of a service's connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Peer {
    /// IP address, or path of a unix socket.
    pub address: String,
    /// TCP or UDP port.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub port: Option<u16>,
    /// What it speaks, by its name; `tls` when only that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub protocol: Option<String>,
    /// Database, where all connections use the same one and it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub namespace: Option<String>,
}

impl Peer {
    /// `10.0.0.7:5432`, `[::1]:5432`, `/run/db.sock`.
    #[must_use]
    pub fn address(&self) -> String {
        match self.port {
            Some(port) if self.address.contains(':') => format!("[{}]:{port}", self.address),
            Some(port) => format!("{}:{port}", self.address),
            None if self.address.is_empty() => "an unnamed unix socket".to_owned(),
            None => self.address.clone(),
        }
    }

    /// The address and what is known of it: `10.0.0.7:5432 (http)`, or with the database that all use.
    #[must_use]
    pub fn label(&self) -> String {
        let address = self.address();
        let protocol = self.protocol.as_deref().map(|name| match PROTOCOLS.named(name) {
            Some(protocol) if protocol.spoken.family == FamilyName::Opaque => protocol.title,
            _ => name,
        });
        match (protocol, &self.namespace) {
            (None, _) => address,
            (Some(protocol), Some(namespace)) => format!("{address} ({protocol}, database {namespace})"),
            (Some(protocol), None) => format!("{address} ({protocol})"),
        }
    }
}

/// How much of something a finding is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concerned {
    /// So many …
    pub count: u64,
    /// … of so many …
    pub of: u64,
    /// … `requests`, `operations`, `connections`.
    pub unit: String,
}

/// A trace to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// Lower-case hexadecimal.
    pub trace_id: String,
    /// Lower-case hexadecimal.
    pub span_id: String,
}

/// One part of a whole, for tables.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is.
    pub name: String,
    /// Its time, on average of what the table is about, ms.
    pub ms: f64,
    /// Its share of the whole, 0 to 1.
    pub share: f64,
}

/// Kind, service, peer, route and statement of a finding.
pub type Identity<'a> = (Kind, &'a str, Option<(&'a str, Option<u16>)>, Option<&'a str>, Option<&'a str>);

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind.
    pub kind: Kind,
    /// `service.name` of the service that can mend it, or suffers from it.
    pub service: String,
    /// The other end, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peer: Option<Peer>,
    /// Method and route, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub route: Option<String>,
    /// Statement, call or failure, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub statement: Option<String>,
    /// Time that callers waited because of it in the window, ms.
    pub cost_ms: f64,
    /// How much is concerned.
    pub concerned: Concerned,
    /// One or two sentences with the numbers.
    pub text: String,
    /// What to do about it.
    pub advice: String,
    /// The numbers by name: `…_ms` in milliseconds, `…_share` from 0 to 1, else counts. `docs/advisor.md` lists them.
    pub numbers: BTreeMap<String, f64>,
    /// A table that belongs to it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub parts: Vec<Part>,
    /// Facts that back it up, in words.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub evidence: Vec<String>,
    /// Traces to look at.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub examples: Vec<Example>,
}

impl Finding {
    /// What makes it the same finding in another report.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        let peer = self.peer.as_ref().map(|peer| (peer.address.as_str(), peer.port));
        (self.kind, &self.service, peer, self.route.as_deref(), self.statement.as_deref())
    }

    /// A number by its name; 0 if there is none.
    #[must_use]
    pub fn number(&self, name: &str) -> f64 {
        self.numbers.get(name).copied().unwrap_or_default()
    }
}

/// Where the time of one route goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RouteTime {
    /// `service.name`.
    pub service: String,
    /// Method and route.
    pub route: String,
    /// Requests.
    pub requests: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Mean duration, ms.
    pub mean_ms: f64,
    /// Self, set-up of connections and each peer, largest first; the shares add up to 1.
    pub parts: Vec<Part>,
    /// Why the service's own part may hold time of calls, if it may.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caveat: Option<String>,
}

impl PeerConnections {
    /// The share of the set-up in words: `86 %`, `at most 20 %`.
    #[must_use]
    pub fn share(&self) -> String {
        let share = super::words::percent(self.setup_share);
        if self.partial { format!("at most {share}") } else { share }
    }
}

/// Connections of a service to a peer that carried what cannot be read: encrypted before they were seen, or of a protocol
/// that is not known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Unread {
    /// `service.name`.
    pub service: String,
    /// The other end.
    pub peer: Peer,
    /// Connections.
    pub connections: u64,
    /// Round trips on them in the window.
    pub round_trips: u64,
}

/// What the set-up of connections to one peer took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PeerConnections {
    /// `service.name` of the client.
    pub service: String,
    /// The other end.
    pub peer: Peer,
    /// Connections opened.
    pub opened: u64,
    /// Connections that could not be opened.
    pub failed: u64,
    /// Operations, on whatever connection.
    pub operations: u64,
    /// Mean set-up, ms.
    pub setup_ms: f64,
    /// Mean operation, ms.
    pub operation_ms: f64,
    /// Share of the set-up in the time that callers waited, 0 to 1.
    pub setup_share: f64,
    /// Operations passed that were not seen (round trips of long encrypted connections): there are more of them, and the
    /// share is smaller.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub partial: bool,
}
