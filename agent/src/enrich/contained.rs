//! What the container of a process, and its pod, give to its resource.

use std::sync::Arc;
use wirespan_semconv as semconv;

use super::naming::{self, ANNOTATION};
use super::resource::Builder;
use crate::process::Process;
use crate::process::container::{Container, Pod};
use crate::trace::span::Value;

/// Label of Docker Compose: the service that a container is one of.
const COMPOSE: &str = "com.docker.compose.service";
/// Kinds of owners, and their attributes.
const OWNERS: [(&str, &str); 6] = [
    ("Deployment", semconv::K8S_DEPLOYMENT_NAME),
    ("ReplicaSet", semconv::K8S_REPLICASET_NAME),
    ("StatefulSet", semconv::K8S_STATEFULSET_NAME),
    ("DaemonSet", semconv::K8S_DAEMONSET_NAME),
    ("Job", semconv::K8S_JOB_NAME),
    ("CronJob", semconv::K8S_CRONJOB_NAME),
];

/// The name of the service by its pod, else by its container.
pub(super) fn service(process: &Process) -> Option<&str> {
    let container = process.container.as_deref()?;
    let name = container.name.as_deref();
    match container.pod.as_deref() {
        Some(pod) => naming::service(pod, name),
        None => container.labels.get(COMPOSE).map(|service| &**service).or(name),
    }
}

/// Its instance in Kubernetes.
pub(super) fn instance(process: &Process) -> Option<String> {
    let container = process.container.as_deref()?;
    let (pod, name) = (container.pod.as_deref()?, container.name.as_deref()?);
    Some(format!("{}.{}.{name}", pod.namespace, pod.name))
}

/// Attributes of the container and of its pod. What annotations say of the resource comes last.
pub(super) fn describe(builder: &mut Builder, process: &Process) {
    if let Some(id) = &process.group.container_id {
        builder.set(semconv::CONTAINER_ID, Value::Shared(Arc::clone(id)));
    }
    let Some(container) = process.container.as_deref() else { return };
    let Container { name, image, pod, .. } = container;
    builder.text(semconv::CONTAINER_NAME, name.as_deref());
    let (image, version) = image.as_deref().map(split).unzip();
    builder.text(semconv::CONTAINER_IMAGE_NAME, image);
    let tag = version.flatten().filter(|version| !version.contains(':'));
    if let Some(tag) = tag {
        builder.set(semconv::CONTAINER_IMAGE_TAGS, Value::List([tag.into()].into()));
    }
    builder.text(semconv::SERVICE_VERSION, version.flatten());
    if let Some(pod) = pod {
        of_pod(builder, pod, name.as_deref());
    }
}

fn of_pod(builder: &mut Builder, pod: &Pod, container: Option<&str>) {
    builder.text(semconv::SERVICE_NAMESPACE, naming::namespace(pod));
    builder.text(semconv::SERVICE_VERSION, pod.labels.get("app.kubernetes.io/version").map(|version| &**version));
    builder.text(semconv::K8S_CLUSTER_UID, pod.cluster_uid.as_deref());
    builder.text(semconv::K8S_NAMESPACE_NAME, Some(&pod.namespace));
    builder.text(semconv::K8S_POD_NAME, Some(&pod.name));
    builder.text(semconv::K8S_POD_UID, Some(&pod.uid));
    builder.text(semconv::K8S_CONTAINER_NAME, container);
    builder.text(semconv::K8S_NODE_NAME, pod.node.as_deref());
    for (kind, key) in OWNERS {
        builder.text(key, pod.owner(kind));
    }
    for (key, value) in &pod.annotations {
        let named = key.strip_prefix(ANNOTATION).filter(|key| *key != semconv::PROCESS_PID && !key.is_empty());
        if let Some(key) = named.filter(|_| !value.is_empty()) {
            builder.set(key.to_owned(), Value::Text(value.clone()));
        }
    }
}

/// The name of an image, and what tells its version: its tag, else its digest.
fn split(image: &str) -> (&str, Option<&str>) {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    // A colon before the last slash is that of a port.
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, digest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images() {
        for (image, parts) in [
            ("docker.io/library/nginx:1.27", ("docker.io/library/nginx", Some("1.27"))),
            ("localhost:5000/web", ("localhost:5000/web", None)),
            ("localhost:5000/web:2", ("localhost:5000/web", Some("2"))),
            ("web@sha256:ab", ("web", Some("sha256:ab"))),
            ("web:1@sha256:ab", ("web", Some("1"))),
        ] {
            assert_eq!(split(image), parts, "{image}");
        }
    }
}
