use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ::http::{HeaderMap, Response, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message as _;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::*;

type Answer = (u16, Vec<(&'static str, &'static str)>, Vec<u8>);

#[derive(Clone)]
struct Seen {
    at: Instant,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

/// Answers each request with the next of its answers, the last one for ever.
struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");

fn receiver(answers: Vec<Answer>, tls: Option<rustls::ServerConfig>) -> Receiver {
    let seen = Arc::new(Mutex::new(Vec::<Seen>::new()));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let log = Arc::clone(&seen);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let answers = Arc::new(answers);
            let acceptor = tls.map(|tls| tokio_rustls::TlsAcceptor::from(Arc::new(tls)));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, answers) = (Arc::clone(&log), Arc::clone(&answers));
                let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let (log, answers) = (Arc::clone(&log), Arc::clone(&answers));
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await?.to_bytes();
                        let mut log = log.lock().unwrap();
                        let (status, headers, text) = &answers[log.len().min(answers.len() - 1)];
                        log.push(Seen { at: Instant::now(), uri: head.uri, headers: head.headers, body });
                        let mut response = Response::builder().status(*status);
                        for (key, value) in headers {
                            response = response.header(*key, *value);
                        }
                        Ok::<_, hyper::Error>(response.body(Full::new(Bytes::from(text.clone()))).unwrap())
                    }
                });
                let server = hyper::server::conn::http1::Builder::new();
                match acceptor.clone() {
                    None => drop(tokio::spawn(server.serve_connection(TokioIo::new(stream), service))),
                    Some(acceptor) => drop(tokio::spawn(async move {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            let _ = server.serve_connection(TokioIo::new(stream), service).await;
                        }
                    })),
                }
            }
        });
    });
    Receiver { address, seen }
}

impl Receiver {
    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn send(&self, spans: usize) -> Snapshot {
        start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &self.url())]).send(spans)
    }
}

fn ok() -> Answer {
    (200, vec![PROTOBUF], Vec::new())
}

fn spans(body: &[u8]) -> usize {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    request.resource_spans.iter().flat_map(|group| &group.scope_spans).map(|scope| scope.spans.len()).sum()
}

#[test]
fn path_headers_and_body_are_right_and_nothing_is_sent_for_nothing() {
    let receiver = receiver(vec![ok()], None);
    let running = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b,User-Agent=mine"),
    ]);
    running.offer(0);
    let counts = running.send(1200);
    assert_eq!((counts.exported, counts.lost().map(|(_, lost)| lost)), (1200, [0; 4]));
    let seen = receiver.seen();
    assert_eq!(seen.iter().map(|one| spans(&one.body)).collect::<Vec<_>>(), [512, 512, 176]);
    let first = &seen[0];
    assert_eq!(first.uri.path(), "/v1/traces");
    assert_eq!(
        (&first.headers["x-key"], &first.headers["user-agent"]),
        (&"a b".parse().unwrap(), &"mine".parse().unwrap())
    );
    assert_eq!(first.headers["content-type"], "application/x-protobuf");
    assert!(!first.headers.contains_key("content-encoding"));
    let idle = self::receiver(vec![ok()], None);
    idle.send(0);
    assert!(idle.seen().is_empty());
}

#[test]
fn gzip_is_said_and_done() {
    let receiver = receiver(vec![ok()], None);
    let counts =
        start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url()), ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")]).send(9);
    assert_eq!(counts.exported, 9);
    let seen = &receiver.seen()[0];
    assert_eq!(seen.headers["content-encoding"], "gzip");
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(&seen.body[..]).read_to_end(&mut body).unwrap();
    assert_eq!(spans(&body), 9);
}

#[test]
fn only_the_listed_statuses_are_tried_again() {
    for status in [429, 502, 503, 504] {
        let receiver = receiver(vec![(status, vec![], Vec::new()), ok()], None);
        assert_eq!(receiver.send(3).exported, 3, "{status}");
        let seen = receiver.seen();
        assert!(seen.len() == 2 && seen[0].body == seen[1].body, "{status}");
    }
    for status in [301, 400, 401, 404, 408, 413, 500, 501] {
        let receiver = receiver(vec![(status, vec![], b"no".to_vec()), ok()], None);
        let counts = receiver.send(3);
        assert_eq!((counts.exported, counts.export_failed, receiver.seen().len()), (0, 3, 1), "{status}");
    }
}

#[test]
fn retry_after_is_honoured() {
    let receiver = receiver(vec![(503, vec![("retry-after", "2")], Vec::new()), ok()], None);
    assert_eq!(receiver.send(1).exported, 1);
    let seen = receiver.seen();
    assert!(seen[1].at - seen[0].at >= Duration::from_millis(1950), "{:?}", seen[1].at - seen[0].at);
}

#[test]
fn a_partial_success_is_counted_and_never_tried_again() {
    let partial = ExportTracePartialSuccess { rejected_spans: 2, error_message: "too old".to_owned() };
    let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    let receiver = receiver(vec![(200, vec![PROTOBUF], body)], None);
    let counts = receiver.send(5);
    assert_eq!((counts.exported, counts.rejected, receiver.seen().len()), (3, 2, 1));
}

#[test]
fn nonsense_is_a_counted_failure_and_the_next_batch_works() {
    let answers = vec![
        (200, vec![("content-type", "text/html")], b"<h1>hi".to_vec()),
        (200, vec![PROTOBUF], vec![0xff; 9]),
        ok(),
    ];
    let receiver = receiver(answers, None);
    let counts =
        start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url()), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")]).send(3);
    assert_eq!((counts.exported, counts.export_failed), (1, 2));
}

#[test]
fn a_receiver_that_never_answers_is_left_after_the_time_out() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let started = Instant::now();
    let counts = start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{}", silent.local_addr().unwrap())),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "500"),
    ])
    .send(4);
    assert_eq!(counts.export_failed, 4);
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn tls_trusts_the_given_authority_only_and_shows_the_clients_certificate() {
    let folder = Folder::new("tls");
    let server = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let client = rcgen::generate_simple_self_signed(vec!["agent".to_owned()]).unwrap();
    let mut clients = rustls::RootCertStore::empty();
    clients.add(client.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(clients), Arc::clone(&provider))
            .build()
            .unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![server.cert.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server.signing_key.serialize_der())),
        )
        .unwrap();
    let receiver = receiver(vec![ok()], Some(tls));
    let url = format!("https://localhost:{}", receiver.address.port());
    let authority = folder.write("ca.pem", &server.cert.pem());
    let chain = folder.write("client.pem", &client.cert.pem());
    let key = folder.write("client.key", &client.signing_key.serialize_pem());
    let identity = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_BSP_EXPORT_TIMEOUT", "1500"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &chain),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &key),
    ];
    let trusted = ("OTEL_EXPORTER_OTLP_CERTIFICATE", authority.as_str());
    assert_eq!(start(&[&identity[..], &[trusted]].concat()).send(2).exported, 2);
    assert_eq!(start(&[&identity[..2], &[trusted]].concat()).send(2).export_failed, 2, "no client certificate");
    let other = ("OTEL_EXPORTER_OTLP_CERTIFICATE", chain.as_str());
    assert_eq!(start(&[&identity[..], &[other]].concat()).send(2).export_failed, 2, "another authority");
    assert_eq!(receiver.seen().len(), 1);
}
