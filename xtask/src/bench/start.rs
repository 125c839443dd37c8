//! From start to tracing, on a host with 300 more processes in 100 containers, and what looking after them costs.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::agent::Agent;
use super::nginx::{Nginx, folder};
use super::report::{Row, median};
use super::{Setup, client};
use crate::sh;

/// Containers of three processes each.
const CONTAINERS: usize = 100;
/// When the last look at a program that was there at the start is over (`pipeline::again`: 43 s).
const SETTLED: Duration = Duration::from_secs(50);
/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(20);

/// Where control groups can be made: a file system of them, or the part for them where there are also some of the first version.
const PLACES: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// Processes that end with us, and the control groups in which they are.
struct Crowd {
    children: Vec<Child>,
    groups: Vec<PathBuf>,
    /// What they execute, and nobody else.
    program: PathBuf,
}

impl Crowd {
    /// Each container is a control group with the name that Docker gives; without permission to make one, there are only processes.
    fn start() -> Result<Self> {
        let program = folder("crowd")?.join("sleeper");
        let sleep = sh::which("sleep").context("there is no sleep")?;
        std::fs::copy(sleep, &program)?;
        let mut crowd = Self { children: Vec::new(), groups: Vec::new(), program };
        // Elsewhere a folder could be made, too, and would be no group.
        let place = PLACES.iter().map(Path::new).find(|place| place.join("cgroup.procs").is_file());
        for number in 0..CONTAINERS {
            let group = place.map(|place| place.join(format!("docker-{number:064x}.scope")));
            let group = group.filter(|group| std::fs::create_dir(group).is_ok());
            for _ in 0..3 {
                let child = Command::new(&crowd.program).arg("900").stdin(Stdio::null()).spawn()?;
                if let Some(group) = &group {
                    std::fs::write(group.join("cgroup.procs"), child.id().to_string())?;
                }
                crowd.children.push(child);
            }
            crowd.groups.extend(group);
        }
        Ok(crowd)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        for group in &self.groups {
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
    let what = format!("attached and tracing, 300 processes in {} containers", crowd.groups.len());
    let mut rows = vec![Row::goal(what, measured, "≤ 1 s", met)];
    // All that is to be known of each process is asked for.
    let rules = "container.id=none,language=ruby";
    // Of these nobody else starts one: what else the machine does is not measured.
    let sleepers = format!("exe={}", crowd.program.display());
    let selections = [
        ("every process", vec![]),
        ("by container and language", vec!["--select", rules]),
        ("300 processes", vec!["--select", &sleepers]),
    ];
    for (name, selectors) in selections {
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
