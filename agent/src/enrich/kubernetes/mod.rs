//! Pods of this node, what is around them, and whose addresses are, from the Kubernetes API.
//!
//! Five watches, all answered by the API server out of its cache: pods of this node; this node; metadata of namespaces; services
//! and end points, if peers are to be named. Besides, each job that owns a pod is asked for once. A watch that ends goes on where
//! it was; one that fails waits, longer each time. What the agent may not see is said once, and left out. Where pods are refused
//! or nobody answers, the kubelet of the node is asked for them.

mod addresses;
mod client;
mod objects;
mod owners;
mod pods;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use kube::{Api, Client};

use super::containers::facts::News;
use super::containers::{Said, Sender};
use objects::Node;

/// How long the agent waits before it tries again to reach the API server.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether Kubernetes is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Enabled {
    /// Where the agent runs in a cluster, or has a kubeconfig.
    #[default]
    Auto,
    /// Yes; that it cannot be is said.
    True,
    /// No.
    False,
}

/// How Kubernetes is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether it is.
    pub enabled: Enabled,
    /// Name of this node.
    pub node: Option<String>,
    /// File that says where the API server is and who asks.
    pub kubeconfig: Option<PathBuf>,
    /// Whether services and end points are followed, to name peers.
    pub peers: bool,
}

impl Settings {
    /// Whether the environment or a file says where the API server is.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        let is_said = self.kubeconfig.is_some() || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
        is_said && self.enabled != Enabled::False
    }
}

/// Follows what there is, for as long as the agent runs.
pub(super) async fn follow(settings: Settings, news: Sender<News>, said: &Said) {
    let (config, client) = loop {
        let config = client::config(&settings).await;
        match config.and_then(|config| config.map(|config| Ok((config.clone(), client::client(config)?))).transpose()) {
            Ok(Some(found)) => break found,
            Ok(None) => return,
            Err(error) => said.once("kubernetes", &format!("Kubernetes is not asked: {error:#}")),
        }
        tokio::time::sleep(PATIENCE).await;
    };
    let node = loop {
        match node_name(&settings, &client).await {
            Some(node) => break node,
            None => said.once(
                "node",
                "no node has this host's name: wirespan.kubernetes.node, or NODE_NAME, must say which one this is",
            ),
        }
        tokio::time::sleep(PATIENCE).await;
    };
    tracing::info!("Kubernetes names the pods of the node {}", crate::shown::clean(&node, 253));
    watch::Watches::new(client, config, node, news, said).run(settings.peers).await;
}

/// The name of this node: as the settings or the environment say, else the host's if a node of that name can be seen.
async fn node_name(settings: &Settings, client: &Client) -> Option<String> {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.is_empty());
    if let Some(node) = settings.node.clone().or_else(|| variable("NODE_NAME")).or_else(|| variable("K8S_NODE_NAME")) {
        return Some(node);
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?.trim().to_lowercase();
    let found = Api::<Node>::all(client.clone()).get_opt(&host).await;
    found.ok().flatten().map(|_| host)
}
