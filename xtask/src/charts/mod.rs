//! `cargo xtask charts`: what the Helm chart and the Kustomize base make of the values that matter, and what a real API server says
//! of it.
//!
//! Layout: [`tools`] (helm, kustomize), [`chart`] (what the chart makes, and refuses), [`promises`] (what must be true of that),
//! [`base`] (the Kustomize base, written from the chart), [`copies`] (rules and dashboards inside the chart); with `--server`
//! [`server`] (an API server with its etcd), [`api`] (what is asked of it), [`objects`] (documents of YAML) and [`applied`] (what is
//! tried there).

mod api;
mod applied;
mod base;
mod chart;
pub mod copies;
mod objects;
mod promises;
mod server;
mod tools;

use std::path::PathBuf;

use anyhow::Result;

use crate::{paths, sh};

/// Arguments of `cargo xtask charts`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Write what comes from others: the Kustomize base, and the chart's copies of rules and dashboards
    #[arg(long)]
    write: bool,
    /// Try everything on an API server, too: the one of the test parts
    #[arg(long)]
    server: bool,
    /// That API server
    #[arg(long, value_name = "PROGRAM")]
    kube_apiserver: Option<PathBuf>,
}

/// The namespace of everything that is tried, and of the base.
const NAMESPACE: &str = "wirespan";

/// `deploy/kubernetes`.
fn folder() -> PathBuf {
    paths::root().join("deploy/kubernetes")
}

/// Everything, one after the other; the first complaint ends it.
pub fn charts(args: &Args) -> Result<()> {
    copies::copies(args.write)?;
    let (helm, kustomize) = (tools::helm()?, tools::kustomize()?);
    let helm = chart::Chart::new(helm, folder().join("chart/wirespan"));
    sh::step("helm lint, and what helm makes of chart/wirespan/ci");
    helm.versions()?;
    let made = helm.made()?;
    for (name, objects) in &made {
        promises::check(name, objects)?;
    }
    promises::documented(&made)?;
    promises::configurations(&made)?;
    sh::step("values that are wrong");
    helm.refuses()?;
    sh::step("kustomize build");
    let base = base::base(&helm, &kustomize, args.write)?;
    if args.server || args.kube_apiserver.is_some() {
        let program =
            args.kube_apiserver.clone().unwrap_or_else(|| paths::parts().join("kube-apiserver/kube-apiserver"));
        let server = server::Server::start(&program)?;
        applied::everything(&server, &helm, &made, &base)?;
    }
    sh::step("charts: nothing to complain about");
    Ok(())
}
