//! `wirespan doctor`: what this kernel grants, what is missing, what will be used.

use super::args;
use crate::capture::capabilities::{self, Held};
use crate::capture::load::kernel_release;
use crate::capture::report::{HookReport, Report};
use crate::capture::{Capture, Options};
use crate::shown::{self, shown};
use std::fmt::Write as _;
use std::time::Duration;

/// Attaches everything for a moment and tells what happened.
///
/// # Errors
/// When no capture is possible: the reason, after which the exit status is 1.
pub fn doctor(arguments: &args::Doctor) -> anyhow::Result<()> {
    let started = std::time::Instant::now();
    let granted = Capture::start(&Options::default());
    let elapsed = started.elapsed();
    let report = match &granted {
        Ok((capture, _)) => capture.report.clone(),
        Err(_) => Report { kernel: kernel_release(), capabilities: capabilities::held(), ..Report::default() },
    };
    let refused = granted.as_ref().err().map(ToString::to_string);
    let answer = match arguments.output {
        args::Report::Text => text(&report, refused.is_none().then_some(elapsed)),
        args::Report::Json => json(&report, refused.as_deref()),
    };
    super::log::answer(&answer)?;
    granted.map(drop).map_err(Into::into)
}

/// For people. `attached`: how long it took; `None`: it did not succeed, and standard error says why.
fn text(report: &Report, attached: Option<Duration>) -> String {
    let mut text = String::new();
    if let Some(elapsed) = attached {
        let _ = writeln!(text, "{}", shown(&report.line()));
        let _ = writeln!(text, "loaded and attached in {} ms", elapsed.as_millis());
        let _ = writeln!(text, "  yes PID namespace          process ids are the host's");
    }
    let mut line = |granted: bool, name: &str, shows: &str, why: Option<&String>| {
        let mark = if granted { "yes" } else { "no " };
        let why = why.map(|why| format!(" ({})", shown(why))).unwrap_or_default();
        let _ = writeln!(text, "  {mark} {name:<22} {shows}{why}");
    };
    for Held { capability, granted } in &report.capabilities {
        line(*granted, capability.name, capability.shows, None);
    }
    for hook in &report.hooks {
        line(hook.granted.is_ok(), hook.hook.name, hook.hook.shows, hook.granted.as_ref().err());
    }
    for member in &report.absent {
        let _ = writeln!(text, "  no  {member} in this kernel's BTF");
    }
    text
}

/// For programs, whether capture is granted or not.
fn json(report: &Report, error: Option<&str>) -> String {
    let hook = |hook: &HookReport| {
        serde_json::json!({
            "name": hook.hook.name,
            "since": hook.hook.since,
            "shows": hook.hook.shows,
            "granted": hook.granted.is_ok(),
            "reason": hook.granted.as_ref().err(),
        })
    };
    let capability = |held: &Held| {
        serde_json::json!({
            "name": held.capability.name,
            "shows": held.capability.shows,
            "granted": held.granted,
        })
    };
    let answer = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "kernel": report.kernel,
        "error": error,
        "backend": error.is_none().then_some(report.backend),
        "price": error.is_none().then_some(report.price),
        "pid_namespace": error.is_none().then_some("host"),
        "capabilities": report.capabilities.iter().map(capability).collect::<Vec<_>>(),
        "hooks": report.hooks.iter().map(hook).collect::<Vec<_>>(),
        "absent_members": report.absent,
    });
    format!("{}\n", shown::json(&format!("{answer:#}")))
}
