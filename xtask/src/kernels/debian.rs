//! Packages of Debian for kernels and what runs in them: downloaded by apt from the machine's own mirror into the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::arch::Arch;
use crate::{paths, sh};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where the kernels for a processor are.
pub fn folder(arch: Arch) -> PathBuf {
    let own = paths::target().join("kernels");
    if arch.is_here() { own } else { own.join(arch.debian()) }
}

/// An apt with its own sources, lists and cache, that shares nothing with the machine's but the mirror and the keys.
pub struct PrivateApt {
    dir: PathBuf,
    arch: Arch,
}

impl PrivateApt {
    /// One for a suite and a processor, in a folder; it knows what there is.
    pub fn create(dir: &Path, suite: &str, arch: Arch) -> Result<Self> {
        let apt = dir.join("apt");
        for sub in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(apt.join(sub))?;
        }
        if !Path::new(KEYRING).is_file() {
            bail!("{KEYRING} is missing (package debian-archive-keyring)");
        }
        let mirror = mirror().context("no Debian mirror in /etc/apt: kernels are fetched on Debian only")?;
        fs::write(apt.join("sources.list"), format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n"))?;
        // No package is installed: what is asked for is had with all that it depends on.
        fs::write(apt.join("status"), "")?;
        let apt = Self { dir: apt, arch };
        apt.get(&["-q", "update"], dir)?;
        Ok(apt)
    }

    /// Where it puts the packages that it downloads for an installation.
    pub fn archives(&self) -> PathBuf {
        self.dir.join("cache/archives")
    }

    /// One of apt's programs.
    pub fn command(&self, program: &str) -> Command {
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
        option("Dir::State::status", &format!("{dir}/status"));
        option("Dir::Cache", &format!("{dir}/cache"));
        option("APT::Architecture", self.arch.debian());
        option("APT::Architectures::", self.arch.debian());
        option("APT::Sandbox::User", "root");
        option("Acquire::Languages", "none");
        // Suites that are no longer cared for keep their last, expired, index.
        option("Acquire::Check-Valid-Until", "false");
        cmd
    }

    /// `apt-get`, in a folder.
    pub fn get(&self, args: &[&str], cwd: &Path) -> Result<()> {
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
}
