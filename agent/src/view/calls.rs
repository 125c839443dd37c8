//! Who calls whom: the edges of the map, each with its rate, errors and durations, and what connections cost.

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::recent::Happening;
use super::table::Table;
use crate::trace::ends::Edge;

/// An edge. Texts come from strangers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Call {
    /// Who calls: a service, or an address.
    pub client: Arc<str>,
    /// Who is called: a service, or an address.
    pub server: Arc<str>,
    /// What is spoken; empty when unknown.
    pub protocol: &'static str,
}

/// What connections of an edge cost, since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Set-ups.
    pub count: u64,
    /// How many failed.
    pub failed: u64,
    /// How long all took, ns.
    pub took_ns: u64,
    /// Whether TLS was spoken on any of its connections.
    pub encrypted: bool,
}

/// All edges.
#[derive(Debug)]
pub struct Calls {
    /// Requests.
    pub table: Table<Call>,
    opened: HashMap<Call, Opened, FxBuildHasher>,
    limit: usize,
}

impl Calls {
    /// None yet, and at most so many.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { table: Table::new(limit), opened: HashMap::default(), limit }
    }

    /// Takes in a request.
    pub fn add(&mut self, edge: Edge, protocol: &'static str, encrypted: bool, one: &Happening) {
        let call = Call { client: edge.client, server: edge.server, protocol };
        // It waited for its connection, too.
        let one = Happening { took_ns: one.took_ns + one.set_up_ns, ..*one };
        self.table.add(&call, || call.clone(), &one);
        if encrypted {
            self.cost(call).encrypted = true;
        }
    }

    /// Takes in the set-up of a connection, which took `took_ns` and ended at `at_ns`.
    pub fn set_up(
        &mut self,
        edge: Edge,
        protocol: &'static str,
        encrypted: bool,
        took_ns: u64,
        failed: bool,
        at_ns: u64,
    ) {
        let call = Call { client: edge.client, server: edge.server, protocol };
        if failed {
            // Nothing is asked on it: the failure is what there is to tell.
            let one = Happening { at_ns, took_ns, failed, set_up_ns: took_ns, times: 1 };
            self.table.add(&call, || call.clone(), &one);
        }
        let cost = self.cost(call);
        cost.count += 1;
        cost.failed += u64::from(failed);
        cost.took_ns = cost.took_ns.saturating_add(took_ns);
        cost.encrypted |= encrypted;
    }

    fn cost(&mut self, call: Call) -> &mut Opened {
        if self.opened.len() >= self.limit && !self.opened.contains_key(&call) {
            self.opened.clear();
        }
        self.opened.entry(call).or_default()
    }

    /// What connections of an edge cost.
    #[must_use]
    pub fn opened(&self, call: &Call) -> Opened {
        self.opened.get(call).copied().unwrap_or_default()
    }
}
