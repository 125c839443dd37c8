//! `wirespan top`: what talks to what, what is slow, and why, on the terminal.

use super::{args, lockdown, looking};
use crate::config::Config;
use crate::export::Exporters;
use crate::lockdown::Duty;
use crate::telemetry::log;
use crate::top::style::Style;
use crate::view::ask::{Asker, channel_of_questions};
use crate::view::rows::Over;
use crate::{terminal, threads, top as viewer};
use anyhow::{Context as _, bail};
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::thread::JoinHandle;
use std::time::Duration;

/// Shows this host, or a recording, until the user leaves.
///
/// # Errors
/// Configuration mistakes, no terminal, failures to start.
pub fn top(arguments: &args::Top) -> anyhow::Result<()> {
    let config = looking::config(&arguments.settings)?;
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        bail!("`wirespan top` needs a terminal; `wirespan run` prints lines, `wirespan report` writes a page");
    }
    match &arguments.file {
        Some(file) => {
            let mut past = looking::past(&config, file)?;
            let stop = super::stop_flag(None)?;
            let (asker, questions) = channel_of_questions();
            let shown = Shown::begin(asker, Over::All, &stop)?;
            past.answer(&questions, &stop);
            shown.end()
        }
        None => live(&config),
    }
}

fn live(config: &Config) -> anyhow::Result<()> {
    super::log::begin(config);
    lockdown::begin(config, None)?;
    let stop = super::stop_flag(None)?;
    let viewing = looking::viewing(config);
    let shown = Shown::begin(viewing.asker(), Over::Minute, &stop)?;
    let run = || {
        let mut live = looking::live(config, viewing)?;
        lockdown::attached()?;
        live.run(&Exporters::default(), &stop, None, |_, _| {}, |_| {});
        anyhow::Ok(())
    };
    let result = run();
    stop.store(true, Ordering::Relaxed);
    let end = shown.end();
    result.and(end).and_then(|()| super::run::threads())
}

/// Longest wait for the viewer to give the terminal back.
const PATIENCE: Duration = Duration::from_secs(2);

/// The viewer, on its thread.
struct Shown {
    thread: JoinHandle<()>,
    result: std::sync::mpsc::Receiver<io::Result<()>>,
}

impl Shown {
    fn begin(asker: Asker, over: Over, stop: &Arc<AtomicBool>) -> anyhow::Result<Self> {
        if io::stderr().is_terminal() {
            log::hold();
        }
        let style = Style::of(&super::variable);
        let (told, result) = std::sync::mpsc::channel();
        let prepared = terminal::enter().and_then(|()| viewer::prepare());
        let thread = prepared.and_then(|()| {
            let stop = Arc::clone(stop);
            threads::spawn("ws-top".into(), Duty::Write, move || {
                let ended = viewer::run(&asker, over, style, &stop);
                stop.store(true, Ordering::Relaxed);
                // Whoever waits for it is there until the end.
                let _ = told.send(ended);
            })
        });
        match thread {
            Ok(thread) => Ok(Self { thread, result }),
            Err(error) => {
                terminal::restore();
                log::release();
                Err(error).context("the terminal cannot be used")
            }
        }
    }

    /// Waits until the terminal is given back.
    fn end(self) -> anyhow::Result<()> {
        // A terminal that hangs up in the middle of a read may hold the thread for ever: it ends with the process then.
        let result = self.result.recv_timeout(PATIENCE);
        terminal::restore();
        log::release();
        match result {
            Ok(result) => result.context("the terminal cannot be used"),
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                // Its note is made before it is gone.
                _ = self.thread.join();
                super::run::threads()
            }
        }
    }
}
