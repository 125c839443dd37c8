//! Live tracing: kernel → engine → exporters, on one thread; exporters have their own.

mod containers;
mod informed;
mod looks;
mod older;
pub mod reload;
mod rescan;

use super::advising::Advising;
use super::again::{self, Again};
use super::engine::Engine;
use super::governor::{self, Budget, Governor};
use super::hint::Hint;
use super::idle::Idle;
use super::listing::Listing;
use super::metering::Metering;
use super::turn::Turn;
use super::viewing::Viewing;
use crate::capture::listeners::{Listeners, Question};
use crate::capture::memory;
use crate::capture::reader::monotonic_ns;
use crate::capture::{Capture, Options, Reader};
use crate::conn::Command;
use crate::enrich::containers::Containers;
use crate::event::Event;
use crate::export::Exporters;
use crate::process::table::{Change, Decision, Order, ProcessTable};
use crate::resolve::Resolver;
use crate::serve::Health;
use crate::serve::health::Stage;
use crate::telemetry::Telemetry;
use crate::telemetry::spans::NOTHING;
use crate::threads;
use rescan::Rescan;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use tracing::field::Empty;
use wirespan_common::counters::Counter;
use wirespan_common::record::{BUDGET_UNCHANGED, Directive, POLICY_IGNORE, POLICY_REFUSE, POLICY_TRACE};
use wirespan_semconv::WIRESPAN_DRAIN_EVENTS;

/// Shortest and longest pause between two looks at the ring buffer. The kernel ends a pause early when the buffer fills.
const PAUSE: (Duration, Duration) = (Duration::from_millis(8), Duration::from_millis(64));

/// Longest wait for the ports on which targets listen already.
const FIRST_PORTS: Duration = Duration::from_millis(500);

/// Longest wait for the first look at all processes.
const FIRST_SCAN: Duration = Duration::from_secs(10);

/// How long a program may wait for a decision before it is taken for forgotten, ns.
const PATIENCE_NS: u64 = 1_000_000_000;

/// A running capture and the stages that it feeds.
pub struct Live {
    capture: Capture,
    reader: Reader,
    /// The stages.
    pub engine: Engine,
    /// Metrics, if somebody wants them.
    pub metering: Option<Metering>,
    /// Advice, if it is wanted.
    pub advising: Option<Advising>,
    /// What was seen lately, if somebody looks.
    pub viewing: Option<Viewing>,
    /// Who asks about containers.
    pub containers: Option<Containers>,
    /// Keeps the agent within its budget, if it has one.
    governor: Option<Governor>,
    /// What is told of the agent's own work.
    pub telemetry: Telemetry,
    /// Who asks for processes, and what was seen of them.
    pub listing: Option<Listing>,
    /// Who is told that the main loop turns.
    pub health: Arc<Health>,
    ring_bytes: u32,
    select_all: bool,
    listeners: Listeners,
    resolver: Resolver,
    again: Again,
    /// What processes publish.
    published: Again,
    older: older::Windows,
    /// Whether it was said that listen queues are not known.
    told_of_listeners: bool,
    rescan: Rescan,
    /// Brings other configurations.
    pub reload: Option<Receiver<reload::Change>>,
}

impl Live {
    /// Attaches, then looks at the processes that are there already.
    ///
    /// # Errors
    /// When the kernel grants no capture.
    pub fn start(options: &Options, mut engine: Engine) -> anyhow::Result<Self> {
        let _starting = tracing::info_span!("start").entered();
        let (capture, reader) = Capture::start(options)?;
        if capture.threads.is_some() {
            engine.watch_threads();
        }
        let mut resolver = Resolver::start(engine.processes().rules())?;
        resolver.scan();
        resolver.wait_for_scan(FIRST_SCAN, |found| engine.found(found));
        let rescan = Rescan::new(engine.processes().drifts());
        let select_all = options.selection.select_all;
        let mut live = Self {
            capture,
            reader,
            engine,
            metering: None,
            advising: None,
            viewing: None,
            listing: None,
            containers: None,
            governor: None,
            telemetry: Telemetry::default(),
            health: Arc::default(),
            ring_bytes: options.ring_bytes,
            select_all,
            listeners: Listeners::start()?,
            resolver,
            again: Again::new(again::PROGRAM),
            published: Again::new(again::PUBLISHED),
            older: older::Windows::default(),
            told_of_listeners: false,
            rescan,
            reload: None,
        };
        live.obey();
        if live.engine.processes().rules().reads_secrets() {
            live.search();
        }
        let ports: Vec<u16> = live.engine.processes().targets().flat_map(|process| process.listening.clone()).collect();
        for port in ports {
            live.capture.add_port(port);
        }
        live.find_ports();
        memory::give_back();
        Ok(live)
    }

