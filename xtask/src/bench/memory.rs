//! Resident memory of the agent after many spans.

use anyhow::Result;

use super::Setup;
use super::agent::Agent;
use super::redis::Redis;
use super::report::Row;
use super::sink::Sink;

/// Both sides of pipelined Redis commands: the fastest way to many spans.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let server = Redis::start()?;
    let sink = Sink::start()?;
    server.reset()?;
    let selector = format!("port={}", server.port);
    let agent = Agent::start(&setup.agent, &["--select", &selector, "--otlp-endpoint", &sink.url()])?;
    let (fresh, _) = agent.memory()?;
    while 2 * server.commands()? < setup.spans {
        server.run(8, 16, 250_000)?;
    }
    let executed = 2 * server.commands()?;
    let (resident, peak) = agent.memory()?;
    let account = agent.stop()?;
    let mebibytes = |kibibytes: u64| kibibytes as f64 / 1024.0;
    Ok(vec![
        Row::goal(
            format!(
                "resident memory after {:.1} million spans (of {:.1} million commands on two sides)",
                account.spans as f64 / 1e6,
                executed as f64 / 1e6
            ),
            format!("{:.1} MiB (peak {:.1}, fresh {:.1})", mebibytes(resident), mebibytes(peak), mebibytes(fresh)),
            "≤ 40 MiB",
            mebibytes(resident) <= 40.0,
        ),
        Row::note("lost meanwhile", account.losses().replace("wirespan: ", "")),
    ])
}
