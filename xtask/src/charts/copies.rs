//! Rules and dashboards are files of their own (`deploy/prometheus`, `deploy/grafana`), and the chart has copies of them: helm reads
//! nothing outside of a chart.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::folder;
use crate::{paths, sh};

/// A folder of `deploy`, and how the names of those files end that go into the chart.
const COPIED: [(&str, &[&str]); 2] = [("prometheus", &[".rules.yml", ".alerts.yml"]), ("grafana", &[".json"])];

/// Compares, or writes.
pub fn copies(write: bool) -> Result<()> {
    for (name, endings) in COPIED {
        let copies = folder().join("chart/wirespan/files").join(name);
        let wanted = read(&paths::root().join("deploy").join(name), endings)?;
        if write {
            write_all(&copies, &wanted)?;
        } else if read(&copies, &[""])? != wanted {
            bail!("{} differs from deploy/{name}: `cargo xtask charts --write`", copies.display());
        }
    }
    Ok(())
}

fn read(folder: &Path, endings: &[&str]) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(files) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if endings.iter().any(|ending| name.ends_with(ending)) {
            let bytes = fs::read(entry.path()).with_context(|| format!("cannot read {}", entry.path().display()))?;
            files.insert(name, bytes);
        }
    }
    Ok(files)
}

fn write_all(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    let _ = fs::remove_dir_all(folder);
    if files.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes)?;
    }
    sh::step(format!("{}: {} files", folder.display(), files.len()));
    Ok(())
}
