//! `tests/kernels.toml`.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

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
    /// Processors of the machine.
    pub cpus: u32,
    /// Program and arguments; `{wirespan}` stands for the release binary.
    pub command: Vec<String>,
}

/// One kernel.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Kernel {
    /// As people say it: `6.1`, or `newest`.
    pub version: String,
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

impl Table {
    /// Reads and checks it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }

    /// All, or those that were asked for, in the order that was asked for.
    pub fn chosen(&self, versions: &[String]) -> Result<Vec<&Kernel>> {
        if versions.is_empty() {
            return Ok(self.kernel.iter().collect());
        }
        let mut chosen = Vec::new();
        for version in versions {
            match self.kernel.iter().find(|k| k.version == *version) {
                Some(kernel) => chosen.push(kernel),
                None => {
                    let known: Vec<&str> = self.kernel.iter().map(|k| k.version.as_str()).collect();
                    bail!("no kernel {version} in tests/kernels.toml: there are {}", known.join(", "));
                }
            }
        }
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn the_projects_own_table_is_sound() {
        let table = Table::read(&crate::paths::root().join("tests/kernels.toml")).unwrap();
        let all = table.chosen(&[]).unwrap();
        for needed in ["5.10", "6.1", "6.12", "newest"] {
            assert!(all.iter().any(|k| k.version == needed), "{needed}");
        }
        assert!(table.run.iter().any(|run| run.cpus == 1), "only one processor shows what preempts what");
        assert_eq!(table.chosen(&["6.12".into(), "5.10".into()]).unwrap()[0].version, "6.12");
        assert!(table.chosen(&["2.6".into()]).unwrap_err().to_string().contains("there are 5.10"));
    }
}
