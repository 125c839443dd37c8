//! Objects of Kubernetes, cut down to what is wanted of them: the rest is passed over while it is read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use kube::core::{ClusterResourceScope, NamespaceResourceScope};
use serde::{Deserialize, Deserializer};

/// Longest value of a label or annotation that is kept, bytes: configurations that tools put into annotations are longer.
const MAX_VALUE: usize = 1024;
/// Most labels, and most annotations, of an object that are kept.
const MAX_VALUES: usize = 128;

/// The part of an object's metadata that is kept.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<OwnerReference>>,
}

/// Reads metadata without what the server keeps for itself (`managedFields`).
fn meta<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    let Meta { name, namespace, uid, resource_version, labels, annotations, owner_references } =
        Meta::deserialize(deserializer)?;
    let short = |values: BTreeMap<String, String>| {
        values.into_iter().filter(|(_, value)| value.len() <= MAX_VALUE).take(MAX_VALUES).collect()
    };
    Ok(ObjectMeta {
        name,
        namespace,
        uid,
        resource_version,
        labels: labels.map(short),
        annotations: annotations.map(short),
        owner_references,
        ..ObjectMeta::default()
    })
}

/// A kind of object: its group, version and plural, where it lives, and whether its metadata is all that is asked for.
macro_rules! kind {
    ($name:ident, $scope:ty, $group:literal, $version:literal, $plural:literal, $metadata_only:literal) => {
        impl Resource for $name {
            type DynamicType = ();
            type Scope = $scope;

            fn kind((): &()) -> Cow<'_, str> {
                stringify!($name).into()
            }

            fn group((): &()) -> Cow<'_, str> {
                $group.into()
            }

            fn version((): &()) -> Cow<'_, str> {
                $version.into()
            }

            fn plural((): &()) -> Cow<'_, str> {
                $plural.into()
            }

            fn metadata_api() -> bool {
                $metadata_only
            }

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

/// Objects of which only the metadata is asked for.
macro_rules! bare {
    ($($(#[$doc:meta])+ $name:ident: $scope:ty, $group:literal, $plural:literal;)*) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Debug, Default, Deserialize)]
            #[serde(default)]
            pub(super) struct $name {
                #[serde(deserialize_with = "meta")]
                pub(super) metadata: ObjectMeta,
            }
            kind!($name, $scope, $group, "v1", $plural, true);
        )*
    };
}

bare! {
    /// A namespace.
    Namespace: ClusterResourceScope, "", "namespaces";
    /// A job.
    Job: NamespaceResourceScope, "batch", "jobs";
}

/// A pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    #[serde(deserialize_with = "meta")]
    pub(super) metadata: ObjectMeta,
    pub(super) spec: PodSpec,
    pub(super) status: PodStatus,
}
kind!(Pod, NamespaceResourceScope, "", "v1", "pods", false);

/// What is wanted of its specification.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodSpec {
    pub(super) node_name: Option<String>,
    pub(super) host_network: bool,
    pub(super) containers: Vec<PodContainer>,
}

/// A container of a pod as it is wished for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodContainer {
    pub(super) name: String,
    pub(super) image: Option<String>,
    pub(super) ports: Vec<ContainerPort>,
}

/// A port that a container announces.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerPort {
    pub(super) container_port: u16,
    pub(super) protocol: Option<String>,
}

/// What is wanted of its status.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodStatus {
    pub(super) phase: Option<String>,
    pub(super) start_time: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
    #[serde(rename = "podIPs")]
    pub(super) pod_ips: Vec<PodIp>,
    #[serde(rename = "hostIP")]
    pub(super) host_ip: Option<String>,
    pub(super) container_statuses: Vec<ContainerStatus>,
    pub(super) init_container_statuses: Vec<ContainerStatus>,
    pub(super) ephemeral_container_statuses: Vec<ContainerStatus>,
}

/// An address of a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PodIp {
    pub(super) ip: String,
}

/// A container of a pod as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerStatus {
    pub(super) name: String,
    pub(super) image: String,
    /// `containerd://ID`.
    #[serde(rename = "containerID")]
    pub(super) container_id: Option<String>,
}

/// A node.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Node {
    #[serde(deserialize_with = "meta")]
    pub(super) metadata: ObjectMeta,
    pub(super) status: NodeStatus,
}
kind!(Node, ClusterResourceScope, "", "v1", "nodes", false);

/// What is wanted of its status.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeStatus {
    pub(super) addresses: Vec<NodeAddress>,
}

/// An address of a node, or its name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeAddress {
    pub(super) address: String,
}

/// A service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Service {
    #[serde(deserialize_with = "meta")]
    pub(super) metadata: ObjectMeta,
    pub(super) spec: ServiceSpec,
}
kind!(Service, NamespaceResourceScope, "", "v1", "services", false);

/// What is wanted of its specification.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ServiceSpec {
    #[serde(rename = "clusterIPs")]
    pub(super) cluster_ips: Vec<String>,
    #[serde(rename = "externalIPs")]
    pub(super) external_ips: Vec<String>,
    pub(super) ports: Vec<ServicePort>,
}

/// A port of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ServicePort {
    pub(super) protocol: Option<String>,
    pub(super) node_port: Option<u16>,
}

/// A part of the end points of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EndpointSlice {
    #[serde(deserialize_with = "meta")]
    pub(super) metadata: ObjectMeta,
    #[serde(deserialize_with = "list")]
    pub(super) endpoints: Vec<Endpoint>,
    #[serde(deserialize_with = "list")]
    pub(super) ports: Vec<EndpointPort>,
}
kind!(EndpointSlice, NamespaceResourceScope, "discovery.k8s.io", "v1", "endpointslices", false);

/// Where one of them listens.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Endpoint {
    pub(super) addresses: Vec<String>,
}

/// A port on which all of them listen.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EndpointPort {
    pub(super) port: Option<u16>,
    pub(super) protocol: Option<String>,
}

/// A list that may be `null`.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wanted_is_passed_over() {
        let text = r#"{"kind":"Pod","metadata":{"name":"web-1","namespace":"shop","uid":"u","resourceVersion":"7",
            "labels":{"app":"web"},"annotations":{"short":"x","long":"LONG"},"managedFields":[{"manager":"kubelet"}]},
            "spec":{"nodeName":"n","containers":[{"name":"c","image":"web:1","env":[{"name":"SECRET","value":"x"}]}]},
            "status":{"podIPs":[{"ip":"10.1.0.7"}],"containerStatuses":[{"name":"c","image":"docker.io/web:1",
            "containerID":"containerd://abc","state":{}}]}}"#;
        let pod: Pod = serde_json::from_str(&text.replace("LONG", &"x".repeat(MAX_VALUE + 1))).unwrap();
        assert_eq!(pod.metadata.annotations.unwrap().into_keys().collect::<Vec<_>>(), ["short"]);
        assert_eq!(pod.metadata.managed_fields, None);
        assert_eq!(pod.status.container_statuses[0].container_id.as_deref(), Some("containerd://abc"));
        let slice: EndpointSlice = serde_json::from_str(r#"{"endpoints":null}"#).unwrap();
        assert!(slice.endpoints.is_empty() && slice.ports.is_empty());
    }
}
