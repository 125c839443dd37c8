//! One call of a gRPC method over a runtime's socket.

use std::path::Path;

use anyhow::Context as _;
use http::uri::PathAndQuery;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::UnixStream;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};
use tower_service::Service;

use super::unix::{MAX_ANSWER, PATIENCE};

/// The answer, or `None` if there is no such thing. `namespace` is containerd's.
pub(super) async fn call<Q, A>(
    socket: &Path,
    method: &'static str,
    namespace: Option<&'static str>,
    question: Q,
) -> anyhow::Result<Option<A>>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    let called = async {
        let stream = UnixStream::connect(socket).await.context("it cannot be connected to")?;
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let origin = http::Uri::from_static("http://localhost");
        let mut grpc = Grpc::with_origin(One(sender), origin).max_decoding_message_size(MAX_ANSWER);
        grpc.ready().await?;
        let mut request = Request::new(question);
        if let Some(namespace) = namespace {
            let mut metadata = MetadataMap::new();
            metadata.insert("containerd-namespace", namespace.parse()?);
            *request.metadata_mut() = metadata;
        }
        match grpc.unary(request, PathAndQuery::from_static(method), Prost(std::marker::PhantomData)).await {
            Ok(answer) => Ok(Some(answer.into_inner())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(anyhow::anyhow!("{:?}: {}", status.code(), crate::shown::clean(status.message(), 160))),
        }
    };
    tokio::time::timeout(PATIENCE, called).await.context("it does not answer")?
}

/// A connection as tonic wants it.
#[derive(Clone)]
struct One(http2::SendRequest<tonic::body::Body>);

impl Service<http::Request<tonic::body::Body>> for One {
    type Response = http::Response<hyper::body::Incoming>;
    type Error = hyper::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

/// Messages of prost.
struct Prost<Q, A>(std::marker::PhantomData<(Q, A)>);

impl<Q: Message + 'static, A: Message + Default + 'static> Codec for Prost<Q, A> {
    type Encode = Q;
    type Decode = A;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(std::marker::PhantomData)
    }

    fn decoder(&mut self) -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<Q: Message, A> Encoder for Prost<Q, A> {
    type Item = Q;
    type Error = Status;

    fn encode(&mut self, message: Q, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }
}

impl<Q, A: Message + Default> Decoder for Prost<Q, A> {
    type Item = A;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<A>, Status> {
        A::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
