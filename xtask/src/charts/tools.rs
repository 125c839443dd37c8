//! The programs that read charts, and what operators define: Go modules. Programs are built once, below the target folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{paths, sh};

/// Newer ones of kustomize want a newer Go.
const HELM: &str = "helm.sh/helm/v3/cmd/helm@v3.22.0";
const KUSTOMIZE: &str = "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1";
/// Modules that have definitions among their files, and these files: kinds of the Prometheus operator and of OpenShift.
const DEFINED: [(&str, &[&str]); 2] = [
    (
        "github.com/prometheus-operator/prometheus-operator@v0.85.0",
        &[
            "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        ],
    ),
    (
        "github.com/openshift/api@v0.0.0-20240131175612-92fe66c75e8f",
        &["security/v1/0000_03_security-openshift_01_scc.crd.yaml"],
    ),
];

/// `helm`.
pub fn helm() -> Result<PathBuf> {
    built("helm", HELM)
}

/// `kustomize`.
pub fn kustomize() -> Result<PathBuf> {
    built("kustomize", KUSTOMIZE)
}

fn built(name: &str, module: &str) -> Result<PathBuf> {
    let folder = paths::target().join("charts");
    let (program, stamp) = (folder.join(name), folder.join(format!(".{name}")));
    if program.is_file() && fs::read_to_string(&stamp).is_ok_and(|there| there == module) {
        return Ok(program);
    }
    if sh::which("go").is_none() {
        bail!("{name} is built with Go, and there is none here");
    }
    sh::step(format!("building {module} (two minutes)"));
    fs::create_dir_all(&folder)?;
    sh::run_logged(Command::new("go").args(["install", module]).env("GOBIN", &folder), &paths::log(name))?;
    fs::write(stamp, module)?;
    Ok(program)
}

/// The definitions (CustomResourceDefinition) of kinds that are not Kubernetes' own, as their makers publish them.
pub fn definitions() -> Result<String> {
    let mut all = String::new();
    for (module, files) in DEFINED {
        let told =
            sh::output(Command::new("go").args(["mod", "download", "-json", module]).current_dir(paths::target()))?;
        let told: serde_json::Value = serde_json::from_str(&told)?;
        let folder = PathBuf::from(told["Dir"].as_str().with_context(|| format!("{module} cannot be had"))?);
        for file in files {
            let path = folder.join(file);
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            all += &format!("---\n{text}\n");
        }
    }
    Ok(all)
}
