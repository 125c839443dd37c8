//! `wirespan run`.

use super::selection::{self, Chosen};
use super::telling::Telling;
use super::{args, destinations, outputs, reload};
use crate::capture::Options;
use crate::config::{self, Config, Processors, Uprobes};
use crate::conn::Limits;
use crate::enrich::containers::Containers;
use crate::enrich::{Host, Resources};
use crate::pipeline::advising::Advising;
use crate::pipeline::engine::Engine;
use crate::pipeline::governor::Budget;
use crate::pipeline::listing::Listing;
use crate::pipeline::live::Live;
use crate::pipeline::metering::Metering;
use crate::pipeline::summary::{Outside, summary};
use crate::process::table::ProcessTable;
use crate::serve::notify::Supervisor;
use crate::serve::{Health, Served, Server};
use crate::threads;
use crate::trace::Tracer;
use crate::trace::ids::Ids;
use crate::trace::sampler::Root;
use crate::trace::spare::Spare;
use std::sync::Arc;
use std::time::Instant;

/// Traces this host until a signal or the given duration ends it.
///
/// # Errors
/// Configuration mistakes ([`config::Error`]) and failures to start, one line each.
pub fn run(arguments: &args::Run) -> anyhow::Result<()> {
    let config = config::load(arguments.settings.layer()?, &super::variable)?;
    super::log::begin(&config);
    super::lockdown::begin(&config, config.output_file.as_deref())?;
    let spare = Spare::default();
    let telling = Telling::default();
    let telemetry = outputs::telemetry(&config)?;
    let exporters = outputs::exporters(&config, &spare, &telling)?;
    let served = Served { health: Arc::new(Health::told_to(supervisor())), ..Served::default() };
    let reload = reload::watch(arguments.settings.layer()?, &config, Arc::clone(&served.health))?;
    let (bell, changes) = reload.map_or((None, None), |(bell, changes)| (Some(bell), Some(changes)));
    let stop = super::stop_flag(bell)?;
    let trace = config.trace();
    let viewing = outputs::viewing(&config);
    let page = viewing.as_ref().map(|viewing| outputs::page(&config, viewing));
    let servers = outputs::servers(&config, &Served { page, ..served.clone() })?;
    let is_scraped = config.listen.or(config.prometheus_listen).is_some();
    let board = is_scraped.then(|| Arc::clone(&served.board));
    let listing = is_scraped.then(|| Listing::new(Arc::clone(&served.targets)));
    let metering = outputs::metering(&config, &trace, &telling, board)?;
    let advising = outputs::advising(&config, &telling)?;
    let mut live = start_with(&config, trace, |engine| {
        let mut engine = engine.with_spare(spare);
        if let Some(metering) = &metering {
            engine = engine.with_observer(metering.observer());
        }
        if let Some(advising) = &advising {
            engine = engine.with_observer(advising.observer());
        }
        if let Some(listing) = &listing {
            engine = engine.with_observer(listing.observer());
        }
        if let Some(viewing) = &viewing {
            engine = engine.with_observer(viewing.store()).with_observer(viewing.seen());
        }
        engine
    })?;
    (live.metering, live.advising, live.listing, live.viewing) = (metering, advising, listing, viewing);
    live.reload = changes;
    live.health = Arc::clone(&served.health);
    live.telemetry = telemetry.clone();
    live.introduce();
    tracing::info!("{}", super::log::selection(&config, live.targets()));
    if let Some(line) = destinations::line(&config) {
        tracing::info!("{line}");
    }
    servers.iter().flat_map(Server::offers).for_each(|line| tracing::info!("{line}"));
    if let Some(budget) = budget(&config) {
        live.limit(budget);
    }
    let deadline = arguments.duration.map(|duration| Instant::now() + duration);
    super::lockdown::attached()?;
    live.run(&exporters, &stop, deadline, |_, _| {}, |text| tracing::info!("{text}"));
    // All of them are told at once, and have the same time together.
    let last = Instant::now() + config.shutdown_timeout;
    if destinations::is_remote(&config) {
        let seconds = config.shutdown_timeout.as_secs_f64();
        tracing::info!("delivering what waits, for at most {seconds} s; another signal ends at once");
    }
    exporters.close();
    live.metering.iter().for_each(Metering::close);
    live.advising.iter().for_each(Advising::close);
    let (kernel, undecodable, unread) = (live.counters(), live.undecodable(), live.unread());
    let mut counts = exporters.shutdown(last);
    counts.extend(live.metering.take().map(|metering| metering.shutdown(last)).unwrap_or_default());
    counts.extend(live.advising.take().and_then(|advising| advising.shutdown(last)));
    let outside = Outside { kernel: Some(kernel), undecodable, unread, exporters: &counts };
    super::log::lines(&summary(&live.engine, &outside));
    if telemetry.lost_spans() > 0 {
        tracing::warn!("{} spans of wirespan itself found no room", telemetry.lost_spans());
    }
    threads()
}

