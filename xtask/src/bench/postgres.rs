//! A PostgreSQL server of our own with pgbench's tables, and pgbench.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::child::end;
use super::nginx::{free_port, wait_for};
use crate::sh;

/// A running server. Dropping it ends it.
pub struct Postgres {
    child: Child,
    programs: PathBuf,
    dir: PathBuf,
    /// Where it listens.
    pub port: u16,
}

/// The folder of `initdb`, `postgres`, `psql` and `pgbench`.
pub fn programs() -> Result<PathBuf> {
    // Debian keeps one folder a version: the newest; else where `PATH` has them.
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|v| v.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(sh::which("initdb").and_then(|p| Some(p.parent()?.to_owned())));
    let whole = |dir: &PathBuf| ["initdb", "postgres", "psql", "pgbench"].iter().all(|p| dir.join(p).is_file());
    folders.into_iter().find(whole).context("no PostgreSQL server is installed")
}

/// What pgbench counted.
pub struct Load {
    /// Transactions a second.
    pub rate: f64,
    /// Transactions done.
    pub transactions: u64,
}

impl Postgres {
    /// Starts it with pgbench's tables at scale 1.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        // Where the server's own user may go.
        let dir = std::env::temp_dir().join(format!("wirespan-bench-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir)?;
        let id = |flag: &str| -> Result<u32> {
            sh::output(Command::new("id").args([flag, "postgres"]))?.trim().parse().context("odd output of id")
        };
        let (user, group) = (id("-u")?, id("-g")?);
        std::os::unix::fs::chown(&dir, Some(user), Some(group))?;
        let as_user = |program: &str| {
            let mut cmd = Command::new(programs.join(program));
            cmd.uid(user).gid(group).current_dir(&dir);
            cmd
        };
        sh::output(as_user("initdb").args(["-A", "trust", "-U", "postgres", "--no-sync", "-D"]).arg(dir.join("data")))?;
        let port = free_port()?;
        let mut cmd = as_user("postgres");
        cmd.arg("-D").arg(dir.join("data")).arg("-p").arg(port.to_string()).arg("-k").arg(&dir);
        for setting in [
            "listen_addresses=127.0.0.1",
            "fsync=off",
            "shared_preload_libraries=pg_stat_statements",
            "pg_stat_statements.max=1000",
            "log_line_prefix=",
        ] {
            cmd.args(["-c", setting]);
        }
        let log = File::create(dir.join("log"))?;
        let child = cmd.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let server = Self { child, programs, dir, port };
        wait_for(port)?;
        // It listens a little before it answers.
        let begin = Instant::now();
        while let Err(e) = server.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements") {
            ensure!(begin.elapsed() < Duration::from_secs(20), "{e:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
        sh::output(server.pgbench(&["-i", "-q"]).env("PGOPTIONS", "-c client_min_messages=error"))?;
        Ok(server)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What selects it, and its back ends.
    pub fn selector(&self) -> String {
        format!("comm=postgres,port={}", self.port)
    }

    /// The result of a statement.
    pub fn sql(&self, text: &str) -> Result<String> {
        let mut cmd = Command::new(self.programs.join("psql"));
        cmd.args(["-XAtq", "-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string(), "-c", text]);
        Ok(sh::output(&mut cmd)?.trim().to_owned())
    }

    /// Forgets what was executed.
    pub fn reset(&self) -> Result<()> {
        self.sql("SELECT pg_stat_statements_reset()").map(drop)
    }

    /// Statements executed since the reset, by the server's own count, our looking and BEGIN and END left out.
    pub fn statements(&self) -> Result<u64> {
        let count = "SELECT sum(calls) FROM pg_stat_statements WHERE lower(query) NOT IN ('begin', 'end') \
                     AND query NOT LIKE '%pg_stat_statements%'";
        self.sql(count)?.parse().context("pg_stat_statements is empty")
    }

    /// What it logged.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.dir.join("log"))?)
    }

    fn pgbench(&self, arguments: &[&str]) -> Command {
        let mut cmd = Command::new(self.programs.join("pgbench"));
        cmd.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &self.port.to_string()]).args(arguments).arg("postgres");
        cmd
    }

    /// One run of pgbench.
    pub fn run(&self, arguments: &[&str]) -> Result<Load> {
        let text = sh::output(self.pgbench(&["-n"]).args(arguments))?;
        let rate = text.lines().find_map(|l| l.strip_prefix("tps = ")).unwrap_or_default();
        let rate = rate.split_whitespace().next().and_then(|n| n.parse().ok());
        let done = text.lines().find_map(|l| l.strip_prefix("number of transactions actually processed: "));
        let done = done.and_then(|n| n.split('/').next()?.trim().parse().ok());
        Ok(Load {
            rate: rate.context("pgbench tells no rate")?,
            transactions: done.context("pgbench tells no transactions")?,
        })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A fast shutdown.
        end(&mut self.child, libc::SIGINT);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
