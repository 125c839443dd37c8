//! `wirespan doctor`: what this kernel grants, what is missing, what will be used.

use super::args;
use crate::capture::{Capture, Options};
use crate::shown::{self, shown};
use std::fmt::Write as _;

/// Attaches everything for a moment and tells what happened.
///
/// # Errors
/// When no capture is possible: the reason, after which the exit status is 1.
pub fn doctor(arguments: &args::Doctor) -> anyhow::Result<()> {
    let started = std::time::Instant::now();
    let (capture, _reader) = Capture::start(&Options::default())?;
    let elapsed = started.elapsed();
    let report = &capture.report;
    let mut text = String::new();
    match arguments.output {
        args::Report::Text => {
            let _ = writeln!(text, "{}", shown(&report.line()));
            let _ = writeln!(text, "loaded and attached in {} ms", elapsed.as_millis());
            let _ = writeln!(text, "  yes PID namespace          process ids are the host's");
            for hook in &report.hooks {
                let (mark, why) = match &hook.granted {
                    Ok(()) => ("yes", String::new()),
                    Err(why) => ("no ", format!(" ({})", shown(why))),
                };
                let _ = writeln!(text, "  {mark} {:<22} {}{why}", hook.hook.name, hook.hook.shows);
            }
            for member in &report.absent {
                let _ = writeln!(text, "  no  {member} in this kernel's BTF");
            }
        }
        args::Report::Json => {
            let hooks: Vec<_> = report
                .hooks
                .iter()
                .map(|hook| {
                    serde_json::json!({
                        "name": hook.hook.name,
                        "since": hook.hook.since,
                        "shows": hook.hook.shows,
                        "granted": hook.granted.is_ok(),
                        "reason": hook.granted.as_ref().err(),
                    })
                })
                .collect();
            let answer = serde_json::json!({
                "version": env!("CARGO_PKG_VERSION"),
                "kernel": report.kernel,
                "backend": report.backend,
                "price": report.price,
                "pid_namespace": "host",
                "hooks": hooks,
                "absent_members": report.absent,
            });
            let _ = writeln!(text, "{}", shown::json(&format!("{answer:#}")));
        }
    }
    super::log::answer(&text)
}
