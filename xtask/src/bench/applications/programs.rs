//! The applications (`xtask/applications`): what each needs, and how it is started, alone and with its SDK.
//!
//! Each is what a user would run: one process with pools at their defaults; the SDK's variant is the same program with what
//! OpenTelemetry offers to instrument it without a change of its code, in Go with the libraries' wrappers.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{parts, paths, sh};

/// One application.
pub struct Program {
    /// What it is made of, for the table.
    pub name: &'static str,
    /// Installs it unless it is there, compiles it, and answers with its folder.
    pub install: fn() -> Result<PathBuf>,
    /// How it is started.
    pub command: fn(&Path, &Start<'_>) -> Result<Command>,
}

/// What a start depends on.
pub struct Start<'a> {
    /// Where it serves, on 127.0.0.1.
    pub port: u16,
    /// Where its database listens.
    pub postgres: u16,
    /// Where its cache listens.
    pub redis: u16,
    /// The receiver of the SDK; none without it.
    pub sdk: Option<&'a str>,
}

/// All of them.
pub const PROGRAMS: [Program; 4] = [
    Program { name: "FastAPI (uvicorn, asyncpg, redis-py)", install: install_python, command: python },
    Program { name: "Express (pg, ioredis)", install: install_node, command: node },
    Program { name: "Go net/http (pgx, go-redis)", install: install_go, command: go },
    Program { name: "Spring Boot (Tomcat, JDBC, Jedis)", install: install_java, command: java },
];

const PYTHON: &[&str] = &[
    "fastapi==0.165.0",
    "uvicorn[standard]==0.54.0",
    "asyncpg==0.32.0",
    "redis==8.1.0",
    "opentelemetry-distro==0.66b1",
    "opentelemetry-exporter-otlp-proto-http==1.45.1",
    "opentelemetry-instrumentation-fastapi==0.66b1",
    "opentelemetry-instrumentation-asyncpg==0.66b1",
    "opentelemetry-instrumentation-redis==0.66b1",
];

const NODE: &[&str] = &[
    "express@5.3.0",
    "pg@8.23.1",
    "ioredis@6.0.0",
    "@opentelemetry/api@1.9.1",
    "@opentelemetry/auto-instrumentations-node@0.81.2",
];

const GO: &[&str] = &[
    "github.com/jackc/pgx/v5/pgxpool@v5.13.0",
    "github.com/redis/go-redis/v9@v9.23.0",
    "github.com/redis/go-redis/extra/redisotel/v9@v9.23.0",
    "github.com/exaring/otelpgx@v0.13.0",
    "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp@v0.72.0",
    "go.opentelemetry.io/otel/sdk/trace@v1.47.0",
    "go.opentelemetry.io/otel/sdk/metric@v1.47.0",
    "go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp@v1.47.0",
    "go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp@v1.47.0",
];

const JAVA: &[&str] = &[
    "org.springframework.boot:spring-boot-starter-web:3.5.7",
    "org.springframework.boot:spring-boot-starter-jdbc:3.5.7",
    "org.postgresql:postgresql:42.7.7",
    "redis.clients:jedis:5.2.0",
    // The driver of Redis asks for an older one than Spring Boot.
    "org.slf4j:slf4j-api:2.0.17",
];
/// Java's SDK, in a folder of its own: it is no part of the application's class path.
const JAVA_AGENT: &[&str] = &["io.opentelemetry.javaagent:opentelemetry-javaagent:2.28.1"];

/// The folder of their sources.
fn sources() -> PathBuf {
    paths::root().join("xtask/applications")
}

fn install_python() -> Result<PathBuf> {
    parts::part("app-python", PYTHON, |dir, name| parts::venv(dir, name, PYTHON))
}

fn python(dir: &Path, start: &Start<'_>) -> Result<Command> {
    let bin = dir.join("bin");
    let mut cmd = match start.sdk {
        Some(_) => {
            let mut cmd = Command::new(bin.join("opentelemetry-instrument"));
            cmd.arg(bin.join("uvicorn"));
            cmd
        }
        None => Command::new(bin.join("uvicorn")),
    };
    cmd.arg("--app-dir").arg(sources()).args(["--port", &start.port.to_string(), "--log-level", "warning"]);
    cmd.arg("accounts:app").env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(cmd)
}

fn install_node() -> Result<PathBuf> {
    parts::part("app-node", NODE, |dir, name| parts::npm(dir, name, NODE))
}

fn node(dir: &Path, start: &Start<'_>) -> Result<Command> {
    // Modules are looked for beside the program.
    std::fs::copy(sources().join("accounts.js"), dir.join("accounts.js"))?;
    let mut cmd = Command::new(sh::which("node").context("node is missing")?);
    if start.sdk.is_some() {
        cmd.args(["--require", "@opentelemetry/auto-instrumentations-node/register"]);
    }
    cmd.arg("accounts.js").current_dir(dir).env("NODE_ENV", "production");
    Ok(cmd)
}

fn install_go() -> Result<PathBuf> {
    let dir = parts::part("app-go", GO, |dir, name| {
        sh::run_logged(Command::new("go").current_dir(dir).args(["mod", "init", "accounts"]), &paths::log(name))?;
        sh::run_logged(Command::new("go").current_dir(dir).arg("get").args(GO), &paths::log(name))
    })?;
    std::fs::copy(sources().join("accounts.go"), dir.join("accounts.go"))?;
    let mut build = Command::new("go");
    build.current_dir(&dir).args(["build", "-mod=mod", "-buildvcs=false", "-o", "accounts", "accounts.go"]);
    sh::run_logged(&mut build, &paths::log("app-go-build"))?;
    Ok(dir)
}

fn go(dir: &Path, _: &Start<'_>) -> Result<Command> {
    Ok(Command::new(dir.join("accounts")))
}

fn install_java() -> Result<PathBuf> {
    parts::part("app-java-agent", JAVA_AGENT, |dir, name| parts::maven(dir, name, JAVA_AGENT))?;
    let dir = parts::part("app-java", JAVA, |dir, name| parts::maven(dir, name, JAVA))?;
    let mut javac = Command::new("javac");
    javac.arg("-d").arg(dir.join("classes")).arg("-cp").arg(dir.join("*")).arg(sources().join("Accounts.java"));
    sh::run_logged(&mut javac, &paths::log("app-java-build"))?;
    Ok(dir)
}

fn java(dir: &Path, start: &Start<'_>) -> Result<Command> {
    let mut cmd = Command::new(sh::which("java").context("java is missing")?);
    if start.sdk.is_some() {
        let mut files = std::fs::read_dir(dir.with_file_name("app-java-agent"))?.filter_map(|e| Some(e.ok()?.path()));
        let jar = files.find(|path| path.extension().is_some_and(|e| e == "jar")).context("no Java agent")?;
        cmd.arg(format!("-javaagent:{}", jar.display()));
    }
    cmd.arg("-cp").arg(format!("{0}/classes:{0}/*", dir.display())).arg("accounts.Accounts");
    cmd.args(["--server.address=127.0.0.1", "--spring.main.banner-mode=off"]);
    // Tomcat closes a connection after a hundred requests by default: wrk would measure connects.
    cmd.arg("--server.tomcat.max-keep-alive-requests=-1").arg(format!("--server.port={}", start.port));
    cmd.arg(format!("--spring.datasource.url=jdbc:postgresql://127.0.0.1:{}/postgres", start.postgres));
    cmd.arg("--spring.datasource.username=postgres");
    Ok(cmd)
}
