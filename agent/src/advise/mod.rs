//! The advisor: what slows callers down and what would help, in sentences with numbers and evidence.
//!
//! It learns every fact that the trace floor tells, keeps bounded sums, and makes a [`Report`] of a window of event
//! time. It reads no clock and does no I/O, so a recording gives the same report again.
//!
//! Layout, from the bottom up:
//! - [`limits`]: every threshold and bound; [`words`]: numbers as a person reads them;
//! - [`input`], [`failure`]: what an exchange was, and why it failed;
//! - [`setup`], [`heads`], [`edge`]: one service's connections to one peer;
//! - [`request`], [`route`]: server requests with the calls made for them, and what routes have in common;
//! - [`unread`]: connections that cannot be read; [`tables`]: all of these, bounded; [`Advisor`]: facts in;
//! - [`findings`]: one file a kind; [`report`], [`text`], [`diff`]: what comes out.
//!
//! Which request a call belongs to is the trace floor's knowledge alone ([`Observation::owner`]). Where that is not
//! certain, findings that need it are silent.

pub mod diff;
pub mod edge;
pub mod failure;
pub mod findings;
pub mod heads;
pub mod input;
pub mod limits;
pub mod report;
pub mod request;
pub mod route;
pub mod setup;
pub mod tables;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod text;
pub mod unread;
pub mod words;

use std::sync::Arc;

use wirespan_protocols::describe::spoken::{FamilyName, Spoken};
use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::phase::PhaseKind;
use wirespan_protocols::registry::PROTOCOLS;

use crate::conn::fact::{Fact, SetUp, Use};
use crate::event::{Transport, Vantage};
use crate::trace::connection::Site;
use crate::trace::observation::{Observation, Observer};
use crate::trace::span::{Kind as SpanKind, Span, SpanId, TraceId};
use edge::{EdgeKey, note_example};
use failure::Failure;
use input::Operation;
use report::Report;
use request::{Child, Outcome, WireKey, Work};
use tables::{Link, Tables};

/// Learns facts and gives advice. See the module's text.
#[derive(Debug, Default)]
pub struct Advisor {
    tables: Tables,
}

impl Advisor {
    /// An advisor that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The report of the window that ends now (in event time, at what was told last), and the beginning of the next.
    /// Connections and requests in progress stay.
    pub fn take(&mut self) -> Report {
        self.tables.settle(u64::MAX);
        let report = findings::report(&self.tables);
        self.tables.begin_window();
        report
    }

    /// The report of the window so far, which goes on.
    pub fn peek(&mut self) -> Report {
        self.tables.settle(u64::MAX);
        findings::report(&self.tables)
    }

    fn client(&mut self, seen: &Observation<'_>) {
        match seen.fact {
            Fact::SetUp(set_up) => self.set_up(seen, set_up),
            // A preamble is told again as a part of the set-up.
            Fact::Exchange(_, Use::Preamble) => {}
            Fact::Exchange(exchange, _) => self.operation(seen, exchange),
            Fact::Opened | Fact::Request(_) | Fact::Stats(_) | Fact::Ended(_) => {}
        }
    }

