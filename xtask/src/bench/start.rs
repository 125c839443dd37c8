//! From start to tracing, on a host with 300 more processes in 100 containers, and what looking after them costs.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Result;

use super::agent::Agent;
use super::nginx::Nginx;
use super::report::{Row, median};
use super::{Setup, client};

/// Containers of three processes each.
const CONTAINERS: usize = 100;
/// When the last look at a program that was there at the start is over (`pipeline::again`: 43 s).
const SETTLED: Duration = Duration::from_secs(50);
/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(20);

/// Processes that end with us, and the control groups in which they are.
struct Crowd(Vec<Child>, Vec<PathBuf>);

impl Crowd {
    /// Each container is a control group with the name that Docker gives; without permission to make one, there are only processes.
    fn start() -> Result<Self> {
        let mut crowd = Self(Vec::new(), Vec::new());
        for number in 0..CONTAINERS {
            let group = PathBuf::from(format!("/sys/fs/cgroup/docker-{number:064x}.scope"));
            let is_there = std::fs::create_dir(&group).is_ok();
            for _ in 0..3 {
                let child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn()?;
                if is_there {
                    std::fs::write(group.join("cgroup.procs"), child.id().to_string())?;
                }
                crowd.0.push(child);
            }
            crowd.1.extend(is_there.then_some(group));
        }
        Ok(crowd)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
        for group in &self.1 {
            let _ = std::fs::remove_dir(group);
        }
    }
}

/// The line that says that it traces, and a request right after it.
pub fn measure(setup: &Setup) -> Result<Vec<Row>> {
    let nginx = Nginx::start()?;
    let crowd = Crowd::start()?;
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
    let what = format!("attached and tracing, 300 processes in {} containers", crowd.1.len());
    let mut rows = vec![Row::goal(what, measured, "≤ 1 s", met)];
    // All that is to be known of each process is asked for.
    let rules = "container.id=none,language=ruby";
    for (name, selectors) in [("every process", vec![]), ("by container and language", vec!["--select", rules])] {
        let agent = Agent::start(&setup.agent, &[&selectors[..], &["--output", "none"]].concat())?;
        std::thread::sleep(SETTLED);
        let before = agent.cpu()?;
        std::thread::sleep(IDLE);
        let share = (agent.cpu()? - before).as_secs_f64() / IDLE.as_secs_f64() * 100.0;
        agent.stop()?;
        let measured = format!("{share:.2} % of a core");
        rows.push(Row::goal(format!("nothing happens, {name} traced"), measured, "< 0.2 %", share < 0.2));
    }
    Ok(rows)
}
