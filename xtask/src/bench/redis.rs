//! A Redis server of our own, and redis-benchmark.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::child::end;
use super::nginx::{folder, free_port, wait_for};
use crate::sh;

/// A running server. Dropping it ends it.
pub struct Redis {
    child: Child,
    /// Where it listens.
    pub port: u16,
}

impl Redis {
    /// Starts it, without persistence.
    pub fn start() -> Result<Self> {
        let port = free_port()?;
        let mut cmd = Command::new(sh::which("redis-server").context("redis-server is missing")?);
        cmd.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        cmd.arg("--dir").arg(folder("redis")?);
        let child = cmd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let server = Self { child, port };
        wait_for(port)?;
        Ok(server)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What selects it.
    pub fn selector(&self) -> String {
        format!("comm=redis-server,port={}", self.port)
    }

    /// An inline command's first line, and the bulk if it is one.
    pub fn command(&self, text: &str) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(stream, "{text}\r\n")?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some(length) = line.trim_end().strip_prefix('$') else { return Ok(line) };
        let mut bulk = vec![0; length.parse()?];
        reader.read_exact(&mut bulk)?;
        Ok(String::from_utf8_lossy(&bulk).into_owned())
    }

    /// Forgets what was executed.
    pub fn reset(&self) -> Result<()> {
        self.command("CONFIG RESETSTAT").map(drop)
    }

    /// Commands executed since the reset, by the server's own count, our asking left out.
    pub fn commands(&self) -> Result<u64> {
        let text = self.command("INFO commandstats")?;
        let calls = |line: &str| -> Option<u64> {
            let (name, rest) = line.split_once(":calls=")?;
            let ours = name == "cmdstat_info" || name == "cmdstat_config|resetstat";
            if ours { None } else { rest.split(',').next()?.parse().ok() }
        };
        Ok(text.lines().filter_map(calls).sum())
    }

    /// One run of redis-benchmark with SET and GET; commands a second.
    pub fn run(&self, clients: u32, pipeline: u32, requests: u64) -> Result<f64> {
        let mut cmd = Command::new("redis-benchmark");
        cmd.args(["-p", &self.port.to_string(), "-t", "set,get", "-r", "1000", "-q"]);
        cmd.args(["-c", &clients.to_string(), "-P", &pipeline.to_string(), "-n", &requests.to_string()]);
        let begin = Instant::now();
        sh::output(&mut cmd)?;
        Ok(2.0 * requests as f64 / begin.elapsed().as_secs_f64())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        end(&mut self.child, libc::SIGKILL);
    }
}
