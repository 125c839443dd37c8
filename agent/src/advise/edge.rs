//! What is counted of one service's connections to one peer, in one window.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use wirespan_protocols::describe::spoken::{FamilyName, Spoken};

use super::failure::Failure;
use super::heads::Heads;
use super::input::{Operation, Purpose};
use super::limits;
use super::report::{Example, Peer, PeerConnections};
use super::setup::SetUps;
use super::words::ratio;
use crate::trace::connection::Site;
use crate::trace::span::{SpanId, TraceId};

/// Index of an edge.
pub type EdgeId = u32;
/// Index of a statement of an edge.
pub type StatementId = u16;

/// Who talks to whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EdgeKey {
    /// `service.name` of the client.
    pub service: Arc<str>,
    /// Address of the server.
    pub address: Arc<str>,
    /// Its port.
    pub port: Option<u16>,
}

impl EdgeKey {
    /// The key of a service and the end that answers.
    #[must_use]
    pub fn new(service: &Arc<str>, server: &Site) -> Self {
        Self { service: Arc::clone(service), address: Arc::clone(&server.address), port: server.port }
    }
}

/// What is counted of one statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its summary.
    pub summary: Arc<str>,
    /// What it is for.
    pub purpose: Purpose,
    /// How often it ran.
    pub count: u64,
    /// How long all of them took.
    pub total_ns: u64,
    /// Operations of data that came right after it on its connection.
    pub followed: u64,
    /// Connections that began with it.
    pub first: u64,
    /// What these first ones took.
    pub first_ns: u64,
}

/// One edge, see the module's text.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Who and to whom.
    pub key: EdgeKey,
    /// What it speaks, as far as known.
    pub protocol: Option<Spoken>,
    /// Whether its content is encrypted.
    pub encrypted: bool,
    /// Whether it was announced as HTTP (ALPN), or its start-up is a phase: its round trips are no preamble.
    pub no_heads: bool,
    /// Round trips pass that are not seen.
    pub blind: bool,
    /// Database, and whether there are several.
    namespace: Option<Arc<str>>,
    namespaces_differ: bool,
    /// Connections open now, and most of them at a time.
    pub open: u64,
    /// Most of them open at a time.
    pub open_peak: u64,
    /// Set-ups that succeeded.
    pub set_ups: SetUps,
    /// Set-ups that failed, by cause.
    pub failures: FxHashMap<Failure, u64>,
    /// Connections that ended after few operations.
    pub short_lived: Settled,
    /// Operations.
    pub operations: u64,
    /// Their time, each on its own.
    pub operations_ns: u64,
    /// Operations of data: neither of the session nor of a transaction.
    pub data: u64,
    /// Time in which a connection had an operation in progress, summed over connections.
    pub busy_ns: u64,
    /// Operations that began as soon as the one before them on their connection had ended.
    pub back_to_back: u64,
    /// Server requests that waited for a set-up.
    pub waited: u64,
    /// First round trips, encrypted.
    pub heads: Heads,
    /// Statements by their index.
    pub statements: Vec<Statement>,
    indices: FxHashMap<Arc<str>, StatementId>,
    /// Statements that found no place.
    pub statements_lost: u64,
    /// Traces of first operations.
    pub examples: Vec<Example>,
}

impl Edge {
    /// An edge of which nothing was seen yet.
    #[must_use]
    pub fn new(key: EdgeKey) -> Self {
        Self {
            key,
            protocol: None,
            encrypted: false,
            no_heads: false,
            blind: false,
            namespace: None,
            namespaces_differ: false,
            open: 0,
            open_peak: 0,
            set_ups: SetUps::default(),
            failures: FxHashMap::default(),
            short_lived: Settled::default(),
            operations: 0,
            operations_ns: 0,
            data: 0,
            busy_ns: 0,
            back_to_back: 0,
            waited: 0,
            heads: Heads::default(),
            statements: Vec::new(),
            indices: FxHashMap::default(),
            statements_lost: 0,
            examples: Vec::new(),
        }
    }

    /// The same edge at the beginning of the next window. Statements go, but those that somebody refers to; told is the new
    /// place of each one.
    pub fn begin_window(&mut self, is_used: impl Fn(StatementId) -> bool) -> Vec<Option<StatementId>> {
        let mut statements = Vec::new();
        let mut places = Vec::with_capacity(self.statements.len());
        for (statement, place) in std::mem::take(&mut self.statements).into_iter().zip(0..) {
            let stays = is_used(place);
            places.push(stays.then(|| StatementId::try_from(statements.len()).unwrap_or(StatementId::MAX)));
            if stays {
                statements.push(statement);
            }
        }
        self.indices = statements.iter().zip(0..).map(|(one, place)| (Arc::clone(&one.summary), place)).collect();
        let fresh = Self::new(self.key.clone());
        *self = Self {
            protocol: self.protocol,
            encrypted: self.encrypted,
            no_heads: self.no_heads,
            blind: self.blind,
            namespace: self.namespace.take(),
            namespaces_differ: self.namespaces_differ,
            open: self.open,
            open_peak: self.open,
            statements: statements
                .into_iter()
                .map(|one| Statement { count: 0, total_ns: 0, followed: 0, first: 0, first_ns: 0, ..one })
                .collect(),
            indices: std::mem::take(&mut self.indices),
            ..fresh
        };
        places
    }

