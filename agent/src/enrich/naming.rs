//! What a service is called by what Kubernetes says of it (semantic conventions, "Service attributes in Kubernetes").

use wirespan_semconv as semconv;

use crate::process::container::{Labels, Pod};

/// Prefix of annotations that are attributes of the resource.
pub(super) const ANNOTATION: &str = "resource.opentelemetry.io/";
/// Labels that name an application, the best first.
const NAMES: [&str; 2] = ["app.kubernetes.io/instance", "app.kubernetes.io/name"];
/// Kinds of owners that name it, the best first.
const OWNERS: [&str; 6] = ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "CronJob", "Job"];

/// The service that a pod is of. A pod without an owner is one by itself.
pub(super) fn service<'a>(pod: &'a Pod, container: Option<&'a str>) -> Option<&'a str> {
    annotation(pod, semconv::SERVICE_NAME)
        .or_else(|| labelled(&pod.labels))
        .or_else(|| OWNERS.iter().find_map(|kind| pod.owner(kind)))
        .or(Some(&*pod.name).filter(|name| !name.is_empty()))
        .or(container)
}

/// The namespace of that service.
pub(super) fn namespace(pod: &Pod) -> Option<&str> {
    annotation(pod, semconv::SERVICE_NAMESPACE).or(Some(&*pod.namespace).filter(|name| !name.is_empty()))
}

/// An attribute that an annotation gives.
fn annotation<'a>(pod: &'a Pod, key: &str) -> Option<&'a str> {
    let found = pod.annotations.iter().find(|(name, _)| name.strip_prefix(ANNOTATION) == Some(key));
    found.map(|(_, value)| &**value).filter(|value| !value.is_empty())
}

/// The name in the labels of a pod, or of a service.
pub(super) fn labelled(labels: &Labels) -> Option<&str> {
    NAMES.iter().find_map(|key| labels.get(*key)).map(|value| &**value).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_annotation_to_the_name_of_the_pod() {
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
        };
        let mut pod = Pod {
            namespace: "shop".into(),
            name: "web-5d8f-x".into(),
            labels: labels(&[("app.kubernetes.io/name", "web"), ("app.kubernetes.io/instance", "web-eu")]),
            annotations: labels(&[("resource.opentelemetry.io/service.name", "front")]),
            owners: vec![("ReplicaSet".into(), "web-5d8f".into()), ("Deployment".into(), "web-deployment".into())],
            ..Pod::default()
        };
        let mut names = Vec::new();
        for step in 0..6 {
            names.push(service(&pod, Some("c")).unwrap().to_owned());
            match step {
                0 => pod.annotations.clear(),
                1 => drop(pod.labels.remove("app.kubernetes.io/instance")),
                2 => pod.labels.clear(),
                3 => drop(pod.owners.pop()),
                _ => pod.owners.clear(),
            }
        }
        assert_eq!(names, ["front", "web-eu", "web", "web-deployment", "web-5d8f", "web-5d8f-x"]);
        assert_eq!(namespace(&pod), Some("shop"));
    }
}
