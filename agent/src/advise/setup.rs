//! Sums of set-ups, split into their phases.

use super::report::Part;
use super::words::ratio;
use crate::conn::fact::SetUp;
use wirespan_protocols::phase::PhaseKind;

/// Sums over set-ups, ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetUps {
    /// How many.
    pub count: u64,
    /// From the beginning of the first phase to the end of the last.
    pub total_ns: u64,
    /// Look-ups of the name.
    pub dns_ns: u64,
    /// TCP handshakes.
    pub tcp_ns: u64,
    /// Requests for encryption.
    pub encryption_ns: u64,
    /// TLS handshakes.
    pub tls_ns: u64,
    /// Authentication.
    pub authentication_ns: u64,
    /// What drivers send first.
    pub preamble_ns: u64,
    /// Round trips of preambles that were told by their sizes alone.
    pub by_size: u64,
    /// SYNs sent again.
    pub retransmits: u64,
}

impl SetUps {
    /// Adds one.
    pub fn add(&mut self, set_up: &SetUp) {
        self.count += 1;
        self.total_ns += length(set_up);
        self.dns_ns += lookups(set_up).1;
        if let Some(tcp) = set_up.tcp {
            self.tcp_ns += tcp.end_ns.saturating_sub(tcp.start_ns);
            self.retransmits += u64::from(tcp.retransmits);
        }
        for phase in &set_up.phases {
            let ns = phase.end_ns.saturating_sub(phase.start_ns);
            match phase.kind {
                PhaseKind::Tls(_) => self.tls_ns += ns,
                PhaseKind::EncryptionRequest { .. } => self.encryption_ns += ns,
                PhaseKind::Authentication(_) => self.authentication_ns += ns,
                // What a proxy asks for is a part of connecting through it.
                PhaseKind::Preface(_) => self.tcp_ns += ns,
            }
        }
        // Steps may have been sent together: the time until the last answer counts once.
        let mut reached = 0;
        for step in &set_up.preamble {
            self.preamble_ns += step.end_ns.saturating_sub(step.start_ns.max(reached));
            reached = reached.max(step.end_ns);
        }
    }

    /// Adds sums of others.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.total_ns += other.total_ns;
        self.dns_ns += other.dns_ns;
        self.tcp_ns += other.tcp_ns;
        self.encryption_ns += other.encryption_ns;
        self.tls_ns += other.tls_ns;
        self.authentication_ns += other.authentication_ns;
        self.preamble_ns += other.preamble_ns;
        self.by_size += other.by_size;
        self.retransmits += other.retransmits;
    }

    /// Counts so many ns of round trips as a preamble that was told by its sizes.
    pub fn add_by_size(&mut self, round_trips: u64, ns: u64) {
        self.by_size += round_trips;
        self.preamble_ns += ns;
        self.total_ns += ns;
    }

    /// Time between the phases: the client's own work, such as reading certificates.
    #[must_use]
    pub fn between_ns(&self) -> u64 {
        let phases =
            self.dns_ns + self.tcp_ns + self.encryption_ns + self.tls_ns + self.authentication_ns + self.preamble_ns;
        self.total_ns.saturating_sub(phases)
    }

    /// Every phase by name, in the order of their happening.
    #[must_use]
    pub fn phases(&self) -> [(&'static str, u64); 7] {
        [
            ("DNS", self.dns_ns),
            ("TCP", self.tcp_ns),
            ("encryption request", self.encryption_ns),
            ("TLS", self.tls_ns),
            ("authentication", self.authentication_ns),
            ("preamble", self.preamble_ns),
            ("between phases", self.between_ns()),
        ]
    }

    /// The phases that took time, for each of `operations`, as parts of `whole_ns`.
    #[must_use]
    pub fn parts(&self, operations: u64, whole_ns: u64) -> Vec<Part> {
        let part = |(name, ns): (&str, u64)| Part {
            name: if name == "preamble" && self.by_size > 0 {
                "preamble (by size)".to_owned()
            } else {
                name.to_owned()
            },
            ms: ratio(ns, operations) / 1e6,
            share: ratio(ns, whole_ns),
        };
        self.phases().into_iter().filter(|(_, ns)| *ns > 0).map(part).filter(|part| part.share >= 0.001).collect()
    }
}

/// When a set-up began: with its look-ups, if there were some.
#[must_use]
pub fn start(set_up: &SetUp) -> u64 {
    set_up.lookups.iter().map(|lookup| lookup.start_ns).fold(set_up.start_ns, u64::min)
}

/// Time that was waited for a set-up, ns: its look-ups and then its phases. What the program did between an early
/// look-up and the connect is its own.
#[must_use]
pub fn length(set_up: &SetUp) -> u64 {
    set_up.end_ns.saturating_sub(set_up.start_ns) + lookups(set_up).0
}

/// Time of the look-ups before the set-up's own beginning, and of all of them, ns. Those for A and AAAA overlap.
fn lookups(set_up: &SetUp) -> (u64, u64) {
    let (mut before, mut all, mut reached) = (0, 0, 0);
    for lookup in &set_up.lookups {
        let start = lookup.start_ns.max(reached);
        reached = reached.max(lookup.end_ns);
        all += reached.saturating_sub(start);
        before += reached.min(set_up.start_ns).saturating_sub(start);
    }
    (before, all)
}