    /// Takes note of what it speaks. What lies inside an encryption counts more than that.
    pub fn learn_protocol(&mut self, protocol: Option<Spoken>) {
        if let Some(protocol) = protocol
            && (self.protocol.is_none() || protocol.family != FamilyName::Opaque)
        {
            self.protocol = Some(protocol);
        }
    }

    /// Takes note of a database.
    pub fn learn_namespace(&mut self, namespace: Option<&str>) {
        match (&self.namespace, namespace) {
            (None, Some(namespace)) => self.namespace = Some(Arc::from(namespace)),
            (Some(known), Some(namespace)) if &**known != namespace => self.namespaces_differ = true,
            _ => {}
        }
    }

    /// The index of a statement; `None` when there are too many.
    pub fn statement(&mut self, summary: &str, purpose: Purpose) -> Option<StatementId> {
        if let Some(index) = self.indices.get(summary) {
            return Some(*index);
        }
        if self.statements.len() >= limits::STATEMENTS {
            self.statements_lost += 1;
            return None;
        }
        let index = StatementId::try_from(self.statements.len()).ok()?;
        let summary: Arc<str> = Arc::from(summary);
        self.statements.push(Statement {
            summary: Arc::clone(&summary),
            purpose,
            count: 0,
            total_ns: 0,
            followed: 0,
            first: 0,
            first_ns: 0,
        });
        self.indices.insert(summary, index);
        Some(index)
    }

    /// Counts an operation whose content is known; `before`: the statement before it on its connection. Returns its
    /// statement.
    pub fn ran(
        &mut self,
        operation: &Operation<'_>,
        start_ns: u64,
        end_ns: u64,
        before: Option<StatementId>,
    ) -> Option<StatementId> {
        let is_data = operation.purpose == Purpose::Data;
        self.data += u64::from(is_data);
        let statement = self.statement(&operation.summary, operation.purpose);
        if let Some(one) = statement.and_then(|index| self.statements.get_mut(usize::from(index))) {
            one.count += 1;
            one.total_ns += end_ns.saturating_sub(start_ns);
        }
        if is_data && let Some(one) = before.and_then(|index| self.statements.get_mut(usize::from(index))) {
            one.followed += 1;
        }
        statement
    }

    /// The peer, for a report.
    #[must_use]
    pub fn peer(&self) -> Peer {
        Peer {
            address: self.key.address.to_string(),
            port: self.key.port,
            protocol: self.protocol.map(|spoken| spoken.name.to_owned()),
            namespace: self.namespace.as_ref().filter(|_| !self.namespaces_differ).map(ToString::to_string),
        }
    }

    /// Set-ups and operations after the preambles that only sizes tell have been moved from the latter to the former.
    #[must_use]
    pub fn settled(&self) -> Settled {
        self.settle(Settled { set_ups: self.set_ups, operations: self.operations, operations_ns: self.operations_ns })
    }

    /// The same of those connections that ended after few operations.
    #[must_use]
    pub fn settled_short(&self) -> Settled {
        self.settle(self.short_lived)
    }

    /// `part`: sums of some of the connections, which have their share in the preambles.
    fn settle(&self, part: Settled) -> Settled {
        let mut settled = part;
        if !self.no_heads && self.set_ups.count > 0 {
            let (round_trips, ns) = self.heads.preamble();
            let share = |all: u64| {
                let all = u128::from(all) * u128::from(part.set_ups.count.min(self.set_ups.count));
                u64::try_from(all / u128::from(self.set_ups.count)).unwrap_or(u64::MAX)
            };
            let (round_trips, ns) = (share(round_trips), share(ns));
            settled.set_ups.add_by_size(round_trips, ns);
            settled.operations = settled.operations.saturating_sub(round_trips);
            settled.operations_ns = settled.operations_ns.saturating_sub(ns);
        }
        settled
    }

    /// What its set-ups took, for a report; `None` without any.
    #[must_use]
    pub fn connections(&self) -> Option<PeerConnections> {
        let failed: u64 = self.failures.values().sum();
        if self.set_ups.count + failed == 0 {
            return None;
        }
        let settled = self.settled();
        Some(PeerConnections {
            service: self.key.service.to_string(),
            peer: self.peer(),
            opened: settled.set_ups.count,
            failed,
            operations: settled.operations,
            setup_ms: ratio(settled.set_ups.total_ns, settled.set_ups.count) / 1e6,
            operation_ms: ratio(settled.operations_ns, settled.operations) / 1e6,
            setup_share: settled.set_up_share(),
            partial: self.blind,
        })
    }

    /// Whether anything was seen of it in this window.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.open == 0 && self.operations == 0 && self.set_ups.count == 0 && self.failures.is_empty()
    }
}

/// See [`Edge::settled`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Settled {
    /// Set-ups with their preambles.
    pub set_ups: SetUps,
    /// Operations without them.
    pub operations: u64,
    /// Their time.
    pub operations_ns: u64,
}

impl Settled {
    /// Time that callers waited, ns.
    #[must_use]
    pub fn waited_ns(&self) -> u64 {
        self.set_ups.total_ns + self.operations_ns
    }

    /// Share of the set-up in it.
    #[must_use]
    pub fn set_up_share(&self) -> f64 {
        ratio(self.set_ups.total_ns, self.waited_ns())
    }
}

/// Notes a trace as evidence, if there is room.
pub fn note_example(examples: &mut Vec<Example>, span: Option<(TraceId, SpanId)>) {
    if let Some((trace_id, span_id)) = span
        && examples.len() < limits::EXAMPLES
    {
        examples.push(Example { trace_id: hex(&trace_id), span_id: hex(&span_id) });
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
