//! The container that a process runs in, as its runtime and Kubernetes tell: names, labels, owners.
//!
//! The control groups of a process say which container it is ([`Placement`]); everything else comes later, from others, and may
//! change while the process runs ([`super::ProcessTable::described`]).

use std::collections::BTreeMap;
use std::sync::Arc;

/// Labels or annotations, by key.
pub type Labels = BTreeMap<Box<str>, Box<str>>;

/// Which container it is: what is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Placement {
    /// 64 hexadecimal digits.
    pub id: Arc<str>,
    /// UID of its pod, with dashes, where the control group names it.
    pub pod_uid: Option<Arc<str>>,
}

/// What is known of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name: of the runtime, or within its pod.
    pub name: Option<Box<str>>,
    /// The image as it was asked for (`docker.io/library/nginx:1.27`).
    pub image: Option<Box<str>>,
    /// `docker`, `containerd`, `cri-o`, `podman`.
    pub runtime: Option<Box<str>>,
    /// Its labels.
    pub labels: Labels,
    /// Its pod.
    pub pod: Option<Arc<Pod>>,
}

/// What is known of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    /// Namespace.
    pub namespace: Box<str>,
    /// Name.
    pub name: Box<str>,
    /// UID.
    pub uid: Box<str>,
    /// Name of its node.
    pub node: Option<Box<str>>,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// UID of its cluster: that of the namespace `kube-system`.
    pub cluster_uid: Option<Arc<str>>,
    /// Labels of its namespace.
    pub namespace_labels: Arc<Labels>,
    /// Labels of its node.
    pub node_labels: Arc<Labels>,
    /// Who owns it, from the nearest on: `("ReplicaSet", "web-5d8f")`, `("Deployment", "web")`.
    pub owners: Vec<(Box<str>, Box<str>)>,
}

/// What was found out about a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its id.
    pub id: Arc<str>,
    /// What is known of it; `None` if nobody knows it any more.
    pub container: Option<Arc<Container>>,
}

impl Pod {
    /// The owner of a kind.
    #[must_use]
    pub fn owner(&self, kind: &str) -> Option<&str> {
        self.owners.iter().find(|(candidate, _)| &**candidate == kind).map(|(_, name)| &**name)
    }
}
