//! Recorders: from observations to measurements. Each measures before any sampling; a span, where there is one, is only
//! the exemplar.

mod connection;
mod database;
mod graph;
mod http;
mod labels;
mod own;
mod rpc;
mod service;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustc_hash::FxHashMap;
use wirespan_protocols::describe::family::Family;
use wirespan_protocols::describe::options::Options;
use wirespan_protocols::describe::spoken::FamilyName;
use wirespan_protocols::exchange::Exchange;
use wirespan_semconv as semconv;

use super::catalog::Metric;
use super::label::{Text, same};
use super::settings::{Reading, Settings};
use super::snapshot::{Exemplar, Snapshot};
use super::store::{Counts, Key, Near, Store};
use crate::conn::fact::Fact;
use crate::conn::room;
use crate::event::{Listener, Role, Stats, Vantage};
use crate::trace::clock::Clock;
use crate::trace::connection::View;
use crate::trace::ends::{Edge, Ends};
use crate::trace::observation::{Observation, Observer};
use crate::trace::span::{Resource, Span};
use crate::trace::weights::Weights;
use labels::Labels;
use service::Services;

pub use connection::Standing;
pub use own::Reading as OwnReading;

/// How often idle series and connections are looked for, ns of event time.
const SWEEP_NS: u64 = 30_000_000_000;
/// Connections that have not been heard of for so long are taken for over, ns. The tracker tells the ends that it sees,
/// but not those of processes that were gone before.
const FORGET_NS: u64 = 86_400 * 1_000_000_000;
/// Most connections that something is kept of.
const MAX_CONNECTIONS: usize = 256 * 1024;

/// Nanoseconds as seconds.
fn seconds(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / 1e9
}

/// What is kept of a connection.
#[derive(Debug, Default)]
struct Known {
    /// Its place in the service graph, as of its last exchange.
    edge: Option<Edge>,
    /// The last sums that the kernel told.
    stats: Option<Stats>,
    heard_ns: u64,
    /// Where its measurements went the last time.
    near: Places,
}

/// Where the measurements of a connection went the last time: mostly they go there again.
#[derive(Clone, Debug, Default)]
struct Places {
    operation: Near,
    http: http::Last,
    /// With the name of its protocol: its port stays what it is.
    queue: (Near, &'static str),
    /// With the family of what was measured, of which the edge's kind follows.
    edge: (Near, Option<FamilyName>),
}

/// Everything that is measured. Lives on the main thread.
#[derive(Debug)]
pub struct Metrics {
    store: Store,
    /// The same as those of spans.
    options: Options,
    /// The agent's own resource: of its own metrics, and of what belongs to the host.
    own: Arc<Resource>,
    /// Boxed: a table that grows holds its entries twice, with room to spare.
    connections: FxHashMap<u64, Box<Known>>,
    ends: Ends,
    /// None: each process has metrics of its own.
    services: Option<Services>,
    weights: Weights,
    /// Exchanges that SDKs measure.
    deferred: u64,
    now_ns: u64,
    swept_ns: u64,
}

impl Metrics {
    /// Nothing measured yet.
    #[must_use]
    pub fn new(settings: Settings, trace: crate::trace::Config, own: Arc<Resource>) -> Self {
        let services = (!settings.per_process).then(Services::default);
        Self {
            store: Store::new(settings, Arc::clone(&own)),
            options: trace.options,
            own,
            connections: FxHashMap::default(),
            ends: Ends::default(),
            services,
            weights: Weights::default(),
            deferred: 0,
            now_ns: 0,
            swept_ns: 0,
        }
    }

    /// What the store counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.store.counts()
    }

    /// The values now. `standing`: the connections that are open; `readings`: what the agent counted about itself.
    pub fn collect(
        &mut self,
        clock: Clock,
        reading: Reading,
        standing: &[Standing],
        readings: &[OwnReading],
    ) -> Snapshot {
        self.count_open(standing);
        self.read_own(readings);
        self.store.collect(self.now_ns, clock, reading)
    }

    fn exchange(&mut self, seen: &Observation<'_>, exchange: &Exchange) {
        // In a capture file nobody's process is known.
        let (Some(role), Vantage::Socket) = (seen.connection.role, seen.connection.vantage) else { return };
        let view = seen.connection.view(exchange.detail.spoken().family);
        let error = exchange.error_type(view.kind);
        let measured = Measured {
            seen,
            exchange,
            view,
            role,
            error: error.as_deref(),
            seconds: seconds(exchange.request.first_ns, exchange.end_ns),
            times: self.weights.times(exchange),
        };
        let mut unknown = Known::default();
        let Known { edge, near, .. } = self.connections.get_mut(&seen.id).map_or(&mut unknown, |known| known);
        match exchange.detail.family() {
            // What its SDK measures. Queues, and who calls whom, it does not see.
            Family::Http(_) | Family::Rpc(_) | Family::Database(_) if seen.is_measured => self.deferred += 1,
            Family::Http(http) => http::record(&mut self.store, &mut near.http, &self.options, &measured, &http),
            Family::Rpc(call) => rpc::record(&mut self.store, &mut near.operation, &measured, &call),
            Family::Database(database) => database::record(&mut self.store, &mut near.operation, &measured, &database),
            Family::Lookup(lookup) => {
                if role == Role::Client {
                    let mut labels = Labels::default();
                    labels.text(semconv::DNS_QUESTION_NAME, lookup.name);
                    labels.error(measured.error);
                    let mut key = self.store.key(seen.resource, labels.as_slice()).times(measured.times);
                    measured.duration(&mut self.store, Metric::DnsLookupDuration, &mut key);
                }
                return;
            }
            Family::Opaque(_) => return,
        }
        if role == Role::Server && exchange.request.arrived_ns != 0 {
            queue(&mut self.store, &mut near.queue, &measured);
        }
        match edge {
            Some(edge) => graph::record(&mut self.store, &mut near.edge, &self.own, edge, &measured),
            None => self.first_edge(&measured),
        }
    }

