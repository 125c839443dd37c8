//! `cargo xtask dist --check`: the sources are copied into two folders with names of different lengths, each is built from nothing, and every
//! file that comes out must be the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::release::{COMMIT, EPOCH, Release};
use crate::arch::Arch;
use crate::{paths, sh};

/// Builds twice, one after the other.
pub fn check(arch: Arch, quick: bool) -> Result<()> {
    let release = Release::of(arch)?;
    let above = paths::target().join("dist-check");
    if above.exists() {
        fs::remove_dir_all(&above)?;
    }
    let mut results = Vec::new();
    for name in ["a", "another-folder"] {
        let root = above.join(name);
        copy(&root)?;
        // The tools are not part of what is compared.
        fs::create_dir_all(root.join("target"))?;
        fs::create_dir_all(paths::target().join("tools"))?;
        std::os::unix::fs::symlink(paths::target().join("tools"), root.join("target/tools"))?;
        sh::step(format!("building in {}", root.display()));
        let mut cmd = Command::new(std::env::current_exe()?);
        // A folder without a repository: what is not told here is not known there.
        cmd.env(COMMIT, &release.commit).env(EPOCH, release.time.to_string());
        cmd.env("CARGO_MANIFEST_DIR", root.join("xtask")).env_remove("CARGO_TARGET_DIR");
        cmd.current_dir(&root).args(["dist", "--arch", arch.debian()]).args(quick.then_some("--quick"));
        sh::run(&mut cmd)?;
        results.push(sums(&root.join("target/dist/SHA256SUMS"))?);
        // The second one needs the room.
        fs::rename(root.join("target/dist"), above.join(format!("{name}.dist")))?;
        fs::remove_dir_all(&root)?;
    }
    let different: Vec<&String> =
        results[0].keys().filter(|name| results[0].get(*name) != results[1].get(*name)).collect();
    if !different.is_empty() || results[0].len() != results[1].len() {
        bail!("not the same in both folders (they are kept in {}): {different:?}", above.display());
    }
    sh::step(format!("{} files are the same bytes in both folders", results[0].len()));
    fs::remove_dir_all(&above)?;
    Ok(())
}

/// The files that git knows, as they are now.
fn copy(to: &Path) -> Result<()> {
    let mut cmd = Command::new("git");
    cmd.current_dir(paths::root()).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    for name in sh::output(&mut cmd)?.split('\0').filter(|name| !name.is_empty()) {
        let (from, to) = (paths::root().join(name), to.join(name));
        // Known, but deleted since.
        if !from.is_file() {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(&from, &to).with_context(|| format!("cannot copy {name}"))?;
    }
    Ok(())
}

/// Names and checksums.
fn sums(file: &Path) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, name)| (name.to_owned(), sum.to_owned()))
        .collect())
}
