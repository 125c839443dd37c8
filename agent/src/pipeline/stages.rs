//! The stages above the tracker: where each fact of a connection goes.

mod callers;
mod followed;
mod observed;
mod sdk;
mod sole;
mod standing;
mod treated;

use super::engine::Totals;
use crate::conn::Connection;
use crate::conn::fact::{Fact, Use};
use crate::enrich::Resources;
use crate::event::{Data, Endpoint, ProcessChange, Role, Transport, Vantage};
use crate::process::table::ProcessTable;
use crate::trace::askers::Askers;
use crate::trace::context::{Binding, Call, Contexts, Owner, RequestKey};
use crate::trace::links::{ExchangeId, Links};
use crate::trace::lookup::{Lookups, Waiting};
use crate::trace::named::Named;
use crate::trace::observation::Observer;
use crate::trace::passed::Passed;
use crate::trace::relayed::Relayed;
use crate::trace::sdk::Sdks;
use crate::trace::span::{Resource, Span};
use crate::trace::spoken::Spoken;
use crate::trace::traceparent::TraceParent;
use crate::trace::{Ties, Tracer};
use std::sync::Arc;
use wirespan_protocols::describe::route::Route;
use wirespan_protocols::describe::spoken::FamilyName;
use wirespan_protocols::exchange::detail::Detail;
use wirespan_protocols::exchange::{Ending, Exchange};
use wirespan_protocols::protocol::Registry;
use wirespan_protocols::stream::Actor;

use callers::{Other, waited_until};
pub(super) use followed::{Beginning, Followed};
use observed::About;

/// Everything above the tracker.
pub(super) struct Stages {
    pub(super) observers: Vec<Box<dyn Observer>>,
    pub(super) tracer: Tracer,
    pub(super) contexts: Contexts,
    links: Links,
    passed: Passed,
    relayed: Relayed,
    pub(super) named: Named,
    sdks: Sdks,
    pub(super) spoken: Spoken,
    pub(super) askers: Askers,
    lookups: Lookups,
    pub(super) processes: ProcessTable,
    pub(super) resources: Resources,
    /// The resource of the last span's process, which is usually the next one's too.
    pub(super) recent: Option<(u32, Arc<Resource>)>,
    pub(super) spans: Vec<Span>,
    pub(super) totals: Totals,
    pub(super) registry: Registry,
    /// What the last exchange said, with which all are done.
    pub(super) done: Option<Box<dyn Detail>>,
    /// Exchanges by their protocol's place in the registry.
    pub(super) exchanges: Vec<u64>,
}

impl Stages {
    pub(super) fn new(tracer: Tracer, processes: ProcessTable, resources: Resources, registry: Registry) -> Self {
        let sdks = Sdks::new(tracer.deference());
        Self {
            observers: Vec::new(),
            tracer,
            contexts: Contexts::default(),
            links: Links::default(),
            passed: Passed::default(),
            relayed: Relayed::default(),
            named: Named::default(),
            sdks,
            spoken: Spoken::default(),
            askers: Askers::default(),
            lookups: Lookups::default(),
            processes,
            resources,
            recent: None,
            spans: Vec::new(),
            totals: Totals::default(),
            registry,
            done: None,
            exchanges: vec![0; registry.len()],
        }
    }

    /// A process came or went, or runs another program.
    pub(super) fn process_changed(&mut self, process: &crate::event::Process) {
        self.sdks.forget(process.pid);
        match process.change {
            ProcessChange::Exit => self.contexts.exited(process.pid, process.at_ns),
            ProcessChange::Fork { .. } | ProcessChange::Exec { .. } => self.contexts.renew(process.pid),
        }
    }

    /// A call moved bytes.
    pub(super) fn moved(&mut self, data: &Data<'_>) {
        self.totals.calls += 1;
        self.contexts.moved(data);
    }

    /// Event time has come to `at_ns`.
    pub(super) fn tick(&mut self, at_ns: u64) {
        self.contexts.sweep(at_ns);
        self.passed.sweep(at_ns);
        self.relayed.sweep(at_ns, |owner| self.contexts.is_in_flight(owner));
        self.spoken.sweep(at_ns);
        self.askers.sweep(at_ns);
        self.callers_are_late(at_ns);
        self.release(at_ns);
        self.observers.iter_mut().for_each(|observer| observer.tick(at_ns));
    }

    /// Lets go of what is kept of processes that are no longer known.
    pub(super) fn forget_processes(&mut self) {
        for pid in self.processes.dropped() {
            self.resources.forget(pid);
        }
    }

    /// Makes spans of the look-ups that nobody claimed until `now_ns`.
    pub(super) fn release(&mut self, now_ns: u64) {
        for lookup in self.lookups.expired(now_ns) {
            self.unclaimed(&lookup);
        }
    }

