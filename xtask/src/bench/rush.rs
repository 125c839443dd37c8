//! `tests/workloads/rush.c`: connections that are opened, used for a byte each way and closed.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use super::child::end;
use super::nginx::{folder, free_port, wait_for};
use crate::{paths, sh};

/// A server, and the program that connects to it. Dropping it ends the server.
pub struct Rush {
    child: Child,
    program: PathBuf,
    /// Where it serves.
    pub port: u16,
}

impl Rush {
    /// Compiles the program and starts the server.
    pub fn start() -> Result<Self> {
        let program = folder("rush")?.join("rush");
        let source = paths::root().join("tests/workloads/rush.c");
        sh::output(Command::new("cc").args(["-O1", "-o"]).arg(&program).arg(source))?;
        let port = free_port()?;
        let mut cmd = Command::new(&program);
        let child = cmd.args(["serve", &port.to_string()]).stdin(Stdio::null()).spawn().context("cannot run rush")?;
        let rush = Self { child, program, port };
        wait_for(port)?;
        Ok(rush)
    }

    /// Connections a second of one client that makes so many, one after the other.
    pub fn run(&self, count: u64) -> Result<f64> {
        let text =
            sh::output(Command::new(&self.program).args(["connect", &self.port.to_string(), "0", &count.to_string()]))?;
        let seconds = text.split_whitespace().nth(1).and_then(|word| word.parse::<f64>().ok());
        Ok(count as f64 / seconds.context("rush tells no time")?)
    }
}

impl Drop for Rush {
    fn drop(&mut self) {
        end(&mut self.child, libc::SIGKILL);
    }
}
