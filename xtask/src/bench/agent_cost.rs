//! Processor time of the agent per span, export over OTLP/HTTP to a receiver on this host included.

use anyhow::Result;

use super::agent::Agent;
use super::nginx::Nginx;
use super::report::{Row, median};
use super::sink::Sink;
use super::{Setup, wrk};

/// Server spans at wrk's saturation.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let nginx = Nginx::start()?;
    let sink = Sink::start()?;
    let (mut with_export, mut without, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        let before = sink.bytes();
        let (cpu, spans) = one(setup, &nginx, &["--otlp-endpoint", &sink.url()])?;
        with_export.push(cpu / spans);
        sizes.push((sink.bytes() - before) as f64 / spans);
        let (cpu, spans) = one(setup, &nginx, &["--output", "none"])?;
        without.push(cpu / spans);
    }
    let (with_export, without) = (median(with_export), median(without));
    Ok(vec![
        Row::goal(
            "processor time of the agent per span, OTLP/HTTP export included",
            format!("{with_export:.2} µs"),
            "≤ 3 µs",
            with_export <= 3.0,
        ),
        Row::note("the same without export", format!("{without:.2} µs")),
        Row::note("bytes of a span over OTLP/HTTP", format!("{:.0}", median(sizes))),
    ])
}

/// Microseconds of processor, and spans.
fn one(setup: &Setup, nginx: &Nginx, output: &[&str]) -> Result<(f64, f64)> {
    let selector = nginx.selector();
    let mut arguments = vec!["--select", &selector];
    arguments.extend(output);
    let agent = Agent::start(&setup.agent, &arguments)?;
    let before = agent.cpu()?;
    wrk::run(nginx.port, setup.seconds, None)?;
    // What waits in a batch belongs to it.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let cpu = agent.cpu()? - before;
    let account = agent.stop()?;
    Ok((cpu.as_secs_f64() * 1e6, account.spans as f64))
}
