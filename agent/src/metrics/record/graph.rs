//! The service graph: who calls whom, with what became of it. A request is counted once: at the client's end if that is watched, else
//! at the server's.

use std::sync::Arc;

use wirespan_protocols::describe::spoken::FamilyName;
use wirespan_semconv as semconv;

use super::{Known, Measured, Metrics};
use crate::event::Role;
use crate::metrics::catalog::Metric;
use crate::metrics::label::Text;
use crate::metrics::store::{Near, Store};
use crate::trace::ends::Edge;
use crate::trace::observation::Observation;
use crate::trace::span::Resource;

impl Metrics {
    /// An end of a connection is there: from now on the other one knows its name.
    pub(super) fn enter(&mut self, seen: &Observation<'_>) {
        if let Some(other) = self.ends.enter(seen, self.now_ns)
            && let Some(known) = self.connections.get_mut(&other)
        {
            known.edge = None;
        }
    }

    /// Measures a request of a connection that has no place in the graph yet.
    pub(super) fn first_edge(&mut self, measured: &Measured<'_>) {
        let seen = measured.seen;
        // Its role may have become known only now.
        self.enter(seen);
        let edge = self.ends.edge(seen);
        let Some(known) = self.known(seen) else { return };
        (known.edge, known.near.edge) = (edge, Default::default());
        let Self { store, connections, own, .. } = self;
        if let Some(Known { edge: Some(edge), near, .. }) = connections.get_mut(&seen.id).map(|known| &mut **known) {
            record(store, &mut near.edge, own, edge, measured);
        }
    }
}

/// Measures a request between two nodes. `near`: of the same edge.
pub(super) fn record(
    store: &mut Store,
    (near, last): &mut (Near, Option<FamilyName>),
    own: &Arc<Resource>,
    edge: &Edge,
    measured: &Measured<'_>,
) {
    let family = measured.exchange.detail.spoken().family;
    let is_database = family == FamilyName::Database;
    let labels = [
        (semconv::CLIENT, Text::Shared(&edge.client)),
        (semconv::SERVER, Text::Shared(&edge.server)),
        (semconv::CONNECTION_TYPE, Text::Static("database")),
    ];
    let again = if last.replace(family) == Some(family) { store.key_again(*near, own) } else { None };
    // The graph is the agent's, but each service pays for what it calls.
    let key = again.unwrap_or_else(|| store.key_near(near, own, &labels[..2 + usize::from(is_database)]));
    let mut key = key.paid_by(measured.seen.resource).times(measured.times);
    let at_ns = measured.exchange.end_ns;
    let took = measured.seconds;
    let metric = if measured.role == Role::Client { Metric::GraphClient } else { Metric::GraphServer };
    store.record(metric, &mut key, took, at_ns, measured.exemplar(took));
    if measured.role == Role::Server && edge.is_client_watched {
        return;
    }
    store.record(Metric::GraphRequests, &mut key, 1.0, at_ns, None);
    if measured.error.is_some() {
        store.record(Metric::GraphFailed, &mut key, 1.0, at_ns, None);
    }
}
