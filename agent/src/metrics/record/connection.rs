//! Connections: their set-up, their quality, their ends, and how many are open.

use std::sync::Arc;

use wirespan_protocols::describe::spoken::{FamilyName, Spoken};
use wirespan_protocols::phase::PhaseKind;
use wirespan_semconv as semconv;

use super::labels::Labels;
use super::{Metrics, role_name, seconds};
use crate::conn::fact::{End, SetUp};
use crate::event::{Change, Role, Stats, Transport, Vantage};
use crate::metrics::catalog::Metric;
use crate::trace::connection::Site;
use crate::trace::observation::Observation;
use crate::trace::span::Resource;

/// An open connection, as a collection finds it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Whose.
    pub resource: Arc<Resource>,
    /// Which end.
    pub role: Role,
    /// Own end.
    pub local: Site,
    /// The other end.
    pub remote: Site,
    /// What it speaks, if that is known.
    pub protocol: Option<Spoken>,
    /// What carries it.
    pub transport: Transport,
    /// Whether the client waits for an answer: the last bytes that passed went to the server. `None` where they are not
    /// looked at any more.
    pub is_used: Option<bool>,
}

/// Who: the role, and the peer of a client or the port of a server. A server's peers come and go.
fn ends<'a>(labels: &mut Labels<'a>, role: Option<Role>, local: &'a Site, remote: &'a Site) {
    match role {
        Some(Role::Client) => labels.peer(remote),
        Some(Role::Server) => labels.port(semconv::SERVER_PORT, local.port),
        None => return,
    }
    if let Some(role) = role {
        labels.push(semconv::WIRESPAN_ROLE, role_name(role));
    }
}

/// Labels of a connection's own metrics.
fn labels_of<'a>(seen: &Observation<'a>) -> Labels<'a> {
    let mut labels = Labels::default();
    ends(&mut labels, seen.connection.role, &seen.connection.local, &seen.connection.remote);
    labels
}

fn family(protocol: Option<Spoken>) -> Option<FamilyName> {
    protocol.map(|spoken| spoken.family)
}

fn is_tcp(seen: &Observation<'_>) -> bool {
    seen.transport == Transport::Tcp && seen.connection.vantage == Vantage::Socket
}

impl Metrics {
    pub(super) fn opened(&mut self, seen: &Observation<'_>) {
        self.now_ns = self.now_ns.max(seen.opened_ns);
        if seen.connection.vantage == Vantage::Socket && seen.transport != Transport::Udp {
            self.enter(seen);
        }
        if is_tcp(seen) && seen.from_start {
            let labels = labels_of(seen);
            let mut key = self.store.key(seen.resource, labels.as_slice());
            self.store.record(Metric::TcpOpened, &mut key, 1.0, self.now_ns, None);
        }
    }

