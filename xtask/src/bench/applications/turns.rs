//! Runs by turns: none, wirespan, none, SDK, none, …

use anyhow::{Result, ensure};

use super::cost::{Parties, Run};
use super::server::{Server, Stores};
use crate::bench::agent::Agent;
use crate::bench::bpf::{Empty, Statistics};
use crate::bench::kernel::SOCKETS;
use crate::bench::report::median;
use crate::bench::sink::Sink;
use crate::bench::{Setup, wrk};

/// Seconds of load before anything is measured: Java's compiler needs the most, on two cores that it shares with the load.
const WARM_UP: u32 = 20;

/// wirespan's limit, which is its default.
const LIMIT: &str = "10%";

/// One kind of run.
#[derive(Default)]
pub struct Kind {
    /// All of them.
    pub runs: Vec<Run>,
    /// Their rates, each to the mean of the runs without anything before and after it, so that a drift of the machine cancels out.
    pub kept: Vec<f64>,
    /// The same of everybody's processor time a request, which other work on the machine disturbs less.
    pub dearer: Vec<f64>,
}

/// What was measured of one server.
pub struct Turns {
    /// Without anything.
    pub none: Kind,
    /// With wirespan.
    pub wirespan: Kind,
    /// With OpenTelemetry's SDK; empty where there is none.
    pub sdk: Kind,
    /// Share of the exchanges that wirespan told, for it may leave some out to keep its limit.
    pub told: f64,
    /// Microseconds a request in wirespan's kernel programs, which run in the other parties' time.
    pub programs: f64,
}

/// Who is loaded by turns.
pub struct Subject<'a> {
    /// Without an SDK; what wirespan watches.
    pub plain: &'a Server,
    /// The same with an SDK.
    pub sdk: Option<&'a Server>,
    /// What both ask.
    pub stores: Option<&'a Stores>,
    /// The receiver of all spans.
    pub sink: &'a Sink,
}

impl Subject<'_> {
    /// All turns.
    pub fn measure(&self, setup: &Setup) -> Result<Turns> {
        // Compilers and caches of the runtimes, pools.
        for server in [Some(self.plain), self.sdk].into_iter().flatten() {
            wrk::get(&server.url, WARM_UP, None)?;
        }
        let mut turns =
            Turns { none: Kind::default(), wirespan: Kind::default(), sdk: Kind::default(), told: 0.0, programs: 0.0 };
        let mut told = Vec::new();
        turns.none.runs.push(self.run(setup, self.plain, None)?);
        for _ in 0..setup.rounds {
            let agent = self.agent(setup)?;
            let run = self.run(setup, self.plain, Some(&agent))?;
            told.push(agent.stop()?.followed());
            self.beside(setup, run, &mut turns.none, &mut turns.wirespan)?;
            if let Some(server) = self.sdk {
                let run = self.run(setup, server, None)?;
                ensure!(run.spans > 0.0, "the SDK delivers no spans");
                self.beside(setup, run, &mut turns.none, &mut turns.sdk)?;
            }
        }
        turns.told = median(told);
        turns.programs = self.programs(setup)?;
        Ok(turns)
    }

    fn run(&self, setup: &Setup, server: &Server, agent: Option<&Agent>) -> Result<Run> {
        Parties { server, stores: self.stores, agent, sink: self.sink }.run(setup.seconds)
    }

    /// Takes a run, and one without anything after it.
    fn beside(&self, setup: &Setup, run: Run, none: &mut Kind, kind: &mut Kind) -> Result<()> {
        let after = self.run(setup, self.plain, None)?;
        let before = none.runs.last().unwrap_or(&after);
        kind.kept.push(run.rate / f64::midpoint(before.rate, after.rate));
        kind.dearer.push(run.sum() / f64::midpoint(before.sum(), after.sum()));
        kind.runs.push(run);
        none.runs.push(after);
        Ok(())
    }

    fn agent(&self, setup: &Setup) -> Result<Agent> {
        let arguments = ["--select", &self.plain.selector, "--otlp-endpoint", &self.sink.url()];
        Agent::start_within(&setup.agent, &arguments, LIMIT)
    }

    /// By the kernel's statistics, which cost something themselves: so in runs of their own, and without what they add.
    fn programs(&self, setup: &Setup) -> Result<f64> {
        let _statistics = Statistics::enable()?;
        let mut all = Vec::new();
        for _ in 0..setup.rounds {
            let overhead = {
                let empty = Empty::attach(&SOCKETS[..2])?;
                wrk::get(&self.plain.url, 1, None)?;
                empty.overhead()?
            };
            let agent = self.agent(setup)?;
            let used = || -> Result<[u64; 2]> {
                Ok([agent.descriptors("prog_id", "run_time_ns")?, agent.descriptors("prog_id", "run_cnt")?])
            };
            let before = used()?;
            let run = self.run(setup, self.plain, Some(&agent))?;
            let after = used()?;
            agent.stop()?;
            let [time, count] = [0, 1].map(|at| (after[at] - before[at]) as f64);
            all.push((time - count * overhead) / 1000.0 / run.requests);
        }
        Ok(median(all))
    }
}
