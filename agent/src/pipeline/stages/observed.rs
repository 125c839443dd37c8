//! What observers are told of a fact.

use super::{Connection, Fact, Followed, Owner, Resource, Route, Span, Stages};
use crate::trace::observation::Observation;
use crate::trace::span::Name;
use std::sync::Arc;

/// What the trace stage made of a fact.
#[derive(Clone, Copy, Default)]
pub(super) struct About<'a> {
    pub(super) owner: Option<&'a Owner>,
    pub(super) route: Option<&'a Route>,
    pub(super) name: Option<&'a Name>,
    pub(super) paid_ns: u64,
    pub(super) span: Option<&'a Span>,
    pub(super) is_measured: bool,
}

impl Stages {
    /// Tells the observers, and that the connection is there before anything else of it.
    pub(super) fn observe(
        &mut self,
        connection: &mut Connection<Followed>,
        fact: &Fact,
        pid: u32,
        resource: &Arc<Resource>,
        about: About<'_>,
    ) {
        if self.observers.is_empty() {
            return;
        }
        let is_new = !std::mem::replace(&mut Followed::of(connection).observed, true);
        let Some(followed) = &connection.extra else { return };
        let observation = Observation {
            fact,
            id: connection.open.connection,
            connection: &followed.facts,
            transport: connection.open.transport,
            network_namespace: connection.open.network_namespace,
            opened_ns: connection.open.at_ns,
            from_start: connection.open.from_start,
            pid,
            resource,
            protocol: connection.life.protocol(),
            encrypted: connection.life.is_encrypted(),
            owner: about.owner,
            is_measured: about.is_measured,
            route: about.route,
            name: about.name,
            paid_ns: about.paid_ns,
            span: about.span,
        };
        for observer in &mut self.observers {
            if is_new && *fact != Fact::Opened {
                observer.observe(&Observation {
                    fact: &Fact::Opened,
                    owner: None,
                    route: None,
                    name: None,
                    paid_ns: 0,
                    span: None,
                    ..observation
                });
            }
            observer.observe(&observation);
        }
    }
}
