//! `wirespan replay`: a recording or a pcap to spans, without privileges.

use super::outputs::Direct;
use super::{args, run};
use crate::pipeline::engine::Engine;
use crate::pipeline::summary::{Outside, summary};
use crate::recording::{self, EventSource};
use crate::{config, notes};
use std::io::ErrorKind;

/// Spans that are written at once.
const BATCH: usize = 256;

/// Prints the spans of a file.
///
/// # Errors
/// When the file cannot be read. What came before the damage is printed.
pub fn replay(arguments: &args::Replay) -> anyhow::Result<()> {
    let config = config::load(arguments.layer()?, &super::variable)?;
    super::log::plain(&config);
    let mut source = recording::open(&arguments.file)?;
    let mut output = Direct::new(&config)?;
    let mut engine = run::offline(&config)?;
    let result = pump(&mut *source, &mut engine, &mut output);
    let left_out = source.left_out();
    let outside =
        Outside { kernel: None, undecodable: left_out.iter().map(|(_, count)| count).sum(), unread: 0, exporters: &[] };
    super::log::lines(&summary(&engine, &outside));
    for (reason, count) in left_out {
        notes::info(&format!("left out: {reason} {count}"));
    }
    match result.and_then(|()| Ok(output.finish()?)) {
        Err(error)
            if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) =>
        {
            Ok(())
        }
        result => result,
    }
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
