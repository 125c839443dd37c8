//! `wirespan record`: raw events to a file.

use super::{args, run};
use crate::advise::words::list;
use crate::config;
use crate::event::{Data, Event, Process, ProcessChange};
use crate::export::Exporters;
use crate::process::table::{Decision, ProcessTable};
use crate::recording::blank::Blanks;
use crate::recording::file::Writer;
use anyhow::Context as _;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Records until a signal or the given duration ends it.
///
/// # Errors
/// When capturing cannot start or the file cannot be written.
pub fn record(arguments: &args::Record) -> anyhow::Result<()> {
    let config = config::load(arguments.settings.layer()?, &super::variable)?;
    super::log::begin(&config);
    let path = &arguments.output;
    super::lockdown::begin(&config, Some(path))?;
    let mut writer = Writer::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    let stop = super::stop_flag(None)?;
    let mut live = run::start(&config)?;
    live.introduce();
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
    let mut blanks = Blanks::default();
    tracing::info!(
        "{} will hold what the selected processes send and receive, in clear text; only {} are blanked",
        path.display(),
        list(&blanks.what())
    );
    let mut failure = None;
    let mut events = 0u64;
    let mut foreign = 0u64;
    let mut write = |event: &Event<'_>, processes: &mut ProcessTable| {
        if failure.is_some() {
            return;
        }
        events += 1;
        blanks.see(event);
        let written = match event {
            Event::Data(data) if processes.decision(data.actor.pid) == Decision::Ignore => {
                foreign += 1;
                writer.write(&Event::Data(Data { head: &[], tail: &[], ..data.clone() }))
            }
            Event::Data(data) => writer.write(&Event::Data(blanks.of(data))),
            event => writer.write(event),
        };
        if let Err(error) = written {
            failure = Some(error);
            stop.store(true, Ordering::Relaxed);
        }
    };
    for process in present {
        write(&Event::Process(process), live.engine.processes());
    }
    let deadline = arguments.duration.map(|duration| Instant::now() + duration);
    super::lockdown::attached()?;
    live.run(&Exporters::default(), &stop, deadline, &mut write, |text| tracing::info!("{text}"));
    if let Some(error) = failure {
        return Err(error).with_context(|| format!("cannot write {}", path.display()));
    }
    writer.finish().with_context(|| format!("cannot write {}", path.display()))?;
    tracing::info!(
        "{events} events in {}; {} bytes of credentials blanked, {foreign} calls of processes that are not selected \
         without their payload",
        path.display(),
        blanks.blanked()
    );
    run::threads()
}
