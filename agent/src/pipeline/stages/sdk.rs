//! What a process with an OpenTelemetry SDK exports itself ([`Sdks`](crate::trace::sdk::Sdks)), and the ids that its calls carry.

use super::callers::{Told, may_relay};
use super::{Connection, Followed, RequestKey, Role, Stages, Vantage};
use crate::trace::context::{Binding, Owner};
use crate::trace::sampler::Decision;
use crate::trace::sdk::Work;
use crate::trace::span::Resource;
use crate::trace::traceparent::TraceParent;
use wirespan_protocols::describe::spoken::FamilyName;
use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::exchange::detail::Signal;

impl Stages {
    /// The ids of the span of a call over HTTP that carries a `traceparent`: those in it, if they are the call's own. `owner`: what
    /// it was made for.
    pub(super) fn carried(
        &mut self,
        (key, pid): (RequestKey, u32),
        at_ns: u64,
        (named, owner): (TraceParent, Option<Owner>),
        resource: &Resource,
    ) -> Owner {
        let was_put = self.named.was_put(named.span_id);
        let passed = self.passed.asks(pid, named.span_id).filter(|_| !was_put);
        let is_new = self.named.is_new(named.span_id) || was_put;
        if let Some(parent) = passed.and_then(TraceParent::of) {
            return self.tracer.begin(key, Some(parent), resource);
        }
        let is_told = named.sampled && self.sdks.tells(pid, Signal::Traces, Work::Called { is_traced: true }, at_ns);
        if !is_told && (!is_new || self.sdks.is_hidden(pid) || self.sdks.exports_traces(pid)) {
            return self.tracer.begin(key, Some(named), resource);
        }
        let carried = self.tracer.carried(key, named, owner, resource);
        if is_told { left(carried, Decision::Exported) } else { carried }
    }

    /// A server's request that began, with the ids of its span as they are if no SDK tells of it.
    pub(super) fn served_by_sdk(&mut self, own: Owner, named: Option<TraceParent>, pid: u32, at_ns: u64) -> Owner {
        let is_sampled = named.is_none_or(|named| named.sampled);
        if is_sampled && self.sdks.tells(pid, Signal::Traces, Work::Served, at_ns) {
            return left(own, Decision::Told);
        }
        own
    }

    /// An exchange is over: whether the SDK of its process exports a span for it, unless that was decided when it began and its ids were
    /// `promised`; and whether it measures it. An export of its own shows that there is an SDK.
    pub(super) fn left_to_sdk(
        &mut self,
        connection: &Connection<Followed>,
        exchange: &Exchange,
        (told, promised): (Told, Option<Owner>),
        (header, owner): (Option<TraceParent>, Option<Owner>),
        resource: &Resource,
    ) -> (Told, bool) {
        let (pid, at_ns) = (exchange.actor.pid, exchange.request.first_ns);
        if connection.open.vantage != Vantage::Socket {
            return (told, false);
        }
        let is_client = connection.role == Some(Role::Client);
        if is_client && let Some(signal) = exchange.detail.exports() {
            self.sdks.exported(pid, signal, may_relay(Binding::of(resource)), exchange.end_ns);
        }
        let work = match exchange.detail.spoken().family {
            FamilyName::Http | FamilyName::Rpc if !is_client => Work::Served,
            FamilyName::Http | FamilyName::Rpc => Work::Called { is_traced: header.is_some() },
            FamilyName::Database if is_client => Work::Queried,
            _ => return (told, false),
        };
        let is_measured = self.sdks.tells(pid, Signal::Metrics, work, at_ns);
        let is_decided =
            promised.is_some() || matches!(work, Work::Called { .. }) || header.is_some_and(|named| !named.sampled);
        if is_decided || !self.sdks.tells(pid, Signal::Traces, work, at_ns) {
            return (told, is_measured);
        }
        let (stream, pos) = (exchange.stream, exchange.request.pos);
        let key = RequestKey { connection: connection.open.connection, stream, pos };
        let parent = header.or_else(|| owner.and_then(TraceParent::of));
        let ids = told.ids.unwrap_or_else(|| self.tracer.begin(key, parent, resource));
        (Told { ids: Some(left(ids, Decision::Told)), ..told }, is_measured)
    }
}

/// The same, left to an SDK. What the sampler leaves out stays so.
fn left(ids: Owner, decision: Decision) -> Owner {
    if ids.decision == Decision::Sample { Owner { decision, ..ids } } else { ids }
}
