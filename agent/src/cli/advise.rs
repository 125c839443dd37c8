//! `wirespan advise`: watches for a while, or reads a recording, and then explains what slows callers down.

use super::args::{self, Report as Answer};
use super::{log, replay, run};
use crate::advise::report::{Report, VERSION};
use crate::advise::{Advisor, diff, text};
use crate::export::Exporters;
use crate::files;
use crate::{config, shown};
use anyhow::{Context as _, bail};
use std::cell::RefCell;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

/// Most bytes of a report.
const LARGEST: u64 = 64 << 20;

/// Watches, reads or compares, and answers.
///
/// # Errors
/// Configuration mistakes, failures to start, files that cannot be read or written.
pub fn advise(arguments: &args::Advise) -> anyhow::Result<()> {
    if let Some([before, after]) = arguments.diff.as_deref() {
        let (before, after) = (read(before)?, read(after)?);
        return log::answer(&match arguments.output {
            Answer::Text => diff::render(&before, &after),
            Answer::Json => {
                let changes = serde_json::json!({ "changes": diff::changes(&before, &after) });
                format!("{}\n", shown::json(&format!("{changes:#}")))
            }
        });
    }
    let report = match &arguments.file {
        Some(file) => replayed(arguments, file)?,
        None => watched(arguments)?,
    };
    let json = format!("{}\n", shown::json(&serde_json::to_string_pretty(&report)?));
    if let Some(path) = &arguments.report {
        files::create(path)
            .and_then(|mut file| file.write_all(json.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    log::answer(&match arguments.output {
        Answer::Text => text::render(&report),
        Answer::Json => json,
    })?;
    run::threads()
}

fn read(path: &Path) -> anyhow::Result<Report> {
    let what = || format!("cannot read {}", path.display());
    let mut text = Vec::new();
    File::open(path).with_context(what)?.take(LARGEST + 1).read_to_end(&mut text).with_context(what)?;
    if text.len() as u64 > LARGEST {
        bail!("{} is no report of `wirespan advise`: it is larger than {} MiB", path.display(), LARGEST >> 20);
    }
    let report: Report = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no report of `wirespan advise`", path.display()))?;
    if report.version != VERSION {
        bail!("{}: a report of version {}; this program reads version {VERSION}", path.display(), report.version);
    }
    Ok(report)
}

fn watched(arguments: &args::Advise) -> anyhow::Result<Report> {
    let config = config::load(arguments.layer()?, &super::variable)?;
    log::begin(&config);
    super::lockdown::begin(&config, arguments.report.as_deref())?;
    let stop = super::stop_flag(None)?;
    let advisor = Rc::new(RefCell::new(Advisor::new()));
    let mut live = run::start_with(&config, config.trace(), |engine| engine.with_observer(Rc::clone(&advisor)))?;
    live.introduce();
    tracing::info!("{}", super::log::selection(&config, live.targets()));
    tracing::info!("watching for {:.0} s; Ctrl-C ends it early", arguments.window.as_secs_f64());
    let deadline = Some(Instant::now() + arguments.window);
    super::lockdown::attached()?;
    live.run(&Exporters::default(), &stop, deadline, |_, _| {}, |text| tracing::info!("{text}"));
    Ok(report(&advisor))
}

fn replayed(arguments: &args::Advise, file: &Path) -> anyhow::Result<Report> {
    let config = config::load(arguments.layer()?, &super::variable)?;
    log::plain(&config);
    let advisor = Rc::new(RefCell::new(Advisor::new()));
    let mut engine = run::offline(&config)?.with_observer(Rc::clone(&advisor));
    replay::through(file, &mut engine)?;
    Ok(report(&advisor))
}

fn report(advisor: &RefCell<Advisor>) -> Report {
    advisor.borrow_mut().take()
}
