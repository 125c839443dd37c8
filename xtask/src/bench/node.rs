//! A Node.js server, as a child: what an exchange costs a server that runs a program of its users.

use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use super::child::end;
use super::nginx::{free_port, wait_for};
use crate::sh;

/// A running server. Dropping it ends it.
pub struct Node {
    child: Child,
    /// Where it serves.
    pub port: u16,
}

impl Node {
    /// Starts it; every request is answered with a small JSON text.
    pub fn start() -> Result<Self> {
        const PROGRAM: &str = "require('http').createServer((request, response) => {
            response.setHeader('Content-Type', 'application/json');
            response.end(JSON.stringify({ path: request.url, items: [1, 2, 3] }));
        }).listen(process.argv[1], '127.0.0.1');";
        let port = free_port()?;
        let mut cmd = Command::new(sh::which("node").context("node is missing")?);
        cmd.args(["-e", PROGRAM, &port.to_string()]).stdin(Stdio::null()).stdout(Stdio::null());
        let server = Self { child: cmd.spawn()?, port };
        wait_for(port)?;
        Ok(server)
    }

    /// What selects it.
    pub fn selector(&self) -> String {
        format!("pid={}", self.child.id())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        end(&mut self.child, libc::SIGKILL);
    }
}