    pub(super) fn set_up(&mut self, seen: &Observation<'_>, set_up: &SetUp) {
        self.now_ns = self.now_ns.max(set_up.end_ns);
        let at_ns = set_up.end_ns;
        if let Some(tcp) = &set_up.tcp {
            let mut labels = labels_of(seen);
            // What failed before the connection was there is the set-up's failure.
            labels.error(set_up.error.as_deref().filter(|_| tcp.error != 0 || set_up.phases.is_empty()));
            let mut key = self.store.key(seen.resource, labels.as_slice());
            let took = seconds(tcp.start_ns, tcp.end_ns);
            self.store.record(Metric::TcpConnectDuration, &mut key, took, at_ns, None);
            if tcp.retransmits > 0 {
                let labels = labels_of(seen);
                let mut key = self.store.key(seen.resource, labels.as_slice());
                let again = f64::from(tcp.retransmits);
                self.store.record(Metric::TcpSynRetransmits, &mut key, again, at_ns, None);
            }
        }
        if let Some(waited_ns) = set_up.accept_wait_ns {
            let labels = labels_of(seen);
            let mut key = self.store.key(seen.resource, labels.as_slice());
            self.store.record(Metric::TcpAcceptDuration, &mut key, waited_ns as f64 / 1e9, at_ns, None);
        }
        for phase in &set_up.phases {
            let PhaseKind::Tls(tls) = &phase.kind else { continue };
            let mut labels = labels_of(seen);
            if let Some(version) = tls.version {
                labels.known(semconv::TLS_PROTOCOL_VERSION, version);
            }
            if let Some(resumed) = tls.resumed {
                labels.push(semconv::TLS_RESUMED, crate::metrics::label::Text::Bool(resumed));
            }
            labels.error(phase.error.as_deref());
            let mut key = self.store.key(seen.resource, labels.as_slice());
            let took = seconds(phase.start_ns, phase.end_ns);
            self.store.record(Metric::TlsHandshakeDuration, &mut key, took, at_ns, None);
        }
        let took = seconds(set_up.start_ns, set_up.end_ns);
        let mut labels = labels_of(seen);
        labels.error(set_up.error.as_deref());
        let mut key = self.store.key(seen.resource, labels.as_slice());
        self.store.record(Metric::SetUpDuration, &mut key, took, at_ns, None);
        let is_database = family(seen.protocol) == Some(FamilyName::Database);
        if is_database && seen.connection.role == Some(Role::Client) && set_up.error.is_none() {
            let pool = pool_name(&seen.connection.remote);
            let mut labels = Labels::default();
            labels.text(semconv::DB_CLIENT_CONNECTION_POOL_NAME, &pool);
            let mut key = self.store.key(seen.resource, labels.as_slice());
            self.store.record(Metric::DbConnectionCreateTime, &mut key, took, at_ns, None);
        }
    }

    pub(super) fn stats(&mut self, seen: &Observation<'_>, stats: &Stats) {
        self.now_ns = self.now_ns.max(stats.at_ns);
        if !is_tcp(seen) {
            return;
        }
        let before = match self.connections.get(&seen.id) {
            Some(known) => known.stats.unwrap_or_default(),
            // A connection that was there before the agent, or that was forgotten: what passed until now is nobody's.
            None if !seen.from_start || stats.at_ns.saturating_sub(seen.opened_ns) > super::FORGET_NS => *stats,
            None => Stats::default(),
        };
        if !stats.last
            && let Some(known) = self.known(seen)
        {
            known.stats = Some(*stats);
        }
        let at_ns = stats.at_ns;
        let labels = labels_of(seen);
        let mut key = self.store.key(seen.resource, labels.as_slice());
        if let Some(rtt) = stats.rtt_us.filter(|rtt| *rtt > 0) {
            self.store.record(Metric::TcpRtt, &mut key, f64::from(rtt) / 1e6, at_ns, None);
        }
        let grown = |now: Option<u64>, before: Option<u64>| now.map(|now| now.saturating_sub(before.unwrap_or(0)));
        let wide = |count: Option<u32>| count.map(u64::from);
        if let Some(again) = grown(wide(stats.retransmits), wide(before.retransmits)).filter(|again| *again > 0) {
            self.store.record(Metric::TcpRetransmits, &mut key, again as f64, at_ns, None);
        }
        if stats.zero_window {
            self.store.record(Metric::TcpZeroWindow, &mut key, 1.0, at_ns, None);
        }
        for (direction, bytes, segments) in [
            (
                "transmit",
                grown(stats.bytes_sent, before.bytes_sent),
                grown(wide(stats.segments_sent), wide(before.segments_sent)),
            ),
            (
                "receive",
                grown(stats.bytes_received, before.bytes_received),
                grown(wide(stats.segments_received), wide(before.segments_received)),
            ),
        ] {
            let mut labels = labels_of(seen);
            labels.known(semconv::NETWORK_IO_DIRECTION, direction);
            let mut key = self.store.key(seen.resource, labels.as_slice());
            for (metric, grown) in [(Metric::TcpIo, bytes), (Metric::TcpSegments, segments)] {
                if let Some(grown) = grown.filter(|grown| *grown > 0) {
                    self.store.record(metric, &mut key, grown as f64, at_ns, None);
                }
            }
        }
    }

