//! Debian and Ubuntu packages: what is there, what can be had, and getting it without being asked anything.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{paths, sh};

/// Is this a system with apt?
pub fn present() -> bool {
    sh::which("apt-get").is_some() && sh::which("dpkg-query").is_some()
}

/// Is the package installed?
pub fn installed(package: &str) -> bool {
    sh::output(Command::new("dpkg-query").args(["-W", "-f=${db:Status-Status}", package]))
        .is_ok_and(|s| s == "installed")
}

/// Does any configured source have the package?
pub fn available(package: &str) -> bool {
    sh::output(Command::new("apt-cache").args(["policy", package]))
        .is_ok_and(|s| s.lines().any(|l| l.trim().strip_prefix("Candidate:").is_some_and(|v| v.trim() != "(none)")))
}

/// Refreshes the package lists if they do not know the package (fresh containers ship without lists).
pub fn know(package: &str) -> bool {
    if available(package) {
        return true;
    }
    update().is_ok() && available(package)
}

/// `apt-get update`.
pub fn update() -> Result<()> {
    sh::step("apt-get update");
    sh::run_logged(sh::as_root("apt-get")?.args(["-q", "update"]), &paths::log("apt-update"))
}

/// Installs those of the packages that are missing, without starting any service.
pub fn install(packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages.iter().copied().filter(|p| !installed(p)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !present() {
        bail!("these Debian packages (or their like) are missing, and there is no apt here to install them: {list}");
    }
    if sh::privilege() == sh::Privilege::None {
        bail!("missing packages: as root, run `apt-get install --no-install-recommends {list}`");
    }
    if !missing.iter().all(|p| available(p)) {
        update()?;
    }
    sh::step(format!("apt-get install {list}"));
    let mut result = try_install(&missing);
    if result.is_err() {
        // Package lists that are older than the archive answer 404.
        update()?;
        result = try_install(&missing);
    }
    result.with_context(|| format!("cannot install {list}"))
}

fn try_install(packages: &[&str]) -> Result<()> {
    // RUNLEVEL=1 makes Debian's invoke-rc.d start nothing: a test machine gets no server it did not ask for.
    let _policy = NoServices::hold()?;
    let mut cmd = sh::as_root("apt-get")?;
    cmd.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    cmd.args(["-q", "-y", "-o", "Dpkg::Use-Pty=0", "install", "--no-install-recommends"]).args(packages);
    sh::run_logged(&mut cmd, &paths::log("apt-install"))
}

/// While it lives, `invoke-rc.d` (which systemd machines use too) is told to start no service.
struct NoServices {
    ours: bool,
}

const POLICY: &str = "/usr/sbin/policy-rc.d";

impl NoServices {
    fn hold() -> Result<Self> {
        // Somebody's own policy stays; containers mostly have one that says the same.
        if std::path::Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        let script = format!("printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}");
        sh::run(sh::as_root("sh")?.args(["-c", &script]))?;
        Ok(Self { ours: true })
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours
            && let Ok(mut rm) = sh::as_root("rm")
        {
            let _ = sh::run(rm.args(["-f", POLICY]));
        }
    }
}
