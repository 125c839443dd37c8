//! Time in kernel programs of several agents, side by side: `--agent OLD --agent NEW --only beside`. All in turns, in every round,
//! with the same server and load, so that other work on the machine meets all of them alike.

use anyhow::Result;

use super::Setup;
use super::agent::Agent;
use super::bpf::{Empty, Statistics};
use super::kernel::SOCKETS;
use super::nginx::Nginx;
use super::postgres::Postgres;
use super::redis::Redis;
use super::report::{Row, median};
use super::rush::Rush;
use super::wrk;

/// A server under load.
struct Work<'a> {
    /// What is counted.
    name: &'a str,
    /// What selects it.
    selector: String,
    /// One run of that many seconds, or about; how often it did what is counted.
    run: Box<dyn Fn(u32) -> Result<u64> + 'a>,
}

/// HTTP exchanges, commands, transactions and connections that are used once.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let (nginx, redis, postgres, rush) = (Nginx::start()?, Redis::start()?, Postgres::start()?, Rush::start()?);
    let (commands, connections) = (redis.run(8, 1, 20_000)? / 2.0, rush.run(5_000)?);
    let works = [
        Work {
            name: "HTTP exchange at the server",
            selector: nginx.selector(),
            run: Box::new(|seconds| Ok(wrk::run(nginx.port, seconds, None)?.requests)),
        },
        Work {
            name: "command at the server, redis-benchmark -P 1",
            selector: redis.selector(),
            run: Box::new(|seconds| {
                let requests = (commands * f64::from(seconds)) as u64;
                redis.run(8, 1, requests)?;
                Ok(2 * requests)
            }),
        },
        Work {
            name: "transaction at the server, pgbench -S -M prepared",
            selector: postgres.selector(),
            run: Box::new(|seconds| {
                Ok(postgres.run(&["-S", "-M", "prepared", "-c", "8", "-T", &seconds.to_string()])?.transactions)
            }),
        },
        Work {
            name: "connection that is used once, both ends",
            selector: format!("port={}", rush.port),
            run: Box::new(|seconds| {
                let count = (connections * f64::from(seconds)) as u64;
                rush.run(count)?;
                Ok(count)
            }),
        },
    ];
    let _statistics = Statistics::enable()?;
    let mut rows = Vec::new();
    for work in &works {
        rows.extend(compare(setup, work)?);
    }
    Ok(rows)
}

/// One row an agent.
fn compare(setup: &Setup, work: &Work<'_>) -> Result<Vec<Row>> {
    let mut net = vec![Vec::new(); setup.agents.len()];
    for _ in 0..setup.rounds {
        let overhead = {
            let empty = Empty::attach(&SOCKETS[..2])?;
            (work.run)(1)?;
            empty.overhead()?
        };
        for (agent, net) in setup.agents.iter().zip(&mut net) {
            let agent = Agent::start(agent, &["--select", &work.selector, "--output", "none"])?;
            let begin = (agent.descriptors("prog_id", "run_time_ns")?, agent.descriptors("prog_id", "run_cnt")?);
            let done = (work.run)(setup.seconds)? as f64;
            let time = (agent.descriptors("prog_id", "run_time_ns")? - begin.0) as f64;
            let runs = (agent.descriptors("prog_id", "run_cnt")? - begin.1) as f64;
            agent.stop()?;
            net.push((time - runs * overhead) / done);
        }
    }
    let row = |(agent, net): (&std::path::PathBuf, Vec<f64>)| {
        let name = format!("kernel time of all programs per {}, {}", work.name, agent.display());
        Row::note(name, format!("{:.2} µs", median(net) / 1000.0))
    };
    Ok(setup.agents.iter().zip(net).map(row).collect())
}
