//! Is every request exactly one span on each selected side? The truth is the server's own count.

use anyhow::Result;

use super::agent::{Account, Agent};
use super::nginx::{Nginx, folder};
use super::postgres::Postgres;
use super::redis::Redis;
use super::report::Row;
use super::{Setup, wrk};

/// What of the requests must be seen.
#[derive(Clone, Copy, PartialEq)]
enum Goal {
    /// Up to half of saturation.
    Every,
    /// At saturation: 99.9 %, and what is missing is counted.
    Nearly,
}

fn row(load: &str, side: &str, requests: u64, account: &Account, goal: Goal) -> Row {
    let share = account.spans as f64 / requests as f64 * 100.0;
    let (limit, met) = match goal {
        Goal::Every => ("all", account.spans == requests),
        Goal::Nearly => (
            "≥ 99.9 %, the rest counted",
            account.spans <= requests && share >= 99.9 && (account.spans == requests || !account.losses().is_empty()),
        ),
    };
    let mut measured = format!("{} of {requests} ({share:.3} %)", account.spans);
    if account.spans != requests {
        measured = format!("{measured}; {}", account.losses().replace("wirespan: ", "").replace('|', "/"));
    }
    Row::goal(format!("{load}, {side} spans"), measured, limit, met)
}

/// An agent that makes spans of requests only: how their connections were set up is left out.
fn watch(setup: &Setup, selector: &str) -> Result<Agent> {
    let file = folder("completeness")?.join("wirespan.yaml");
    std::fs::write(&file, "file_format: \"1.0\"\nwirespan:\n  connections:\n    spans: false\n")?;
    let file = file.display().to_string();
    Agent::start(&setup.agent, &["--config", &file, "--select", selector, "--output", "none"])
}

/// nginx and wrk.
pub fn http(setup: &Setup) -> Result<Vec<Row>> {
    let mut nginx = Nginx::start()?;
    let full = wrk::run(nginx.port, setup.seconds, None)?.rate;
    // Connections that pause this long on average make half of saturation, or less: the answer takes time, too.
    let pause = (f64::from(wrk::PACED) * 1000.0 / (full / 2.0)).ceil() as u32;
    let mut rows = Vec::new();
    for (side, selector) in [("server", nginx.selector()), ("client", format!("comm=wrk,port={}", nginx.port))] {
        for (goal, pause) in [(Goal::Every, Some(pause)), (Goal::Nearly, None)] {
            nginx.requests_since()?;
            let agent = watch(setup, &selector)?;
            let load = wrk::run(nginx.port, setup.seconds, pause)?;
            let account = agent.stop()?;
            let requests = nginx.requests_since()?;
            let name = match goal {
                Goal::Every => format!("wrk at {:.0} % of saturation", load.rate / full * 100.0),
                Goal::Nearly => format!("wrk at saturation ({:.0}/s)", load.rate),
            };
            rows.push(row(&name, side, requests, &account, goal));
        }
    }
    Ok(rows)
}

/// PostgreSQL and pgbench.
pub fn postgres(setup: &Setup) -> Result<Vec<Row>> {
    let server = Postgres::start()?;
    let seconds = setup.seconds.to_string();
    let mut rows = Vec::new();
    for mode in ["simple", "extended", "prepared"] {
        let common = ["-S", "-M", mode, "-c", "4", "-T", &seconds];
        let full = server.run(&common)?.rate;
        let half = format!("{:.0}", full / 2.0);
        // Five statements a transaction, three of them writing.
        let less = format!("{:.0}", full / 20.0);
        for (side, selector) in
            [("server", server.selector()), ("client", format!("comm=pgbench,port={}", server.port))]
        {
            for (goal, script) in [(Goal::Every, "-S"), (Goal::Every, "-N"), (Goal::Nearly, "-S")] {
                let mut arguments = vec![script, "-M", mode, "-c", "4", "-T", &seconds];
                if goal == Goal::Every {
                    arguments.extend(["-R", if script == "-S" { &half } else { &less }]);
                }
                server.reset()?;
                let agent = watch(setup, &selector)?;
                let load = server.run(&arguments)?;
                let account = agent.stop()?;
                // BEGIN and END of the prepared mode are missing in the server's count, so they are taken from pgbench's.
                let around = if script == "-N" { 2 * load.transactions } else { 0 };
                let requests = server.statements()? + around;
                let what = if script == "-S" { "select-only" } else { "simple-update" };
                let name = match goal {
                    Goal::Every => format!("pgbench -M {mode}, {what}, at {:.0} transactions/s", load.rate),
                    Goal::Nearly => format!("pgbench -M {mode}, {what}, at saturation ({:.0}/s)", load.rate),
                };
                rows.push(row(&name, side, requests, &account, goal));
            }
        }
    }
    Ok(rows)
}

/// Redis and redis-benchmark.
pub fn redis(setup: &Setup) -> Result<Vec<Row>> {
    let server = Redis::start()?;
    let mut rows = Vec::new();
    for pipeline in [1, 16] {
        let full = server.run(8, pipeline, 50_000 * u64::from(pipeline))?;
        for (side, selector) in
            [("server", server.selector()), ("client", format!("comm=redis-benchmark,port={}", server.port))]
        {
            // redis-benchmark cannot be paced; one connection leaves both ends waiting for each other.
            for (goal, clients) in [(Goal::Every, 1), (Goal::Nearly, 8)] {
                let commands = (full * f64::from(setup.seconds) / 2.0) as u64 / if clients == 1 { 3 } else { 1 };
                server.reset()?;
                let agent = watch(setup, &selector)?;
                let rate = server.run(clients, pipeline, commands)?;
                let account = agent.stop()?;
                let executed = server.commands()?;
                let name = match goal {
                    Goal::Every => {
                        format!("redis-benchmark -P {pipeline} -c 1 ({:.0} % of -c 8)", rate / full * 100.0)
                    }
                    Goal::Nearly => format!("redis-benchmark -P {pipeline} -c 8 ({rate:.0}/s)"),
                };
                rows.push(row(&name, side, executed, &account, goal));
            }
        }
    }
    Ok(rows)
}
