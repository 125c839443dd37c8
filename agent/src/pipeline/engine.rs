//! Events in, spans out: connections, protocols, traces and resources in one place, driven by event times alone.

use super::listing::Seen;
use super::stages::{Followed, Stages};
use crate::capture::report::Report;
use crate::conn::candidates::Waiting;
use crate::conn::{Command, Counts, Limits, Tracker, keyring};
use crate::enrich::Resources;
use crate::event::Event;
use crate::metrics::record::Standing;
use crate::process::container::Described;
use crate::process::table::{Found, ProcessTable};
use crate::process::{Process, Rules};
use crate::trace::observation::Observer;
use crate::trace::peers::Peers;
use crate::trace::span::Span;
use crate::trace::spare::Spare;
use crate::trace::traceparent::TraceParent;
use crate::trace::treatment::{Treatment, reads_tls};
use crate::trace::{self, Tracer};
use std::sync::Arc;
use wirespan_common::propagate::Ids;
use wirespan_protocols::describe::headers::Headers;
use wirespan_protocols::describe::spoken::FamilyName;
use wirespan_protocols::plain::{Random, Secret};
use wirespan_protocols::protocol::Registry;
use wirespan_protocols::registry::PROTOCOLS;

/// What the engine counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Totals {
    /// Events taken in, ticks and clock readings left out.
    pub events: u64,
    /// Calls that moved data.
    pub calls: u64,
    /// Exchanges that were requests: of families that have them.
    pub understood: u64,
    /// Exchanges of processes that are not selected.
    pub not_selected: u64,
    /// Spans made.
    pub spans: u64,
}

impl Totals {
    /// Requests of selected processes that were understood, look-ups left out.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.understood.saturating_sub(self.not_selected)
    }
}

/// The stages from event to span.
pub struct Engine {
    tracker: Tracker<Followed>,
    stages: Stages,
    /// Questions about containers that failed.
    unanswered: u64,
}

impl Engine {
    /// Puts the stages together, for every protocol that there is.
    #[must_use]
    pub fn new(limits: Limits, tracer: Tracer, processes: ProcessTable, resources: Resources) -> Self {
        Self::of(PROTOCOLS, limits, tracer, processes, resources)
    }

    /// Puts the stages together, for these protocols.
    #[must_use]
    pub fn of(
        registry: Registry,
        limits: Limits,
        tracer: Tracer,
        processes: ProcessTable,
        resources: Resources,
    ) -> Self {
        let stages = Stages::new(tracer, processes, resources, registry);
        let mut engine = Self { tracker: Tracker::of(limits, registry), stages, unanswered: 0 };
        engine.ask_for_headers();
        engine
    }

