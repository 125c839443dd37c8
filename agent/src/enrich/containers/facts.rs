//! What the sources say, before it is put together.

use std::net::IpAddr;
use std::sync::Arc;

use crate::process::container::{Labels, Pod};
use crate::trace::peers::Claims;

/// Label keys by which the kubelet tells runtimes whose container it is.
const KUBELET: [&str; 4] =
    ["io.kubernetes.pod.namespace", "io.kubernetes.pod.name", "io.kubernetes.pod.uid", "io.kubernetes.container.name"];

/// What a runtime says of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OfRuntime {
    /// Its name, where the runtime has names.
    pub(crate) name: Option<Box<str>>,
    /// The image as it was asked for.
    pub(crate) image: Option<Box<str>>,
    /// Which runtime it is.
    pub(crate) runtime: &'static str,
    /// Its labels.
    pub(crate) labels: Labels,
}

impl OfRuntime {
    /// The pod that the kubelet wrote into the labels, with the name of the container within.
    pub(super) fn pod(&self) -> Option<(Pod, Box<str>)> {
        let [namespace, name, uid, container] = KUBELET.map(|key| self.labels.get(key));
        let pod = Pod { namespace: namespace?.clone(), name: name?.clone(), uid: uid?.clone(), ..Pod::default() };
        Some((pod, container?.clone()))
    }
}

/// What Kubernetes says of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OfPod {
    /// The pod; without the labels of its namespace and of its node.
    pub(crate) pod: Pod,
    /// Its containers.
    pub(crate) containers: Vec<PodContainer>,
    /// Its addresses, while they are its own: those of a pod that is over are somebody else's.
    pub(crate) addresses: Vec<IpAddr>,
    /// TCP ports that it announces; only of a pod that shares the addresses of its node.
    pub(crate) host_ports: Option<Vec<u16>>,
    /// When it was started, Unix time in seconds.
    pub(crate) started: Option<i64>,
}

/// A container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PodContainer {
    /// Its id, once it was started.
    pub(crate) id: Option<Arc<str>>,
    /// Which runtime runs it.
    pub(crate) runtime: Option<Box<str>>,
    /// Its name within the pod.
    pub(crate) name: Box<str>,
    /// Its image.
    pub(crate) image: Option<Box<str>>,
}

/// News of a source.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// A runtime knows a container.
    Runtime(Arc<str>, OfRuntime),
    /// A pod came or changed.
    Pod(Box<OfPod>),
    /// A pod is gone; its UID.
    PodGone(Box<str>),
    /// All pods there are were told: these UIDs. Others are gone.
    Pods(Vec<Box<str>>),
    /// Labels of a namespace; `None`: it is gone.
    Namespace(Box<str>, Option<Arc<Labels>>),
    /// Labels of this node.
    Node(Arc<Labels>),
    /// The UID of the cluster.
    Cluster(Arc<str>),
    /// Who owns an owner of pods.
    Owner(OwnerOf, (Box<str>, Box<str>)),
    /// Whose addresses are.
    Claims(Claims),
}

/// An owner of pods: its namespace, kind and name.
pub(crate) type OwnerOf = (Box<str>, Box<str>, Box<str>);
