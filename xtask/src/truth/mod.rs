//! `cargo xtask truth`: are parents right? Servers whose calls carry their request's name, and the spans that wirespan makes of them.
//!
//! [`plan`] says which calls a request makes, and [`servers`] who makes them (programs in `tests/truth`); [`stack`] runs one with what
//! it asks ([`leaf`]), [`load`] asks it; [`span`] reads the agent's spans and [`count`] judges them, [`limits`] says what must hold, and
//! [`table`] shows it. The self-test ([`doctored`]) changes true spans and sees that each lie is noticed.

mod count;
mod doctored;
pub mod leaf;
mod limits;
mod load;
mod plan;
mod servers;
mod span;
mod stack;
mod table;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::bench::agent::Agent;
use crate::{apt, paths, sh};
use limits::Limits;
use load::Load;
use plan::Kind;
use servers::Server;
use stack::{Places, Stack, Stores};
use table::{Report, Run};

/// Numbers between two runs of one server.
const NUMBERS: u32 = 100_000;

/// Arguments of `cargo xtask truth`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Only these servers
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Name the servers, and do nothing
    #[arg(long)]
    list: bool,
    /// 1 and 16 requests at once, 200 of them
    #[arg(long, conflicts_with = "long")]
    short: bool,
    /// 4000 requests
    #[arg(long)]
    long: bool,
    /// The few servers, 1 and 16 requests at once, against what was reached (floor.toml): for continuous integration
    #[arg(long, conflicts_with_all = ["long", "only"])]
    ci: bool,
    /// So many tries for a run in which too little was seen; none that was wrong gets another
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    tries: u32,
    /// So many requests at once, whatever the form
    #[arg(long, value_delimiter = ',', value_name = "NUMBER")]
    at_once: Vec<u32>,
    /// Only requests that make their calls so
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND")]
    kinds: Vec<Kind>,
    /// Start each server after the agent; else the agent comes to a warm one
    #[arg(long)]
    fresh: bool,
    /// This agent instead of one that is built now
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// Only see that doctored spans are noticed
    #[arg(long)]
    self_test: bool,
    /// Keep the spans of each run in target/truth
    #[arg(long)]
    keep: bool,
}

impl Args {
    fn at_once(&self) -> Vec<u32> {
        match (self.at_once.is_empty(), self.short || self.ci) {
            (false, _) => self.at_once.clone(),
            (true, true) => vec![1, 16],
            (true, false) => vec![1, 16, 128],
        }
    }

    fn wants(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }

    fn requests(&self) -> u32 {
        match (self.short || self.ci, self.long) {
            (true, _) => 200,
            (_, true) => 4000,
            _ => 800,
        }
    }

    fn servers(&self) -> Result<Vec<&'static Server>> {
        if let Some(unknown) = self.only.iter().find(|name| servers::all().all(|server| server.name != *name)) {
            bail!("there is no server {unknown}: see `cargo xtask truth --list`");
        }
        let is_wanted = |server: &&Server| self.only.is_empty() || self.only.iter().any(|name| name == server.name);
        Ok(servers::all().filter(is_wanted).filter(|server| !self.ci || is_for_ci(server)).collect())
    }
}

/// Whether continuous integration runs it on this machine.
fn is_for_ci(server: &Server) -> bool {
    let missing = server.needs.filter(|program| server.in_ci && sh::which(program).is_none());
    if let Some(program) = missing {
        sh::step(format!("skipped: {} ({program} is missing)", server.name));
    }
    server.in_ci && missing.is_none()
}

/// Runs the matrix; fails if a limit does not hold.
pub fn truth(args: &Args) -> Result<()> {
    if args.list {
        servers::all().for_each(|server| println!("{}", server.name));
        return Ok(());
    }
    doctored::check()?;
    sh::step("self-test: every doctored span is noticed");
    if args.self_test {
        return Ok(());
    }
    let demanded = if args.ci { "floor.toml" } else { "limits.toml" };
    let limits = Limits::read(&paths::root().join("tests/truth").join(demanded))?;
    let binary = match &args.binary {
        Some(binary) => binary.clone(),
        None => crate::build::build(&crate::build::Args::default())?,
    };
    apt::install(&["postgresql", "redis-server", "python3-venv"])?;
    let stores = Stores::start()?;
    let (mut runs, mut failed) = (Vec::new(), Vec::new());
    for server in args.servers()? {
        match one(server, args, &binary, &stores, &limits) {
            Ok(done) => runs.extend(done),
            Err(e) => failed.push(format!("{}: {e:#}", server.name)),
        }
        write(&binary, &runs)?;
    }
    println!("{}", table::table(&runs));
    for run in runs.iter().filter(|run| !run.broken.is_empty()) {
        println!("{}, {} at once: {}", run.server, run.at_once, run.broken.join("; "));
    }
    failed.iter().for_each(|line| println!("failed: {line}"));
    let broken = runs.iter().filter(|run| !run.broken.is_empty()).count();
    ensure!(
        failed.is_empty() && broken == 0,
        "{broken} of {} runs break limits, {} servers failed",
        runs.len(),
        failed.len()
    );
    Ok(())
}

