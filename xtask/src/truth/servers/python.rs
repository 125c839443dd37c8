//! Flask with Werkzeug's threads and gunicorn's workers, Django; FastAPI on uvicorn with both event loops and both sorts of end points.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{PLAIN, Server, sources};
use crate::parts;

const PACKAGES: &[&str] = &[
    "flask==3.1.3",
    "gunicorn==27.0.1",
    "gevent==26.9.0",
    // What gunicorn's worker for gevent imports without asking for it.
    "packaging==26.4",
    "django==5.2.19",
    "fastapi==0.165.0",
    "uvicorn[standard]==0.54.0",
    "asyncpg==0.32.0",
    "psycopg[binary]==3.3.9",
    "redis==8.1.0",
    "httpx==0.28.1",
    "urllib3==2.8.0",
];

/// Those in Python.
pub const SERVERS: &[Server] = &[
    Server { name: "flask", install, command: flask, in_ci: true, ..PLAIN },
    Server {
        name: "gunicorn-sync",
        install,
        command: |dir, port| gunicorn(dir, port, "sync", "flask_app:app"),
        ..PLAIN
    },
    Server {
        name: "gunicorn-gthread",
        install,
        command: |dir, port| gunicorn(dir, port, "gthread", "flask_app:app"),
        ..PLAIN
    },
    Server {
        name: "gunicorn-gevent",
        install,
        command: |dir, port| gunicorn(dir, port, "gevent", "flask_app:app"),
        ..PLAIN
    },
    Server { name: "django", install, command: |dir, port| gunicorn(dir, port, "gthread", "django_app:app"), ..PLAIN },
    Server { name: "fastapi", install, command: fastapi, in_ci: true, ..PLAIN },
    Server { name: "fastapi-uvloop", install, command: |dir, port| Ok(uvicorn(dir, port, "uvloop")), ..PLAIN },
    Server { name: "fastapi-psycopg", install, command: psycopg, ..PLAIN },
    Server { name: "fastapi-sync", install, command: |dir, port| Ok(sync(dir, port, "asyncio")), ..PLAIN },
    Server { name: "fastapi-sync-uvloop", install, command: |dir, port| Ok(sync(dir, port, "uvloop")), ..PLAIN },
];

/// The environment in which all of them run.
pub fn install() -> Result<PathBuf> {
    parts::part("truth-python", PACKAGES, |dir, name| parts::venv(dir, name, PACKAGES))
}

fn program(dir: &Path, name: &str) -> Command {
    let mut cmd = Command::new(dir.join("bin").join(name));
    cmd.current_dir(sources("python")).env("PYTHONDONTWRITEBYTECODE", "1");
    cmd
}

/// Also behind the proxies.
pub fn fastapi(dir: &Path, port: u16) -> Result<Command> {
    Ok(uvicorn(dir, port, "asyncio"))
}

fn flask(dir: &Path, _: u16) -> Result<Command> {
    let mut cmd = program(dir, "python");
    cmd.arg("flask_app.py");
    Ok(cmd)
}

/// Two workers, those with threads with 16 each.
fn gunicorn(dir: &Path, port: u16, kind: &str, app: &str) -> Result<Command> {
    let mut cmd = program(dir, "gunicorn");
    cmd.args(["--bind", &format!("127.0.0.1:{}", port), "--worker-class", kind, "--workers", "2"]);
    if kind == "gthread" {
        cmd.args(["--threads", "16"]);
    }
    // The default of two seconds ends connections that wait for their turn on a busy machine.
    cmd.args(["--keep-alive", "60", "--worker-tmp-dir", "/dev/shm", "--log-level", "warning", app]);
    Ok(cmd)
}

fn uvicorn(dir: &Path, port: u16, event_loop: &str) -> Command {
    let mut cmd = program(dir, "uvicorn");
    cmd.args(["--port", &port.to_string(), "--loop", event_loop, "--log-level", "warning"]);
    cmd.args(["--timeout-keep-alive", "60", "fast_app:app"]);
    cmd
}

fn psycopg(dir: &Path, port: u16) -> Result<Command> {
    let mut cmd = uvicorn(dir, port, "asyncio");
    cmd.env("DRIVER", "psycopg");
    Ok(cmd)
}

fn sync(dir: &Path, port: u16, event_loop: &str) -> Command {
    let mut cmd = uvicorn(dir, port, event_loop);
    cmd.env("SYNC", "1");
    cmd
}
