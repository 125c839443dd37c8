use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status};

use super::*;

type Answer = Result<i64, Status>;

/// Answers with the next of its answers, the last one for ever.
#[derive(Clone)]
struct Receiver {
    answers: Arc<Vec<Answer>>,
    seen: Arc<Mutex<Vec<(Instant, tonic::metadata::MetadataMap, ExportTraceServiceRequest)>>>,
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let mut seen = self.seen.lock().unwrap();
        let answer = self.answers[seen.len().min(self.answers.len() - 1)].clone();
        seen.push((Instant::now(), metadata, message));
        answer.map(|rejected_spans| {
            let partial = ExportTracePartialSuccess { rejected_spans, error_message: String::new() };
            Response::new(ExportTraceServiceResponse { partial_success: (rejected_spans > 0).then_some(partial) })
        })
    }
}

fn receiver(answers: Vec<Answer>, identity: Option<Identity>) -> (Receiver, SocketAddr) {
    let receiver = Receiver { answers: Arc::new(answers), seen: Arc::default() };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let service = TraceServiceServer::new(receiver.clone())
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let mut server = Server::builder();
            if let Some(identity) = identity {
                server = server.tls_config(ServerTlsConfig::new().identity(identity)).unwrap();
            }
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            server.add_service(service).serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
        });
    });
    (receiver, address)
}

fn send(answers: Vec<Answer>, spans: usize) -> (Snapshot, Receiver) {
    let (receiver, address) = receiver(answers, None);
    let url = format!("http://{address}");
    let counts = start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).send(spans);
    (counts, receiver)
}

#[test]
fn metadata_and_compressed_messages_arrive() {
    let (receiver, address) = receiver(vec![Ok(0)], None);
    let counts = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{address}/ignored")),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret"),
    ])
    .send(600);
    assert_eq!(counts.exported, 600);
    let seen = receiver.seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].1.get("x-key").unwrap(), "secret");
    assert_eq!(seen[0].1.get("grpc-encoding").unwrap(), "gzip");
    assert!(seen[0].1.contains_key("grpc-timeout"));
    assert_eq!(seen[0].2.resource_spans[0].scope_spans[0].spans.len(), 512);
}

#[test]
fn only_the_listed_codes_are_tried_again() {
    use Code::{Aborted, Cancelled, DataLoss, DeadlineExceeded, OutOfRange, Unavailable};
    for code in [Cancelled, DeadlineExceeded, Aborted, OutOfRange, Unavailable, DataLoss] {
        let (counts, receiver) = send(vec![Err(Status::new(code, "later")), Ok(0)], 2);
        assert_eq!((counts.exported, receiver.seen.lock().unwrap().len()), (2, 2), "{code:?}");
    }
    use Code::{InvalidArgument, PermissionDenied, ResourceExhausted, Unauthenticated, Unimplemented, Unknown};
    for code in
        [InvalidArgument, PermissionDenied, Unauthenticated, Unimplemented, Unknown, ResourceExhausted, Code::Internal]
    {
        let (counts, receiver) = send(vec![Err(Status::new(code, "no")), Ok(0)], 2);
        assert_eq!((counts.export_failed, receiver.seen.lock().unwrap().len()), (2, 1), "{code:?}");
    }
}

#[test]
fn retry_info_makes_resource_exhausted_a_retry_and_sets_its_time() {
    // google.rpc.Status { details: [Any { "type.googleapis.com/google.rpc.RetryInfo", RetryInfo { retry_delay { seconds: 2 } } }] }
    let url = b"type.googleapis.com/google.rpc.RetryInfo";
    let info = [0x0a, 2, 0x08, 2];
    let mut any = vec![0x0a, url.len() as u8];
    any.extend_from_slice(url);
    any.extend_from_slice(&[0x12, info.len() as u8]);
    any.extend_from_slice(&info);
    let mut details = vec![0x1a, any.len() as u8];
    details.extend_from_slice(&any);
    let status = Status::with_details(Code::ResourceExhausted, "slow down", details.into());
    let (counts, receiver) = send(vec![Err(status), Ok(0)], 1);
    assert_eq!(counts.exported, 1);
    let seen = receiver.seen.lock().unwrap();
    assert!(seen[1].0 - seen[0].0 >= Duration::from_millis(1950));
}

#[test]
fn a_partial_success_is_counted_and_never_tried_again() {
    let (counts, receiver) = send(vec![Ok(2)], 5);
    assert_eq!((counts.exported, counts.rejected, receiver.seen.lock().unwrap().len()), (3, 2, 1));
}

#[test]
fn tls_speaks_http2_with_a_given_authority() {
    let folder = Folder::new("grpc-tls");
    let server = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let authority = folder.write("ca.pem", &server.cert.pem());
    let (_receiver, address) =
        receiver(vec![Ok(0)], Some(Identity::from_pem(server.cert.pem(), server.signing_key.serialize_pem())));
    let counts = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("localhost:{}", address.port())),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", &authority),
    ])
    .send(3);
    assert_eq!(counts.exported, 3);
}

#[test]
fn a_receiver_that_comes_later_gets_what_waited() {
    let placeholder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", placeholder.local_addr().unwrap());
    drop(placeholder);
    let running = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1"),
    ]);
    running.offer(7);
    assert!(matches!(running.notices.recv_timeout(Duration::from_secs(5)).unwrap(), Notice::Trouble(_)));
    let receiver = Receiver { answers: Arc::new(vec![Ok(0)]), seen: Arc::default() };
    let address: SocketAddr = url.trim_start_matches("http://").parse().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Server::builder().add_service(TraceServiceServer::new(receiver)).serve(address)).unwrap();
    });
    assert_eq!(running.finish().exported, 7);
}
