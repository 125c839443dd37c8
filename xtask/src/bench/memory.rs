//! Resident memory of the agent after many spans.

use anyhow::Result;

use super::Setup;
use super::agent::Agent;
use super::redis::Redis;
use super::report::Row;
use super::sink::Sink;

/// Both sides of Redis commands: the fastest way to many spans. One by one, which the agent can follow, then pipelined,
/// which it cannot.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (pipeline, goal) in [(1, true), (16, false)] {
        let server = Redis::start()?;
        let sink = Sink::start()?;
        server.reset()?;
        let selector = format!("port={}", server.port);
        let agent = Agent::start(&setup.agent, &["--select", &selector, "--otlp-endpoint", &sink.url()])?;
        let (fresh, _) = agent.memory()?;
        while 2 * server.commands()? < setup.spans {
            server.run(8, pipeline, 250_000)?;
        }
        let executed = 2 * server.commands()?;
        let (resident, peak) = agent.memory()?;
        let account = agent.stop()?;
        let mebibytes = |kibibytes: u64| kibibytes as f64 / 1024.0;
        let what = format!(
            "resident memory after {:.1} million spans (of {:.1} million commands on two sides, -P {pipeline})",
            account.spans as f64 / 1e6,
            executed as f64 / 1e6
        );
        let measured =
            format!("{:.1} MiB (peak {:.1}, fresh {:.1})", mebibytes(resident), mebibytes(peak), mebibytes(fresh));
        rows.push(if goal {
            Row::goal(what, measured, "≤ 24 MiB", mebibytes(resident) <= 24.0)
        } else {
            Row::note(what, measured)
        });
        rows.push(Row::note("lost meanwhile", account.losses().replace("wirespan: ", "")));
    }
    Ok(rows)
}
