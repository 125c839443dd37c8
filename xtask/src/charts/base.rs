//! The Kustomize base and its overlay. The base is what the chart makes of `ci/default-values.yaml`, a file for each template; the
//! overlay is written by hand, and must come to what the chart makes of `privileged=true`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::chart::{Chart, output};
use super::objects::{Object, documents, objects};
use super::{NAMESPACE, folder};
use crate::{paths, sh};

/// The first line of each file that is written.
const HEAD: &str = "# Written from the chart by `cargo xtask charts --write`.\n";
/// What helm notes about itself.
const HELMS: [&str; 2] = ["app.kubernetes.io/managed-by: Helm", "helm.sh/chart: "];
/// Values by which the base differs from an overlay.
const PRIVILEGED: [&str; 2] = ["--set", "privileged=true"];

/// Compares (or writes) the base, and compares what kustomize makes of base and overlay with what helm makes. The answer: the
/// objects of both.
pub fn base(chart: &Chart, kustomize: &Path, write: bool) -> Result<Vec<(String, Vec<Object>)>> {
    let base = folder().join("base");
    let wanted = files(&chart.template(&chart.value("default"), &[])?)?;
    if write {
        for (name, text) in &wanted {
            fs::write(base.join(name), text)?;
        }
        sh::step(format!("{}: {} files", base.display(), wanted.len()));
    }
    for (name, text) in &wanted {
        let there = fs::read_to_string(base.join(name)).unwrap_or_default();
        ensure!(
            there == *text,
            "deploy/kubernetes/base/{name} is not what the chart makes: `cargo xtask charts --write`"
        );
    }
    let mut all = Vec::new();
    for (place, more) in [("base", &[][..]), ("overlays/privileged", &PRIVILEGED[..])] {
        let ours = build(kustomize, &folder().join(place))?;
        let theirs = reference(chart, kustomize, more)?;
        if let Some(object) = theirs.iter().find(|object| !ours.contains(object)) {
            bail!("{place} lacks what the chart makes of it:\n{}", object.yaml);
        }
        if let Some(object) = ours.iter().find(|object| !theirs.contains(object)) {
            bail!("{place} has what the chart does not make:\n{}", object.yaml);
        }
        all.push((place.to_owned(), ours));
    }
    Ok(all)
}

/// What helm writes, by the file of the base: a file for each template, without what helm notes about itself.
fn files(rendered: &str) -> Result<BTreeMap<String, String>> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for document in documents(rendered) {
        let (source, text) = document.split_once('\n').unwrap_or_default();
        let name = source
            .rsplit_once('/')
            .map(|(_, name)| name.to_owned())
            .context("helm does not say of which template it is")?;
        let text: String = text
            .lines()
            .filter(|line| !HELMS.iter().any(|noted| line.trim_start().starts_with(noted)))
            .flat_map(|line| [line, "\n"])
            .collect();
        match files.get_mut(&name) {
            Some(file) => *file += &format!("---\n{text}"),
            None => drop(files.insert(name, format!("{HEAD}{text}"))),
        }
    }
    Ok(files)
}

/// What kustomize makes of what helm makes: the same way of writing as [`build`]'s.
fn reference(chart: &Chart, kustomize: &Path, more: &[&str]) -> Result<Vec<Object>> {
    let place = paths::target().join("charts/reference");
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place)?;
    let mut list = format!("namespace: {NAMESPACE}\nresources:\n  - namespace.yaml\n");
    fs::copy(folder().join("base/namespace.yaml"), place.join("namespace.yaml"))?;
    for (name, text) in files(&chart.template(&chart.value("default"), more)?)? {
        list += &format!("  - {name}\n");
        fs::write(place.join(name), text)?;
    }
    fs::write(place.join("kustomization.yaml"), list)?;
    build(kustomize, &place)
}

fn build(kustomize: &Path, place: &PathBuf) -> Result<Vec<Object>> {
    Ok(objects(&output(Command::new(kustomize).arg("build").arg(place))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_for_each_template() {
        let rendered = "---\n# Source: wirespan/templates/b.yaml\nkind: B\n  helm.sh/chart: x-1\n---\n# Source: wirespan/templates/a.yaml\n\
                        kind: A\n---\n# Source: wirespan/templates/b.yaml\nkind: C\n";
        let files = files(rendered).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["a.yaml", "b.yaml"]);
        assert_eq!(files["b.yaml"], format!("{HEAD}kind: B\n---\nkind: C\n"));
    }
}
