//! axum on tokio's threads.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{PLAIN, Server, sources};
use crate::{paths, sh};

/// Those in Rust.
pub const SERVERS: &[Server] = &[Server { name: "axum", install, command: axum, ..PLAIN }];

fn install() -> Result<PathBuf> {
    let dir = paths::parts().join("truth-rust");
    std::fs::create_dir_all(&dir)?;
    let mut build = Command::new("cargo");
    build.current_dir(sources("rust")).args(["build", "--locked", "--target-dir"]).arg(&dir);
    // Its dependencies are built once.
    build.env("CARGO_INCREMENTAL", "0");
    sh::run_logged(&mut build, &paths::log("truth-rust"))?;
    Ok(dir)
}

fn axum(dir: &Path, _: u16) -> Result<Command> {
    Ok(Command::new(dir.join("debug/truth-rust")))
}