    fn set_up(&mut self, seen: &Observation<'_>, set_up: &SetUp) {
        let failure = Failure::of_set_up(set_up);
        let id = seen.id;
        let Some(link) = self.link(seen) else { return };
        let edge = link.edge;
        let start_ns = setup::start(set_up);
        let span = traced(seen.span);
        let mut one = setup::SetUps::default();
        one.add(set_up);
        let Some(sums) = self.tables.edge_mut(edge) else { return };
        match &failure {
            None => {
                sums.set_ups.merge(&one);
                note_example(&mut sums.examples, span);
            }
            Some(failure) if sums.failures.len() < limits::CAUSES || sums.failures.contains_key(failure) => {
                *sums.failures.entry(failure.clone()).or_default() += 1;
            }
            Some(_) => {}
        }
        for phase in &set_up.phases {
            match &phase.kind {
                PhaseKind::Tls(tls) => {
                    sums.encrypted = true;
                    sums.no_heads |=
                        tls.offered_protocols.iter().any(|name| name.starts_with("http/") || &**name == "h2");
                }
                PhaseKind::EncryptionRequest { .. } | PhaseKind::Authentication(_) => sums.no_heads = true,
                PhaseKind::Preface(_) => {}
            }
        }
        for step in set_up.preamble.iter().filter(|step| !step.what.is_empty()) {
            if let Some(statement) = sums.statement(&step.what, input::Purpose::Session)
                && let Some(statement) = sums.statements.get_mut(usize::from(statement))
            {
                statement.first += 1;
                statement.first_ns += step.end_ns.saturating_sub(step.start_ns);
            }
        }
        self.tables.noted(set_up.end_ns);
        if failure.is_none() {
            self.tables.opened(id, set_up.end_ns, one);
        }
        if let Some(owner) = seen.owner {
            let failure = failure.map(|failure| Box::new((failure, None)));
            let child = Child { edge, work: Work::SetUp, batched: false, start_ns, end_ns: set_up.end_ns, failure };
            self.tables.requests.child(owner.request, child);
        }
        self.tables.tied(calling(seen), seen.owner.is_some());
    }

    fn operation(&mut self, seen: &Observation<'_>, exchange: &Exchange) {
        let operation = Operation::of(exchange);
        if operation.purpose == input::Purpose::Farewell {
            return;
        }
        let Some(link) = self.link(seen) else { return };
        let edge = link.edge;
        let (start_ns, end_ns) = (exchange.request.first_ns, exchange.end_ns);
        let times = link.operation(start_ns, end_ns);
        let goodbye = operation.opaque.flatten().is_some_and(heads::is_farewell);
        link.farewell_ns = goodbye.then(|| end_ns.saturating_sub(start_ns));
        let (mut head, before, operations, set_up) = (link.head, link.last, link.operations, link.set_up.is_some());
        let Some(sums) = self.tables.edge_mut(edge) else { return };
        sums.learn_protocol(seen.protocol.or(Some(operation.protocol)));
        sums.learn_namespace(operation.namespace.as_deref());
        sums.operations += 1;
        sums.operations_ns += end_ns.saturating_sub(start_ns);
        sums.busy_ns += times.busy_ns;
        sums.back_to_back += u64::from(times.back_to_back);
        let statement = match operation.opaque {
            Some(sizes) => {
                sums.blind |= operations >= u64::from(limits::OPAQUE_TURNS);
                if set_up {
                    head.push(sizes, end_ns.saturating_sub(start_ns), &mut sums.heads);
                }
                None
            }
            None => sums.ran(&operation, start_ns, end_ns, before),
        };
        if let Some(link) = self.tables.link_mut(seen.id) {
            (link.head, link.last) = (head, statement);
        }
        self.tables.noted(end_ns);
        self.tables.tied(calling(seen), seen.owner.is_some());
        if let Some(owner) = seen.owner {
            let work = match operation.purpose {
                _ if operation.protocol.family == FamilyName::Lookup => Work::LookUp,
                input::Purpose::Transaction => Work::Transaction,
                _ => Work::Call(statement),
            };
            let failure = operation.failure.map(|failure| Box::new((failure, wire_key(seen, exchange))));
            let child = Child { edge, work, batched: operation.batched, start_ns, end_ns, failure };
            self.tables.requests.child(owner.request, child);
        }
    }

