//! Getting a kernel: Debian's image package, downloaded by apt from the machine's own mirror into the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::table::Kernel;
use crate::{paths, sh};

/// An unpacked kernel package.
#[derive(Debug)]
pub struct Image {
    /// What `uname -r` will say.
    pub release: String,
    /// The compressed kernel.
    pub vmlinuz: PathBuf,
    /// `…/lib/modules/RELEASE`.
    pub modules: PathBuf,
}

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

impl Image {
    /// Fetches it if it is not here yet.
    pub fn get(kernel: &Kernel) -> Result<Self> {
        let dir = paths::target().join("kernels").join(&kernel.version);
        let root = dir.join("root");
        if !root.is_dir() || kernel.refresh_days.is_some_and(|days| is_older(&root, days)) {
            fetch(kernel, &dir)?;
        }
        Self::unpacked(&root).with_context(|| format!("{} is not a kernel: remove it and try again", root.display()))
    }

    fn unpacked(root: &Path) -> Result<Self> {
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
        Ok(Self { release, vmlinuz, modules })
    }
}

/// Whether a folder was made more than so many days ago.
fn is_older(path: &Path, days: u64) -> bool {
    let age = fs::metadata(path).and_then(|data| data.created().or_else(|_| data.modified()));
    age.is_ok_and(|at| at.elapsed().is_ok_and(|age| age.as_secs() > days * 24 * 60 * 60))
}

fn fetch(kernel: &Kernel, dir: &Path) -> Result<()> {
    sh::step(format!("Linux {}: fetching {} of Debian {}", kernel.version, kernel.package, kernel.suite));
    let apt = PrivateApt::create(dir, &kernel.suite)?;
    apt.get(&["-q", "update"], dir)?;
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

/// An apt with its own sources, lists and cache, that shares nothing with the machine's but the mirror and the keys.
struct PrivateApt {
    dir: PathBuf,
}

impl PrivateApt {
    fn create(dir: &Path, suite: &str) -> Result<Self> {
        let apt = dir.join("apt");
        for sub in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(apt.join(sub))?;
        }
        if !Path::new(KEYRING).is_file() {
            bail!("{KEYRING} is missing (package debian-archive-keyring)");
        }
        let mirror = mirror().context("no Debian mirror in /etc/apt: kernels are fetched on Debian only")?;
        fs::write(apt.join("sources.list"), format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n"))?;
        Ok(Self { dir: apt })
    }

    fn command(&self, program: &str) -> Command {
        let mut cmd = Command::new(program);
        let mut option = |name: &str, value: &str| {
            cmd.args(["-o", &format!("{name}={value}")]);
        };
        let dir = self.dir.display();
        option("Dir::Etc::sourcelist", &format!("{dir}/sources.list"));
        option("Dir::Etc::sourceparts", "/dev/null");
        option("Dir::Etc::preferences", "/dev/null");
        option("Dir::Etc::preferencesparts", "/dev/null");
        option("Dir::State", &dir.to_string());
        option("Dir::State::lists", &format!("{dir}/lists"));
        option("Dir::State::status", "/dev/null");
        option("Dir::Cache", &format!("{dir}/cache"));
        option("APT::Architecture", "amd64");
        option("APT::Sandbox::User", "root");
        option("Acquire::Languages", "none");
        // Suites that are no longer cared for keep their last, expired, index.
        option("Acquire::Check-Valid-Until", "false");
        cmd
    }

    fn get(&self, args: &[&str], cwd: &Path) -> Result<()> {
        sh::run_logged(self.command("apt-get").args(args).current_dir(cwd), &paths::log("kernels-apt"))
    }
}

/// The machine's own Debian mirror, out of its sources.
fn mirror() -> Option<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    files.extend(fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().filter_map(|e| Some(e.ok()?.path())));
    files.iter().filter_map(|f| fs::read_to_string(f).ok()).find_map(|text| mirror_in(&text))
}

/// The first address that ends as Debian's main archive does, in either format of sources.
fn mirror_in(text: &str) -> Option<String> {
    let lines = text.lines().map(str::trim).filter(|l| l.starts_with("URIs:") || l.starts_with("deb "));
    lines
        .flat_map(str::split_whitespace)
        .find(|word| word.contains("://") && word.trim_end_matches('/').ends_with("/debian"))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_found_in_both_formats() {
        let new = "Types: deb\n# URIs: http://old.test/debian\nURIs: http://mirror.test/debian-security\n";
        assert_eq!(mirror_in(new), None);
        let new = format!("{new}\nURIs: http://mirror.test/debian\nSuites: x\n");
        assert_eq!(mirror_in(&new).as_deref(), Some("http://mirror.test/debian"));
        let old = "# deb http://no.test/debian x main\ndeb [arch=amd64] https://mirror.test/debian/ x main\n";
        assert_eq!(mirror_in(old).as_deref(), Some("https://mirror.test/debian/"));
    }

    #[test]
    fn the_image_is_the_first_dependency_that_is_no_cloud_kernel() {
        let text =
            "linux-image-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n  Depends: linux-image-6.1.0-56-amd64\n";
        assert_eq!(image_package(text).as_deref(), Some("linux-image-6.1.0-56-amd64"));
    }
}
