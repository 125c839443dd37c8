//! The agent as a child: started, looked at through `/proc`, ended, and its own account read.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::child::{end, signal};
use super::cpu;

/// A running agent. Dropping it ends it.
pub struct Agent {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
    /// From start to the line that says that it traces.
    pub ready: Duration,
}

/// What an agent said at its end.
pub struct Account {
    /// Every line.
    pub text: String,
    /// Spans made.
    pub spans: u64,
    /// Spans that the OTLP receiver took, where there was one.
    pub exported: Option<u64>,
}

impl Account {
    /// Share of the exchanges that were not left out to stay within the limit.
    pub fn followed(&self) -> f64 {
        let left_out = self.text.split("shed_exchanges ").nth(1).and_then(|rest| {
            rest.split(|letter: char| !letter.is_ascii_digit()).next().and_then(|digits| digits.parse::<f64>().ok())
        });
        let told = self.spans as f64;
        told / (told + left_out.unwrap_or(0.0)).max(1.0)
    }

    /// The lines about what was lost or left out.
    pub fn losses(&self) -> String {
        let about =
            |line: &&str| ["filtered", "kernel left out", "dropped", "lost ("].iter().any(|words| line.contains(words));
        self.text.lines().filter(about).collect::<Vec<_>>().join("; ")
    }
}

impl Agent {
    /// Starts `wirespan run`, which may use as much as it needs, and waits until it traces.
    pub fn start(binary: &Path, arguments: &[&str]) -> Result<Self> {
        Self::start_within(binary, arguments, "none")
    }

    /// [`Agent::start`] with a limit for what it may use (`wirespan.limits.cpu`).
    pub fn start_within(binary: &Path, arguments: &[&str], cpu: &str) -> Result<Self> {
        let begin = Instant::now();
        let mut cmd = Command::new(binary);
        cmd.env("WIRESPAN_LIMITS_CPU", cpu);
        cmd.arg("run").args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = cmd.spawn().with_context(|| format!("cannot run {}", binary.display()))?;
        let errors = child.stderr.take().context("no pipe")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                // Without time and level.
                let line = line.find("wirespan: ").map_or(line.clone(), |at| line[at..].to_owned());
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut agent = Self { child, lines, said: Vec::new(), ready: Duration::ZERO };
        loop {
            match agent.lines.recv_timeout(Duration::from_secs(20)) {
                Ok(line) => {
                    let traces = line.contains("wirespan: tracing ");
                    agent.said.push(line);
                    if traces {
                        agent.ready = begin.elapsed();
                        return Ok(agent);
                    }
                }
                Err(_) => bail!("the agent does not trace: {}", agent.said.join("; ")),
            }
        }
    }

    fn proc(&self, file: &str) -> Result<String> {
        let path = format!("/proc/{}/{file}", self.child.id());
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
    }

    /// Processor time used so far, user and system.
    pub fn cpu(&self) -> Result<Duration> {
        cpu::of(self.child.id())
    }

    /// Resident memory and its peak, KiB.
    pub fn memory(&self) -> Result<(u64, u64)> {
        let status = self.proc("status")?;
        let value = |key: &str| {
            let line = status.lines().find_map(|l| l.strip_prefix(key)).unwrap_or_default();
            line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0)
        };
        Ok((value("VmRSS:"), value("VmHWM:")))
    }

    /// Adds up what the kernel says of the descriptors that the agent holds, by key (`memlock`, `run_time_ns`, `run_cnt`).
    /// Of maps and programs held twice, each descriptor's number counts once per identity.
    pub fn descriptors(&self, identity: &str, key: &str) -> Result<u64> {
        let mut seen = std::collections::BTreeMap::new();
        for entry in std::fs::read_dir(format!("/proc/{}/fdinfo", self.child.id()))? {
            let Ok(text) = std::fs::read_to_string(entry?.path()) else { continue };
            let value = |key: &str| {
                let line = text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':'))?;
                line.trim().parse::<u64>().ok()
            };
            if let (Some(id), Some(value)) = (value(identity), value(key)) {
                seen.insert(id, value);
            }
        }
        Ok(seen.values().sum())
    }

    /// Ends it as a user would, and reads its account.
    pub fn stop(mut self) -> Result<Account> {
        // What was seen last lies in the agent's buffers for a moment.
        std::thread::sleep(Duration::from_millis(300));
        signal(&self.child, libc::SIGTERM);
        let begin = Instant::now();
        let status = loop {
            match self.child.try_wait()? {
                Some(status) => break status,
                None if begin.elapsed() > Duration::from_secs(30) => {
                    self.child.kill()?;
                    bail!("the agent does not end");
                }
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        self.said.extend(self.lines.iter());
        let text = self.said.join("\n");
        if !status.success() {
            bail!("the agent ended with {status}: {text}");
        }
        let number = |prefix: &str| -> Option<u64> {
            let line = text.lines().find_map(|l| l.strip_prefix(prefix))?;
            line.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        let spans = number("wirespan: spans ").with_context(|| format!("no account in: {text}"))?;
        let exported = number("wirespan: otlp: exported ");
        Ok(Account { spans, exported, text })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        end(&mut self.child, libc::SIGTERM);
    }
}
