//! What helm makes of the chart, and what it refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use super::NAMESPACE;
use super::objects::{Object, objects};
use crate::{paths, sh};

/// Values that a schema must refuse, and a word of what is then said.
const WRONG: [(&str, &str); 16] = [
    ("selection=some", "selection"),
    ("selction=all", "selction"),
    ("otlp.endpoint=collector:4318", "endpoint"),
    ("otlp.protocol=http/json", "protocol"),
    ("otlp.headers=x", "headers"),
    ("metrics.port=0", "port"),
    ("metrics.port=http", "port"),
    ("metrics.address=localhost", "address"),
    ("features.propogate=true", "propogate"),
    ("privileged=yes", "privileged"),
    ("seccompProfile.type=Localhost", "localhostProfile"),
    ("appArmorProfile.type=unconfined", "appArmorProfile"),
    ("image.digest=latest", "digest"),
    ("priorityClass.value=2000000000", "value"),
    ("terminationGracePeriodSeconds=1", "terminationGracePeriodSeconds"),
    // No mistake of one value, but of two.
    ("selection=opted-in,kubernetes.enabled=false", "opted-in"),
];

/// Versions of Kubernetes that it is made for: a new one, and the oldest that the chart says it is for.
const NEW: &str = "1.36.0";
const OLD: &str = "1.25.0";

/// The chart, and the program that reads it.
pub struct Chart {
    helm: PathBuf,
    folder: PathBuf,
}

impl Chart {
    /// The chart of that folder.
    pub fn new(helm: PathBuf, folder: PathBuf) -> Self {
        Self { helm, folder }
    }

    /// Values files that matter: `ci/NAME-values.yaml`, by name.
    pub fn values(&self) -> Result<Vec<(String, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.folder.join("ci"))? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()?.strip_suffix("-values.yaml")).map(str::to_owned);
            found.push((name.with_context(|| format!("{} is no -values.yaml", path.display()))?, path));
        }
        found.sort();
        Ok(found)
    }

    /// The values file of that name.
    pub fn value(&self, name: &str) -> PathBuf {
        self.folder.join("ci").join(format!("{name}-values.yaml"))
    }

    /// The chart's version is that of the workspace.
    pub fn versions(&self) -> Result<()> {
        let workspace: toml::Table = fs::read_to_string(paths::root().join("Cargo.toml"))?.parse()?;
        let version = workspace["workspace"]["package"]["version"].as_str().context("no version in Cargo.toml")?;
        let chart = fs::read_to_string(self.folder.join("Chart.yaml"))?;
        for line in [format!("version: {version}"), format!("appVersion: \"{version}\"")] {
            ensure!(chart.lines().any(|there| there == line), "Chart.yaml lacks `{line}`, which Cargo.toml says");
        }
        Ok(())
    }

    /// What it makes of each of them, which helm's lint has nothing against.
    pub fn made(&self) -> Result<Vec<(String, Vec<Object>)>> {
        let mut all = Vec::new();
        for (name, path) in self.values()? {
            let mut lint = self.helm("lint");
            lint.args(["--strict", "--quiet", "--kube-version", NEW]).arg(&self.folder).arg("--values").arg(&path);
            output(&mut lint)?;
            all.push((name, objects(&self.template(&path, &[])?)));
        }
        // With values of its own alone, and on the oldest cluster.
        all.push(("none".to_owned(), objects(&self.template(Path::new("/dev/null"), &[])?)));
        all.push(("old".to_owned(), objects(&self.template(&self.value("default"), &["--kube-version", OLD])?)));
        Ok(all)
    }

    /// What it makes of a values file.
    pub fn template(&self, values: &Path, more: &[&str]) -> Result<String> {
        let mut cmd = self.helm("template");
        cmd.arg("wirespan").arg(&self.folder).args(["--kube-version", NEW, "--namespace", NAMESPACE, "--values"]);
        output(cmd.arg(values).args(more))
    }

    /// Runs helm against a server: `install`, `upgrade` and the like.
    pub fn release(&self, what: &str, kubeconfig: &Path, values: Option<&Path>, more: &[&str]) -> Result<String> {
        let mut cmd = self.helm(what);
        cmd.arg("wirespan").args(["--namespace", NAMESPACE, "--kubeconfig"]).arg(kubeconfig);
        if let Some(values) = values {
            cmd.arg(&self.folder).arg("--values").arg(values);
        }
        output(cmd.args(more))
    }

    /// Nothing is made of values that are wrong, and the message names them.
    pub fn refuses(&self) -> Result<()> {
        for (set, word) in WRONG {
            let mut cmd = self.helm("template");
            cmd.arg("wirespan").arg(&self.folder).args(["--kube-version", NEW, "--set", set]);
            match output(&mut cmd) {
                Ok(_) => bail!("`--set {set}` is not refused"),
                Err(why) => {
                    let why = format!("{why:#}");
                    let said = why.lines().skip(1).any(|line| line.contains(word));
                    ensure!(said, "`--set {set}` is refused, but not because of `{word}`: {why}");
                }
            }
        }
        Ok(())
    }

    fn helm(&self, what: &str) -> Command {
        let mut cmd = Command::new(&self.helm);
        cmd.arg(what);
        // Nothing of the person who runs it.
        for variable in ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"] {
            cmd.env(variable, paths::target().join("charts/home"));
        }
        cmd.env_remove("KUBECONFIG");
        cmd
    }
}

/// What a command prints; if it fails, what it says about that, below its own line.
pub fn output(cmd: &mut Command) -> Result<String> {
    let out = cmd.stdin(Stdio::null()).output().with_context(|| format!("cannot run `{}`", sh::shown(cmd)))?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let said = [out.stdout, out.stderr].concat();
    bail!("`{}` failed ({}):\n{}", sh::shown(cmd), out.status, String::from_utf8_lossy(&said).trim_end());
}
