//! `wirespan record`: raw events to a file.

use super::{args, run};
use crate::event::{Event, Process, ProcessChange};
use crate::export::Exporters;
use crate::recording::file::Writer;
use crate::{config, notes};
use anyhow::Context as _;
use std::fs::File;
use std::io::BufWriter;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Records until a signal or the given duration ends it.
///
/// # Errors
/// When capturing cannot start or the file cannot be written.
pub fn record(arguments: &args::Record) -> anyhow::Result<()> {
    let config = config::load(arguments.layer()?, &super::variable)?;
    super::log::begin(&config);
    let path = &arguments.output;
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    let mut writer = Writer::new(BufWriter::new(file))?;
    let stop = super::stop_flag()?;
    let mut live = run::start(&config)?;
    notes::info(&live.line());
    // The processes that were there already, as if they had just started: a replay has no /proc to look at.
    let present: Vec<_> = live
        .engine
        .processes()
        .targets()
        .map(|process| Process {
            pid: process.pid,
            change: ProcessChange::Exec { file: process.exe.as_deref().unwrap_or_default().into() },
            comm: process.comm.clone(),
            user: process.user.unwrap_or_default(),
            at_ns: 0,
        })
        .collect();
    let mut failure = None;
    let mut events = 0u64;
    let mut write = |event: &Event<'_>| {
        events += 1;
        if failure.is_none()
            && let Err(error) = writer.write(event)
        {
            failure = Some(error);
            stop.store(true, Ordering::Relaxed);
        }
    };
    for process in present {
        write(&Event::Process(process));
    }
    let deadline = arguments.duration.map(|duration| Instant::now() + duration);
    live.run(&Exporters::default(), &stop, deadline, &mut write, notes::info);
    if let Some(error) = failure {
        return Err(error).with_context(|| format!("cannot write {}", path.display()));
    }
    writer.finish().with_context(|| format!("cannot write {}", path.display()))?;
    notes::info(&format!("{events} events in {}", path.display()));
    run::threads()
}
