//! What runs: the database, the cache and the other HTTP server for all, and one server with what stands before it.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::load;
use super::servers::Server;
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
        // An interrupt at the keyboard does not reach its group. SAFETY: the call takes no pointers.
        let end_with_us = || match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        };
        // SAFETY: between fork and exec it makes one system call, and allocates nothing.
        unsafe { cmd.pre_exec(end_with_us) };
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

    /// What selects their processes.
    pub fn selectors(&self) -> Vec<String> {
        [self.postgres.pid(), self.redis.pid(), self.leaf.pid()].map(|pid| format!("pid={pid}")).into()
    }
}

/// `target/truth`.
pub fn folder() -> Result<PathBuf> {
    let dir = paths::target().join("truth");
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// Where a server and its proxy are going to listen.
pub struct Places {
    server: u16,
    proxy: Option<u16>,
}

impl Places {
    /// Free ports.
    pub fn find(server: &Server) -> Result<Self> {
        Ok(Self { server: free_port()?, proxy: server.proxy.map(|_| free_port()).transpose()? })
    }

    /// Where the load goes.
    pub fn port(&self) -> u16 {
        self.proxy.unwrap_or(self.server)
    }

    /// What selects the processes that will listen there, and neither the load nor what else is ours.
    pub fn selectors(&self) -> Vec<String> {
        let ours = std::fs::read_to_string("/proc/self/comm").unwrap_or_default();
        let ports = [self.server].into_iter().chain(self.proxy);
        ports.map(|port| format!("port={port},comm!={}", ours.trim())).collect()
    }
}

/// A server, warm.
pub struct Stack {
    server: Program,
    proxy: Option<Program>,
}

impl Stack {
    /// Starts and warms it. `dir` is where it is installed.
    pub fn start(server: &Server, dir: &Path, stores: &Stores, places: &Places) -> Result<Self> {
        let mut cmd = (server.command)(dir, places.server)?;
        let (postgres, redis, leaf) = (stores.postgres.port, stores.redis.port, stores.leaf_port);
        for (name, port) in
            [("PORT", places.server), ("POSTGRES_PORT", postgres), ("REDIS_PORT", redis), ("LEAF_PORT", leaf)]
        {
            cmd.env(name, port.to_string());
        }
        let log = folder()?.join(format!("{}.log", server.name));
        let mut stack = Self { server: Program::start(cmd, &log)?, proxy: None };
        stack.wait(places.server).with_context(|| format!("see {}", log.display()))?;
        if let (Some(proxy), Some(port)) = (server.proxy, places.proxy) {
            let log = folder()?.join(format!("{}-proxy.log", server.name));
            stack.proxy = Some(Program::start(proxy(dir, port, places.server)?, &log)?);
            stack.wait(port).with_context(|| format!("see {}", log.display()))?;
        }
        load::warm(places.port(), server.kinds).with_context(|| format!("cannot warm it: see {}", log.display()))?;
        Ok(stack)
    }

    fn wait(&mut self, port: u16) -> Result<()> {
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = self.server.child.try_wait()? {
                bail!("it ended with {status}");
            }
            if begin.elapsed() > Duration::from_secs(60) {
                bail!("nothing listens on port {port}");
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }

    /// What selects its processes, each with those that it forks.
    pub fn selectors(&self) -> Vec<String> {
        let proxy = self.proxy.as_ref().map(Program::pid);
        [self.server.pid()].into_iter().chain(proxy).map(|pid| format!("pid={pid}")).collect()
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
