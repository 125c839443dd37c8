//! How the API server is reached: as a service account of the cluster, or as a kubeconfig says.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::{Enabled, Settings};

/// Longest time for a connection to the API server.
const CONNECT: Duration = Duration::from_secs(5);
/// What the kubelet of a node listens on.
const KUBELET_PORT: u16 = 10250;

/// The configuration, or `None` where there is no Kubernetes.
pub(super) async fn config(settings: &Settings) -> anyhow::Result<Option<Config>> {
    let in_cluster = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    let mut config = match (&settings.kubeconfig, settings.enabled) {
        (_, Enabled::False) => return Ok(None),
        (Some(path), _) => from_file(path).await?,
        (None, _) if in_cluster => Config::incluster().context("the service account of the agent cannot be used")?,
        (None, Enabled::Auto) => return Ok(None),
        (None, Enabled::True) => {
            bail!("neither KUBERNETES_SERVICE_HOST nor wirespan.kubernetes.kubeconfig says where the API server is")
        }
    };
    config.connect_timeout = Some(CONNECT);
    // Proxies of the environment are for what leaves the cluster.
    config.proxy_url = None;
    Ok(Some(config))
}

async fn from_file(path: &Path) -> anyhow::Result<Config> {
    let place = || format!("wirespan.kubernetes.kubeconfig: {}", path.display());
    let kubeconfig = Kubeconfig::read_from(path).with_context(place)?;
    // The agent executes nothing; with its privileges a file that somebody else may write must not make it.
    if kubeconfig.auth_infos.iter().any(|user| user.auth_info.as_ref().is_some_and(|auth| auth.exec.is_some())) {
        bail!(
            "{}: it names programs that log in (`exec`), which wirespan does not run: use a token or a certificate",
            place()
        );
    }
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.with_context(place)
}

/// A client of the API server.
pub(super) fn client(config: Config) -> anyhow::Result<Client> {
    Client::try_from(config).context("the API server cannot be reached")
}

/// A client of the kubelet of this node, which is told who we are as the API server is. Its certificate must be the cluster's.
pub(super) fn kubelet(config: &Config) -> anyhow::Result<Client> {
    let address = ["NODE_IP", "HOST_IP", "K8S_NODE_IP"].iter().find_map(|name| std::env::var(name).ok());
    let address = address.as_deref().unwrap_or("127.0.0.1");
    let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    let cluster_url = format!("https://{address}:{KUBELET_PORT}").parse().context("NODE_IP is no address")?;
    let mut config = config.clone();
    (config.cluster_url, config.tls_server_name) = (cluster_url, None);
    client(config)
}
