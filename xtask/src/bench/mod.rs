//! `cargo xtask bench`: the numbers of `docs/benchmarks.md`.

use anyhow::{Result, bail};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Measures.
pub fn bench(_args: &Args) -> Result<()> {
    bail!("no benchmark is written yet")
}
