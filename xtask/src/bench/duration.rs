//! Spans' durations against the clocks of the programs themselves, and the nesting of a server's span in its client's.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::agent::Agent;
use super::nginx::Nginx;
use super::postgres::Postgres;
use super::report::{Row, median};
use super::spans::{self, CLIENT, SERVER, Span};
use super::{Setup, client, nginx};

/// Client's clock, nginx's `$request_time`, PostgreSQL's logged duration.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let mut rows = http(setup)?;
    rows.push(request_time(setup)?);
    rows.extend(postgres(setup)?);
    Ok(rows)
}

/// Both sides of everything on that port, while `load` runs.
fn traced<T>(setup: &Setup, port: u16, load: impl FnOnce() -> Result<T>) -> Result<(Vec<Span>, T)> {
    let file: PathBuf = nginx::folder("spans")?.join("spans.jsonl");
    let path = file.to_str().context("a target folder whose name is no UTF-8")?;
    let selector = format!("port={port}");
    let agent = Agent::start(&setup.agent, &["--select", &selector, "--output", "otlp-json", "--output-file", path])?;
    let result = load()?;
    agent.stop()?;
    Ok((spans::read(&file)?, result))
}

fn of_kind(spans: &[Span], kind: u64) -> HashMap<&str, &Span> {
    spans.iter().filter(|s| s.kind == kind).map(|s| (s.what.as_str(), s)).collect()
}

fn difference(what: &str, differences: Vec<f64>) -> Result<Row> {
    let count = differences.len();
    if count == 0 {
        bail!("nothing to compare: {what}");
    }
    let middle = median(differences) / 1000.0;
    Ok(Row::goal(what, format!("{middle:.1} µs (median of {count})"), "< 50 µs", middle.abs() < 50.0))
}

fn nesting<'a>(what: &str, pairs: impl Iterator<Item = (&'a Span, &'a Span)>) -> Row {
    let (mut count, mut outside, mut margins) = (0_u64, 0_u64, Vec::new());
    for (outer, inner) in pairs {
        count += 1;
        outside += u64::from(!outer.contains(inner));
        margins.push((inner.start as f64 - outer.start as f64).min(outer.end as f64 - inner.end as f64));
    }
    let least = margins.into_iter().fold(f64::INFINITY, f64::min) / 1000.0;
    Row::goal(
        what,
        format!("{outside} of {count} are not (least margin {least:.1} µs)"),
        "none",
        outside == 0 && count > 0,
    )
}

fn http(setup: &Setup) -> Result<Vec<Row>> {
    let server = Nginx::start()?;
    let (spans, times) = traced(setup, server.port, || client::spawn(server.port, 1000, 4, "/n/", None))?;
    let (servers, clients) = (of_kind(&spans, SERVER), of_kind(&spans, CLIENT));
    let own = times.iter().filter_map(|(path, ns)| Some((clients.get(path.as_str())?.duration() - *ns as f64).abs()));
    let pairs = clients.iter().filter_map(|(path, outer)| Some((*outer, *servers.get(path)?)));
    Ok(vec![
        difference("HTTP client spans and the client's own clock, absolute difference", own.collect())?,
        nesting("HTTP: server span within its client's span", pairs),
    ])
}

/// nginx tells whole milliseconds of a clock that it reads once a loop: each difference is off by up to one either way, so
/// the median keeps its sign.
fn request_time(setup: &Setup) -> Result<Row> {
    let server = Nginx::start()?;
    let split = Some(4000);
    let (spans, _) = traced(setup, server.port, || client::spawn(server.port, 300, 8, "/logged/", split))?;
    let servers = of_kind(&spans, SERVER);
    let log = std::fs::read_to_string(server.log())?;
    let logged = log.lines().filter_map(|line| {
        let (seconds, path) = line.split_once(' ')?;
        Some(servers.get(path)?.duration() - seconds.parse::<f64>().ok()? * 1e9)
    });
    difference("HTTP server spans minus nginx's $request_time (whole ms)", logged.collect())
}

fn postgres(setup: &Setup) -> Result<Vec<Row>> {
    let server = Postgres::start()?;
    server.sql("ALTER SYSTEM SET log_min_duration_statement = 0")?;
    server.sql("SELECT pg_reload_conf()")?;
    std::thread::sleep(std::time::Duration::from_millis(300));
    let load = || server.run(&["-S", "-M", "simple", "-c", "1", "-R", "1000", "-t", "3000"]);
    let (spans, _) = traced(setup, server.port, load)?;
    const WANTED: &str = "SELECT abalance";
    // One connection: the order is the same everywhere.
    let of = |kind| spans.iter().filter(move |s| s.kind == kind && s.what.starts_with(WANTED)).collect::<Vec<_>>();
    let (servers, clients) = (of(SERVER), of(CLIENT));
    let log = server.log()?;
    let logged: Vec<f64> = log
        .lines()
        .filter_map(|l| l.strip_prefix("LOG:  duration: ")?.split_once(" ms  statement: "))
        .filter(|(_, text)| text.starts_with(WANTED))
        .filter_map(|(ms, _)| Some(ms.parse::<f64>().ok()? * 1e6))
        .collect();
    if logged.len() != servers.len() || logged.len() != clients.len() {
        bail!("{} statements in the log, {} server and {} client spans", logged.len(), servers.len(), clients.len());
    }
    let differences = servers.iter().zip(&logged).map(|(span, ns)| (span.duration() - ns).abs());
    Ok(vec![
        difference("PostgreSQL server spans and the logged duration, absolute difference", differences.collect())?,
        nesting(
            "PostgreSQL: server span within its client's span",
            clients.iter().copied().zip(servers.iter().copied()),
        ),
    ])
}
