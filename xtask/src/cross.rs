//! Compiling and linking the agent for another processor than the one that this runs on.

use std::process::Command;

use anyhow::Result;

use crate::arch::Arch;
use crate::{apt, build, toolchain};

/// Makes a command of cargo one for `arch`: a linker, and a library for that target. Where rustup has none, it is built from the sources
/// that the kernel programs need, too.
pub fn prepare(cmd: &mut Command, arch: Arch) -> Result<()> {
    linker(cmd, arch)?;
    library(cmd, arch)
}

/// Debian's cross compiler links, and compiles parts in C: crates that have some find it by its name.
fn linker(cmd: &mut Command, arch: Arch) -> Result<()> {
    install_gcc(arch)?;
    let target = arch.gnu().to_uppercase().replace('-', "_");
    cmd.env(format!("CARGO_TARGET_{target}_LINKER"), arch.gcc());
    Ok(())
}

/// Installs the C compiler for `arch` with its library.
pub fn install_gcc(arch: Arch) -> Result<()> {
    let packages = arch.gcc_packages();
    apt::install(&packages.each_ref().map(String::as_str))
}

/// The standard library: rustup's, or built from source.
pub fn library(cmd: &mut Command, arch: Arch) -> Result<()> {
    if !build::rustup_has(&arch.gnu()) {
        let toolchain = toolchain::find_or_install()?;
        cmd.env("RUSTC", toolchain.rustc()?).env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
    }
    Ok(())
}
