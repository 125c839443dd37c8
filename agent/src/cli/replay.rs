//! `wirespan replay`: a recording or a pcap to spans (and metrics), without privileges.

use super::outputs::Direct;
use super::{args, run};
use crate::config::{self, Config, Output};
use crate::metrics::record::Metrics;
use crate::metrics::settings::Reading;
use crate::metrics::snapshot::Snapshot;
use crate::pipeline::engine::Engine;
use crate::pipeline::summary::{Outside, summary};
use crate::recording::{self, EventSource, keylog};
use anyhow::Context as _;
use std::cell::RefCell;
use std::io::ErrorKind;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// Spans that are written at once.
const BATCH: usize = 256;

/// Prints the spans of a file.
///
/// # Errors
/// When the file cannot be read. What came before the damage is printed.
pub fn replay(arguments: &args::Replay) -> anyhow::Result<()> {
    let mut config = config::load(arguments.layer()?, &super::variable)?;
    config.tls = arguments.keylog.is_some();
    super::log::plain(&config);
    let mut source = recording::open(&arguments.file)?;
    let mut output = Direct::new(&config)?;
    let mut engine = run::offline(&config)?;
    if let Some(path) = &arguments.keylog {
        let log = keylog::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        if log.malformed > 0 {
            tracing::warn!("{}: {} lines are none of a log of keys", path.display(), log.malformed);
        }
        engine.give_secrets(log.secrets);
    }
    let metrics = (arguments.metrics && config.output == Output::OtlpJson).then(|| recorder(&config));
    if let Some(metrics) = &metrics {
        engine = engine.with_observer(Rc::clone(metrics));
    }
    let result = pump(&mut *source, &mut engine, &mut output);
    let left_out = source.left_out();
    let outside =
        Outside { kernel: None, undecodable: left_out.iter().map(|(_, count)| count).sum(), unread: 0, exporters: &[] };
    super::log::lines(&summary(&engine, &outside));
    for (reason, count) in left_out {
        tracing::info!("left out: {reason} {count}");
    }
    let result = result.and_then(|()| match &metrics {
        Some(metrics) => Ok(output.write_metrics(collect(metrics, &mut engine))?),
        None => Ok(()),
    });
    match result.and_then(|()| Ok(output.finish()?)) {
        Err(error)
            if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// What measures a file: nothing of this host, so that the same file gives the same numbers anywhere.
fn recorder(config: &Config) -> Rc<RefCell<Metrics>> {
    Rc::new(RefCell::new(Metrics::new(config.metrics.settings.clone(), config.trace(), Arc::default())))
}

/// The values at the end of the file, but those of the agent itself, which are about a live one.
fn collect(metrics: &RefCell<Metrics>, engine: &mut Engine) -> Snapshot {
    let (standing, clock) = (engine.standing(), engine.tracer().clock());
    let mut snapshot = metrics.borrow_mut().collect(clock, Reading::Cumulative, &standing, &[]);
    snapshot.groups.retain(|group| !group.resource.attributes.is_empty());
    snapshot
}

/// Has an engine read a file, for what its observers learn: spans go nowhere.
///
/// # Errors
/// When the file cannot be read.
pub fn through(file: &Path, engine: &mut Engine) -> anyhow::Result<()> {
    let mut source = recording::open(file)?;
    while let Some(event) = source.next()? {
        engine.handle(&event);
        drop(engine.take_spans());
    }
    engine.finish();
    Ok(())
}

fn pump(source: &mut dyn EventSource, engine: &mut Engine, output: &mut Direct) -> anyhow::Result<()> {
    let mut waiting = Vec::new();
    loop {
        let event = source.next();
        let more = match event {
            Ok(Some(event)) => {
                engine.handle(&event);
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        if !matches!(more, Ok(true)) {
            engine.finish();
        }
        waiting.append(&mut engine.take_spans());
        if waiting.len() >= BATCH || !matches!(more, Ok(true)) {
            output.write(&waiting)?;
            waiting.clear();
        }
        if !more? {
            return Ok(());
        }
    }
}
