//! What packages have beside the binary, gathered where their tools look for it: in the folder `package` beside the release binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::archive::{Entry, gzip};
use crate::arch::Arch;
use crate::{paths, sh, toolchain};

/// Files of the repository that the archive has as they are, and where.
const AS_THEY_ARE: [(&str, &str); 9] = [
    ("LICENSE", "LICENSE"),
    ("README.md", "README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("deploy/systemd/wirespan.service", "systemd/wirespan.service"),
    ("deploy/systemd/features/admin.conf", "systemd/features/admin.conf"),
    ("deploy/systemd/features/propagate.conf", "systemd/features/propagate.conf"),
    ("deploy/packages/wirespan.sysusers", "systemd/wirespan.sysusers"),
    ("deploy/packages/wirespan.default", "etc/default/wirespan"),
    ("deploy/systemd/wirespan.yaml", "etc/wirespan/wirespan.yaml"),
];

/// Writes manual pages, completions, the changelog and the list of packages; the folder.
pub fn gather(arch: Arch, sbom: &[u8]) -> Result<PathBuf> {
    let folder = paths::release(arch).join("package");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    sh::step("writing manual pages and completions");
    let mut cmd = Command::new(toolchain::own_cargo());
    cmd.current_dir(paths::root()).args(["run", "--quiet", "--locked", "--package", "wirespan"]);
    sh::run(cmd.args(["--example", "manual", "--"]).arg(&folder))?;
    let pages = folder.join("man");
    for page in listed(&pages)? {
        // Those of `help` tell nothing that the others do not.
        if !page.contains("-help") {
            fs::write(pages.join(format!("{page}.gz")), gzip(&fs::read(pages.join(&page))?)?)?;
        }
        fs::remove_file(pages.join(page))?;
    }
    fs::write(folder.join("CHANGELOG.md.gz"), gzip(&fs::read(paths::root().join("CHANGELOG.md"))?)?)?;
    fs::write(folder.join("wirespan.cdx.json"), sbom)?;
    Ok(folder)
}

/// What the archive has inside, below one folder.
pub fn archive(name: &str, binary: &Path, stage: &Path) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> =
        ["", "/etc", "/etc/default", "/etc/wirespan", "/systemd", "/systemd/features", "/man", "/completions"]
            .map(|folder| Entry::folder(format!("{name}{folder}")))
            .to_vec();
    entries.push(Entry { mode: 0o755, ..Entry::read(format!("{name}/wirespan"), binary)? });
    entries.push(Entry::read(format!("{name}/wirespan.cdx.json"), &stage.join("wirespan.cdx.json"))?);
    for (from, to) in AS_THEY_ARE {
        entries.push(Entry::read(format!("{name}/{to}"), &paths::root().join(from))?);
    }
    for folder in ["man", "completions"] {
        for file in listed(&stage.join(folder))? {
            entries.push(Entry::read(format!("{name}/{folder}/{file}"), &stage.join(folder).join(&file))?);
        }
    }
    Ok(entries)
}

/// Names in a folder.
fn listed(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}
