//! `cargo xtask bench`: the numbers of `docs/benchmarks.md`.
//!
//! One file a measurement ([`completeness`], [`duration`], [`kernel`], [`beside`], [`syscalls`], [`agent_cost`], [`throughput`],
//! [`applications`], [`connections`], [`storm`], [`explosion`], [`memory`], [`start`], [`tls`], [`parsers`]). Below them: the programs under
//! load ([`nginx`], [`node`], [`postgres`], [`redis`], [`rush`]), how they end ([`child`]) and what processor time they use ([`cpu`]),
//! what loads and receives ([`client`], [`wrk`], [`sink`], [`otlp`]), the agent ([`agent`]), its spans as OTLP JSON ([`spans`]) and
//! its metrics ([`scrape`]), the kernel's `bpf` call ([`bpf`], [`btf`]) and what a measurement answers ([`report`]).
//!
//! Machines are noisy: whatever compares runs them in turns (with, without, with, …) and answers with a median.

pub mod agent;
mod agent_cost;
mod applications;
mod beside;
mod bpf;
mod btf;
pub mod child;
pub mod client;
mod completeness;
mod connections;
mod cpu;
mod duration;
mod explosion;
mod kernel;
mod memory;
pub mod nginx;
mod node;
mod otlp;
mod parsers;
pub mod postgres;
pub mod redis;
pub mod report;
mod rush;
mod scrape;
mod sink;
mod spans;
mod start;
mod storm;
mod syscalls;
mod throughput;
mod tls;
mod wrk;

use std::cell::RefCell;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::arch::Arch;
use crate::{apt, build, sh};
use report::{Row, Table};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only these measurements
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Kind>,
    /// Measure this binary instead of building one; several times: with `--only beside`, all of them
    #[arg(long, value_name = "PATH")]
    agent: Vec<PathBuf>,
    /// Seconds of load a run
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Runs of each kind, taken in turns
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Spans after which memory is looked at
    #[arg(long, default_value_t = 10_000_000)]
    spans: u64,
}

/// The measurements, in the order in which they are made.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Is every request one span? nginx and wrk
    CompletenessHttp,
    /// The same of PostgreSQL and pgbench
    CompletenessPostgres,
    /// The same of Redis and redis-benchmark
    CompletenessRedis,
    /// Spans' durations against the programs' own clocks
    Duration,
    /// Time in kernel programs, kernel memory
    Kernel,
    /// Time in kernel programs of several agents, by turns
    Beside,
    /// What other processes and other system calls pay
    Syscalls,
    /// Processor time of the agent per span
    AgentCost,
    /// Requests a second with and without the agent
    Throughput,
    /// Whole applications, without and with the agent and beside OpenTelemetry's SDKs
    Applications,
    /// Connections that are opened, used once and closed
    Connections,
    /// A thousand foreign programs a second beside a traced server
    Storm,
    /// Programs that live for one request, a thousand a second
    Short,
    /// Hosts, paths and statements that never come twice
    Explosion,
    /// From start to tracing
    Start,
    /// Reading inside TLS
    Tls,
    /// The parsers alone
    Parsers,
    /// Resident memory after many spans
    Memory,
}

const KINDS: [(Kind, Measure); 18] = [
    (Kind::Kernel, kernel::measure),
    (Kind::Beside, beside::measure),
    (Kind::Syscalls, syscalls::measure),
    (Kind::AgentCost, agent_cost::measure),
    (Kind::Throughput, throughput::measure),
    (Kind::Applications, applications::measure),
    (Kind::CompletenessHttp, completeness::http),
    (Kind::CompletenessPostgres, completeness::postgres),
    (Kind::CompletenessRedis, completeness::redis),
    (Kind::Duration, duration::measure),
    (Kind::Connections, connections::measure),
    (Kind::Storm, storm::measure),
    (Kind::Short, storm::short),
    (Kind::Explosion, explosion::measure),
    (Kind::Start, start::measure),
    (Kind::Tls, tls::measure),
    (Kind::Parsers, parsers::measure),
    (Kind::Memory, memory::measure),
];

type Measure = fn(&Setup) -> Result<Vec<Row>>;

/// What every measurement is told.
pub struct Setup {
    /// The agent's binary.
    agent: PathBuf,
    /// It, and those that it is compared with.
    agents: Vec<PathBuf>,
    seconds: u32,
    rounds: u32,
    spans: u64,
    /// What does not fit into the common table, printed behind it.
    tables: RefCell<Vec<Table>>,
}

/// Measures, and prints a table for `docs/benchmarks.md`.
pub fn bench(args: &Args) -> Result<()> {
    if sh::privilege() != sh::Privilege::Root {
        bail!("measuring needs root: it reads the kernel's statistics and changes none of your settings");
    }
    install()?;
    let mut agents = args.agent.clone();
    if agents.is_empty() {
        agents.push(build::build(&build::Args::release(Arch::HERE))?);
    }
    let setup = Setup {
        agent: agents[0].clone(),
        agents,
        seconds: args.seconds,
        rounds: args.rounds,
        spans: args.spans,
        tables: RefCell::default(),
    };
    let mut failed = 0;
    println!("{}", report::HEADER);
    for (kind, measure) in KINDS {
        let is_asked = if args.only.is_empty() { kind != Kind::Beside } else { args.only.contains(&kind) };
        if !is_asked {
            continue;
        }
        sh::step(format!("measuring {kind:?} (load {})", load()));
        match measure(&setup) {
            Ok(rows) => rows.iter().for_each(|row| println!("{row}")),
            Err(e) => {
                failed += 1;
                sh::step(format!("{kind:?} failed: {e:#}"));
            }
        }
    }
    setup.tables.take().iter().for_each(|table| println!("\n{table}"));
    if failed > 0 {
        bail!("{failed} measurements failed");
    }
    Ok(())
}

/// The servers and clients of the measurements.
fn install() -> Result<()> {
    const PROGRAMS: [(&str, &str); 4] =
        [("nginx", "nginx"), ("redis-server", "redis-server"), ("redis-benchmark", "redis-tools"), ("wrk", "wrk")];
    let mut packages: Vec<&str> = PROGRAMS.iter().filter(|(p, _)| sh::which(p).is_none()).map(|(_, p)| *p).collect();
    // Its package brings pgbench and pg_stat_statements, too.
    if postgres::programs().is_err() {
        packages.push("postgresql");
    }
    apt::install(&packages)
}

/// Programs that wanted a processor during the last minute: what other work there was.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("?").to_owned()
}
