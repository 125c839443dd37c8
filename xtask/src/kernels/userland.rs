//! What runs on a kernel for another processor, which can execute nothing of this machine's: programs of Debian, unpacked and not installed,
//! so that none of their scripts has to run.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::debian::{self, PrivateApt};
use crate::arch::Arch;
use crate::sh;

/// The release of Debian.
const SUITE: &str = "bookworm";
/// What the commands of tests/kernels.toml need, and what a shell script expects.
const PACKAGES: [&str; 18] = [
    "base-passwd",
    "busybox-static",
    "coreutils",
    "curl",
    "dash",
    "findutils",
    "grep",
    "iproute2",
    "kmod",
    "mawk",
    "nginx-light",
    "openssl",
    "procps",
    "python3",
    "redis-server",
    "sed",
    "util-linux",
    "strace",
];

/// The root of a file system with Debian's programs for `arch`, unpacked if it is not here yet.
pub fn get(arch: Arch) -> Result<PathBuf> {
    let dir = debian::folder(arch).join("userland");
    let (root, list) = (dir.join("root"), dir.join("packages"));
    let wanted = PACKAGES.join(" ");
    if fs::read_to_string(&list).is_ok_and(|there| there == wanted) {
        return Ok(root);
    }
    sh::step(format!("fetching programs of Debian {SUITE} for {}", arch.debian()));
    let apt = PrivateApt::create(&dir, SUITE, arch)?;
    let words = ["-q", "-y", "--no-install-recommends", "--download-only", "install"];
    apt.get(&words.iter().chain(&PACKAGES).copied().collect::<Vec<_>>(), &dir)?;
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    // As every Debian has them since 12; the packages come with files below both names.
    for name in ["bin", "sbin", "lib"] {
        fs::create_dir_all(root.join("usr").join(name))?;
        symlink(Path::new("usr").join(name), root.join(name))?;
    }
    for entry in fs::read_dir(apt.archives())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            unpack(&path, &root)?;
        }
    }
    finish(&root)?;
    fs::remove_dir_all(apt.archives())?;
    fs::write(&list, wanted)?;
    Ok(root)
}

/// Unlike `dpkg-deb --extract`, links to folders stay what they are.
fn unpack(package: &Path, root: &Path) -> Result<()> {
    let mut read = Command::new("dpkg-deb");
    read.arg("--fsys-tarfile").arg(package).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut read = read.spawn().context("cannot run dpkg-deb")?;
    let from = read.stdout.take().context("dpkg-deb has no output")?;
    let mut tar = Command::new("tar");
    let unpacked = tar.arg("-C").arg(root).args(["--keep-directory-symlink", "-x"]).stdin(from).status()?;
    if !(read.wait()?.success() && unpacked.success()) {
        bail!("cannot unpack {}", package.display());
    }
    Ok(())
}

/// What scripts of the packages would have done.
fn finish(root: &Path) -> Result<()> {
    for name in ["passwd", "group"] {
        let master = root.join(format!("usr/share/base-passwd/{name}.master"));
        fs::copy(&master, root.join("etc").join(name)).with_context(|| format!("no {}", master.display()))?;
    }
    let links = [("mawk", "usr/bin/awk"), ("dash", "usr/bin/sh")];
    for (to, from) in links {
        if !root.join(from).exists() {
            symlink(to, root.join(from))?;
        }
    }
    for folder in ["root", "tmp", "var/log/nginx", "var/lib/nginx"] {
        fs::create_dir_all(root.join(folder))?;
    }
    Ok(())
}
