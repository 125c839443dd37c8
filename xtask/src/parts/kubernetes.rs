//! `kube-apiserver/kube-apiserver`: the API server of Kubernetes. It needs an etcd, and nothing else of a cluster.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::{paths, sh};

/// Versions of Kubernetes, and of the modules that it is made of.
pub(super) const VERSIONS: [&str; 2] = ["v1.36.3", "v0.36.3"];
/// As its own main package starts it.
const MAIN: &str = r#"package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() { os.Exit(cli.Run(app.NewAPIServerCommand())) }
"#;

/// Builds it. What its module replaces by folders of its repository is had from the proxy.
pub(super) fn api_server(dir: &Path, name: &str) -> Result<()> {
    let log = paths::log(name);
    let [version, modules] = VERSIONS;
    fs::write(dir.join("main.go"), MAIN)?;
    // What it requires is replaced further down; until then Go could not read it.
    fs::write(dir.join("go.mod"), "module kube-apiserver\n")?;
    let go = |arguments: &[&str]| {
        let mut go = Command::new("go");
        go.current_dir(dir).args(arguments);
        go
    };
    let told = sh::output(&mut go(&["mod", "download", "-json", &format!("k8s.io/kubernetes@{version}")]))?;
    let of = |key: &str| told.lines().find_map(|line| line.trim().strip_prefix(&format!("\"{key}\": \"")));
    let file = of("GoMod").and_then(|rest| rest.strip_suffix("\",")).context("go tells no go.mod of Kubernetes")?;
    let original = fs::read_to_string(file)?;
    let is_kept = |line: &&str| line.starts_with("go ") || line.starts_with("godebug ");
    let kept = original.lines().filter(is_kept).map(|line| format!("{line}\n"));
    let replaced = original
        .lines()
        .filter_map(|line| line.trim().split_once(" => ./staging/"))
        .map(|(module, _)| format!("replace {module} => {module} {modules}\n"));
    let module = format!("module kube-apiserver\n\nrequire k8s.io/kubernetes {version}\n");
    fs::write(dir.join("go.mod"), module + &kept.chain(replaced).collect::<String>())?;
    // It says its version only if it is told.
    let flags = format!("-ldflags=-s -w -X k8s.io/component-base/version.gitVersion={version}");
    sh::run_logged(&mut go(&["build", "-mod=mod", "-trimpath", &flags, "-o", "kube-apiserver", "."]), &log)
}
