//! The kubelet's API of runtimes, where it is the only one: `runtime.v1.RuntimeService/ContainerStatus` (Kubernetes, `cri-api`).

use std::collections::HashMap;
use std::path::Path;

use super::facts::OfRuntime;
use super::grpc::call;

const STATUS: &str = "/runtime.v1.RuntimeService/ContainerStatus";

#[derive(Clone, PartialEq, prost::Message)]
struct StatusRequest {
    #[prost(string, tag = "1")]
    container_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StatusResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) status: Option<ContainerStatus>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ContainerStatus {
    #[prost(message, optional, tag = "2")]
    pub(super) metadata: Option<Metadata>,
    #[prost(message, optional, tag = "8")]
    pub(super) image: Option<Image>,
    #[prost(map = "string, string", tag = "12")]
    pub(super) labels: HashMap<String, String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Metadata {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Image {
    #[prost(string, tag = "1")]
    pub(super) image: String,
}

/// What it says of a container.
pub(super) async fn inspect(socket: &Path, runtime: &'static str, id: &str) -> anyhow::Result<Option<OfRuntime>> {
    let question = StatusRequest { container_id: id.to_owned() };
    let Some(StatusResponse { status: Some(status) }) = call(socket, STATUS, None, question).await? else {
        return Ok(None);
    };
    let text = |text: String| Some(text).filter(|text| !text.is_empty()).map(Into::into);
    Ok(Some(OfRuntime {
        name: status.metadata.and_then(|metadata| text(metadata.name)),
        image: status.image.and_then(|image| text(image.image)),
        runtime,
        labels: status.labels.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
    }))
}