/// Whoever started the agent as a service, if it wants to know how it is.
fn supervisor() -> Option<Supervisor> {
    Supervisor::named_by(&super::variable).unwrap_or_else(|error| {
        tracing::warn!("NOTIFY_SOCKET: {error}; systemd is told nothing");
        None
    })
}

/// How much the agent may use, if that is limited.
#[must_use]
pub fn budget(config: &Config) -> Option<Budget> {
    match config.limits.cpu {
        Processors::Unlimited => None,
        Processors::Share(share) => Some(Budget::share(share)),
        Processors::Number(number) => Some(Budget::processors(number)),
    }
}

/// What became of the threads.
///
/// # Errors
/// When one of them died.
pub fn threads() -> anyhow::Result<()> {
    match threads::died() {
        Some(name) => anyhow::bail!("the thread {name} died of a mistake in wirespan; what it had to deliver is lost"),
        None => Ok(()),
    }
}

/// Attaches with the settings of a configuration.
///
/// # Errors
/// When the kernel grants no capture.
pub fn start(config: &Config) -> anyhow::Result<Live> {
    start_with(config, config.trace(), |engine| engine)
}

/// As [`start`], with observers that `dress` gives to the engine. `trace`: shared with those that must name things as spans
/// do.
///
/// # Errors
/// When the kernel grants no capture.
pub fn start_with(
    config: &Config,
    trace: crate::trace::Config,
    dress: impl FnOnce(Engine) -> Engine,
) -> anyhow::Result<Live> {
    selection::fits(config)?;
    let Chosen { rules, treatments } = selection::chosen(config);
    let options = Options {
        backend: config.backend.forced().map(str::to_owned),
        turn_budget: config.capture.turn_budget,
        ring_bytes: config.capture.ring_bytes,
        queue_time: config.capture.queue_time,
        uprobes: config.uprobes != Uprobes::None,
        propagate: config.propagate,
        new_traces: config.sampler.root == Root::On,
        profiles: config.profiles.then(|| config.bpf_fs.clone()),
        selection: selection::for_kernel(&rules),
    };
    let processes = ProcessTable::live(rules).with_limit(config.limits.processes as usize);
    let tracer = Tracer::new(trace, Ids::from_os()?);
    let limits = Limits { connections: config.limits.connections as usize, ..Limits::default() };
    let resources = Resources::new(Host::read()).with_treatments(treatments);
    let mut live = Live::start(&options, dress(Engine::new(limits, tracer, processes, resources)))?;
    let asked = config.containers();
    if !asked.is_off() {
        live.containers = Some(Containers::start(asked)?);
    }
    Ok(live)
}

/// The stages of a replay: nothing of this host, and ids that come out the same each time.
///
/// # Errors
/// Configuration mistakes.
pub fn offline(config: &Config) -> anyhow::Result<Engine> {
    let tracer = Tracer::new(config.trace(), Ids::seeded(0));
    let limits = Limits { connections: config.limits.connections as usize, ..Limits::default() };
    let processes = ProcessTable::replay(config.rules(false));
    let resources = Resources::new(Host::default()).with_treatments(config.treatments());
    Ok(Engine::new(limits, tracer, processes, resources))
}
