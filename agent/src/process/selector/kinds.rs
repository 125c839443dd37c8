//! The table of labels: what they are called, which of them have keys, which are told by others.

use super::Label;
use crate::process::Process;
use crate::process::container::Labels;

/// Labels with fixed names.
pub(super) const NAMED: [(&str, Label); 26] = [
    ("exe", Label::Exe),
    ("comm", Label::Comm),
    ("cmdline", Label::CommandLine),
    ("pid", Label::Pid),
    ("port", Label::Port),
    ("user", Label::User),
    ("language", Label::Language),
    ("container", Label::Container),
    ("container.id", Label::ContainerId),
    ("container.name", Label::ContainerName),
    ("container.image", Label::ContainerImage),
    ("cgroup", Label::Cgroup),
    ("systemd.unit", Label::Unit),
    ("systemd.slice", Label::Slice),
    ("k8s.namespace", Label::Namespace),
    ("k8s.pod.name", Label::PodName),
    ("k8s.pod.uid", Label::PodUid),
    ("k8s.node.name", Label::Node),
    ("k8s.owner.kind", Label::OwnerKind),
    ("k8s.owner.name", Label::OwnerName),
    ("k8s.deployment.name", Label::Owner("Deployment")),
    ("k8s.replicaset.name", Label::Owner("ReplicaSet")),
    ("k8s.statefulset.name", Label::Owner("StatefulSet")),
    ("k8s.daemonset.name", Label::Owner("DaemonSet")),
    ("k8s.job.name", Label::Owner("Job")),
    ("k8s.cronjob.name", Label::Owner("CronJob")),
];

/// Other names of the same: as the semantic conventions, or as people, call them.
pub(super) const NAMES: [(&str, Label); 11] = [
    ("k8s.namespace.name", Label::Namespace),
    ("k8s.pod", Label::PodName),
    ("k8s.node", Label::Node),
    ("k8s.container.name", Label::ContainerName),
    ("container.image.name", Label::ContainerImage),
    ("k8s.deployment", Label::Owner("Deployment")),
    ("k8s.replicaset", Label::Owner("ReplicaSet")),
    ("k8s.statefulset", Label::Owner("StatefulSet")),
    ("k8s.daemonset", Label::Owner("DaemonSet")),
    ("k8s.job", Label::Owner("Job")),
    ("k8s.cronjob", Label::Owner("CronJob")),
];

/// Labels whose names end with a key.
pub(super) struct Keyed {
    pub(super) prefix: &'static str,
    pub(super) what: &'static str,
    pub(super) placeholder: &'static str,
    pub(super) label: fn(Box<str>) -> Label,
}

pub(super) const KEYED: [Keyed; 6] = [
    Keyed { prefix: "env.", what: "variable", placeholder: "NAME", label: Label::Environment },
    Keyed { prefix: "container.label.", what: "label", placeholder: "KEY", label: Label::ContainerLabel },
    Keyed { prefix: "k8s.pod.label.", what: "label", placeholder: "KEY", label: Label::PodLabel },
    Keyed { prefix: "k8s.pod.annotation.", what: "annotation", placeholder: "KEY", label: Label::PodAnnotation },
    Keyed { prefix: "k8s.namespace.label.", what: "label", placeholder: "KEY", label: Label::NamespaceLabel },
    Keyed { prefix: "k8s.node.label.", what: "label", placeholder: "KEY", label: Label::NodeLabel },
];

/// Values of `language`.
pub(super) const LANGUAGES: [&str; 7] = ["go", "java", "nodejs", "php", "python", "ruby", "dotnet"];

/// Where the values of a label come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The kernel, `/proc` and the process itself.
    Own,
    /// A container runtime or Kubernetes.
    Told,
}

pub(super) const fn form(label: &Label) -> Form {
    match label {
        Label::Exe
        | Label::Comm
        | Label::CommandLine
        | Label::Pid
        | Label::Port
        | Label::User
        | Label::Language
        | Label::Container
        | Label::ContainerId
        | Label::Cgroup
        | Label::Unit
        | Label::Slice
        | Label::Environment(_) => Form::Own,
        Label::ContainerName
        | Label::ContainerImage
        | Label::ContainerLabel(_)
        | Label::Namespace
        | Label::PodName
        | Label::PodUid
        | Label::Node
        | Label::PodLabel(_)
        | Label::PodAnnotation(_)
        | Label::NamespaceLabel(_)
        | Label::NodeLabel(_)
        | Label::OwnerKind
        | Label::OwnerName
        | Label::Owner(_) => Form::Told,
    }
}

/// The key of a label that has one.
pub(super) fn key(label: &Label) -> Option<&str> {
    match label {
        Label::Environment(key)
        | Label::ContainerLabel(key)
        | Label::PodLabel(key)
        | Label::PodAnnotation(key)
        | Label::NamespaceLabel(key)
        | Label::NodeLabel(key) => Some(key),
        _ => None,
    }
}

/// The keys that a process has of a label that needs one.
pub(super) fn keys<'a>(label: &Label, process: &'a Process) -> Box<dyn Iterator<Item = &'a str> + 'a> {
    let container = process.container.as_deref();
    let pod = container.and_then(|container| container.pod.as_deref());
    let labels: Option<&Labels> = match label {
        Label::Environment(_) => return Box::new(process.environment.iter().map(|(name, _)| &**name)),
        Label::ContainerLabel(_) => container.map(|container| &container.labels),
        Label::PodLabel(_) => pod.map(|pod| &pod.labels),
        Label::PodAnnotation(_) => pod.map(|pod| &pod.annotations),
        Label::NamespaceLabel(_) => pod.map(|pod| &*pod.namespace_labels),
        Label::NodeLabel(_) => pod.map(|pod| &*pod.node_labels),
        _ => None,
    };
    Box::new(labels.into_iter().flat_map(|labels| labels.keys().map(|key| &**key)))
}

/// What an image may also be called: without its digest and its tag, and without its registry.
pub(super) fn image_names(image: &str) -> impl Iterator<Item = &str> {
    let tagged = image.split('@').next().unwrap_or(image);
    // A colon before a slash belongs to a port.
    let bare = tagged.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(tagged, |(name, _)| name);
    [tagged, bare].into_iter().flat_map(|name| {
        let last = name.rsplit('/').next().unwrap_or(name);
        let familiar = name.strip_prefix("docker.io/").map(|name| name.strip_prefix("library/").unwrap_or(name));
        [Some(name), Some(last), familiar].into_iter().flatten()
    })
}
