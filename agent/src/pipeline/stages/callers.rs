//! Both ends of a call on this host: who asks promises the ids of its span, and who is asked finds them ([`Links`]). A proxy's
//! call is known by the header that it passes on ([`Passed`]), or by what it asks ([`Relayed`]).
//!
//! [`Links`]: crate::trace::links::Links
//! [`Passed`]: crate::trace::passed::Passed
//! [`Relayed`]: crate::trace::relayed::Relayed

use super::followed::{Caller, Followed};
use super::{Connection, RequestKey, Role, Stages, Vantage};
use crate::event::{Open, Transport};
use crate::trace::context::{Binding, Owner};
use crate::trace::links::Asked;
use crate::trace::sampler::Decision;
use crate::trace::span::{Resource, Span};
use crate::trace::traceparent::TraceParent;
use wirespan_protocols::describe::value::Kind;
use wirespan_protocols::exchange::{Ending, Exchange};
use wirespan_protocols::phase::RequestStart;
use wirespan_semconv as semconv;

/// How often the client's end of a connection is looked for: it may be seen a little later.
const LOOKS: u8 = 4;

/// The other end of a call, as far as its span needs it.
pub(super) enum Other {
    /// Nothing is to be done for it.
    Done,
    /// The span of a server that asks for its parent at this position of a client's connection.
    Awaited(u64),
    /// A client's span, for whose ids the server may wait.
    Answered,
    /// The same, and the server may ask for them later.
    Asks,
}

/// The ids of an exchange's span, and what is to be done for the other end.
pub(super) struct Told {
    pub(super) ids: Option<Owner>,
    pub(super) other: Other,
}

impl Stages {
    /// A client began a request: whoever answers it names its span as the parent.
    pub(super) fn calls(&mut self, connection: &mut Connection<Followed>, request: &RequestStart, resource: &Resource) {
        if connection.role != Some(Role::Client) || connection.open.vantage != Vantage::Socket {
            return;
        }
        let key = RequestKey { connection: connection.open.connection, stream: request.stream, pos: request.pos };
        let pid = request.actor.pid;
        let mut relays = None;
        let said = self.askers.of(key);
        let actor = said.unwrap_or(request.actor);
        let actor = Followed::of(connection).sole.asks(request.pos, request.at_ns, actor);
        let owner = self.owner(connection, (actor, said.is_some()), (request.at_ns, None), resource);
        self.contexts.asks(key, actor.context, owner, request.at_ns);
        let ids = match header(request) {
            Some(named) => self.carried((key, pid), request.at_ns, (named, owner), resource),
            None if let Some(spoken) = self.spoken.parent(key.connection, key.pos) => {
                self.tracer.begin(key, Some(spoken), resource)
            }
            None => {
                if owner.is_none() && may_relay(Binding::of(resource)) {
                    let Self { relayed, contexts, .. } = self;
                    relays = request.print.and_then(|print| {
                        Some((relayed.asks(pid, print, |owner| contexts.is_in_flight(owner))?, print))
                    });
                }
                let parent = owner.or(relays.map(|(owner, _)| owner)).and_then(TraceParent::of);
                self.tracer.begin(key, parent, resource)
            }
        };
        self.links.asks(Asked { ids, print: request.print, relays });
    }

    /// A server received a request: what is done for it can name its span from now on.
    pub(super) fn called(
        &mut self,
        connection: &mut Connection<Followed>,
        request: &RequestStart,
        resource: &Resource,
    ) {
        let key = RequestKey { connection: connection.open.connection, stream: request.stream, pos: request.pos };
        let asker = self.caller(connection).and_then(|client| self.links.asker(client, request.pos));
        let asker = asker.filter(|asked| asked.print == request.print).map(|asked| asked.ids);
        let named = header(request);
        Followed::of(connection).begun = (request.pos, self.totals.events);
        let pid = request.actor.pid;
        let own = self.tracer.begin(key, asker.and_then(TraceParent::of).or(named), resource);
        let own = self.served_by_sdk(own, named, pid, request.at_ns);
        if let Some(named) = named {
            self.named.is_new(named.span_id);
        }
        if let Some(print) = request.print {
            self.sdks.received(pid, print, request.at_ns);
        }
        let binding = Binding::of(resource);
        let times = (request.at_ns, request.read_ns);
        let is_kept = self.contexts.begin(own, binding.acting(request.actor), times, binding);
        if let Some(named) = named.filter(|_| is_kept) {
            self.passed.came(pid, named.span_id, own, request.at_ns);
        }
        if let Some(print) = request.print.filter(|_| is_kept && may_relay(binding)) {
            let Self { relayed, contexts, .. } = self;
            relayed.came(pid, print, own, |owner| contexts.is_in_flight(owner));
        }
    }

    /// What is known of a client's request that is over: its ids, and the request that it was made for.
    pub(super) fn asked(&mut self, exchange: &Exchange, key: RequestKey) -> Option<Asked> {
        let asked = self.links.answered(key)?;
        if let Some((owner, print)) = asked.relays.filter(|_| exchange.error_type(Kind::Client).is_some()) {
            self.relayed.failed(exchange.actor.pid, print, owner.request);
        }
        Some(asked)
    }

    /// The client's end of a server's connection, if it is followed, too.
    fn caller(&mut self, connection: &mut Connection<Followed>) -> Option<u64> {
        let looks = match Followed::of(connection).caller {
            Caller::Found(client) => return Some(client),
            Caller::Missed(looks) if looks >= LOOKS => return None,
            Caller::Missed(looks) => looks,
            Caller::Unknown => 0,
        };
        let found = self.links.client_of(&connection.open);
        Followed::of(connection).caller = found.map_or(Caller::Missed(looks + 1), Caller::Found);
        found
    }

