//! Node's own server, Express and Fastify.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{PLAIN, Server, sources};
use crate::{apt, parts, sh};

const PACKAGES: &[&str] = &["express@5.3.0", "fastify@5.12.8", "pg@8.23.1", "ioredis@6.0.0", "undici@7.30.0"];

/// Those in JavaScript.
pub const SERVERS: &[Server] = &[
    Server { name: "node", install, command: |dir, _| node(dir, "http.js"), ..PLAIN },
    Server { name: "express", install, command: |dir, _| node(dir, "express.js"), in_ci: true, ..PLAIN },
    Server { name: "fastify", install, command: |dir, _| node(dir, "fastify.js"), ..PLAIN },
];

fn install() -> Result<PathBuf> {
    let missing = ["node", "npm"].into_iter().filter(|program| sh::which(program).is_none());
    let missing: Vec<&str> = missing.map(|program| if program == "node" { "nodejs" } else { program }).collect();
    apt::install(&missing)?;
    parts::part("truth-node", PACKAGES, |dir, name| parts::npm(dir, name, PACKAGES))
}

fn node(dir: &Path, program: &str) -> Result<Command> {
    let mut cmd = Command::new(sh::which("node").context("node is missing")?);
    cmd.arg(sources("node").join(program));
    cmd.env("NODE_PATH", dir.join("node_modules")).env("NODE_ENV", "production");
    Ok(cmd)
}
