//! containerd's API: `containerd.services.containers.v1.Containers/Get` (containerd, `api/services/containers/v1`).

use std::collections::HashMap;
use std::path::Path;

use super::facts::OfRuntime;
use super::grpc::call;

/// Namespaces in which containers are looked for: those of the kubelet, of ctr and nerdctl, and of Docker.
const NAMESPACES: [&str; 3] = ["k8s.io", "default", "moby"];
/// Label by which nerdctl keeps the name.
const NERDCTL_NAME: &str = "nerdctl/name";
const GET: &str = "/containerd.services.containers.v1.Containers/Get";

#[derive(Clone, PartialEq, prost::Message)]
struct GetRequest {
    #[prost(string, tag = "1")]
    id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct GetResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) container: Option<Container>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Container {
    #[prost(map = "string, string", tag = "2")]
    pub(super) labels: HashMap<String, String>,
    #[prost(string, tag = "3")]
    pub(super) image: String,
}

/// What it says of a container.
pub(super) async fn inspect(socket: &Path, id: &str) -> anyhow::Result<Option<OfRuntime>> {
    for namespace in NAMESPACES {
        let question = GetRequest { id: id.to_owned() };
        if let Some(GetResponse { container: Some(container) }) = call(socket, GET, Some(namespace), question).await? {
            let Container { labels, image } = container;
            return Ok(Some(OfRuntime {
                name: labels.get(NERDCTL_NAME).map(|name| name.as_str().into()),
                image: Some(image).filter(|image| !image.is_empty()).map(Into::into),
                runtime: if namespace == "moby" { "docker" } else { "containerd" },
                labels: labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            }));
        }
    }
    Ok(None)
}
