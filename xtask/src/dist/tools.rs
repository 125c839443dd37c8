//! Programs that make packages, installed below the target folder: nothing of the user's is touched, and `cargo clean` takes them away.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{paths, sh, toolchain};

/// A program that is installed by Cargo.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    name: &'static str,
    /// The release that this was tried with.
    version: &'static str,
}

/// Puts the list of packages into the binary.
pub const AUDITABLE: Tool = Tool { name: "cargo-auditable", version: "^0.7.7" };
/// Makes a package for Debian.
pub const DEB: Tool = Tool { name: "cargo-deb", version: "^3.8" };
/// Makes a package for systems with RPM.
pub const RPM: Tool = Tool { name: "cargo-generate-rpm", version: "^0.21" };

impl Tool {
    /// A command of it, as Cargo would start it (`cargo deb`).
    pub fn command(self) -> Result<Command> {
        let program = self.find_or_install()?;
        let mut cmd = Command::new(program);
        cmd.env("CARGO", toolchain::own_cargo()).current_dir(paths::root());
        cmd.arg(self.name.trim_start_matches("cargo-"));
        Ok(cmd)
    }

    fn find_or_install(self) -> Result<PathBuf> {
        let root = paths::target().join("tools");
        let program = root.join("bin").join(self.name);
        if program.is_file() {
            return Ok(program);
        }
        sh::step(format!("cargo install {} {} (one to three minutes)", self.name, self.version));
        let mut cmd = Command::new(toolchain::own_cargo());
        cmd.args(["install", self.name, "--locked", "--version", self.version]).arg("--root").arg(&root);
        cmd.arg("--target-dir").arg(root.join("build")).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        // They pack a few files: what they gain by being optimised as a whole is less than that takes.
        cmd.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        sh::run_logged(&mut cmd, &paths::log(self.name))?;
        Ok(program)
    }
}
