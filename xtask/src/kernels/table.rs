//! `tests/kernels.toml`.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::arch::Arch;

/// The whole table.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Table {
    /// For boot and command together.
    pub timeout_seconds: u64,
    /// Of each machine.
    pub memory_mib: u32,
    /// What is run where the command line names nothing, each in a machine of its own.
    pub run: Vec<Run>,
    kernel: Vec<Kernel>,
}

/// One command.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Run {
    /// Where it needs more than the table allows.
    pub timeout_seconds: Option<u64>,
    /// Where it is for one kind of processor only.
    pub arch: Option<Arch>,
    /// Processors of the machine.
    pub cpus: u32,
    /// Program and arguments; `{wirespan}` stands for the release binary, `{go:FILE}` for a program in Go.
    pub command: Vec<String>,
}

/// One kernel.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Kernel {
    /// As people say it: `6.1`, or `newest`.
    pub version: String,
    /// The processor that it is for.
    pub arch: Arch,
    /// Where the suite moves on: fetched anew when it is older than this.
    pub refresh_days: Option<u64>,
    /// Where Debian's archive has it.
    pub suite: String,
    /// The package that depends on the image.
    pub package: String,
    /// Why it is in the table.
    pub note: String,
    /// What fails there is told, and fails nothing.
    #[serde(default)]
    pub only_told: bool,
}

impl Kernel {
    /// Its version, and the processor if that is not this one's.
    pub fn title(&self) -> String {
        if self.arch.is_here() { self.version.clone() } else { format!("{} {}", self.version, self.arch.debian()) }
    }
}

impl Table {
    /// Reads and checks it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    /// All, for all processors.
    pub fn all(&self) -> &[Kernel] {
        &self.kernel
    }

    /// All for a processor, or those that were asked for, in the order that was asked for.
    pub fn chosen(&self, arch: Arch, versions: &[String]) -> Result<Vec<&Kernel>> {
        let fitting: Vec<&Kernel> = self.kernel.iter().filter(|kernel| kernel.arch == arch).collect();
        if versions.is_empty() {
            return Ok(fitting);
        }
        let mut chosen = Vec::new();
        for version in versions {
            match fitting.iter().find(|k| k.version == *version) {
                Some(kernel) => chosen.push(*kernel),
                None => {
                    let known: Vec<&str> = fitting.iter().map(|k| k.version.as_str()).collect();
                    let arch = arch.debian();
                    bail!("no kernel {version} for {arch} in tests/kernels.toml: there are {}", known.join(", "));
                }
            }
        }
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use crate::arch::Arch;

    #[test]
    fn the_projects_own_table_is_sound() {
        let table = Table::read(&crate::paths::root().join("tests/kernels.toml")).unwrap();
        let all = table.chosen(Arch::Amd64, &[]).unwrap();
        for needed in ["5.10", "6.1", "6.12", "newest"] {
            assert!(all.iter().any(|k| k.version == needed), "{needed}");
        }
        assert!(table.run.iter().any(|run| run.cpus == 1), "only one processor shows what preempts what");
        let chosen =
            |arch, versions: &[&str]| table.chosen(arch, &versions.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>());
        assert_eq!(chosen(Arch::Amd64, &["6.12", "5.10"]).unwrap()[0].version, "6.12");
        assert!(chosen(Arch::Amd64, &["2.6"]).unwrap_err().to_string().contains("there are 5.10"));
        for arm64 in chosen(Arch::Arm64, &["6.1", "6.12"]).unwrap() {
            assert_eq!((arm64.arch, arm64.package.as_str()), (Arch::Arm64, "linux-image-arm64"));
        }
    }
}
