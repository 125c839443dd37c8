//! What runs: the database, the cache and the other HTTP server for all, and one server with what stands before it.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::load;
use super::servers::{Ports, Server};
use crate::bench::child::end;
use crate::bench::nginx::{free_port, wait_for};
use crate::bench::postgres::Postgres;
use crate::bench::redis::Redis;
use crate::paths;

/// A program that ends with us, and all that it started: it leads a group of its own.
pub struct Program {
    child: Child,
}

impl Program {
    fn start(mut cmd: Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        cmd.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let child = cmd.spawn().with_context(|| format!("cannot run {}", crate::sh::shown(&cmd)))?;
        Ok(Self { child })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let group = libc::pid_t::try_from(self.child.id()).unwrap_or(0);
        // The leader may be gone; its group is not used again as long as somebody is in it or the leader was not waited for.
        if group > 1 {
            // SAFETY: no pointers; the child was not waited for, so that its group is its own.
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
        end(&mut self.child, libc::SIGKILL);
    }
}

/// What the servers ask.
pub struct Stores {
    /// The database.
    pub postgres: Postgres,
    /// The cache.
    pub redis: Redis,
    /// The other HTTP server.
    pub leaf: Program,
    leaf_port: u16,
}

impl Stores {
    /// Starts them.
    pub fn start() -> Result<Self> {
        let leaf_port = free_port()?;
        let mut cmd = Command::new(std::env::current_exe()?);
        cmd.args(["truth-leaf", "--port", &leaf_port.to_string()]);
        let leaf = Program::start(cmd, &folder()?.join("leaf.log"))?;
        wait_for(leaf_port)?;
        Ok(Self { postgres: Postgres::start()?, redis: Redis::start()?, leaf, leaf_port })
    }
}

/// `target/truth`.
pub fn folder() -> Result<PathBuf> {
    let dir = paths::target().join("truth");
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// A server, warm.
pub struct Stack {
    server: Program,
    proxy: Option<Program>,
    /// Where the load goes.
    pub port: u16,
}

impl Stack {
    /// Installs, starts and warms it.
    pub fn start(server: &Server, stores: &Stores) -> Result<Self> {
        let dir = (server.install)()?;
        let port = free_port()?;
        let ports =
            Ports { own: port, postgres: stores.postgres.port, redis: stores.redis.port, leaf: stores.leaf_port };
        let mut cmd = (server.command)(&dir, &ports)?;
        cmd.env("PORT", port.to_string()).env("POSTGRES_PORT", ports.postgres.to_string());
        cmd.env("REDIS_PORT", ports.redis.to_string()).env("LEAF_PORT", ports.leaf.to_string());
        let log = folder()?.join(format!("{}.log", server.name));
        let mut stack = Self { server: Program::start(cmd, &log)?, proxy: None, port };
        stack.wait().with_context(|| format!("see {}", log.display()))?;
        if let Some(proxy) = server.proxy {
            stack.port = free_port()?;
            let log = folder()?.join(format!("{}-proxy.log", server.name));
            stack.proxy = Some(Program::start(proxy(&dir, stack.port, port)?, &log)?);
            stack.wait().with_context(|| format!("see {}", log.display()))?;
        }
        load::warm(stack.port, server.kinds).with_context(|| format!("cannot warm it: see {}", log.display()))?;
        Ok(stack)
    }

    fn wait(&mut self) -> Result<()> {
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Some(status) = self.server.child.try_wait()? {
                bail!("it ended with {status}");
            }
            if begin.elapsed() > Duration::from_secs(60) {
                bail!("nothing listens on port {}", self.port);
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }

    /// Processes to be traced, each with those that it forks.
    pub fn pids(&self, stores: &Stores) -> Vec<u32> {
        let proxy = self.proxy.as_ref().map(Program::pid);
        let stores = [stores.postgres.pid(), stores.redis.pid(), stores.leaf.pid()];
        [self.server.pid()].into_iter().chain(proxy).chain(stores).collect()
    }

    /// The processes of the proxy: its group.
    pub fn proxy_pids(&self) -> BTreeSet<u32> {
        let Some(group) = self.proxy.as_ref().map(Program::pid) else { return BTreeSet::new() };
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // Behind the name in brackets: state, parent, group.
            let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().nth(2).unwrap_or_default());
            fields.and_then(|field| field.parse().ok()) == Some(group)
        })
        .collect()
    }
}
