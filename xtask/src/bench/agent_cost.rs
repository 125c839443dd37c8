//! Processor time of the agent per span, export over OTLP/HTTP to a receiver on this host included; and of its stages above the
//! kernel alone (`agent/benches/engine.rs`), which other programs disturb less.

use std::process::Command;

use anyhow::Result;

use super::agent::{Account, Agent};
use super::nginx::Nginx;
use super::report::{Row, median};
use super::sink::Sink;
use super::{Setup, wrk};
use crate::{paths, sh, toolchain};

/// Server spans at wrk's saturation.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let nginx = Nginx::start()?;
    let sink = Sink::start()?;
    let (mut with_export, mut without, mut sizes, mut exported) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        let before = sink.bytes();
        let (cpu, account) = one(setup, &nginx, &["--otlp-endpoint", &sink.url()])?;
        let delivered = account.exported.unwrap_or(0) as f64;
        with_export.push(cpu / account.spans as f64);
        sizes.push((sink.bytes() - before) as f64 / delivered);
        exported.push(delivered / account.spans as f64 * 100.0);
        let (cpu, account) = one(setup, &nginx, &["--output", "none"])?;
        without.push(cpu / account.spans as f64);
    }
    let (with_export, without) = (median(with_export), median(without));
    let mut rows = vec![
        Row::goal(
            "processor time of the agent per span, OTLP/HTTP export included",
            format!("{with_export:.2} µs"),
            "≤ 3 µs",
            with_export <= 3.0,
        ),
        Row::note("the same without export", format!("{without:.2} µs")),
        Row::note(
            "of these spans, delivered (the queue's default size; the rest is counted)",
            format!("{:.1} %", median(exported)),
        ),
        Row::note("bytes of a span over OTLP/HTTP", format!("{:.0}", median(sizes))),
    ];
    rows.extend(stages()?);
    Ok(rows)
}

/// Each line of the bench is a name, a colon and what was measured.
fn stages() -> Result<Vec<Row>> {
    let mut cmd = Command::new(toolchain::own_cargo());
    cmd.current_dir(paths::root()).args(["bench", "--quiet", "--package", "wirespan", "--bench", "engine"]);
    let text = sh::output(&mut cmd)?;
    let lines = text.lines().filter_map(|line| line.split_once(": "));
    Ok(lines.map(|(name, measured)| Row::note(format!("stages alone: {name}"), measured)).collect())
}

/// Microseconds of processor, and the agent's account.
fn one(setup: &Setup, nginx: &Nginx, output: &[&str]) -> Result<(f64, Account)> {
    let selector = nginx.selector();
    let mut arguments = vec!["--select", &selector];
    arguments.extend(output);
    let agent = Agent::start(&setup.agent, &arguments)?;
    let before = agent.cpu()?;
    wrk::run(nginx.port, setup.seconds, None)?;
    // What waits in a batch belongs to it.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let cpu = agent.cpu()? - before;
    Ok((cpu.as_secs_f64() * 1e6, agent.stop()?))
}