    /// The ids of the span of an exchange that is over. `promised`: those of a server's request that was seen to begin;
    /// `asked`: what was known of a client's; `owner`: what that was done for, as it is known now; `header`: what the exchange carries.
    pub(super) fn ids_of(
        &mut self,
        connection: &mut Connection<Followed>,
        exchange: &Exchange,
        key: RequestKey,
        (promised, asked, owner): (Option<Owner>, Option<Asked>, Option<Owner>),
        header: Option<TraceParent>,
        resource: &Resource,
    ) -> Told {
        let has_ends = connection.open.vantage == Vantage::Socket && exchange.detail.spoken().family.has_requests();
        let done = |ids| Told { ids, other: Other::Done };
        if let (Some(named), Some(_)) = (header, promised) {
            self.passed.over(exchange.actor.pid, named.span_id);
        }
        // On a connection that was open before, a request may be told with its answer only: nobody has named its span yet.
        let is_late = promised.is_some_and(|own| own.parent.is_none() && own.decision == Decision::Sample)
            && Followed::of(connection).begun == (key.pos, self.totals.events);
        if promised.is_some() && !is_late || !has_ends {
            return done(promised);
        }
        if connection.role == Some(Role::Server) {
            let Some(client) = self.caller(connection) else { return done(promised) };
            if promised.is_some() {
                return Told { ids: promised, other: Other::Awaited(client) };
            }
            return match self.links.asker(client, key.pos) {
                // What is asked is not known; over unix sockets it may be another byte.
                Some(Asked { ids, .. }) if connection.open.transport != Transport::Unix => {
                    done(Some(self.tracer.begin(key, TraceParent::of(ids), resource)))
                }
                Some(_) => done(None),
                None => Told { ids: Some(self.tracer.begin_open(key, resource)), other: Other::Awaited(client) },
            };
        }
        let is_met = self.links.is_met(key.connection);
        let spoken = self.spoken.parent(key.connection, key.pos);
        if let Some(Asked { ids, .. }) = asked {
            // What it was done for may have become doubtful since.
            let is_named = header.is_some_and(|named| named.span_id != ids.span_id);
            let is_certain = is_named || spoken.is_some() || owner.is_some();
            let ids = Owner { parent: ids.parent.filter(|_| is_certain), ..ids };
            return Told { ids: Some(ids), other: if is_met { Other::Answered } else { Other::Done } };
        }
        let ids = match header {
            Some(named) => self.carried((key, exchange.actor.pid), exchange.request.first_ns, (named, owner), resource),
            None if !is_met && spoken.is_none() => return done(None),
            None => self.tracer.begin(key, spoken.or_else(|| owner.and_then(TraceParent::of)), resource),
        };
        Told { ids: Some(ids), other: if is_met { Other::Asks } else { Other::Done } }
    }

    /// Passes on the span of an exchange, and what waited for it. The exchange ended at `at_ns`.
    pub(super) fn meet(&mut self, told: Told, span: Option<Span>, at_ns: u64) {
        let Told { ids: Some(ids), other } = told else { return self.emit(span) };
        match other {
            Other::Done => self.emit(span),
            Other::Awaited(client) => {
                let back = span.and_then(|span| self.links.hold(client, ids.request.pos, at_ns, span));
                self.let_go(back);
            }
            Other::Answered | Other::Asks => {
                let answer = self.links.release(ids.request);
                let is_same = span.as_ref().zip(answer.as_ref()).is_none_or(|(span, answer)| may_answer(span, answer));
                self.emit(span);
                match answer {
                    Some(answer) => {
                        let answer = self.tracer.settle(answer, TraceParent::of(ids).filter(|_| is_same));
                        self.emit(answer);
                    }
                    None if matches!(other, Other::Asks) => self.links.asks(Asked { ids, print: None, relays: None }),
                    None => {}
                }
            }
        }
    }

    /// A connection is over: nobody finds it any more, and who waited for it has no parent.
    pub(super) fn caller_ended(&mut self, open: &Open) {
        let left = self.links.ended(open);
        self.let_go(left);
    }

    /// Who has waited long enough has no parent. Event time has come to `now_ns`.
    pub(in crate::pipeline) fn callers_are_late(&mut self, now_ns: u64) {
        let late = self.links.expired(now_ns);
        self.let_go(late);
    }

    fn let_go(&mut self, spans: impl IntoIterator<Item = Span>) {
        for span in spans {
            let span = self.tracer.settle(span, None);
            self.emit(span);
        }
    }
}

/// Whether a program may be a proxy: those of runtimes are applications.
pub(super) fn may_relay(binding: Binding) -> bool {
    binding == Binding::Waiting
}

/// Whether a server's span may be the answer to a client's. Of TCP that is certain; over unix sockets both ends may count from
/// different bytes.
fn may_answer(client: &Span, server: &Span) -> bool {
    let is_unix = client.attribute(semconv::NETWORK_TRANSPORT).is_some_and(|value| value.as_str() == Some("unix"));
    let is_within = client.start_unix_ns <= server.start_unix_ns && server.end_unix_ns <= client.end_unix_ns;
    !is_unix || is_within && client.name == server.name
}

fn header(request: &RequestStart) -> Option<TraceParent> {
    request.traceparent.as_deref().and_then(TraceParent::parse)
}

/// Until when somebody waited for a call. Nobody waits for an answer that does not come, for more than the first one of a
/// look-up, or for what may come after a TLS response.
pub(super) fn waited_until(exchange: &Exchange) -> Option<u64> {
    let waits = exchange.detail.spoken().family.has_requests();
    (waits && exchange.ending == Ending::Answered).then_some(exchange.end_ns)
}
