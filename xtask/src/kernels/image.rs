//! Getting a kernel: Debian's image package, unpacked in the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::debian::{self, PrivateApt};
use super::table::Kernel;
use crate::arch::Arch;
use crate::sh;

/// An unpacked kernel package.
#[derive(Debug)]
pub struct Image {
    /// The processor that it is for.
    pub arch: Arch,
    /// What `uname -r` will say.
    pub release: String,
    /// The compressed kernel.
    pub vmlinuz: PathBuf,
    /// `…/lib/modules/RELEASE`.
    pub modules: PathBuf,
}

impl Image {
    /// Fetches it if it is not here yet.
    pub fn get(kernel: &Kernel) -> Result<Self> {
        let dir = debian::folder(kernel.arch).join(&kernel.version);
        let root = dir.join("root");
        if !root.is_dir() || kernel.refresh_days.is_some_and(|days| is_older(&root, days)) {
            fetch(kernel, &dir)?;
        }
        Self::unpacked(kernel.arch, &root)
            .with_context(|| format!("{} is not a kernel: remove it and try again", root.display()))
    }

    fn unpacked(arch: Arch, root: &Path) -> Result<Self> {
        let modules = ["lib/modules", "usr/lib/modules"]
            .iter()
            .filter_map(|folder| fs::read_dir(root.join(folder)).ok())
            .flatten()
            .find_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_dir()))
            .context("no lib/modules")?;
        let release = modules.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // Debian's packages since Linux 7 have it among the modules.
        let vmlinuz = [root.join("boot").join(format!("vmlinuz-{release}")), modules.join("vmlinuz")]
            .into_iter()
            .find(|path| path.is_file())
            .context("no vmlinuz")?;
        Ok(Self { arch, release, vmlinuz, modules })
    }
}

/// Whether a folder was made more than so many days ago.
fn is_older(path: &Path, days: u64) -> bool {
    let age = fs::metadata(path).and_then(|data| data.created().or_else(|_| data.modified()));
    age.is_ok_and(|at| at.elapsed().is_ok_and(|age| age.as_secs() > days * 24 * 60 * 60))
}

fn fetch(kernel: &Kernel, dir: &Path) -> Result<()> {
    sh::step(format!("Linux {}: fetching {} of Debian {}", kernel.title(), kernel.package, kernel.suite));
    let apt = PrivateApt::create(dir, &kernel.suite, kernel.arch)?;
    let depends = sh::output(apt.command("apt-cache").args(["depends", "--important", &kernel.package]))?;
    let image = image_package(&depends).with_context(|| format!("{} depends on no linux-image", kernel.package))?;
    let mut packages = vec![image.clone()];
    // Newer images keep their modules, and the kernel itself, in packages of their own.
    let depends = sh::output(apt.command("apt-cache").args(["depends", "--important", &image]))?;
    let is_part = |package: &&str| ["linux-modules-", "linux-binary-"].iter().any(|part| package.starts_with(part));
    packages.extend(dependencies(&depends).filter(is_part).map(str::to_owned));

    let debs = dir.join("debs");
    let _ = fs::remove_dir_all(&debs);
    fs::create_dir_all(&debs)?;
    let mut words = vec!["-q", "download"];
    words.extend(packages.iter().map(String::as_str));
    apt.get(&words, &debs)?;

    let new = dir.join("root.new");
    let _ = fs::remove_dir_all(&new);
    for entry in fs::read_dir(&debs)? {
        sh::step(format!("unpacking {}", entry.as_ref().map(|e| e.file_name()).unwrap_or_default().display()));
        sh::run(Command::new("dpkg-deb").arg("-x").arg(entry?.path()).arg(&new))?;
    }
    let _ = fs::remove_dir_all(dir.join("root"));
    fs::rename(&new, dir.join("root"))?;
    fs::remove_dir_all(&debs)?;
    Ok(())
}

/// The dependencies in what `apt-cache depends` prints.
fn dependencies(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|l| l.trim().strip_prefix("Depends: ")).map(str::trim)
}

fn image_package(text: &str) -> Option<String> {
    // Signed and plain images, never the cloud ones: those leave out the drivers that qemu needs.
    dependencies(text).find(|p| p.starts_with("linux-image-") && !p.contains("cloud")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_the_first_dependency_that_is_no_cloud_kernel() {
        let text =
            "linux-image-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n  Depends: linux-image-6.1.0-56-amd64\n";
        assert_eq!(image_package(text).as_deref(), Some("linux-image-6.1.0-56-amd64"));
    }
}
