//! Time in kernel programs per HTTP exchange, and kernel memory.

use anyhow::Result;

use super::agent::Agent;
use super::bpf::{Empty, Statistics};
use super::nginx::Nginx;
use super::report::{Row, median};
use super::{Setup, wrk};

/// The hooks of the `sockets` backend that fire while an exchange goes on.
pub const SOCKETS: [&str; 3] = ["sock_send_length", "sock_recv_length", "tcp_sendmsg_locked"];

/// Server selected, wrk not; saturation.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let nginx = Nginx::start()?;
    let _statistics = Statistics::enable()?;
    let (mut raw, mut net, mut empty_runs) = (Vec::new(), Vec::new(), Vec::new());
    let mut memory = 0;
    for _ in 0..setup.rounds {
        let overhead = {
            let empty = Empty::attach(&SOCKETS[..2])?;
            wrk::run(nginx.port, 1, None)?;
            empty.overhead()?
        };
        let agent = Agent::start(&setup.agent, &["--select", &nginx.selector(), "--output", "none"])?;
        let begin = (agent.descriptors("prog_id", "run_time_ns")?, agent.descriptors("prog_id", "run_cnt")?);
        let load = wrk::run(nginx.port, setup.seconds, None)?;
        let time = (agent.descriptors("prog_id", "run_time_ns")? - begin.0) as f64;
        let runs = (agent.descriptors("prog_id", "run_cnt")? - begin.1) as f64;
        memory = agent.descriptors("map_id", "memlock")?;
        agent.stop()?;
        let exchanges = load.requests as f64;
        raw.push(time / exchanges);
        net.push((time - runs * overhead) / exchanges);
        empty_runs.push(overhead);
    }
    let (raw, net, empty) = (median(raw), median(net), median(empty_runs));
    let mebibytes = memory as f64 / f64::from(1 << 20);
    Ok(vec![
        Row::goal(
            "kernel time of all programs per HTTP exchange at the server",
            format!("{:.2} µs", net / 1000.0),
            "≤ 1.5 µs",
            net <= 1500.0,
        ),
        Row::note("the same with what the statistics themselves add", format!("{:.2} µs", raw / 1000.0)),
        Row::note("a run of an empty program by the same statistics", format!("{empty:.0} ns")),
        Row::goal("kernel maps", format!("{mebibytes:.1} MiB"), "≤ 32 MiB", mebibytes <= 32.0),
    ])
}
