//! What is said of a metric: name, unit, kind, buckets, attributes. The list of all metrics is [`registry::metrics`](crate::registry::metrics).

use crate::attribute::Stability;

/// How a metric's values are put together; the kinds of the OpenTelemetry metrics API.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A sum that only grows.
    Counter,
    /// A sum that is read, not added to: the agent's own counters. Its temporality is cumulative under `lowmemory`.
    Total,
    /// A sum that goes up and down; always cumulative.
    UpDown,
    /// The last value.
    Gauge,
    /// A distribution; upper, inclusive bounds of its buckets, where buckets are explicit.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word of the documentation.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter | Self::Total => "counter",
            Self::UpDown => "up-down counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }

    /// Whether the value only grows.
    #[must_use]
    pub fn is_monotonic(self) -> bool {
        matches!(self, Self::Counter | Self::Total)
    }
}

/// What is known of a metric before anything is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Instrument {
    /// Name, in the style of the semantic conventions.
    pub name: &'static str,
    /// Unit (UCUM): `s`, `By`, `{connection}`.
    pub unit: &'static str,
    /// Kind.
    pub kind: Kind,
    /// Whether values are whole numbers.
    pub is_integer: bool,
    /// One sentence, as exporters tell it.
    pub description: &'static str,
    /// How firm the name is.
    pub stability: Stability,
    /// Whose table it stands in.
    pub section: Section,
    /// Names of its attributes besides those of its section. Which of them a measurement has is said by `meaning`, or they
    /// are left out where they are not known.
    pub attributes: &'static [&'static str],
    /// More than the description says, for the documentation.
    pub meaning: &'static str,
}

impl Instrument {
    /// All its attributes; any metric's series may also be the one that takes in what found no room
    /// (`otel.metric.overflow`).
    pub fn all_attributes(&self) -> impl Iterator<Item = &'static str> {
        self.attributes.iter().chain(self.section.attributes()).copied()
    }
}

/// Metrics that belong together: one table of the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// HTTP, databases, lookups.
    Requests,
    /// Connections of targets.
    Connections,
    /// Queues of listening sockets, which belong to the host.
    Listeners,
    /// The service graph.
    Graph,
    /// The agent itself.
    Agent,
}

impl Section {
    /// Attributes that all its metrics have, as far as they are known.
    #[must_use]
    pub fn attributes(self) -> &'static [&'static str] {
        match self {
            // Of a client: its peer. Of a server: its own port, since the ports of its clients come and go.
            Self::Connections => {
                &[crate::WIRESPAN_ROLE, crate::NETWORK_PEER_ADDRESS, crate::NETWORK_PEER_PORT, crate::SERVER_PORT]
            }
            Self::Listeners => &[crate::SERVER_PORT, crate::WIRESPAN_NETWORK_NAMESPACE],
            Self::Graph => &[crate::CLIENT, crate::SERVER, crate::CONNECTION_TYPE],
            Self::Requests | Self::Agent => &[],
        }
    }
}

/// Seconds, as the conventions advise for HTTP: also for set-up phases.
pub const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Seconds of database operations (conventions of `db.client.operation.duration`).
pub const DATABASE_SECONDS: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
/// Seconds of what is over in microseconds on one host: round trips, waiting in queues.
pub const FINE_SECONDS: &[f64] =
    &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Seconds that a connection lives (conventions of `http.client.connection.duration`).
pub const LIFETIME_SECONDS: &[f64] = &[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
/// Seconds of a look-up (conventions of `dns.lookup.duration`).
pub const LOOKUP_SECONDS: &[f64] = SECONDS;
/// Rows (conventions of `db.client.response.returned_rows`).
pub const ROWS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0];
/// Bytes: powers of four from 64 B to 64 MiB. The conventions advise none.
pub const BYTES: &[f64] = &[
    0.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