    fn unclaimed(&mut self, lookup: &Waiting) {
        let span = self.tracer.lookup(lookup);
        self.emit(span);
    }

    fn emit(&mut self, spans: impl IntoIterator<Item = Span>) {
        let before = self.spans.len();
        self.spans.extend(spans);
        for span in &self.spans[before..] {
            self.totals.spans += 1;
            self.observers.iter_mut().for_each(|observer| observer.emitted(span));
        }
    }

    /// The one place where facts go to the stages above.
    pub(super) fn learn(&mut self, connection: &mut Connection<Followed>, mut fact: Fact) {
        let id = connection.open.connection;
        if let Fact::Opened = fact {
            // Whose it will be is not always known yet.
            connection.may_decrypt = self.tracer.config().tls;
        }
        let pid = match &fact {
            Fact::Exchange(exchange, _) => {
                self.count(exchange);
                exchange.actor.pid
            }
            Fact::Request(request) => request.actor.pid,
            Fact::SetUp(set_up) if set_up.actor.pid != 0 => set_up.actor.pid,
            Fact::Opened | Fact::SetUp(_) | Fact::Stats(_) => connection.pid,
            Fact::Ended(end) => {
                self.contexts.end_connection(id, end.at_ns);
                self.spoken.end_connection(id);
                self.askers.end_connection(id);
                self.caller_ended(&connection.open);
                connection.pid
            }
        };
        if matches!(fact, Fact::Exchange(..)) {
            self.served(connection, pid);
        }
        let Some(resource) = self.resource(pid) else {
            self.totals.not_selected += u64::from(matches!(fact, Fact::Exchange(..)));
            return;
        };
        if let Some(treatment) = &resource.treatment
            && self.leaves_out(connection, &fact, treatment)
        {
            return;
        }
        self.tell(connection, &mut fact, pid, &resource);
        if pid != 0 {
            self.recent = Some((pid, resource));
        }
        if let Fact::Exchange(exchange, _) = fact {
            self.done = Some(exchange.detail);
        }
    }

    fn count(&mut self, exchange: &Exchange) {
        let spoken = exchange.detail.spoken();
        self.totals.understood += u64::from(spoken.family.has_requests());
        if let Some(count) = self.registry.index(spoken).and_then(|place| self.exchanges.get_mut(place)) {
            *count += 1;
        }
    }

    /// Passes on what a selected process did.
    fn tell(&mut self, connection: &mut Connection<Followed>, fact: &mut Fact, pid: u32, resource: &Arc<Resource>) {
        if let Fact::SetUp(_) = fact {
            return self.set_up(connection, fact, pid, resource);
        }
        let fact = &*fact;
        let is_server = connection.role == Some(Role::Server) && connection.open.vantage == Vantage::Socket;
        match fact {
            Fact::Opened => self.opened(connection),
            Fact::Request(request) if is_server => self.called(connection, request, resource),
            Fact::Request(request) => self.calls(connection, request, resource),
            Fact::Exchange(exchange, usage) => {
                return self.exchange(connection, fact, (exchange, *usage), resource);
            }
            Fact::SetUp(_) | Fact::Stats(_) | Fact::Ended(_) => {}
        }
        self.observe(connection, fact, pid, resource, About::default());
    }

    /// A client's connection takes the look-ups that it needed.
    fn opened(&mut self, connection: &mut Connection<Followed>) {
        let open = &connection.open;
        self.links.opened(open);
        self.contexts.opened(open);
        if let (Some(Role::Client), Transport::Tcp, true, Endpoint::Inet(remote)) =
            (open.role, open.transport, open.from_start, &open.remote)
        {
            let lookups = self.lookups.claim(open.pid, open.tid, remote.ip(), open.at_ns);
            if !lookups.is_empty() {
                Followed::of(connection).beginning = Some(Box::new(Beginning { lookups, paid: None }));
            }
        }
    }

    fn set_up(&mut self, connection: &mut Connection<Followed>, fact: &mut Fact, pid: u32, resource: &Arc<Resource>) {
        let Fact::SetUp(set_up) = fact else { return };
        if connection.role == Some(Role::Server) && connection.life.is_encrypted() {
            self.sdks.hides(pid, set_up.end_ns);
        }
        let owner = self.owner(connection, (set_up.actor, false), (set_up.start_ns, None), resource);
        let followed = Followed::of(connection);
        let beginning = followed.beginning.get_or_insert_default();
        set_up.lookups = std::mem::take(&mut beginning.lookups);
        if let Some(first) = set_up.lookups.first() {
            set_up.start_ns = set_up.start_ns.min(first.start_ns);
        }
        let (paid, spans) = self.tracer.set_up(set_up, &followed.facts, resource);
        beginning.paid = Some(paid);
        let about = About { owner: owner.as_ref(), span: spans.first(), ..About::default() };
        self.observe(connection, fact, pid, resource, about);
        self.emit(spans);
    }