    /// Leaves exchanges out when more than `budget` would be used, where the backend can. By default nothing is.
    pub fn limit(&mut self, budget: Budget) {
        if !self.capture.sheds() {
            return;
        }
        self.governor = Some(Governor::new(budget, &self.capture));
    }

    /// Tells what a user reads first: what was chosen and what it costs, then what is missing, a line each.
    pub fn introduce(&self) {
        let report = &self.capture.report;
        tracing::info!("{}", report.line());
        report.missing().iter().for_each(|line| tracing::info!("{line}"));
    }

    /// Processes selected now.
    pub fn targets(&mut self) -> usize {
        self.engine.processes().targets().count()
    }

    /// The kernel's counters, indexed by [`Counter`].
    #[must_use]
    pub fn counters(&self) -> [u64; Counter::COUNT] {
        self.capture.counters()
    }

    /// Records that could not be decoded.
    #[must_use]
    pub fn undecodable(&self) -> u64 {
        self.reader.undecodable
    }

    /// Records of calls that nobody has read at the end.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.reader.unread
    }

    /// Traces until `stop` is set or `deadline` has come, handing each event to `tap`, too, when it is known whose it is.
    /// Notes for the user go to `note`.
    pub fn run(
        &mut self,
        exporters: &Exporters,
        stop: &AtomicBool,
        deadline: Option<Instant>,
        mut tap: impl FnMut(&Event<'_>, &mut ProcessTable),
        mut note: impl FnMut(&str),
    ) {
        self.health.enter(Stage::Tracing, Instant::now());
        let mut pause = PAUSE.0;
        // Whoever looks for what threads do now waits for no longer.
        let longest = if self.capture.threads.is_some() { PAUSE.0 } else { PAUSE.1 };
        let mut hint = Hint::new(Instant::now());
        let mut idle = Idle::new(Instant::now());
        let is_over = || stop.load(Ordering::Relaxed) || exporters.ended() || threads::died().is_some();
        while !is_over() && deadline.is_none_or(|at| Instant::now() < at) {
            self.reader.wait(pause);
            let (events, more) = self.turn(exporters, false, &mut tap);
            pause = match events {
                _ if more => Duration::ZERO,
                // A program that was just executed has woken us, and may not live as long as a longer pause.
                0 if self.reader.holds() => PAUSE.0 / 2,
                0 => (pause * 2).clamp(PAUSE.0, longest),
                _ => PAUSE.0.max(self.reader.rest()),
            };
            let now = Instant::now();
            self.health.turn(now);
            let Self { health, engine, .. } = self;
            health.say(now, || {
                let requests = engine.totals().requests();
                format!("{} processes are traced, {requests} requests were seen", engine.processes().targets().count())
            });
            idle.turn(now, events);
            self.govern(events > 0, &mut note);
            self.advise(false, &mut note);
            self.meter(exporters, false);
            self.list();
            self.show(exporters);
            if let Some(change) = self.reload.as_ref().and_then(|changes| changes.try_recv().ok()) {
                self.adopt(change, &mut note);
            }
            let Self { capture, rescan, .. } = self;
            if rescan.is_due(Instant::now(), || capture.counters()[Counter::DropProcess as usize]) {
                self.resolver.scan();
                if self.rescan.may_miss() {
                    self.remind();
                    self.obey();
                }
            }
            let Self { capture, engine, .. } = self;
            capture.sweep_probes(now, |keep| engine.processes().targets().for_each(|process| keep(process.pid)));
            self.listen_queues(&mut tap, &mut note);
            if hint.is_due(Instant::now(), self.engine.totals().requests()) {
                let text = hint.text(self.targets(), &self.counters(), &self.engine);
                if hint.is_news(&text) {
                    note(&text);
                }
            }
        }
        self.health.enter(Stage::Ending, Instant::now());
        // Nothing new is recorded, so that what is left comes to an end.
        self.capture.detach();
        self.turn(exporters, true, &mut tap);
        self.reader.abandon();
        self.engine.finish();
        exporters.offer(self.engine.take_spans());
        self.advise(true, &mut note);
        self.meter(exporters, true);
    }

    /// Sees how much is used, when it is time to.
    fn govern(&mut self, came: bool, note: &mut impl FnMut(&str)) {
        let Self { governor: Some(governor), capture, engine, reader, ring_bytes, .. } = self else { return };
        let backlog = reader.backlog() as f64 / f64::from(*ring_bytes);
        if let Some(sheds) = governor.turn(capture, (engine.sheds_clients(), backlog), came, note) {
            engine.set_shedding(sheds);
        }
    }

    fn turn(
        &mut self,
        exporters: &Exporters,
        all: bool,
        tap: &mut impl FnMut(&Event<'_>, &mut ProcessTable),
    ) -> (usize, bool) {
        let Self { reader, engine, resolver, .. } = self;
        let span = tracing::info_span!("drain", { WIRESPAN_DRAIN_EVENTS } = Empty, nothing = Empty).entered();
        let drained = reader.drain(all, &mut Turn { engine, resolver, exporters, tap });
        match drained {
            (0, _) => span.record(NOTHING, true),
            (events, _) => span.record(WIRESPAN_DRAIN_EVENTS, events as u64),
        };
        drop(span);
        for spans in [self.engine.take_spans(), self.telemetry.take_spans()] {
            if !spans.is_empty() {
                exporters.offer(spans);
            }
        }
        self.hear_of_containers();
        self.obey();
        drained
    }

    /// Asks about listen queues, when it is time.
    fn ask_listeners(&mut self) {
        let Self { engine, listeners, select_all, .. } = self;
        listeners.ask(Instant::now(), || Question {
            pids: engine.processes().targets().map(|process| process.pid).collect(),
            all: *select_all,
        });
    }

    /// Tells the kernel the ports on which targets listen already.
    fn find_ports(&mut self) {
        self.ask_listeners();
        for port in self.listeners.wait(FIRST_PORTS) {
            self.capture.add_port(port);
        }
    }

    /// Takes in what is known of listen queues, and asks again when it is time.
    fn listen_queues(&mut self, tap: &mut impl FnMut(&Event<'_>, &mut ProcessTable), note: &mut impl FnMut(&str)) {
        self.ask_listeners();
        let Self { capture, engine, listeners, .. } = self;
        match listeners.answer() {
            None => {}
            Some(Ok(told)) => {
                // Connections on them are known from their set-up from now on.
                told.ports().into_iter().for_each(|port| capture.add_port(port));
                if told.closed > 0 && !std::mem::replace(&mut self.told_of_listeners, true) {
                    note(&format!(
                        "listen queues of {} other network namespaces are not told: entering them needs CAP_SYS_ADMIN",
                        told.closed
                    ));
                }
                for listener in told.listeners {
                    let event = Event::Listener(listener);
                    engine.handle(&event);
                    tap(&event, engine.processes());
                }
            }
            Some(Err(error)) if !self.told_of_listeners => {
                self.told_of_listeners = true;
                note(&format!("the kernel does not tell about listen queues: {error}"));
            }
            Some(Err(_)) => {}
        }
    }

    /// Decides about programs that wait for it though nothing was told of them: the record of their exec was lost.
    fn remind(&mut self) {
        let now_ns = monotonic_ns();
        // What cannot be read now can be at the next look.
        let waiting = self.capture.policies.waiting(now_ns.saturating_sub(PATIENCE_NS)).unwrap_or_default();
        for pid in waiting {
            self.engine.processes().remind(pid, now_ns);
        }
    }

    /// Tells the kernel what the stages above have decided.
    fn obey(&mut self) {
        let settled_ns = self.reader.settled_ns();
        let policies = &mut self.capture.policies;
        for Order { pid, change, known_ns } in self.engine.processes().changes() {
            // What is founded on an event of another kind knows of every exec before it.
            let known = if known_ns == 0 { settled_ns } else { known_ns };
            match change {
                // Not even for a port that is selected.
                Change::Set(_) | Change::Refuse if pid == std::process::id() => {
                    policies.decide(pid, POLICY_REFUSE, known)
                }
                Change::Set(Decision::Trace) if self.select_all => policies.remove(pid),
                Change::Set(Decision::Trace) => policies.decide(pid, POLICY_TRACE, known),
                Change::Set(Decision::Ignore) => policies.decide(pid, POLICY_IGNORE, known_ns),
                Change::Refuse => policies.decide(pid, POLICY_REFUSE, known),
                Change::Remove => policies.remove(pid),
            }
        }
        self.look();
        if let Some(threads) = &mut self.capture.threads {
            self.engine.take_working().into_iter().for_each(|(thread, ids)| threads.show(thread, ids));
        }
        for command in self.engine.take_commands() {
            match command {
                Command::Direct { sock, connection, budget, shedding } => {
                    let budget = budget.unwrap_or(BUDGET_UNCHANGED);
                    self.capture.direct(sock, Directive { connection, budget, shedding: governor::rule(shedding) });
                }
                Command::Forget { sock, connection } => self.capture.forget(sock, connection),
            }
        }
    }
}
