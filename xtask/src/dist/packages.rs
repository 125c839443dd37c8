//! `cargo xtask dist --test`: the packages that were made are installed, started, upgraded, removed and purged on a Debian that is thrown
//! away; tests/packages says how.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::release::Release;
use super::tools;
use crate::{apt, paths, sh};

/// The version that an upgrade is to.
const NEWER: &str = "99.0.0";

/// Runs all of it, as root.
pub fn test(release: &Release, folder: &Path) -> Result<()> {
    if sh::privilege() != sh::Privilege::Root {
        bail!("packages are installed by root: run this command as root");
    }
    apt::install(&["systemd", "systemd-container", "dbus", "rpm", "curl", "python3-minimal"])?;
    let newer = paths::target().join(format!("wirespan-{NEWER}.rpm"));
    let set = format!("--set-metadata=version = \"{NEWER}\"");
    sh::run(release.tell(tools::RPM.command()?.args(["--package", "agent"]).arg(&set).arg("--output").arg(&newer)))?;
    sh::step("installing, upgrading and removing the packages");
    let result = sh::run(Command::new(paths::root().join("tests/packages/run.sh")).arg(folder).arg(&newer));
    std::fs::remove_file(newer)?;
    result
}
