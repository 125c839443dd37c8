//! What is released: which version of which commit, from when, for which processor.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::arch::Arch;
use crate::{paths, sh, toolchain};

/// A release.
#[derive(Clone, Debug)]
pub struct Release {
    /// As in Cargo.toml.
    pub version: String,
    /// The commit, twelve digits; with `-dirty` if there is more than was committed.
    pub commit: String,
    /// The time of everything in it, seconds since 1970: `SOURCE_DATE_EPOCH`, or when the commit was made.
    pub time: u64,
    /// The processor.
    pub arch: Arch,
}

/// Names the commit where there is no clone.
pub const COMMIT: &str = "WIRESPAN_COMMIT";
/// The time of all files, agreed on by tools that build reproducibly.
pub const EPOCH: &str = "SOURCE_DATE_EPOCH";

impl Release {
    /// The one that this clone holds, for a processor.
    pub fn of(arch: Arch) -> Result<Self> {
        let git = |args: &[&str]| {
            let mut cmd = Command::new("git");
            cmd.current_dir(paths::root()).args(args);
            sh::output(&mut cmd).map(|text| text.trim().to_owned())
        };
        let commit = match std::env::var(COMMIT) {
            Ok(commit) => commit,
            Err(_) => git(&["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])?,
        };
        let time = match std::env::var(EPOCH) {
            Ok(time) => time,
            Err(_) => git(&["log", "-1", "--format=%ct"])?,
        };
        let time = time.parse().with_context(|| format!("{EPOCH}: `{time}` is no number of seconds"))?;
        Ok(Self { version: version()?, commit, time, arch })
    }

    /// [`Release::time`] as RFC 3339 has it.
    pub fn date(&self) -> String {
        let (days, rest) = (self.time / 86_400, self.time % 86_400);
        let (year, month, day) = civil(days);
        format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest % 3600 / 60, rest % 60)
    }

    /// The time and the commit, for programs that build something of this release.
    pub fn tell<'a>(&self, cmd: &'a mut Command) -> &'a mut Command {
        cmd.env(EPOCH, self.time.to_string()).env(COMMIT, &self.commit)
    }
}

/// The date of a day since 1970. Eras of 400 years begin in March, so that a leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march = (5 * of_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, of_year - (153 * march + 2) / 5 + 1)
}

/// The version of the workspace.
fn version() -> Result<String> {
    let mut cmd = Command::new(toolchain::own_cargo());
    cmd.current_dir(paths::root()).args(["pkgid", "--package", "wirespan"]);
    let id = sh::output(&mut cmd)?;
    id.trim().rsplit(['#', '@']).next().map(str::to_owned).with_context(|| format!("no version in {id:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(19_723), (2024, 1, 1));
        assert_eq!(civil(20_786), (2026, 11, 29));
    }
}
