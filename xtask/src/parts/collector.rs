//! `otelcol/otelcol`: a Collector with what the tests and `deploy/collector` use, made by the Collector's own builder.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::{paths, sh};

/// Versions of the Collector and of its providers of configurations: those for which the proxy has the parts of contrib.
const VERSION: &str = "v0.150.0";
const PROVIDERS: &str = "v1.56.0";
const CORE: &str = "go.opentelemetry.io/collector";
const CONTRIB: &str = "github.com/open-telemetry/opentelemetry-collector-contrib";
/// Each kind of part with those of the Collector itself, and those of contrib.
const COMPONENTS: [(&str, &[&str], &[&str]); 4] = [
    ("receiver", &["otlpreceiver"], &[]),
    (
        "processor",
        &["batchprocessor", "memorylimiterprocessor"],
        &["filterprocessor", "tailsamplingprocessor", "transformprocessor"],
    ),
    (
        "exporter",
        &["debugexporter", "otlpexporter", "otlphttpexporter"],
        &["loadbalancingexporter", "prometheusremotewriteexporter"],
    ),
    ("connector", &[], &["spanmetricsconnector"]),
];
/// Only tests of those parts import it, and the proxy does not have it in that version.
const UNUSED: &str = "otelcol/otelcoltest";

/// Where there is Go.
pub(super) fn install() -> Result<()> {
    let parts = COMPONENTS.iter().flat_map(|(_, core, contrib)| core.iter().chain(*contrib));
    let made_of: Vec<&str> = [VERSION].into_iter().chain(parts.copied()).collect();
    super::optional("otelcol", &["go"], &made_of, make)
}

fn make(dir: &Path, name: &str) -> Result<()> {
    let log = paths::log(name);
    let mut go = Command::new("go");
    go.arg("install").arg(format!("{CORE}/cmd/builder@{VERSION}")).env("GOBIN", dir);
    sh::run_logged(&mut go, &log)?;
    let unused = dir.join("unused");
    fs::create_dir_all(&unused)?;
    fs::write(unused.join("go.mod"), format!("module {CORE}/{UNUSED}\n\ngo 1.24\n"))?;
    fs::write(unused.join("unused.go"), "package otelcoltest\n")?;
    let file = dir.join("builder.yaml");
    fs::write(&file, manifest(dir))?;
    sh::run_logged(Command::new(dir.join("builder")).arg(format!("--config={}", file.display())), &log)
}

/// What the builder reads.
fn manifest(dir: &Path) -> String {
    let mut manifest = format!("dist:\n  name: otelcol\n  output_path: {}\n", dir.display());
    for (kind, core, contrib) in COMPONENTS {
        manifest.push_str(&format!("{kind}s:\n"));
        for (from, modules) in [(CORE, core), (CONTRIB, contrib)] {
            for module in modules {
                manifest.push_str(&format!("  - gomod: {from}/{kind}/{module} {VERSION}\n"));
            }
        }
    }
    manifest.push_str("providers:\n");
    for provider in ["envprovider", "fileprovider"] {
        manifest.push_str(&format!("  - gomod: {CORE}/confmap/provider/{provider} {PROVIDERS}\n"));
    }
    manifest.push_str(&format!("replaces:\n  - {CORE}/{UNUSED} => ./unused\n"));
    manifest
}