    pub(super) fn ended(&mut self, seen: &Observation<'_>, end: &End) {
        self.now_ns = self.now_ns.max(end.at_ns);
        self.connections.remove(&seen.id);
        self.ends.leave(seen, end.at_ns);
        // What was only forgotten is still open.
        if !is_tcp(seen) || end.forgotten {
            return;
        }
        let at_ns = end.at_ns;
        let by = match end.change {
            Change::ResetByPeer => "peer",
            Change::ResetBySelf => "self",
            Change::Failed => "error",
            _ if end.peer_first => "peer",
            _ => "self",
        };
        let mut labels = labels_of(seen);
        labels.known(semconv::WIRESPAN_CLOSED_BY, by);
        let mut key = self.store.key(seen.resource, labels.as_slice());
        self.store.record(Metric::TcpClosed, &mut key, 1.0, at_ns, None);
        if end.change.is_reset() {
            self.store.record(Metric::TcpResets, &mut key, 1.0, at_ns, None);
        }
        if !seen.from_start {
            return;
        }
        let lived = seconds(seen.opened_ns, end.at_ns);
        if family(seen.protocol) == Some(FamilyName::Http) && seen.connection.role == Some(Role::Client) {
            let mut labels = Labels::default();
            labels.shared(semconv::SERVER_ADDRESS, &seen.connection.remote.address);
            labels.port(semconv::SERVER_PORT, seen.connection.remote.port);
            let mut key = self.store.key(seen.resource, labels.as_slice());
            self.store.record(Metric::HttpConnectionDuration, &mut key, lived, at_ns, None);
        }
        let labels = labels_of(seen);
        let mut key = self.store.key(seen.resource, labels.as_slice());
        self.store.record(Metric::ConnectionDuration, &mut key, lived, at_ns, None);
    }

    /// Counts what is open now; what is not any more becomes zero.
    pub(super) fn count_open(&mut self, standing: &[Standing]) {
        for metric in [Metric::TcpOpen, Metric::HttpOpenConnections, Metric::DbConnectionCount] {
            self.store.zero(metric);
        }
        for one in standing {
            let service = self.services.as_mut().map(|services| services.of(&one.resource));
            let resource = service.as_ref().unwrap_or(&one.resource);
            if one.transport == Transport::Tcp {
                let mut labels = Labels::default();
                ends(&mut labels, Some(one.role), &one.local, &one.remote);
                let mut key = self.store.key(resource, labels.as_slice());
                self.store.record(Metric::TcpOpen, &mut key, 1.0, self.now_ns, None);
            }
            if one.role != Role::Client {
                continue;
            }
            match family(one.protocol) {
                Some(FamilyName::Http) => {
                    let mut labels = Labels::default();
                    labels.shared(semconv::SERVER_ADDRESS, &one.remote.address);
                    labels.port(semconv::SERVER_PORT, one.remote.port);
                    state(&mut labels, semconv::HTTP_CONNECTION_STATE, one.is_used, "active");
                    let mut key = self.store.key(resource, labels.as_slice());
                    self.store.record(Metric::HttpOpenConnections, &mut key, 1.0, self.now_ns, None);
                }
                Some(FamilyName::Database) => {
                    let pool = pool_name(&one.remote);
                    let mut labels = Labels::default();
                    labels.text(semconv::DB_CLIENT_CONNECTION_POOL_NAME, &pool);
                    state(&mut labels, semconv::DB_CLIENT_CONNECTION_STATE, one.is_used, "used");
                    let mut key = self.store.key(resource, labels.as_slice());
                    self.store.record(Metric::DbConnectionCount, &mut key, 1.0, self.now_ns, None);
                }
                Some(FamilyName::Rpc | FamilyName::Lookup | FamilyName::Opaque) | None => {}
            }
        }
    }
}

/// The state of an open connection, where it is known.
fn state(labels: &mut Labels<'_>, key: &'static str, is_used: Option<bool>, used: &'static str) {
    match is_used {
        Some(true) => labels.known(key, used),
        Some(false) => labels.known(key, "idle"),
        None => {}
    }
}

/// Which pool a connection belongs to: its server, as the conventions have it where no name is known. (The database is
/// known of some connections only: it would split a pool.)
fn pool_name(server: &Site) -> Arc<str> {
    server.text()
}
