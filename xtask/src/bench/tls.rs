//! What reading inside TLS costs: the agent per request, the server per handshake, and what is left of its throughput.

use std::process::Command;

use anyhow::{Context as _, Result};

use super::agent::Agent;
use super::nginx::Nginx;
use super::report::{Row, median};
use super::{Setup, wrk};
use crate::sh;

/// Seconds of one measurement of handshakes.
const SECONDS: u32 = 3;

/// In plain text and over TLS, in turns.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let nginx = Nginx::start()?;
    let url = |scheme: &str, port: u16| format!("{scheme}://127.0.0.1:{port}/files/kibibyte");
    let (plain, encrypted) = (url("http", nginx.port), url("https", nginx.tls_port));
    let (mut costs, mut kept, mut seen) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()], Vec::new());
    for _ in 0..setup.rounds {
        for (at, url) in [&plain, &encrypted].into_iter().enumerate() {
            let alone = wrk::get(url, setup.seconds, None)?;
            let agent = Agent::start(&setup.agent, &["--select", "comm=nginx", "--tls", "--output", "none"])?;
            let before = agent.cpu()?;
            let load = wrk::get(url, setup.seconds, None)?;
            std::thread::sleep(std::time::Duration::from_millis(1500));
            let cpu = (agent.cpu()? - before).as_secs_f64() * 1e6;
            let account = agent.stop()?;
            costs[at].push(cpu / load.requests as f64);
            kept[at].push(load.rate / alone.rate * 100.0);
            if at == 1 {
                seen.push(account.spans as f64 / load.requests as f64 * 100.0);
            }
        }
    }
    let (costs, kept) = (costs.map(median), kept.map(median));
    let more = costs[1] - costs[0];
    let less = kept[0] - kept[1];
    let mut rows = vec![
        Row::goal(
            "processor time of the agent per request of 1 KiB, over TLS and in plain text",
            format!("{:.2} and {:.2} µs", costs[1], costs[0]),
            "≤ 1.5 µs more",
            more <= 1.5,
        ),
        Row::goal(
            "throughput of nginx that is kept, over TLS and in plain text",
            format!("{:.1} and {:.1} %", kept[1], kept[0]),
            "≤ 3 points less",
            less <= 3.0,
        ),
        Row::note("requests over TLS that are told", format!("{:.2} %", median(seen))),
    ];
    rows.push(handshakes(setup, &nginx)?);
    Ok(rows)
}

/// New connections a second of a client with one request each.
fn handshakes(setup: &Setup, nginx: &Nginx) -> Result<Row> {
    let mut kept = Vec::new();
    for _ in 0..setup.rounds {
        let alone = connections(nginx.tls_port)?;
        let agent = Agent::start(&setup.agent, &["--select", "comm=nginx", "--tls", "--output", "none"])?;
        let traced = connections(nginx.tls_port)?;
        agent.stop()?;
        kept.push((alone / traced - 1.0) * 100.0);
    }
    let dearer = median(kept);
    Ok(Row::goal("handshakes, each with a request: dearer by", format!("{dearer:.1} %"), "≤ 5 %", dearer <= 5.0))
}

fn connections(port: u16) -> Result<f64> {
    let mut openssl = Command::new("openssl");
    openssl.args(["s_time", "-new", "-www", "/", "-time", &SECONDS.to_string()]);
    let text = sh::output(openssl.args(["-connect", &format!("127.0.0.1:{port}")]))?;
    // 1234 connections in 4 real seconds, 123 bytes read per connection
    let line = text.lines().find(|line| line.contains("real seconds")).context("openssl tells no connections")?;
    let mut words = line.split_whitespace();
    let count: f64 = words.next().and_then(|word| word.parse().ok()).context("openssl tells no number")?;
    Ok(count / f64::from(SECONDS))
}
