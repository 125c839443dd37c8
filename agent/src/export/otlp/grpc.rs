//! OTLP over gRPC (OTLP specification, "OTLP/gRPC"): tonic's protocol over the shared hyper client.

use std::time::Duration;

use bytes::{BufMut as _, Bytes};
use http::Uri;
use http::uri::PathAndQuery;
use prost::Message as _;
use tonic::client::Grpc as Tonic;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};

use super::advice;
use super::attempt::{Attempt, Response, chain};
use super::transport::{self, HttpClient};
use crate::config::otlp::{Compression, Otlp, Protocol, Signal};
use crate::shown::clean;

/// The method that takes a signal.
fn export(signal: Signal) -> PathAndQuery {
    PathAndQuery::from_static(match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    })
}

/// Most bytes of an answer.
const MAX_ANSWER: usize = 64 * 1024;
/// Most characters of its words that are told.
const MAX_WORDS: usize = 160;

/// Calls `Export` of a signal's service.
#[derive(Debug)]
pub struct Grpc {
    tonic: Tonic<HttpClient<tonic::body::Body>>,
    metadata: MetadataMap,
    timeout: Option<Duration>,
    export: PathAndQuery,
    signal: Signal,
    port: Option<u16>,
}

impl Grpc {
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: &Otlp) -> anyhow::Result<Self> {
        let mut origin = config.endpoint.clone().into_parts();
        origin.path_and_query = Some(PathAndQuery::from_static("/"));
        let origin = Uri::from_parts(origin)?;
        let mut tonic = Tonic::with_origin(transport::client(config)?, origin).max_decoding_message_size(MAX_ANSWER);
        if config.compression == Compression::Gzip {
            // Go's servers answer in the request's encoding, whether it was offered or not.
            tonic = tonic.send_compressed(CompressionEncoding::Gzip).accept_compressed(CompressionEncoding::Gzip);
        }
        let mut headers = config.headers.clone();
        if !headers.contains_key(http::header::USER_AGENT) {
            headers.insert(http::header::USER_AGENT, super::user_agent());
        }
        Ok(Self {
            tonic,
            metadata: MetadataMap::from_headers(headers),
            timeout: config.timeout,
            export: export(config.signal),
            signal: config.signal,
            port: config.endpoint.port_u16(),
        })
    }

    /// One attempt.
    pub async fn send(&mut self, message: Bytes) -> Attempt {
        let mut request = Request::new(message);
        *request.metadata_mut() = self.metadata.clone();
        if let Some(timeout) = self.timeout {
            request.set_timeout(timeout);
        }
        if let Err(error) = self.tonic.ready().await {
            return self.misunderstood(chain(&error));
        }
        match self.tonic.unary(request, self.export.clone(), Raw).await {
            Ok(response) => response.into_inner().into(),
            Err(status) => match std::error::Error::source(&status) {
                // A status with a cause was made here, by the transport: the connection failed.
                Some(cause) => self.misunderstood(chain(cause)),
                None => failed(self.signal, &status),
            },
        }
    }

    /// The connection failed, or the other end does not speak gRPC.
    fn misunderstood(&self, reason: String) -> Attempt {
        let advice = advice::of_port(Protocol::Grpc, self.port).map(|advice| format!("; {advice}")).unwrap_or_default();
        Attempt::Retry { after: None, reason: reason + &advice }
    }
}

/// The retry rules of the OTLP specification.
fn failed(signal: Signal, status: &Status) -> Attempt {
    let after = retry_info(status.details());
    let advice = advice::of_code(signal, status.code()).map(|advice| format!("; {advice}")).unwrap_or_default();
    let reason = format!("the receiver answered {:?}: {}{advice}", status.code(), clean(status.message(), MAX_WORDS));
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Attempt::Retry { after, reason },
        Code::ResourceExhausted if after.is_some() => Attempt::Retry { after, reason },
        _ => Attempt::Fatal { reason },
    }
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct Details {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, prost::Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// The delay of a `RetryInfo` among a status's details. One without a delay counts: it says "again", not when.
fn retry_info(details: &[u8]) -> Option<Duration> {
    let details = Details::decode(details).ok()?.details;
    let info = details.iter().find(|detail| detail.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay.unwrap_or_default();
    let (seconds, nanos) = (u64::try_from(delay.seconds).unwrap_or(0), u32::try_from(delay.nanos).unwrap_or(0));
    Some(Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos.into())))
}

/// Requests are encoded already; responses are decoded by prost.
#[derive(Clone, Copy, Debug)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Response;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.reserve(message.len());
        target.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Response;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Response>, Status> {
        Response::decode(source).map(Some).map_err(|_| Status::internal("the receiver's answer is no OTLP response"))
    }
}
