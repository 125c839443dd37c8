//! What a run costs: processor time of everybody who takes part in it.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::server::{Server, Stores};
use crate::bench::agent::Agent;
use crate::bench::report::median;
use crate::bench::sink::Sink;
use crate::bench::{cpu, wrk};

/// How long what waits in a batch is waited for: it belongs to the run.
const REST: Duration = Duration::from_millis(1500);

/// Whose processor time is told. An SDK is a part of the server.
pub const PARTIES: [&str; 5] = ["server", "client (wrk)", "databases", "agent", "receiver"];

/// Microseconds of processor a request, by party: as many as seconds a million requests.
pub type Cost = [f64; PARTIES.len()];

/// Who takes part.
pub struct Parties<'a> {
    /// What is loaded.
    pub server: &'a Server,
    /// What it asks.
    pub stores: Option<&'a Stores>,
    /// What watches it.
    pub agent: Option<&'a Agent>,
    /// What receives spans and metrics: this process.
    pub sink: &'a Sink,
}

/// One run.
pub struct Run {
    /// Requests a second.
    pub rate: f64,
    /// Requests answered.
    pub requests: f64,
    /// Who used how much.
    pub cost: Cost,
    /// Spans that arrived at the receiver, for each request.
    pub spans: f64,
}

impl Run {
    /// Everybody's microseconds a request.
    pub fn sum(&self) -> f64 {
        self.cost.iter().sum()
    }
}

impl Parties<'_> {
    /// Loads the server for so long.
    pub fn run(&self, seconds: u32) -> Result<Run> {
        // This process looks at the others before and after its own part is counted.
        let (others, ourselves, spans) = (self.others()?, cpu::of_ourselves(), self.sink.spans());
        let load = wrk::get(&self.server.url, seconds, None)?;
        std::thread::sleep(REST);
        let (ourselves, others) = (cpu::of_ourselves() - ourselves, later(self.others()?, others));
        let spans = self.sink.spans() - spans;
        ensure!(load.failed == 0, "{} of {} requests failed", load.failed, load.requests);
        let requests = load.requests.max(1) as f64;
        let [server, client, stores, agent] = others;
        let cost = [server, client, stores, agent, ourselves].map(|used| used.as_secs_f64() * 1e6 / requests);
        Ok(Run { rate: load.rate, requests, cost, spans: spans as f64 / requests })
    }

    /// Processor time used so far by all but this process.
    fn others(&self) -> Result<[Duration; 4]> {
        let stores = match self.stores {
            Some(stores) => cpu::of_tree(stores.postgres.pid())? + cpu::of_tree(stores.redis.pid())?,
            None => Duration::ZERO,
        };
        let agent = self.agent.map_or(Ok(Duration::ZERO), Agent::cpu)?;
        Ok([cpu::of_tree(self.server.pid)?, cpu::of_waited(), stores, agent])
    }
}

/// What was used between two looks.
fn later<const N: usize>(after: [Duration; N], before: [Duration; N]) -> [Duration; N] {
    std::array::from_fn(|party| after[party].saturating_sub(before[party]))
}

/// Party by party.
pub fn typical<'a>(runs: impl IntoIterator<Item = &'a Run> + Clone) -> Cost {
    std::array::from_fn(|party| median(runs.clone().into_iter().map(|run| run.cost[party])))
}
