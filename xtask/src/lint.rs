//! `cargo xtask lint`: formatting, clippy for both halves, names of protocols ([`names`]), the other processor, licences,
//! documentation that comes from code.

mod floors;
mod literals;
mod names;
mod reach;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::arch::Arch;
use crate::toolchain::{self, Toolchain};
use crate::{apt, arm64, build, charts, docs, paths, sh};

/// Arguments of `cargo xtask lint`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Leave out the check for arm64 (two minutes when cold)
    #[arg(long)]
    no_arm64: bool,
}

/// One thing to look at.
type Step = fn() -> Result<()>;

/// Everything, one after the other, so that one run shows all complaints.
pub fn lint(args: &Args) -> Result<()> {
    let mut steps: Vec<(&str, Step)> = vec![
        ("cargo fmt", format),
        ("cargo clippy", clippy),
        ("cargo clippy for the kernel programs", ebpf),
        ("floors", floors::check),
        ("names of protocols", names::check),
        ("programs and threads", reach::check),
        ("cargo deny", deny),
        ("names of telemetry", literals::check),
        ("documentation", || docs::docs(&docs::Args::check())),
        ("copies in the chart", || charts::copies::copies(false)),
    ];
    if !args.no_arm64 {
        steps.push(("check for arm64", arm64::check));
    }
    let mut failed = Vec::new();
    for (name, step) in steps {
        sh::step(name);
        if let Err(e) = step() {
            sh::step(format!("{e:#}"));
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("lint: {}", failed.join(", "));
    }
    sh::step("lint: nothing to complain about");
    Ok(())
}

fn format() -> Result<()> {
    let ours = sh::run(cargo().args(["fmt", "--all", "--check"]));
    let ebpf = paths::root().join("ebpf/Cargo.toml");
    sh::run(cargo().args(["fmt", "--all", "--check", "--manifest-path"]).arg(ebpf)).and(ours)
}

fn clippy() -> Result<()> {
    sh::run(cargo().args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "-Dwarnings"]))
}

fn cargo() -> Command {
    let mut cmd = Command::new(toolchain::own_cargo());
    cmd.current_dir(paths::root());
    cmd
}

/// Clippy must be of the same version as the compiler that builds the eBPF crate.
fn ebpf() -> Result<()> {
    let toolchain = toolchain::find_or_install()?;
    let driver = match &toolchain {
        Toolchain::Nightly => None,
        Toolchain::Rustc(_) => {
            if apt::present() && sh::privilege() != sh::Privilege::None {
                apt::install(&["rust-web-clippy"])?;
            }
            Some(PathBuf::from("/usr/bin/clippy-driver")).filter(|p| p.is_file())
        }
    };
    let target = paths::ebpf_target(Arch::HERE).join("lint");
    let mut cmd = match (&toolchain, driver) {
        (Toolchain::Nightly, _) => {
            let mut cmd = build::ebpf_cargo(&toolchain, "clippy", Arch::HERE, &target)?;
            cmd.args(["--release", "--", "-Dwarnings"]);
            cmd
        }
        (Toolchain::Rustc(_), Some(driver)) => {
            // What cargo-clippy does, with the driver that belongs to this compiler.
            let mut cmd = build::ebpf_cargo(&toolchain, "check", Arch::HERE, &target)?;
            cmd.arg("--release").env("RUSTC_WORKSPACE_WRAPPER", driver);
            cmd.env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__");
            cmd
        }
        (Toolchain::Rustc(_), None) => {
            sh::step("skipped: clippy for the kernel programs (package rust-web-clippy is missing)");
            return Ok(());
        }
    };
    sh::run(cmd.arg("--quiet"))
}

/// Licences, sources and double versions; and advisories, where their database can be reached.
fn deny() -> Result<()> {
    if !sh::succeeds(cargo().args(["deny", "--version"])) {
        sh::step("skipped: cargo deny (not installed: `cargo install cargo-deny`)");
        return Ok(());
    }
    let ours = sh::run(cargo().args(["deny", "--offline", "check", "bans", "licenses", "sources"]));
    if !sh::succeeds(cargo().args(["deny", "fetch", "db"])) {
        sh::step("skipped: cargo deny check advisories (their database cannot be reached)");
        return ours;
    }
    sh::run(cargo().args(["deny", "--offline", "check", "advisories"])).and(ours)
}
