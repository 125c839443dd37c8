//! Docker's API, which Podman serves too: <https://docs.docker.com/reference/api/engine/>, `GET /containers/{id}/json`.

use std::path::Path;
use std::sync::Arc;

use http_body_util::BodyExt as _;
use serde::Deserialize;
use tokio::sync::mpsc::Sender;

use super::facts::OfRuntime;
use super::unix;
use crate::process::container::Labels;

/// The part of the path of events: containers that get another name (labels of containers cannot change).
const RENAMES: &str = "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B%22rename%22%5D%7D";
/// Longest line of an event.
const MAX_EVENT: usize = 64 << 10;

/// What is wanted of a container.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Inspected {
    name: String,
    config: Config,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    image: String,
    labels: Option<Labels>,
}

/// What is wanted of an event.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    actor: Actor,
}

#[derive(Deserialize)]
struct Actor {
    #[serde(rename = "ID")]
    id: Box<str>,
}

/// What it says of a container.
pub(super) async fn inspect(socket: &Path, runtime: &'static str, id: &str) -> anyhow::Result<Option<OfRuntime>> {
    let Some(answer) = unix::get(socket, &format!("/containers/{id}/json")).await? else { return Ok(None) };
    let Inspected { name, config } = serde_json::from_slice(&answer)?;
    let text = |text: &str| Some(text).filter(|text| !text.is_empty()).map(Into::into);
    Ok(Some(OfRuntime {
        name: text(name.trim_start_matches('/')),
        image: text(&config.image),
        runtime,
        labels: config.labels.unwrap_or_default(),
    }))
}

/// Tells of each container that gets another name, until the connection ends.
pub(super) async fn renamed(socket: &Path, tell: &Sender<Arc<str>>) -> anyhow::Result<()> {
    let mut body = unix::send(socket, RENAMES).await?.into_body();
    let mut line = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        for part in data.split_inclusive(|byte| *byte == b'\n') {
            anyhow::ensure!(line.len() + part.len() <= MAX_EVENT, "an event of more than {MAX_EVENT} bytes");
            line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                if let Ok(Event { actor }) = serde_json::from_slice(&line) {
                    tell.send(actor.id.into()).await?;
                }
                line.clear();
            }
        }
    }
    Ok(())
}
