//! What a connection costs that is opened, used once and closed, with both of its ends traced and measured.

use std::time::Duration;

use anyhow::Result;

use super::Setup;
use super::agent::Agent;
use super::bpf::{Empty, Statistics};
use super::nginx::free_port;
use super::report::{Row, median};
use super::rush::Rush;
use super::scrape::Scrape;

/// The hooks that a connection passes, and those of its bytes.
const HOOKS: [&str; 3] = ["inet_sock_set_state", "sock_send_length", "sock_recv_length"];

/// Rate with and without the agent, in turns; then time in kernel programs and of the agent.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let rush = Rush::start()?;
    // As many as take about that long.
    let count = (rush.run(5_000)? * f64::from(setup.seconds)) as u64;
    let selector = format!("port={}", rush.port);
    let scrape_port = free_port()?;
    let listen = format!("127.0.0.1:{scrape_port}");
    let arguments = ["--select", &selector, "--output", "none", "--prometheus-listen", &listen];
    let (mut rates, mut kept, mut cpu, mut uncounted, mut left) = (Vec::new(), Vec::new(), Vec::new(), 0, 0);
    let mut before = rush.run(count)?;
    for _ in 0..setup.rounds {
        let agent = Agent::start(&setup.agent, &arguments)?;
        let begin = agent.cpu()?;
        let on = rush.run(count)?;
        std::thread::sleep(Duration::from_millis(1500));
        cpu.push((agent.cpu()? - begin).as_secs_f64() * 1e6 / count as f64);
        let scrape = Scrape::of(scrape_port)?;
        // Both ends of each.
        let closed = scrape.sum("wirespan_tcp_connections_closed_total") as u64;
        uncounted += (2 * count).abs_diff(closed);
        left += scrape.sum("wirespan_connections_tracked") as u64;
        agent.stop()?;
        let after = rush.run(count)?;
        kept.push(on / f64::midpoint(before, after) * 100.0);
        rates.push(on);
        before = after;
    }
    let (raw, net) = kernel(setup, &rush, count, &arguments)?;
    let (rate, kept) = (median(rates), median(kept));
    Ok(vec![
        Row::note("connections a second, both ends traced (one client, one server)", format!("{rate:.0}")),
        Row::goal("connections a second kept", format!("{kept:.1} %"), "≥ 80 %", kept >= 80.0),
        Row::goal(
            format!("connections not counted, of {}", 2 * count * u64::from(setup.rounds)),
            uncounted.to_string(),
            "0",
            uncounted == 0,
        ),
        Row::goal("connections still followed after their end", left.to_string(), "0", left == 0),
        Row::note("kernel time of all programs per connection, both ends", format!("{:.2} µs", net / 1000.0)),
        Row::note("the same with what the statistics themselves add", format!("{:.2} µs", raw / 1000.0)),
        Row::note("processor time of the agent per connection, both ends", format!("{:.2} µs", median(cpu))),
    ])
}

/// Nanoseconds in kernel programs per connection: as the statistics show it, and without what they add.
fn kernel(setup: &Setup, rush: &Rush, count: u64, arguments: &[&str]) -> Result<(f64, f64)> {
    let _statistics = Statistics::enable()?;
    let (mut raw, mut net) = (Vec::new(), Vec::new());
    for _ in 0..setup.rounds {
        let overhead = {
            let empty = Empty::attach(&HOOKS)?;
            rush.run(count / 4)?;
            empty.overhead()?
        };
        let agent = Agent::start(&setup.agent, arguments)?;
        let begin = (agent.descriptors("prog_id", "run_time_ns")?, agent.descriptors("prog_id", "run_cnt")?);
        rush.run(count)?;
        let time = (agent.descriptors("prog_id", "run_time_ns")? - begin.0) as f64;
        let runs = (agent.descriptors("prog_id", "run_cnt")? - begin.1) as f64;
        agent.stop()?;
        raw.push(time / count as f64);
        net.push((time - runs * overhead) / count as f64);
    }
    Ok((median(raw), median(net)))
}
