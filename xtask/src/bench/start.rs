//! From start to tracing, on a host with 300 more processes.

use std::process::{Child, Command, Stdio};

use anyhow::Result;

use super::agent::Agent;
use super::nginx::Nginx;
use super::report::{Row, median};
use super::{Setup, client};

/// Processes that end with us.
struct Crowd(Vec<Child>);

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The line that says that it traces, and a request right after it.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let nginx = Nginx::start()?;
    let mut crowd = Crowd(Vec::new());
    for _ in 0..300 {
        crowd.0.push(Command::new("sleep").arg("600").stdin(Stdio::null()).spawn()?);
    }
    let (mut times, mut seen) = (Vec::new(), 0);
    for _ in 0..setup.rounds {
        let agent = Agent::start(&setup.agent, &["--select", &nginx.selector(), "--output", "none"])?;
        times.push(agent.ready.as_secs_f64() * 1000.0);
        client::spawn(nginx.port, 1, 1, "/first/", None)?;
        seen += agent.stop()?.spans;
    }
    let (middle, worst) = (median(times.iter().copied()), times.iter().copied().fold(0.0, f64::max));
    let met = worst <= 1000.0 && seen == u64::from(setup.rounds);
    let measured =
        format!("{middle:.0} ms (worst {worst:.0}); a request right then is seen: {seen} of {}", setup.rounds);
    Ok(vec![Row::goal("attached and tracing, 300 processes", measured, "≤ 1 s", met)])
}
