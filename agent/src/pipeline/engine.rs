//! Events in, spans out: connections, protocols, traces and resources in one place, driven by event times alone.

use crate::conn::{Command, Connection, Counts, Limits, Tracker};
use crate::enrich::Resources;
use crate::event::{Endpoint, Event, Role};
use crate::process::table::{Decision, ProcessTable};
use crate::trace::Tracer;
use crate::trace::connection::ConnectionFacts;
use crate::trace::span::{Resource, Span};
use std::sync::Arc;
use wirespan_protocols::exchange::{Detail, Exchange};

/// What the engine counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Events taken in, ticks and clock readings left out.
    pub events: u64,
    /// Calls that moved data.
    pub calls: u64,
    /// Exchanges by protocol: HTTP, PostgreSQL, Redis.
    pub exchanges: [u64; 3],
    /// Exchanges of processes that are not selected.
    pub not_selected: u64,
    /// Spans made.
    pub spans: u64,
}

/// Names of the protocols in [`Totals::exchanges`].
pub const PROTOCOLS: [&str; 3] = ["http", "postgresql", "redis"];

/// The stages from event to span.
pub struct Engine {
    tracker: Tracker<ConnectionFacts>,
    stages: Stages,
}

/// Everything above the tracker.
struct Stages {
    tracer: Tracer,
    processes: ProcessTable,
    resources: Resources,
    /// The resource of the last span's process, which is usually the next one's too.
    recent: Option<(u32, Arc<Resource>)>,
    spans: Vec<Span>,
    totals: Totals,
}

impl Engine {
    /// Puts the stages together.
    #[must_use]
    pub fn new(limits: Limits, tracer: Tracer, processes: ProcessTable, resources: Resources) -> Self {
        let stages =
            Stages { tracer, processes, resources, recent: None, spans: Vec::new(), totals: Totals::default() };
        Self { tracker: Tracker::new(limits), stages }
    }

    /// Takes in one event. Spans that it completes wait in [`take_spans`](Self::take_spans).
    pub fn handle(&mut self, event: &Event<'_>) {
        let stages = &mut self.stages;
        match event {
            Event::Clock { offset_ns } => return stages.tracer.set_clock(*offset_ns),
            Event::Tick { at_ns } => {
                stages.recent = None;
                stages.processes.advance(*at_ns);
            }
            Event::Process(process) => {
                stages.recent = None;
                stages.totals.events += 1;
                return stages.processes.apply(process);
            }
            Event::Listen { pid, port } => {
                stages.recent = None;
                stages.totals.events += 1;
                return stages.processes.listen(*pid, *port);
            }
            Event::Open(open) => {
                stages.totals.events += 1;
                // A connection's port is the server's, at both ends.
                let server = if open.role == Some(Role::Server) { &open.local } else { &open.remote };
                if let Endpoint::Inet(server) = server
                    && open.pid != 0
                {
                    stages.processes.connected(open.pid, server.port());
                }
            }
            Event::Data(_) => {
                stages.totals.events += 1;
                stages.totals.calls += 1;
            }
            Event::State(_) => stages.totals.events += 1,
        }
        self.tracker.handle(event, &mut |connection, exchange| stages.finish(connection, &exchange));
    }

    /// Takes the spans made since the last call.
    pub fn take_spans(&mut self) -> Vec<Span> {
        std::mem::take(&mut self.stages.spans)
    }

    /// Takes what the tracker wants of the capture layer.
    pub fn take_commands(&mut self) -> Vec<Command> {
        self.tracker.take_commands()
    }

    /// The process table.
    pub fn processes(&mut self) -> &mut ProcessTable {
        &mut self.stages.processes
    }

    /// What was counted.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.stages.totals
    }

    /// What the tracker counted.
    #[must_use]
    pub fn connection_counts(&self) -> &Counts {
        self.tracker.counts()
    }

    /// The tracer, for its counters and its clock.
    #[must_use]
    pub fn tracer(&self) -> &Tracer {
        &self.stages.tracer
    }
}

impl Stages {
    fn finish(&mut self, connection: &mut Connection<ConnectionFacts>, exchange: &Exchange) {
        let protocol = match exchange.detail {
            Detail::Http(_) => 0,
            Detail::Postgres(_) => 1,
            Detail::Redis(_) => 2,
        };
        self.totals.exchanges[protocol] += 1;
        let Some(resource) = self.resource(exchange.actor.pid) else {
            self.totals.not_selected += 1;
            return;
        };
        // A session is only opened when the direction of requests, and so the role, is known.
        let Some(role) = connection.role else { return };
        let facts = connection.extra.get_or_insert_with(|| {
            let open = &connection.open;
            ConnectionFacts::new(role, open.vantage, &open.local, &open.remote)
        });
        if let Some(span) = self.tracer.span(exchange, facts, &resource) {
            self.totals.spans += 1;
            self.spans.push(span);
        }
    }

    /// The resource of a process that is selected; `None` when it is not.
    fn resource(&mut self, pid: u32) -> Option<Arc<Resource>> {
        if pid == 0 {
            return Some(self.resources.unknown());
        }
        if let Some((recent, resource)) = &self.recent
            && *recent == pid
        {
            return Some(Arc::clone(resource));
        }
        if self.processes.decision(pid) == Decision::Ignore {
            return None;
        }
        let resource = match self.processes.lookup(pid) {
            Some(process) => self.resources.of(process),
            None => self.resources.unknown(),
        };
        self.recent = Some((pid, Arc::clone(&resource)));
        Some(resource)
    }
}
