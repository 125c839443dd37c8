//! `cargo xtask check-arm64`: everything compiles for the other processor. Nothing is linked and nothing runs; `cargo xtask build --release
//! --arch arm64` links, and `cargo xtask kernels --arch arm64` runs.

use std::process::Command;

use anyhow::Result;

use crate::arch::Arch;
use crate::{build, cross, paths, sh, toolchain};

const PACKAGES: [&str; 3] = ["wirespan-common", "wirespan-protocols", "wirespan"];

/// Checks the kernel programs with arm64's registers, then the agent with its own.
pub fn check() -> Result<()> {
    let arch = Arch::Arm64;
    let toolchain = toolchain::find_or_install()?;
    sh::step("arm64: checking the kernel programs");
    let mut cmd = build::ebpf_cargo(&toolchain, "check", arch, &paths::ebpf_target(arch))?;
    sh::run(cmd.args(["--quiet", "--release"]))?;

    sh::step("arm64: checking the agent");
    let mut cmd = Command::new(toolchain::own_cargo());
    cmd.current_dir(paths::root()).args(["check", "--quiet", "--target", &arch.gnu()]);
    cmd.arg("--target-dir").arg(paths::target().join("arm64"));
    cross::library(&mut cmd, arch)?;
    for package in PACKAGES {
        cmd.args(["--package", package]);
    }
    if compiles_c(arch) {
        // A dependency with parts in C compiles them even for a check.
        cross::install_gcc(arch)?;
    }
    sh::run(&mut cmd)
}

/// Does anything in the agent need a C compiler?
fn compiles_c(arch: Arch) -> bool {
    let mut cmd = Command::new(toolchain::own_cargo());
    cmd.current_dir(paths::root()).args(["tree", "--quiet", "--package", "wirespan", "--edges", "normal,build"]);
    let tree = sh::output(cmd.args(["--target", &arch.gnu(), "--prefix", "none"])).unwrap_or_default();
    tree.lines().any(|l| l.starts_with("cc v"))
}
