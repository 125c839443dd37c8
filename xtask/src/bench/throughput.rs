//! Requests a second at saturation, with the agent and without, in turns.

use anyhow::Result;

use super::agent::Agent;
use super::nginx::Nginx;
use super::node::Node;
use super::postgres::Postgres;
use super::redis::Redis;
use super::report::{Row, median};
use super::sink::Sink;
use super::{Setup, wrk};

/// Servers traced, spans exported. The cheaper a request is, the more of it is the price of looking at it.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let seconds = setup.seconds;
    let mut rows = Vec::new();
    {
        let nginx = Nginx::start()?;
        let text = || Ok(wrk::run(nginx.port, seconds, None)?.rate);
        rows.extend(compare(setup, "nginx, a short text without a log", &nginx.selector(), text)?);
        let file = || Ok(wrk::get(&nginx.file_url(), seconds, None)?.rate);
        rows.extend(compare(setup, "nginx, a file of 4 KiB with an access log", &nginx.selector(), file)?);
    }
    // A machine without it has the other rows.
    if let Ok(server) = Node::start() {
        let json = || Ok(wrk::run(server.port, seconds, None)?.rate);
        rows.extend(compare(setup, "Node.js, a small JSON text", &server.selector(), json)?);
    }
    {
        let server = Postgres::start()?;
        let seconds = seconds.to_string();
        let run = || Ok(server.run(&["-S", "-M", "prepared", "-c", "4", "-T", &seconds])?.rate);
        rows.extend(compare(setup, "pgbench -S -M prepared", &server.selector(), run)?);
    }
    let server = Redis::start()?;
    let run = || server.run(8, 1, 40_000 * u64::from(seconds));
    rows.extend(compare(setup, "redis-benchmark -P 1", &server.selector(), run)?);
    Ok(rows)
}

/// What of the rate is kept while the agent watches what `selector` selects.
fn compare(setup: &Setup, what: &str, selector: &str, rate: impl Fn() -> Result<f64>) -> Result<[Row; 2]> {
    let sink = Sink::start()?;
    let (mut kept, mut told, mut off) = (Vec::new(), Vec::new(), Vec::new());
    let mut unlimited = Vec::new();
    rate()?;
    let mut before = rate()?;
    for _ in 0..setup.rounds {
        for (limit, shares) in [("10%", &mut kept), ("none", &mut unlimited)] {
            let arguments = ["--select", selector, "--otlp-endpoint", &sink.url()];
            let agent = Agent::start_within(&setup.agent, &arguments, limit)?;
            let on = rate()?;
            let account = agent.stop()?;
            let after = rate()?;
            // Against the runs before and after it, so that a drift of the machine cancels out.
            shares.push(on / f64::midpoint(before, after));
            off.push(before);
            before = after;
            if limit != "none" {
                told.push(account.followed());
            }
        }
    }
    let (kept, unlimited) = (median(kept) * 100.0, median(unlimited) * 100.0);
    Ok([
        Row::goal(
            format!("{what}: requests a second kept at saturation, default settings"),
            format!("{kept:.1} % ({:.0} % of the exchanges told)", median(told) * 100.0),
            "≥ 90 %",
            kept >= 90.0,
        ),
        Row::note(
            format!("{what}: the same without a limit (`limits.cpu: none`)"),
            format!("{unlimited:.1} % (of {:.0}/s)", median(off)),
        ),
    ])
}