    fn server(&mut self, seen: &Observation<'_>) {
        let Some(key) = seen.request() else { return };
        match seen.fact {
            Fact::Request(request) => {
                self.tables.noted(request.at_ns);
                self.tables.requests.begin(key, serving(seen), request.at_ns);
            }
            Fact::Exchange(exchange, _)
                if matches!(exchange.detail.spoken().family, FamilyName::Http | FamilyName::Rpc) =>
            {
                self.tables.noted(exchange.end_ns);
                if !self.tables.requests.takes(key) {
                    return;
                }
                let error = exchange.error_type(SpanKind::Server);
                let outcome = Outcome {
                    route: input::route(exchange, seen.route),
                    start_ns: exchange.request.first_ns,
                    end_ns: exchange.end_ns,
                    error: error.map(Arc::from),
                    span: traced(seen.span),
                    wire: wire_key(seen, exchange),
                };
                self.tables.requests.end(key, serving(seen), outcome);
            }
            _ => {}
        }
    }

    /// What is kept of a client's connection; made at its first fact.
    fn link(&mut self, seen: &Observation<'_>) -> Option<&mut Link> {
        if !self.tables.has_link(seen.id) {
            let (_, server) = input::ends(seen.connection);
            let key = EdgeKey::new(calling(seen), server);
            let counts = seen.transport != Transport::Udp;
            self.tables.add_link(seen.id, key, counts, seen.opened_ns)?;
        }
        let protocol = seen.protocol;
        let edge = self.tables.link_mut(seen.id)?.edge;
        if let Some(edge) = self.tables.edge_mut(edge) {
            edge.learn_protocol(protocol);
            edge.encrypted |= seen.encrypted;
            edge.no_heads |= seen.encrypted && protocol.is_some_and(|spoken| !has_heads(spoken));
        }
        let link = self.tables.link_mut(seen.id)?;
        link.is_understood |= protocol.is_some();
        Some(link)
    }
}

impl Observer for Advisor {
    fn observe(&mut self, seen: &Observation<'_>) {
        if let Fact::Stats(stats) = seen.fact {
            return self.tables.unread.stats(seen, stats);
        }
        if let Fact::Ended(end) = seen.fact {
            self.tables.noted(end.at_ns);
            self.tables.unread.ended(seen.id);
            return self.tables.ended(seen.id, end.forgotten);
        }
        let Some(is_client) = input::is_client(seen.connection) else { return };
        if is_client {
            self.client(seen);
        }
        if !is_client || seen.connection.vantage == Vantage::Wire {
            self.server(seen);
        }
    }

    fn tick(&mut self, at_ns: u64) {
        self.tables.noted(at_ns);
    }
}

/// Whether a preamble may be told by sizes: what is inside is not known, or knows the sizes of its preambles.
fn has_heads(spoken: Spoken) -> bool {
    let knows_sizes = || PROTOCOLS.named(spoken.name).is_some_and(|protocol| protocol.hidden.preamble.is_some());
    spoken.family == FamilyName::Opaque || knows_sizes()
}

/// The service that calls; in a packet capture, where no process is known, its address.
fn calling<'a>(seen: &Observation<'a>) -> &'a Arc<str> {
    match seen.connection.vantage {
        Vantage::Wire => &input::ends(seen.connection).0.address,
        Vantage::Socket => &seen.resource.service_name,
    }
}

/// The service that serves; in a packet capture its address.
fn serving<'a>(seen: &Observation<'a>) -> &'a Arc<str> {
    match seen.connection.vantage {
        Vantage::Wire => &input::ends(seen.connection).1.address,
        Vantage::Socket => &seen.resource.service_name,
    }
}

fn traced(span: Option<&Span>) -> Option<(TraceId, SpanId)> {
    span.map(|span| (span.trace_id, span.span_id))
}

/// What both ends of a TCP connection call a request.
fn wire_key(seen: &Observation<'_>, exchange: &Exchange) -> Option<WireKey> {
    let (client, server) = input::ends(seen.connection);
    let end = |site: &Site| Some((Arc::clone(&site.address), site.port?));
    Some(WireKey { client: end(client)?, server: end(server)?, pos: exchange.request.pos })
}
