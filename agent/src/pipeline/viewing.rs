//! What was seen lately, in a running agent: the store that the engine tells, and the answers to those who ask it. On the main thread,
//! between two looks at the kernel's records.

use std::cell::RefCell;
use std::rc::Rc;

use wirespan_common::counters::Counter;
use wirespan_protocols::session::Reason;

use super::advising::Advising;
use super::engine::Engine;
use super::listing::Seen;
use super::own::Outside;
use crate::advise::report::Report as Advice;
use crate::capture::report::Report;
use crate::export::counts::Snapshot;
use crate::telemetry::cost;
use crate::trace::Filtered;
use crate::view::Store;
use crate::view::ask::{Account, Asker, Host, Questions, Source, channel_of_questions};

/// The store, who asks it, and what was seen of processes.
#[derive(Debug)]
pub struct Viewing {
    store: Rc<RefCell<Store>>,
    seen: Rc<RefCell<Seen>>,
    questions: Questions,
    asker: Asker,
}

impl Viewing {
    /// Nothing was seen yet. The engine must tell [`Viewing::store`] and [`Viewing::seen`].
    #[must_use]
    pub fn new(store: Store) -> Self {
        let (asker, questions) = channel_of_questions();
        Self { store: Rc::new(RefCell::new(store)), seen: Rc::default(), questions, asker }
    }

    /// What the engine tells.
    #[must_use]
    pub fn store(&self) -> Rc<RefCell<Store>> {
        Rc::clone(&self.store)
    }

    /// What the engine tells, too.
    #[must_use]
    pub fn seen(&self) -> Rc<RefCell<Seen>> {
        Rc::clone(&self.seen)
    }

    /// For whoever asks.
    #[must_use]
    pub fn asker(&self) -> Asker {
        self.asker.clone()
    }

    /// Answers what was asked.
    pub(super) fn answer(
        &self,
        engine: &mut Engine,
        report: &Report,
        advising: Option<&mut Advising>,
        outside: &mut dyn FnMut() -> Outside,
    ) {
        let clock = engine.tracer().clock();
        let mut host = Running { engine, report, advising, outside, seen: &self.seen };
        self.questions.answer(|question| {
            question(&mut Source { store: &self.store.borrow(), clock, host: &mut host });
        });
    }
}

struct Running<'a> {
    engine: &'a mut Engine,
    report: &'a Report,
    advising: Option<&'a mut Advising>,
    outside: &'a mut dyn FnMut() -> Outside,
    seen: &'a RefCell<Seen>,
}

impl Host for Running<'_> {
    fn account(&mut self) -> Account {
        let outside = (self.outside)();
        let totals = self.engine.totals();
        let lost = |counts: &Snapshot| counts.lost().iter().map(|(_, lost)| lost).sum::<u64>();
        let (user, system) = cost::cpu().unwrap_or_default();
        Account {
            targets: self.engine.processes().targets().count() as u64,
            calls: totals.calls,
            requests: totals.requests(),
            spans: totals.spans,
            exported: outside.exporters.iter().map(|(_, counts)| counts.exported).sum(),
            dropped: outside.exporters.iter().map(|(_, counts)| lost(counts)).sum::<u64>()
                + outside.kernel[Counter::LostExchanges as usize],
            filtered: self.engine.tracer().filtered().iter().sum::<u64>() + totals.not_selected,
            ring_fill: outside.ring_fill,
            cpu_seconds: user + system,
            memory: cost::memory().unwrap_or_default(),
            connections: self.engine.tracked() as u64,
            backend: self.report.backend.to_owned(),
            kernel: self.report.kernel.clone(),
            missing: self.report.missing(),
            losses: self.losses(&outside),
            hooks: self.report.hooks.iter().map(|one| (one.hook.name.to_owned(), one.granted.is_ok())).collect(),
            counters: Counter::ALL
                .iter()
                .map(|counter| (counter.name().to_owned(), outside.kernel[*counter as usize]))
                .filter(|(_, count)| *count > 0)
                .collect(),
        }
    }

    fn targets(&mut self) -> String {
        self.engine.list(&mut self.seen.borrow_mut(), self.report)
    }

    fn advice(&mut self) -> Advice {
        self.advising.as_mut().map(|advising| advising.now()).unwrap_or_default()
    }
}

impl Running<'_> {
    fn losses(&self, outside: &Outside) -> Vec<(String, u64)> {
        let kernel = Counter::ALL.iter().filter(|counter| counter.is_loss());
        let kernel = kernel.map(|counter| (format!("kernel: {}", counter.name()), outside.kernel[*counter as usize]));
        let counts = self.engine.connection_counts();
        let parsers =
            Reason::ALL.iter().map(|reason| (format!("parser: {}", reason.name()), counts.reasons[*reason as usize]));
        let filtered = Filtered::ALL
            .iter()
            .map(|reason| (format!("filtered: {}", reason.name()), self.engine.tracer().filtered()[*reason as usize]));
        let tracker = [
            ("connections: limit".to_owned(), counts.refused),
            ("connections: memory".to_owned(), counts.evicted),
            ("connections: crowded out".to_owned(), counts.crowded_out),
            ("records: undecodable".to_owned(), outside.undecodable),
        ];
        let processes = self.engine.process_losses().map(|(name, count)| (format!("processes: {name}"), count));
        let exporters = outside.exporters.iter().flat_map(|(name, counts)| {
            counts.lost().iter().map(|(reason, lost)| (format!("{name}: {reason}"), *lost)).collect::<Vec<_>>()
        });
        let all = kernel.chain(parsers).chain(filtered).chain(tracker).chain(processes).chain(exporters);
        all.filter(|(_, count)| *count > 0).collect()
    }
}