/// What is known so far, for who does not wait for the end.
fn write(binary: &Path, runs: &[Run]) -> Result<()> {
    let agent = sh::output(Command::new(binary).arg("--version"))?;
    let date = sh::output(Command::new("date").args(["-u", "+%F %H:%M"]))?;
    let report = Report { agent: agent.trim(), date: date.trim(), runs };
    let dir = stack::folder()?;
    std::fs::write(dir.join("truth.json"), serde_json::to_string_pretty(&report)?)?;
    std::fs::write(dir.join("truth.md"), format!("{}, {}\n\n{}", report.date, report.agent, table::table(runs)))?;
    Ok(())
}

/// One server with each number of requests at once.
fn one(server: &Server, args: &Args, binary: &Path, stores: &Stores, limits: &Limits) -> Result<Vec<Run>> {
    let dir = (server.install)()?;
    let places = Places::find(server)?;
    // One server, to which the agent comes again and again; or a new server each time, to which the agent is there already.
    let warm = if args.fresh { None } else { Some(Stack::start(server, &dir, stores, &places)?) };
    let run = |at_once: u32, first: u32| -> Result<(Run, bool)> {
        let file = stack::folder()?.join(format!("{}-{at_once}.jsonl", server.name));
        let _ = std::fs::remove_file(&file);
        let selectors = warm.as_ref().map_or_else(|| places.selectors(), Stack::selectors);
        let agent = attach(binary, selectors.into_iter().chain(stores.selectors()), &file)?;
        let fresh = if args.fresh { Some(Stack::start(server, &dir, stores, &places)?) } else { None };
        let kinds: Vec<Kind> = server.kinds.iter().copied().filter(|kind| args.wants(*kind)).collect();
        let requests = args.requests();
        let (requests, failed) =
            Load { port: places.port(), first, requests, connections: at_once, kinds: &kinds }.run();
        let why = failed.first().map(String::as_str).unwrap_or_default();
        ensure!(failed.len() * 50 <= requests.len(), "{} requests failed: {why}", failed.len());
        if !failed.is_empty() {
            sh::step(format!("{} requests failed: {why}", failed.len()));
        }
        // What is late, and what waits behind it.
        std::thread::sleep(Duration::from_millis(1500));
        let proxy = warm.as_ref().or(fresh.as_ref()).map(Stack::proxy_pids).unwrap_or_default();
        let account = agent.stop()?;
        let spans = span::read(&file, &proxy)?;
        if !args.keep {
            std::fs::remove_file(&file).context("the agent wrote no file")?;
        }
        let counts = count::count(&spans, &requests, server.proxy.is_some());
        let broken = limits.broken(server.name, &counts);
        let all = counts.all_calls();
        sh::step(format!(
            "of {} calls {} right, {} missing, {} wrong",
            all.expected, all.right, all.missing, all.wrong
        ));
        let may_repeat = !broken.is_empty() && !broken.iter().any(|breach| breach.is_wrong);
        let broken = broken.into_iter().map(|breach| breach.what).collect();
        let server = server.name.to_owned();
        Ok((Run { server, at_once, counts, losses: account.losses(), broken }, may_repeat))
    };
    let mut runs = Vec::new();
    let mut first = 0;
    for at_once in args.at_once() {
        for left in (0..args.tries.max(1)).rev() {
            sh::step(format!("{}, {at_once} at once", server.name));
            first += NUMBERS;
            let (run, may_repeat) = run(at_once, first)?;
            if !may_repeat || left == 0 {
                runs.push(run);
                break;
            }
            sh::step(format!("once more: {}; {}", run.broken.join("; "), run.losses));
        }
    }
    Ok(runs)
}

/// An agent that writes the spans of these processes into a file.
fn attach(binary: &Path, selectors: impl Iterator<Item = String>, file: &Path) -> Result<Agent> {
    let mut words: Vec<String> = selectors.map(|selector| format!("--select={selector}")).collect();
    words.extend(["--output=otlp-json".to_owned(), format!("--output-file={}", file.display())]);
    Agent::start(binary, &words.iter().map(String::as_str).collect::<Vec<_>>())
}
