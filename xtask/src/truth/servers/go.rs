//! net/http with its clients, alone and below two routers, and its reverse proxy.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{PLAIN, Server, sources};
use crate::{parts, paths, sh};

const MODULES: &[&str] = &[
    "github.com/jackc/pgx/v5/stdlib@v5.13.0",
    "github.com/redis/go-redis/v9@v9.23.0",
    "github.com/go-chi/chi/v5@v5.5.0",
    "github.com/gin-gonic/gin@v1.12.0",
];

/// Those in Go.
pub const SERVERS: &[Server] = &[
    Server { name: "go", install, command: server, needs: Some("go"), in_ci: true, ..PLAIN },
    Server { name: "go-chi", install, command: |dir, _| routed(dir, "chi"), ..PLAIN },
    Server { name: "go-gin", install, command: |dir, _| routed(dir, "gin"), ..PLAIN },
];

/// `server` and `proxy`.
pub fn install() -> Result<PathBuf> {
    let dir = parts::part("truth-go", MODULES, |dir, name| {
        let go = |words: &[&str]| sh::run_logged(Command::new("go").current_dir(dir).args(words), &paths::log(name));
        go(&["mod", "init", "truth"])?;
        go(&[&["get"], MODULES].concat())
    })?;
    for program in ["server", "proxy"] {
        let source = format!("{program}.go");
        std::fs::copy(sources("go").join(&source), dir.join(&source))?;
        let mut build = Command::new("go");
        build.current_dir(&dir).args(["build", "-mod=mod", "-buildvcs=false", "-o", program, &source]);
        sh::run_logged(&mut build, &paths::log("truth-go-build"))?;
    }
    Ok(dir)
}

/// Also behind the proxies.
pub fn server(dir: &Path, _: u16) -> Result<Command> {
    Ok(Command::new(dir.join("server")))
}

fn routed(dir: &Path, router: &str) -> Result<Command> {
    let mut cmd = server(dir, 0)?;
    cmd.arg(router);
    Ok(cmd)
}

/// The reverse proxy.
pub fn proxy(dir: &Path, port: u16, upstream: u16) -> Result<Command> {
    let mut cmd = Command::new(dir.join("proxy"));
    cmd.args([port.to_string(), upstream.to_string()]);
    Ok(cmd)
}
