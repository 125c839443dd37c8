//! What commands have in common that show what happens: the store, told by the kernel or by a recording.

use super::{log, outputs, replay, run};
use crate::advise::Advisor;
use crate::config::{self, Config, LOOK, Layer, Output};
use crate::pipeline::live::Live;
use crate::pipeline::viewing::Viewing;
use crate::trace::clock::Clock;
use crate::view::Store;
use crate::view::ask::{Questions, Recorded, Source};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often somebody who looks at a recording is heard.
const PAUSE: Duration = Duration::from_millis(10);

/// The configuration of a command that shows what happens; spans go nowhere else.
///
/// # Errors
/// Configuration mistakes.
pub fn config(settings: &super::flags::Flags<LOOK>) -> anyhow::Result<Config> {
    let mut layer: Layer = settings.layer()?;
    layer.show(Output::None);
    Ok(config::load(layer, &super::variable)?)
}

/// What was seen, for an engine that will tell it.
#[must_use]
pub fn viewing(config: &Config) -> Viewing {
    Viewing::new(store(config))
}

/// Nothing seen yet, in as much memory as a configuration grants.
#[must_use]
pub fn store(config: &Config) -> Store {
    Store::new(config.view.memory as usize, config.trace().options)
}

/// Attaches, and tells the store everything.
///
/// # Errors
/// When the kernel grants no capture.
pub fn live(config: &Config, viewing: Viewing) -> anyhow::Result<Live> {
    let advising =
        outputs::advising(&Config { otlp_logs: false, ..config.clone() }, &super::telling::Telling::default())?;
    let mut live = run::start_with(config, config.trace(), |engine| {
        let engine = engine.with_observer(viewing.store()).with_observer(viewing.seen());
        match &advising {
            Some(advising) => engine.with_observer(advising.observer()),
            None => engine,
        }
    })?;
    (live.viewing, live.advising) = (Some(viewing), advising);
    if let Some(budget) = run::budget(config) {
        live.limit(budget);
    }
    Ok(live)
}

/// A recording, read as a whole.
pub struct Past {
    /// What was seen.
    pub store: Store,
    /// From its times to Unix times.
    pub clock: Clock,
    /// What was advised.
    pub host: Recorded,
}

/// Reads a recording or a pcap.
///
/// # Errors
/// When it cannot be read.
pub fn past(config: &Config, file: &Path) -> anyhow::Result<Past> {
    log::plain(config);
    let store = Rc::new(RefCell::new(store(config)));
    let advisor = Rc::new(RefCell::new(Advisor::new()));
    let mut engine = run::offline(config)?.with_observer(Rc::clone(&store)).with_observer(Rc::clone(&advisor));
    replay::through(file, &mut engine)?;
    store.borrow_mut().finish();
    let clock = engine.tracer().clock();
    let report = advisor.borrow_mut().take();
    drop(engine);
    let Some(store) = Rc::into_inner(store) else { anyhow::bail!("somebody holds what was read") };
    Ok(Past { store: store.into_inner(), clock, host: Recorded(Arc::new(report)) })
}

impl Past {
    /// Asks.
    pub fn ask<T>(&mut self, question: impl FnOnce(&mut Source<'_>) -> T) -> T {
        question(&mut Source { store: &self.store, clock: self.clock, host: &mut self.host })
    }

    /// Answers others until `stop` is set.
    pub fn answer(&mut self, questions: &Questions, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let Self { store, clock, host } = self;
            questions.answer(|question| question(&mut Source { store, clock: *clock, host }));
            std::thread::sleep(PAUSE);
        }
    }
}