    fn exchange(
        &mut self,
        connection: &mut Connection<Followed>,
        fact: &Fact,
        (exchange, usage): (&Exchange, Use),
        resource: &Arc<Resource>,
    ) {
        // A session is only opened when the direction of requests, and so the role, is known.
        let Some(role) = connection.role else { return };
        let (stream, pos) = (exchange.stream, exchange.request.pos);
        let key = RequestKey { connection: connection.open.connection, stream, pos };
        let id = ExchangeId::of(&connection.open, role, pos);
        let pid = exchange.actor.pid;
        let at = (exchange.request.first_ns, waited_until(exchange));
        let asked = self.asked(exchange, key);
        let said = self.askers.take(key);
        let mut actor = said.unwrap_or(exchange.actor);
        if role == Role::Client {
            actor = Followed::of(connection).sole.answered(exchange, actor);
        }
        let owner = self.owner(connection, (actor, said.is_some()), at, resource);
        let owner = asked.and_then(|asked| Some(asked.relays?.0)).or(owner);
        if connection.role == Some(Role::Client) {
            self.contexts.answered(&connection.open, exchange, actor, owner);
        }
        let promised = match exchange.ending {
            Ending::Answered => self.contexts.end(key, exchange.end_ns),
            _ => self.contexts.cut(key, exchange.end_ns),
        };
        let header = exchange.detail.parent().traceparent.and_then(TraceParent::parse);
        let told = self.ids_of(connection, exchange, key, (promised, asked, owner), header, resource);
        let (told, is_measured) = self.left_to_sdk(connection, exchange, (told, promised), (header, owner), resource);
        if promised.is_some() && matches!(told.other, Other::Awaited(_)) {
            self.contexts.disown(Binding::of(resource).acting(exchange.actor), key);
        }
        if connection.role == Some(Role::Server) && exchange.detail.spoken().family == FamilyName::Opaque {
            self.contexts.unreadable(exchange.actor, exchange.request.first_ns);
            self.sdks.hides(pid, exchange.end_ns);
        }
        let followed = Followed::of(connection);
        let beginning = if usage == Use::Preamble { None } else { followed.beginning.take() };
        let paid = beginning.and_then(|beginning| beginning.paid);
        let Followed { facts, recent_route, .. } = followed.named(&self.tracer.peers);
        let route = self.tracer.route(exchange, facts, resource, recent_route);
        let is_late = owner.is_some_and(|owner| !self.contexts.is_in_flight(&owner));
        let ties = Ties { promised: told.ids, owner, is_late, usage: Some(usage), paid, route: route.as_deref(), id };
        let span = self.tracer.span(exchange, facts, resource, &ties);
        let lookup = self.lookup(connection, exchange, owner, resource);
        let is_open = matches!(told.other, Other::Awaited(_));
        let span_told = span.as_ref().filter(|_| !is_open);
        let about = About {
            owner: owner.as_ref(),
            name: span.as_ref().map(|span| &span.name),
            paid_ns: paid.filter(|_| usage == Use::First).map_or(0, |paid| paid.duration_ns),
            span: span_told,
            route: route.as_deref(),
            is_measured,
        };
        self.observe(connection, fact, pid, resource, about);
        self.meet(told, span, exchange.end_ns);
        if let Some(lookup) = lookup.and_then(|lookup| self.lookups.hold(lookup)) {
            self.unclaimed(&lookup);
        }
    }

    /// A client's look-up, with what its span would need.
    fn lookup(
        &self,
        connection: &mut Connection<Followed>,
        exchange: &Exchange,
        owner: Option<Owner>,
        resource: &Arc<Resource>,
    ) -> Option<Waiting> {
        let is_server = connection.role == Some(Role::Server) && connection.open.vantage == Vantage::Socket;
        if is_server || exchange.detail.spoken().family != FamilyName::Lookup {
            return None;
        }
        let transport = connection.open.transport;
        let facts = Followed::of(connection).facts.clone();
        Some(Waiting {
            exchange: Box::new(exchange.clone()),
            connection: facts,
            transport,
            resource: Arc::clone(resource),
            owner,
        })
    }

    /// The request that a client's thread was handling at that time. `is_said`: the runtime has said who asks.
    fn owner(
        &mut self,
        connection: &Connection<Followed>,
        (actor, is_said): (Actor, bool),
        (start_ns, end_ns): (u64, Option<u64>),
        resource: &Resource,
    ) -> Option<Owner> {
        let is_client = connection.role == Some(Role::Client) && connection.open.vantage == Vantage::Socket;
        if !is_client {
            return None;
        }
        let binding = Binding::of(resource);
        let connection = connection.open.connection;
        let call = Call { connection, actor: binding.acting(actor), start_ns, end_ns, is_said };
        self.contexts.owner(call, || binding)
    }
}

#[cfg(test)]
mod tests;
