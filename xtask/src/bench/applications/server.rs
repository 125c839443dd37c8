//! A server under load: an application as a child with its database and its cache, or nginx.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::programs::{Program, Start};
use crate::bench::child::end;
use crate::bench::nginx::{Nginx, folder, free_port};
use crate::bench::postgres::Postgres;
use crate::bench::redis::Redis;

/// What is loaded.
pub struct Server {
    /// Its process, of which others may stem.
    pub pid: u32,
    /// What wrk asks for.
    pub url: String,
    /// What selects it.
    pub selector: String,
}

impl Server {
    /// nginx with its short text.
    pub fn of_nginx(nginx: &Nginx) -> Self {
        let url = format!("http://127.0.0.1:{}/", nginx.port);
        Self { pid: nginx.pid(), url, selector: nginx.selector() }
    }
}

/// The database and the cache of the applications.
pub struct Stores {
    /// With pgbench's tables.
    pub postgres: Postgres,
    /// With the key `currency`.
    pub redis: Redis,
}

impl Stores {
    /// Starts them.
    pub fn start() -> Result<Self> {
        let stores = Self { postgres: Postgres::start()?, redis: Redis::start()? };
        stores.redis.command("SET currency EUR")?;
        Ok(stores)
    }
}

/// A running application. Dropping it ends it.
pub struct Application {
    child: Child,
    /// How it is loaded.
    pub server: Server,
}

impl Application {
    /// Starts it, with an SDK that exports to `sdk` if there is one, and waits until it answers as it should.
    pub fn start(program: &Program, dir: &Path, stores: &Stores, sdk: Option<&str>) -> Result<Self> {
        let port = free_port()?;
        let start = Start { port, postgres: stores.postgres.port, redis: stores.redis.port, sdk };
        let mut cmd = (program.command)(dir, &start)?;
        cmd.env("PORT", port.to_string()).env("POSTGRES_PORT", start.postgres.to_string());
        cmd.env("REDIS_PORT", start.redis.to_string());
        if let Some(url) = sdk {
            // Spans and metrics, as wirespan exports them; the applications log nothing.
            cmd.env("OTEL_EXPORTER_OTLP_ENDPOINT", url).env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
            cmd.env("OTEL_TRACES_EXPORTER", "otlp").env("OTEL_METRICS_EXPORTER", "otlp");
            cmd.env("OTEL_LOGS_EXPORTER", "none").env("OTEL_SERVICE_NAME", "accounts");
        }
        let log = folder(if sdk.is_some() { "application-sdk" } else { "application" })?.join("log");
        let file = File::create(&log)?;
        let child = cmd.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn();
        let child = child.with_context(|| format!("cannot start {}", program.name))?;
        let pid = child.id();
        let url = format!("http://127.0.0.1:{port}/accounts/4711");
        let mut application = Self { child, server: Server { pid, url, selector: format!("pid={pid}") } };
        application.wait(port).with_context(|| format!("see {}", log.display()))?;
        Ok(application)
    }

    fn wait(&mut self, port: u16) -> Result<()> {
        let begin = Instant::now();
        let answer = loop {
            match ask(port) {
                Ok(answer) => break answer,
                Err(_) if begin.elapsed() < Duration::from_secs(60) => std::thread::sleep(Duration::from_millis(50)),
                Err(e) => return Err(e),
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}");
            }
        };
        ensure!(answer.contains("4711") && answer.contains("EUR"), "it answers {answer}");
        Ok(())
    }
}

/// One request.
fn ask(port: u16) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(b"GET /accounts/4711 HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

impl Drop for Application {
    fn drop(&mut self) {
        // An SDK would export at a gentler end; nobody waits for that.
        end(&mut self.child, libc::SIGKILL);
    }
}
