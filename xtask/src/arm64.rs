//! `cargo xtask check-arm64`: everything compiles for the other processor. Nothing is linked and nothing runs.

use std::process::Command;

use anyhow::Result;

use crate::{apt, build, paths, sh, toolchain};

const TARGET: &str = "aarch64-unknown-linux-gnu";
const PACKAGES: [&str; 3] = ["wirespan-common", "wirespan-protocols", "wirespan"];

/// Checks the kernel programs with arm64's registers, then the agent with its own.
pub fn check() -> Result<()> {
    let toolchain = toolchain::find_or_install()?;
    sh::step("arm64: checking the kernel programs");
    let mut cmd = build::ebpf_cargo(&toolchain, "check", "aarch64", &paths::ebpf_target().join("aarch64"))?;
    sh::run(cmd.args(["--quiet", "--release"]))?;

    sh::step("arm64: checking the agent");
    let mut cmd = if build::rustup_has(TARGET) {
        Command::new(toolchain::own_cargo())
    } else {
        // No library for that target is installed, but its sources are.
        let mut cmd = toolchain.cargo();
        cmd.arg("-Zbuild-std=std,panic_abort");
        cmd
    };
    cmd.current_dir(paths::root()).args(["check", "--quiet", "--target", TARGET]);
    cmd.arg("--target-dir").arg(paths::target().join("arm64"));
    for package in PACKAGES {
        cmd.args(["--package", package]);
    }
    if compiles_c() {
        // A dependency with parts in C compiles them even for a check.
        apt::install(&["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"])?;
    }
    sh::run(&mut cmd)
}

/// Does anything in the agent need a C compiler?
fn compiles_c() -> bool {
    let mut cmd = Command::new(toolchain::own_cargo());
    cmd.current_dir(paths::root()).args(["tree", "--quiet", "--package", "wirespan", "--edges", "normal,build"]);
    let tree = sh::output(cmd.args(["--target", TARGET, "--prefix", "none"])).unwrap_or_default();
    tree.lines().any(|l| l.starts_with("cc v"))
}
