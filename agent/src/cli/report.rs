//! `wirespan report`: one page to take away.

use super::{args, lockdown, log, looking, run};
use crate::config::Config;
use crate::export::Exporters;
use crate::files;
use crate::report::{self, Taken, difference};
use anyhow::Context as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// Watches for a while, or reads recordings, and writes a page.
///
/// # Errors
/// Configuration mistakes, failures to start, files that cannot be read or written.
pub fn report(arguments: &args::TakeAway) -> anyhow::Result<()> {
    let config = looking::config(&arguments.settings)?;
    let page = match (arguments.diff.as_deref(), &arguments.file) {
        (Some([before, after]), _) => difference::page(&read(&config, before)?, &read(&config, after)?),
        (_, Some(file)) => report::page(&read(&config, file)?),
        _ => report::page(&watched(&config, arguments)?),
    };
    let path = &arguments.output;
    files::create(path)
        .and_then(|mut file| file.write_all(page.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    tracing::info!("{} has {} KiB; it needs no other file and no network", path.display(), page.len().div_ceil(1024));
    run::threads()
}

fn read(config: &Config, file: &Path) -> anyhow::Result<Taken> {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    Ok(looking::past(config, file)?.ask(|source| Taken::from(source, name)))
}

fn watched(config: &Config, arguments: &args::TakeAway) -> anyhow::Result<Taken> {
    log::begin(config);
    lockdown::begin(config, Some(&arguments.output))?;
    let stop = super::stop_flag(None)?;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let viewing = looking::viewing(config);
    let mut live = looking::live(config, viewing)?;
    live.introduce();
    tracing::info!("{}", super::log::selection(config, live.targets()));
    tracing::info!("watching for {:.0} s; Ctrl-C ends it early", arguments.window.as_secs_f64());
    let deadline = Some(Instant::now() + arguments.window);
    lockdown::attached()?;
    live.run(&Exporters::default(), &stop, deadline, |_, _| {}, |text| tracing::info!("{text}"));
    let of = format!("{:.0} s of {}", arguments.window.as_secs_f64(), host.trim());
    live.ask(|source| Taken::from(source, of)).context("nothing was kept")
}
