//! Runtimes that answer as recorded: what each said of a container, over a socket of the test.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::net::UnixListener;

use super::facts::OfRuntime;
use super::{containerd, cri, docker};

const ID: &str = "4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a7c0e9d2b4f1a";

type Body = BoxBody<Bytes, Infallible>;

/// What is asked: the path and containerd's namespace; what is answered: the message, or `None`: there is none.
type Answers = fn(&str, &str, &[u8]) -> Option<Vec<u8>>;

struct Socket(PathBuf);

impl Socket {
    fn new(name: &str) -> (Self, UnixListener) {
        let path = std::env::temp_dir().join(format!("wirespan-{}-{name}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        (Self(path), listener)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn run<T>(test: impl AsyncFnOnce() -> T) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test())
}

/// A message in gRPC's framing, with its status behind it.
fn framed(answer: Option<Vec<u8>>) -> Response<Body> {
    let mut frames = Vec::new();
    if let Some(message) = &answer {
        let mut framed = BytesMut::new();
        framed.put_u8(0);
        framed.put_u32(u32::try_from(message.len()).unwrap());
        framed.put_slice(message);
        frames.push(Ok(Frame::data(framed.freeze())));
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(if answer.is_some() { "0" } else { "5" }));
    frames.push(Ok(Frame::trailers(trailers)));
    let body = StreamBody::new(futures_util::stream::iter(frames)).boxed();
    Response::builder().header("content-type", "application/grpc").body(body).unwrap()
}

async fn grpc(listener: UnixListener, answers: Answers) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = service_fn(move |request: Request<Incoming>| async move {
            let path = request.uri().path().to_owned();
            let namespace =
                request.headers().get("containerd-namespace").map(|value| value.to_str().unwrap().to_owned());
            let question = request.into_body().collect().await.unwrap().to_bytes();
            Ok::<_, Infallible>(framed(answers(&path, &namespace.unwrap_or_default(), &question[5..])))
        });
        tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service));
    }
}

async fn http(listener: UnixListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = service_fn(|request: Request<Incoming>| async move {
            // Docker 20.10, cut down.
            let known = r#"{"Id":"ID","Created":"2026-11-29T21:39:14.5Z","Name":"/shop-web-1","RestartCount":0,
                "HostConfig":{"NetworkMode":"none"},"Config":{"Hostname":"38b83c49bb89","Env":["SECRET=x"],
                "Image":"example.org/shop/web:3","Labels":{"app":"web"}}}"#;
            let (status, body) = match request.uri().path() {
                path if path.starts_with("/events") => (
                    200,
                    r#"{"Type":"container","Action":"rename","Actor":{"ID":"7","Attributes":{}},"time":1}"#.to_owned()
                        + "\n",
                ),
                path if path.contains(ID) => (200, known.to_owned()),
                _ => (404, r#"{"message":"No such container"}"#.to_owned()),
            };
            let response = Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap();
            Ok::<_, Infallible>(response)
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn shown(said: Option<OfRuntime>) -> (Option<String>, Option<String>, String) {
    let said = said.unwrap();
    let labels = said.labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
    (said.name.map(Into::into), said.image.map(Into::into), labels.join(","))
}

#[test]
fn docker_says_name_image_and_labels_and_who_was_renamed() {
    run(async || {
        let (socket, listener) = Socket::new("docker");
        tokio::spawn(http(listener));
        let said = docker::inspect(&socket.0, "docker", ID).await.unwrap();
        assert_eq!(shown(said), (Some("shop-web-1".into()), Some("example.org/shop/web:3".into()), "app=web".into()));
        assert_eq!(docker::inspect(&socket.0, "docker", "other").await.unwrap(), None);
        let (tell, mut told) = tokio::sync::mpsc::channel::<Arc<str>>(4);
        docker::renamed(&socket.0, &tell).await.unwrap();
        assert_eq!(&*told.recv().await.unwrap(), "7");
        let nowhere = docker::inspect(Path::new("/nonexistent"), "docker", ID).await.unwrap_err();
        assert!(nowhere.to_string().contains("cannot be connected to"), "{nowhere}");
    });
}

#[test]
fn containerd_is_asked_in_each_namespace() {
    run(async || {
        let (socket, listener) = Socket::new("containerd");
        tokio::spawn(grpc(listener, |path, namespace, question| {
            assert_eq!(path, "/containerd.services.containers.v1.Containers/Get");
            assert!(question.ends_with(ID.as_bytes()));
            let container = containerd::Container {
                labels: [("nerdctl/name".to_owned(), "web".to_owned())].into(),
                image: "docker.io/library/web:3".into(),
            };
            let answer = containerd::GetResponse { container: Some(container) };
            (namespace == "default").then(|| answer.encode_to_vec())
        }));
        let said = containerd::inspect(&socket.0, ID).await.unwrap();
        let (name, image, _) = shown(said);
        assert_eq!((name.as_deref(), image.as_deref()), (Some("web"), Some("docker.io/library/web:3")));
    });
}

#[test]
fn cri_says_what_the_kubelet_had_made() {
    run(async || {
        let (socket, listener) = Socket::new("crio");
        tokio::spawn(grpc(listener, |path, _, question| {
            assert_eq!(path, "/runtime.v1.RuntimeService/ContainerStatus");
            let status = cri::ContainerStatus {
                metadata: Some(cri::Metadata { name: "main".into() }),
                image: Some(cri::Image { image: "quay.io/web:3".into() }),
                labels: [("io.kubernetes.pod.name".to_owned(), "web-1".to_owned())].into(),
            };
            let answer = cri::StatusResponse { status: Some(status) };
            question.ends_with(ID.as_bytes()).then(|| answer.encode_to_vec())
        }));
        let said = cri::inspect(&socket.0, "cri-o", ID).await.unwrap();
        let labels = "io.kubernetes.pod.name=web-1".to_owned();
        assert_eq!(shown(said), (Some("main".into()), Some("quay.io/web:3".into()), labels));
        assert_eq!(cri::inspect(&socket.0, "cri-o", "other").await.unwrap(), None);
    });
}
