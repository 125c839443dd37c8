//! `wirespan doctor`: what this kernel and this host grant, what is missing, what that costs and how to get it.
//!
//! Everything is tried for real and taken back: hooks are attached while no process is a target, receivers get a request without
//! anything in it. Layout: [`check`]: what one finding is; [`kernel`], [`hooks`], [`memory`], [`processes`], [`export`], [`time`]: the
//! findings; [`report`]: the answer, for people and for programs; [`bundle`]: the archive of a bug report.

mod bundle;
mod check;
mod export;
mod hooks;
mod kernel;
mod memory;
mod processes;
mod report;
mod time;

use std::time::{Duration, Instant};

use super::args;
use crate::capture::capabilities;
use crate::capture::load::kernel_release;
use crate::capture::report::Report;
use crate::capture::selection::Selection;
use crate::capture::trial::{self, Trial};
use crate::capture::{Capture, Options, StartError};
use crate::config::{self, Config};
use check::Check;

/// What was found.
struct Findings {
    /// What a start was granted; of the host alone where there was none.
    report: Report,
    /// Why nothing can be traced here.
    refused: Option<StartError>,
    /// How long it took to load and attach, if it could be.
    attached: Option<Duration>,
    /// What became of the programs that a start does not need here.
    trial: Option<Trial>,
    /// Every check, by area.
    checks: Vec<Check>,
}

/// Tries everything and tells what happened.
///
/// # Errors
/// Mistakes in the configuration; when no capture is possible, the reason, after which the exit status is 1.
pub fn doctor(arguments: &args::Doctor) -> anyhow::Result<()> {
    let config = config::load(arguments.settings.layer()?, &super::variable)?;
    super::log::plain(&config);
    // Whether it can be written is said before anything is tried.
    let archive = arguments.bundle.as_ref().map(|path| bundle::create(path, arguments.force)).transpose()?;
    let findings = examine(&config);
    super::log::answer(&match arguments.output {
        args::Report::Text => report::text(&findings),
        args::Report::Json => report::json(&findings),
    })?;
    if let (Some(path), Some(archive)) = (&arguments.bundle, archive) {
        bundle::write((path, archive), arguments, &config, &report::json(&findings))?;
    }
    match findings.refused {
        Some(why) => Err(why.into()),
        None => Ok(()),
    }
}

fn examine(config: &Config) -> Findings {
    // What answers from elsewhere is asked meanwhile.
    let (capture, elsewhere) = std::thread::scope(|scope| {
        let elsewhere = scope.spawn(|| {
            let mut checks = processes::checks();
            checks.extend(export::checks(config));
            checks
        });
        let capture = try_capture(config);
        (capture, elsewhere.join().unwrap_or_default())
    });
    let Capturing { report, refused, attached, maps, trial } = capture;
    let mut checks = kernel::checks(refused.is_none().then_some(&report));
    checks.extend(hooks::capabilities(&report.capabilities));
    checks.extend(hooks::used(&report));
    checks.extend(trial.iter().flat_map(|trial| hooks::others(trial, config.propagate, report.backend)));
    checks.extend(memory::checks(maps, &report.kernel));
    checks.extend(elsewhere);
    checks.extend(time::checks());
    checks.sort_by_key(|check| check.area);
    Findings { report, refused, attached, trial, checks }
}

/// What became of a capture.
struct Capturing {
    report: Report,
    refused: Option<StartError>,
    attached: Option<Duration>,
    maps: Option<u64>,
    trial: Option<Trial>,
}

fn try_capture(config: &Config) -> Capturing {
    let options = Options {
        backend: config.backend.forced().map(str::to_owned),
        turn_budget: config.capture.turn_budget,
        ring_bytes: config.capture.ring_bytes,
        queue_time: config.capture.queue_time,
        // Nobody is a target: the programs return at once.
        selection: Selection { select_all: false, ..Selection::default() },
        ..Options::default()
    };
    let begin = Instant::now();
    match Capture::start(&options) {
        Ok((capture, _reader)) => {
            let (attached, maps) = (begin.elapsed(), memory::of_maps());
            let report = capture.report.clone();
            drop(capture);
            let trial = trial::run(&options, &report.hooks).ok();
            Capturing { report, refused: None, attached: Some(attached), maps: Some(maps), trial }
        }
        Err(error) => {
            let report = Report { kernel: kernel_release(), capabilities: capabilities::held(), ..Report::default() };
            Capturing { report, refused: Some(error), attached: None, maps: None, trial: None }
        }
    }
}
