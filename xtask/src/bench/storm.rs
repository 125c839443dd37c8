//! Foreign programs that are executed beside a traced server: do they cost it a span?

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::agent::Agent;
use super::nginx::{Nginx, folder};
use super::report::Row;
use super::rush::Rush;
use super::{Setup, wrk};
use crate::{paths, sh};

/// Programs a second.
const RATE: u32 = 1000;

/// What the selectors tell of a foreign program when it is executed: everything, or nothing.
const SELECTORS: [(&str, Option<&str>); 2] =
    [("told apart at the exec", None), ("to be looked at", Some("env.NOBODY_HAS_THIS=1"))];

/// Compiles the program that executes itself. It is static: finding its libraries would take each as long as all else that it does, and
/// two processors could not start [`RATE`] of them a second.
fn program() -> Result<PathBuf> {
    let program = folder("storm")?.join("storm");
    let source = paths::root().join("tests/workloads/storm.c");
    sh::output(Command::new("cc").args(["-O1", "-static", "-o"]).arg(&program).arg(source))?;
    Ok(program)
}

/// A configuration without spans of set-ups.
fn requests_only(name: &str) -> Result<String> {
    let file = folder(name)?.join("wirespan.yaml");
    std::fs::write(&file, "file_format: \"1.0\"\nwirespan:\n  connections:\n    spans: false\n")?;
    Ok(file.display().to_string())
}

/// Programs that live for one request, [`RATE`] a second, chosen by their executable: is each request a span?
pub fn short(setup: &Setup) -> Result<Vec<Row>> {
    let nginx = Nginx::start()?;
    let program = program()?;
    let selector = format!("exe={}", program.display());
    let file = requests_only("short-agent")?;
    let run = |seconds: u32| {
        let arguments = [RATE.to_string(), seconds.to_string(), nginx.port.to_string(), "http".to_owned()];
        let output = sh::output(Command::new(&program).args(arguments))?;
        let count: u64 = output.split_whitespace().next().and_then(|n| n.parse().ok()).context("storm says nothing")?;
        Ok::<_, anyhow::Error>((count, output.split_whitespace().nth(2).unwrap_or("?").to_owned()))
    };
    // As many as the machine can start.
    let (_, alone) = run(setup.seconds.min(10))?;
    let agent = Agent::start(&setup.agent, &["--config", &file, "--output", "none", "--select", &selector])?;
    // Those that have exited are kept for ten seconds: until then their number grows.
    let (first, _) = run(15)?;
    let before = agent.memory()?.0;
    let (second, rate) = run(setup.seconds)?;
    let after = agent.memory()?.0;
    let account = agent.stop()?;
    let (executed, told) = (first + second, account.spans);
    let mut measured = format!(
        "{told} of {executed}, {rate} a second ({alone} without the agent); resident memory {before} → {after} KiB"
    );
    if told != executed {
        measured = format!("{measured}; {}", account.losses().replace("wirespan: ", "").replace('|', "/"));
    }
    let what = format!("{} s of programs that live for one request, chosen by `exe`: client spans", setup.seconds);
    Ok(vec![Row::goal(what, measured, "all; memory flat", told == executed && after < before + before / 10)])
}

/// nginx at half load, and [`RATE`] programs a second that use connections of their own.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let mut nginx = Nginx::start()?;
    let foreign = Rush::start()?;
    let program = program()?;
    let storm = |seconds: u32| {
        let mut cmd = Command::new(&program);
        cmd.args([RATE.to_string(), seconds.to_string(), foreign.port.to_string()]);
        cmd.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot run storm")
    };
    // What is left for the server beside them.
    let warm_up = storm(setup.seconds + 1)?;
    let full = wrk::run(nginx.port, setup.seconds, None)?.rate;
    warm_up.wait_with_output()?;
    let pause = (f64::from(wrk::PACED) * 1000.0 / (full / 2.0)).ceil() as u32;
    let file = requests_only("storm-agent")?;
    let mut rows = Vec::new();
    for (name, more) in SELECTORS {
        let selector = nginx.selector();
        let mut arguments = vec!["--config", &file, "--output", "none", "--select", &selector];
        arguments.extend(more.iter().flat_map(|selector| ["--select", *selector]));
        nginx.requests_since()?;
        let agent = Agent::start(&setup.agent, &arguments)?;
        let storm = storm(setup.seconds + 1)?;
        let load = wrk::run(nginx.port, setup.seconds, Some(pause))?;
        let output = storm.wait_with_output()?;
        let account = agent.stop()?;
        let requests = nginx.requests_since()?;
        let told = String::from_utf8_lossy(&output.stdout);
        let rate = told.split_whitespace().nth(2).unwrap_or("?");
        let mut measured = format!("{} of {requests}", account.spans);
        if account.spans != requests {
            measured = format!("{measured}; {}", account.losses().replace("wirespan: ", "").replace('|', "/"));
        }
        let what = format!(
            "wrk at {:.0} requests/s, {rate} foreign programs a second that are {name}, server spans",
            load.rate
        );
        rows.push(Row::goal(what, measured, "all", account.spans == requests));
    }
    Ok(rows)
}
