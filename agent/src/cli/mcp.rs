//! `wirespan mcp`: answers an assistant on standard input and output.

use super::{args, lockdown, looking, run};
use crate::export::Exporters;
use crate::lockdown::Duty;
use crate::mcp;
use crate::threads;
use crate::view::ask::{Asker, channel_of_questions};
use crate::view::rows::Over;
use anyhow::Context as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Answers about this host, or a recording, until standard input ends.
///
/// # Errors
/// Configuration mistakes, failures to start.
pub fn mcp(arguments: &args::Top) -> anyhow::Result<()> {
    let config = looking::config(&arguments.settings)?;
    if let Some(file) = &arguments.file {
        let mut past = looking::past(&config, file)?;
        let stop = super::stop_flag(None)?;
        let (asker, questions) = channel_of_questions();
        begin(asker, Over::All, &stop)?;
        past.answer(&questions, &stop);
        return run::threads();
    }
    super::log::begin(&config);
    lockdown::begin(&config, None)?;
    let stop = super::stop_flag(None)?;
    let viewing = looking::viewing(&config);
    begin(viewing.asker(), Over::Minute, &stop)?;
    let mut live = looking::live(&config, viewing)?;
    live.introduce();
    lockdown::attached()?;
    live.run(&Exporters::default(), &stop, None, |_, _| {}, |text| tracing::info!("{text}"));
    run::threads()
}

/// Starts the thread that answers. When the assistant leaves, all ends.
fn begin(asker: Asker, over: Over, stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the server")?;
    let stop = Arc::clone(stop);
    let work = move || {
        if let Err(error) = runtime.block_on(mcp::serve(asker, over)) {
            tracing::error!("the assistant: {error}");
        }
        stop.store(true, Ordering::Relaxed);
        // A read of standard input may still be waiting on a thread of the runtime: it must not hold the exit up.
        runtime.shutdown_background();
    };
    threads::spawn("ws-mcp".into(), Duty::Write, work).context("cannot start the thread that answers")?;
    Ok(())
}
