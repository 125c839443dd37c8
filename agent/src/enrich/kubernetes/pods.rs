//! From a pod of the API to what is kept of it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use kube::api::ObjectMeta;

use super::objects::{ContainerStatus, Pod};
use crate::enrich::containers::facts::{OfPod, PodContainer};
use crate::process::container::{Labels, Pod as Known};

/// Most containers of a pod that are kept.
const MAX_CONTAINERS: usize = 64;

/// Kind and name of an owner.
pub(super) type Owner = (Box<str>, Box<str>);

/// What is kept of a pod. Owners of its owner are not known here.
pub(super) fn facts(pod: Pod) -> OfPod {
    let Pod { metadata, spec, status } = pod;
    let images: BTreeMap<&str, &str> = spec
        .containers
        .iter()
        .filter_map(|container| Some((container.name.as_str(), container.image.as_deref()?)))
        .collect();
    let statuses = [&status.container_statuses, &status.init_container_statuses, &status.ephemeral_container_statuses];
    let mut containers: Vec<PodContainer> = statuses
        .into_iter()
        .flatten()
        .filter(|status| status.container_id.is_some())
        .map(|status| container(status, &images))
        .take(MAX_CONTAINERS)
        .collect();
    containers.sort_by(|a, b| a.id.cmp(&b.id));
    let is_over = matches!(status.phase.as_deref(), Some("Succeeded" | "Failed"));
    let addresses = status.pod_ips.iter().filter_map(|pod| pod.ip.parse::<IpAddr>().ok()).filter(|_| !is_over);
    let tcp = |protocol: &Option<String>| protocol.as_deref().is_none_or(|protocol| protocol == "TCP");
    let ports = spec.containers.iter().flat_map(|container| &container.ports);
    let ports = ports.filter(|port| tcp(&port.protocol)).map(|port| port.container_port).take(MAX_CONTAINERS);
    OfPod {
        addresses: addresses.collect(),
        host_ports: spec.host_network.then(|| ports.collect()),
        started: status.start_time.map(|time| time.0.as_second()),
        containers,
        pod: known(metadata, spec.node_name),
    }
}

fn known(metadata: ObjectMeta, node: Option<String>) -> Known {
    let mut owners: Vec<Owner> = owner(&metadata).into_iter().collect();
    let labels = texts(metadata.labels);
    owners.extend(owners.first().and_then(|owner| deployment(owner, &labels)));
    Known {
        owners,
        labels,
        namespace: metadata.namespace.unwrap_or_default().into(),
        name: metadata.name.unwrap_or_default().into(),
        uid: metadata.uid.unwrap_or_default().into(),
        node: node.map(Into::into),
        annotations: texts(metadata.annotations),
        ..Known::default()
    }
}

/// Labels or annotations as they are kept.
pub(super) fn texts(texts: Option<BTreeMap<String, String>>) -> Labels {
    texts.into_iter().flatten().map(|(key, value)| (key.into(), value.into())).collect()
}

/// The owner that controls an object.
pub(super) fn owner(metadata: &ObjectMeta) -> Option<Owner> {
    let owners = metadata.owner_references.as_deref()?;
    let owner = owners.iter().find(|owner| owner.controller == Some(true))?;
    Some((owner.kind.as_str().into(), owner.name.as_str().into()))
}

/// The deployment of a replica set, which is named by it and by the hash in the label of its pods: nobody need be asked.
fn deployment((kind, name): &Owner, labels: &Labels) -> Option<Owner> {
    let hash = labels.get("pod-template-hash").filter(|_| &**kind == "ReplicaSet")?;
    let deployment = name.strip_suffix(&**hash)?.strip_suffix('-')?;
    Some(("Deployment".into(), deployment.into()))
}

/// `containerd://ID`; the image as it was wished for where the runtime only has its digest.
fn container(status: &ContainerStatus, images: &BTreeMap<&str, &str>) -> PodContainer {
    let (runtime, id) = status.container_id.as_deref().and_then(|id| id.split_once("://")).unzip();
    let told = Some(&*status.image).filter(|image| !image.is_empty() && !image.starts_with("sha256:"));
    PodContainer {
        id: id.map(Arc::from),
        runtime: runtime.map(Into::into),
        name: status.name.as_str().into(),
        image: told.or_else(|| images.get(&*status.name).copied()).map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(text: &str) -> OfPod {
        facts(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn containers_and_owners() {
        let facts = pod(
            r#"{"metadata":{"name":"web-5d8f-x","namespace":"shop","uid":"u","labels":{"pod-template-hash":"5d8f"},
            "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-5d8f","uid":"r","controller":true}]},
            "spec":{"nodeName":"n","containers":[{"name":"c","image":"web:1","ports":[{"containerPort":80}]}]},
            "status":{"phase":"Running","startTime":"2026-11-29T10:00:00Z","podIPs":[{"ip":"10.1.0.7"},{"ip":"fd00::7"}],
            "containerStatuses":[{"name":"c","image":"sha256:1","containerID":"containerd://abc"},{"name":"d","image":"d:1"}]}}"#,
        );
        let owners = [("ReplicaSet", "web-5d8f"), ("Deployment", "web")].map(|(kind, name)| (kind.into(), name.into()));
        assert_eq!(facts.pod.owners, owners);
        let [container] = &facts.containers[..] else { panic!("one was started") };
        assert_eq!((container.id.as_deref(), container.image.as_deref()), (Some("abc"), Some("web:1")));
        assert_eq!(container.runtime.as_deref(), Some("containerd"));
        assert_eq!((facts.addresses.len(), facts.host_ports, facts.started), (2, None, Some(1_795_946_400)));
    }

    #[test]
    fn a_pod_that_is_over_has_no_address() {
        let facts = pod(r#"{"status":{"phase":"Succeeded","podIPs":[{"ip":"10.1.0.7"}]}}"#);
        assert_eq!(facts.addresses, Vec::<IpAddr>::new());
    }

    #[test]
    fn a_replica_set_of_nobody() {
        let facts = pod(r#"{"metadata":{"labels":{"pod-template-hash":"5d8f"},"ownerReferences":
            [{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"r","controller":true}]}}"#);
        assert_eq!(facts.pod.owners.len(), 1);
    }

    #[test]
    fn ports_of_the_node() {
        let facts = pod(r#"{"spec":{"hostNetwork":true,"containers":[{"name":"c","ports":[{"containerPort":80},
            {"containerPort":53,"protocol":"UDP"}]}]}}"#);
        assert_eq!(facts.host_ports, Some(vec![80]));
    }
}
