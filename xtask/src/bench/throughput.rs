//! Requests a second at saturation, with the agent and without, in turns.

use anyhow::Result;

use super::agent::Agent;
use super::nginx::Nginx;
use super::report::{Row, median};
use super::sink::Sink;
use super::{Setup, wrk};

/// nginx traced, spans exported.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let nginx = Nginx::start()?;
    let sink = Sink::start()?;
    let (mut kept, mut off) = (Vec::new(), Vec::new());
    wrk::run(nginx.port, 1, None)?;
    let mut before = wrk::run(nginx.port, setup.seconds, None)?.rate;
    for _ in 0..setup.rounds {
        let agent = Agent::start(&setup.agent, &["--select", &nginx.selector(), "--otlp-endpoint", &sink.url()])?;
        let on = wrk::run(nginx.port, setup.seconds, None)?.rate;
        agent.stop()?;
        let after = wrk::run(nginx.port, setup.seconds, None)?.rate;
        // Against the runs before and after it, so that a drift of the machine cancels out.
        kept.push(on / f64::midpoint(before, after));
        off.push(before);
        before = after;
    }
    let kept = median(kept) * 100.0;
    Ok(vec![
        Row::goal("requests a second kept at saturation", format!("{kept:.1} %"), "≥ 90 %", kept >= 90.0),
        Row::note("requests a second without the agent (nginx with one worker)", format!("{:.0}", median(off))),
    ])
}