    /// Keeps something of a connection, within limits.
    fn known(&mut self, seen: &Observation<'_>) -> Option<&mut Known> {
        if self.connections.len() >= MAX_CONNECTIONS && !self.connections.contains_key(&seen.id) {
            return None;
        }
        let known = self.connections.entry(seen.id).or_default();
        known.heard_ns = self.now_ns;
        Some(known)
    }

    fn sweep(&mut self) {
        self.store.expire(self.now_ns);
        let before_ns = self.now_ns.saturating_sub(FORGET_NS);
        self.connections.retain(|_, known| known.heard_ns >= before_ns);
        room::give_back(&mut self.connections);
        self.ends.forget(before_ns, self.now_ns.saturating_sub(SWEEP_NS));
        if let Some(services) = &mut self.services {
            services.forget();
        }
    }
}

impl Observer for Metrics {
    fn observe(&mut self, seen: &Observation<'_>) {
        if matches!(seen.fact, Fact::Request(_)) {
            return;
        }
        let service = self.services.as_mut().map(|services| services.of(seen.resource));
        let seen = &Observation { resource: service.as_ref().unwrap_or(seen.resource), ..*seen };
        match seen.fact {
            Fact::Opened => self.opened(seen),
            Fact::Request(_) => {}
            Fact::SetUp(set_up) => self.set_up(seen, set_up),
            Fact::Exchange(exchange, _) => {
                self.now_ns = self.now_ns.max(exchange.end_ns);
                self.exchange(seen, exchange);
            }
            Fact::Stats(stats) => self.stats(seen, stats),
            Fact::Ended(end) => self.ended(seen, end),
        }
    }

    fn listener(&mut self, listener: &Listener) {
        self.now_ns = self.now_ns.max(listener.at_ns);
        let mut labels = Labels::default();
        labels.number(semconv::SERVER_PORT, listener.port.into());
        labels.number(semconv::WIRESPAN_NETWORK_NAMESPACE, listener.network_namespace.into());
        let own = Arc::clone(&self.own);
        let mut key = self.store.key(&own, labels.as_slice());
        for (metric, value) in [
            (Metric::ListenQueueLength, f64::from(listener.queued)),
            (Metric::ListenQueueLimit, f64::from(listener.limit)),
            (Metric::ListenQueueDrops, listener.drops as f64),
        ] {
            self.store.set(metric, &mut key, value, listener.at_ns);
        }
    }

    fn tick(&mut self, at_ns: u64) {
        self.now_ns = self.now_ns.max(at_ns);
        if self.now_ns.saturating_sub(self.swept_ns) >= SWEEP_NS {
            self.swept_ns = self.now_ns;
            self.sweep();
        }
    }
}

/// Time that a request waited in the socket of a busy server.
fn queue(store: &mut Store, (near, last): &mut (Near, &'static str), measured: &Measured<'_>) {
    let request = &measured.exchange.request;
    let protocol = measured.seen.protocol.map_or("", |spoken| spoken.name);
    let port = measured.seen.connection.local.port;
    let labels = [
        (semconv::NETWORK_PROTOCOL_NAME, Text::Static(protocol)),
        (semconv::SERVER_PORT, Text::Int(port.unwrap_or_default().into())),
    ];
    let labels = &labels[..1 + usize::from(port.is_some())];
    let resource = measured.seen.resource;
    let again = if same(last, protocol) { store.key_again(*near, resource) } else { None };
    *last = protocol;
    let key = again.unwrap_or_else(|| store.key_near(near, resource, labels));
    let mut key = key.times(measured.times);
    let waited = seconds(request.arrived_ns, request.first_ns);
    let exemplar = measured.exemplar(waited);
    store.record(Metric::QueueDuration, &mut key, waited, measured.exchange.end_ns, exemplar);
}

/// An exchange with what every recorder needs of it.
struct Measured<'a> {
    seen: &'a Observation<'a>,
    exchange: &'a Exchange,
    view: View<'a>,
    role: Role,
    error: Option<&'a str>,
    /// The same number as the duration of the span.
    seconds: f64,
    /// How often it counts.
    times: u64,
}

impl Measured<'_> {
    fn exemplar(&self, value: f64) -> Option<Exemplar> {
        let at_ns = self.exchange.end_ns;
        let of = |span: &Span| Exemplar { trace_id: span.trace_id, span_id: span.span_id, value, at_ns };
        self.seen.span.map(of)
    }

    fn duration(&self, store: &mut Store, metric: Metric, key: &mut Key<'_>) {
        store.record(metric, key, self.seconds, self.exchange.end_ns, self.exemplar(self.seconds));
    }

    /// A size or a number, if it is known.
    fn amount(&self, store: &mut Store, metric: Metric, key: &mut Key<'_>, amount: Option<u64>) {
        if let Some(amount) = amount {
            let amount = amount as f64;
            store.record(metric, key, amount, self.exchange.end_ns, self.exemplar(amount));
        }
    }
}

/// The value of `wirespan.role`.
fn role_name(role: Role) -> Text<'static> {
    Text::Static(match role {
        Role::Client => "client",
        Role::Server => "server",
    })
}