    /// Tells `observer` everything from now on.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Observer + 'static) -> Self {
        self.stages.observers.push(Box::new(observer));
        self
    }

    /// Makes spans with buffers that others have done with.
    #[must_use]
    pub fn with_spare(mut self, spare: Spare) -> Self {
        self.stages.tracer.reuse(spare);
        self
    }

    /// Takes in one event. Spans that it completes wait in [`take_spans`](Self::take_spans).
    pub fn handle(&mut self, event: &Event<'_>) {
        let stages = &mut self.stages;
        match event {
            Event::Clock { offset_ns } => return stages.tracer.set_clock(*offset_ns),
            Event::Tick { at_ns } => {
                stages.recent = None;
                stages.processes.advance(*at_ns);
                stages.forget_processes();
                stages.tick(*at_ns);
            }
            Event::Process(process) => {
                stages.recent = None;
                stages.totals.events += 1;
                stages.process_changed(process);
                return stages.processes.apply(process);
            }
            Event::Listen { pid, port } => {
                stages.recent = None;
                stages.totals.events += 1;
                return stages.processes.listen(*pid, *port);
            }
            Event::Open(open) => {
                stages.totals.events += 1;
                if open.pid != 0
                    && let Some(port) = stages.port(open)
                {
                    stages.processes.connected(open.pid, port);
                }
            }
            Event::Data(data) => {
                stages.totals.events += 1;
                stages.moved(data);
            }
            Event::Listener(listener) => {
                stages.totals.events += 1;
                stages.observers.iter_mut().for_each(|observer| observer.listener(listener));
            }
            Event::Spoken(spoken) => {
                stages.totals.events += 1;
                return stages.spoken.said(spoken);
            }
            Event::Asks(asks) => {
                stages.totals.events += 1;
                return stages.askers.asks(asks);
            }
            Event::Secret(_) => stages.totals.events += 1,
            Event::Stats(_) => stages.totals.events += 1,
            Event::State(_) => stages.totals.events += 1,
        }
        self.tracker.handle(event, &mut |connection, fact| stages.learn(connection, fact));
        if let Some(detail) = self.stages.done.take() {
            self.tracker.reuse(detail);
        }
    }

    /// Takes in secrets of handshakes that are yet to be seen.
    pub fn give_secrets(&mut self, secrets: Vec<(Random, Secret)>) {
        secrets.into_iter().for_each(|(random, secret)| self.tracker.keyring().give(random, secret));
    }

    /// Takes the processes whose library of TLS is perhaps not known yet.
    pub fn take_silent(&mut self) -> Vec<u32> {
        self.tracker.keyring().take_silent()
    }

    /// Processes with connections that were encrypted before anybody looked, and may still be read.
    #[must_use]
    pub fn waiting(&self) -> Vec<Waiting> {
        self.tracker.candidates().processes().collect()
    }

    /// Takes in what was found of a process.
    pub fn found(&mut self, found: Found) {
        self.stages.recent = None;
        self.stages.processes.learn(found);
    }

    /// Targets whose program was looked at since the last call, or what it publishes; and whether what they encrypt is to be read.
    pub fn programs(&mut self) -> impl Iterator<Item = (&Process, bool)> {
        let Stages { processes, resources, tracer, .. } = &mut self.stages;
        let (resources, tls) = (&*resources, tracer.config().tls);
        processes.programs().map(move |process| (process, reads_tls(resources.treatment(process), tls)))
    }

    /// Takes over other rules, and what is said about the processes that they take in.
    pub fn adopt(&mut self, rules: Rules, treatments: Vec<Arc<Treatment>>, trace: trace::Config) {
        let stages = &mut self.stages;
        stages.recent = None;
        stages.processes.reselect(rules);
        stages.resources.treat(treatments);
        stages.tracer.configure(trace);
        self.ask_for_headers();
    }

    /// Has header fields kept that anybody asks for: which of them are told is decided where it is known whose they are.
    fn ask_for_headers(&mut self) {
        let Stages { tracer, resources, .. } = &self.stages;
        let mut headers = Headers::clone(&tracer.config().options.headers);
        let of_rules = resources.treatments().iter().filter_map(|treatment| treatment.options.as_ref());
        of_rules.for_each(|options| headers.join(&options.headers));
        self.tracker.keep_headers(headers.into());
    }

    /// Takes in what a runtime or Kubernetes says of a container.
    pub fn described(&mut self, described: Described) {
        self.stages.recent = None;
        self.stages.processes.described(described);
    }

    /// So many questions about containers have failed by now.
    pub fn unanswered(&mut self, failures: u64) {
        self.unanswered = failures;
    }

    /// Names of peers.
    pub fn peers(&mut self) -> &mut Peers {
        &mut self.stages.tracer.peers
    }

    /// No more events come: what waited for others waits no longer.
    pub fn finish(&mut self) {
        let stages = &mut self.stages;
        self.tracker.finish(&mut |connection, fact| stages.learn(connection, fact));
        self.stages.release(u64::MAX);
        self.stages.callers_are_late(u64::MAX);
    }

    /// Spans that wait in [`take_spans`](Self::take_spans).
    #[must_use]
    pub fn spans_waiting(&self) -> usize {
        self.stages.spans.len()
    }

    /// Takes the spans made since the last call.
    pub fn take_spans(&mut self) -> Vec<Span> {
        // As many will probably come again.
        let next = Vec::with_capacity(self.stages.spans.len());
        std::mem::replace(&mut self.stages.spans, next)
    }

    /// Whether turns may have to be left out to save work.
    pub fn set_shedding(&mut self, sheds: bool) {
        self.tracker.set_shedding(sheds);
    }

    /// Whether turns of clients may be left out.
    #[must_use]
    pub fn sheds_clients(&self) -> bool {
        self.tracker.sheds_clients()
    }

    /// Takes what the tracker wants of the capture layer.
    pub fn take_commands(&mut self) -> Vec<Command> {
        self.tracker.take_commands()
    }

    /// From now on notes for which request threads work.
    pub fn watch_threads(&mut self) {
        self.stages.contexts.watch();
    }

    /// Takes what was noted of that: threads, and the spans that they work for.
    pub fn take_working(&mut self) -> Vec<((u32, u32), Option<Ids>)> {
        self.stages.contexts.take_working()
    }

    /// A header was put into a call, which will be told.
    pub fn put(&mut self, header: &[u8]) {
        let value = std::str::from_utf8(header).ok().and_then(|line| line.trim_end().split_once(": "));
        if let Some(named) = value.and_then(|(_, value)| TraceParent::parse(value)) {
            self.stages.named.put(named.span_id);
        }
    }

    /// Connections followed now.
    #[must_use]
    pub fn tracked(&self) -> usize {
        self.tracker.len()
    }

    /// The open connections of selected processes whose role is known.
    pub fn standing(&mut self) -> Vec<Standing> {
        let Self { tracker, stages, .. } = self;
        let mut standing = Vec::with_capacity(tracker.len());
        tracker.each(|connection| standing.extend(stages.standing(connection)));
        standing
    }

    /// The process table.
    pub fn processes(&mut self) -> &mut ProcessTable {
        &mut self.stages.processes
    }

    /// The processes as JSON, with what was `seen` of them; `report`: of the capture.
    pub fn list(&mut self, seen: &mut Seen, report: &Report) -> String {
        let Stages { processes, resources, .. } = &mut self.stages;
        seen.json(report, processes, resources)
    }

    /// What could not be done about processes, by reason.
    pub fn process_losses(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = [("container_unanswered", self.unanswered), ("peer_limit", self.stages.tracer.peers.refused())];
        self.stages.processes.counters().losses().into_iter().chain(names)
    }

    /// What was counted.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.stages.totals
    }

    /// Exchanges by the name of their protocol; of encrypted ones it is not known what they are.
    pub fn exchanges(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let named = self.stages.registry.iter().zip(self.stages.exchanges.iter().copied());
        let told = named.filter(|(protocol, _)| protocol.spoken.family != FamilyName::Opaque);
        told.map(|(protocol, count)| (protocol.spoken.name, count))
    }

    /// The protocols that are followed.
    #[must_use]
    pub fn protocols(&self) -> Registry {
        self.stages.registry
    }

    /// What the tracker counted.
    #[must_use]
    pub fn connection_counts(&self) -> &Counts {
        self.tracker.counts()
    }

    /// What was counted of secrets of TLS.
    #[must_use]
    pub fn secrets(&self) -> keyring::Counts {
        self.tracker.secret_counts()
    }

    /// The tracer, for its counters and its clock.
    #[must_use]
    pub fn tracer(&self) -> &Tracer {
        &self.stages.tracer
    }
}
