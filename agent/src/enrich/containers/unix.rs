//! One connection to a runtime's socket, for one question.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::header::HOST;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

/// Longest time for a question.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// Most bytes of an answer. What Docker says of a container is a few KiB, but its environment and labels are anybody's.
pub(super) const MAX_ANSWER: usize = 1 << 20;

/// What stands at a path, if anything does.
pub(super) async fn get(socket: &Path, path: &str) -> anyhow::Result<Option<Bytes>> {
    let asked = async {
        let answer = send(socket, path).await?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            status => bail!("it answered {status}"),
        }
        match Limited::new(answer.into_body(), MAX_ANSWER).collect().await {
            Ok(body) => Ok(Some(body.to_bytes())),
            Err(error) => bail!("its answer was not read: {error}"),
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.context("it does not answer")?
}

/// Sends a request; the head of the answer. The connection lasts as long as its body is read.
pub(super) async fn send(socket: &Path, path: &str) -> anyhow::Result<Response<Incoming>> {
    let stream = UnixStream::connect(socket).await.context("it cannot be connected to")?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header(HOST, "localhost").body(Empty::<Bytes>::new())?;
    Ok(sender.send_request(request).await?)
}
