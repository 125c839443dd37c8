//! What is answered, by path. A further page is a line in [`router`] and its handler.

use std::io::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Extension, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Health;
use super::events::MAX_READERS;
use super::guard::{Guard, guarded};
use super::{api, page};
use crate::export::prometheus::Board;
use crate::export::prometheus::text::{Format, render};
use crate::view::ask::Asker;

/// Longest time that the main loop may take to answer a scrape.
const ANSWERING: Duration = Duration::from_secs(5);

/// What handlers ask.
#[derive(Clone, Debug, Default)]
pub struct Served {
    /// Where scrapes ask for metrics.
    pub board: Arc<Board>,
    /// Where others ask for processes, as JSON.
    pub targets: Arc<Board<String>>,
    /// How the agent is.
    pub health: Arc<Health>,
    /// Whether the page alone is served, and not what is for scrapes.
    pub only_page: bool,
    /// The page, if it is served.
    pub page: Option<Page>,
}

/// What the page shows, and to whom.
#[derive(Clone, Debug)]
pub struct Page {
    /// Whom it asks.
    pub asker: Asker,
    /// What its readers must know; empty: nothing.
    pub token: Arc<str>,
    /// Memory for what it shows, bytes.
    pub memory: u64,
}

/// What handlers of the page's questions ask.
#[derive(Clone, Debug)]
pub(super) struct Looked {
    pub(super) asker: Asker,
    pub(super) memory: u64,
    /// Places for those who want to hear of news.
    pub(super) readers: Arc<Semaphore>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Every route of a server that listens on `port`.
pub(super) fn router(served: Served, port: u16) -> Router {
    let page = served.page.clone();
    let mut router = Router::new().route("/livez", get(livez)).route("/readyz", get(readyz));
    if !served.only_page {
        router = router.route("/metrics", get(metrics)).route("/debug/targets", get(targets));
    }
    if page.is_none() {
        router = router.route("/", get("wirespan: /metrics, /livez, /readyz, /debug/targets\n"));
    }
    let router = router.with_state(served).merge(page.map(|page| looked(page, port)).unwrap_or_default());
    router.fallback(|| async { (StatusCode::NOT_FOUND, "metrics are at /metrics\n") }).layer(from_fn(only_reads))
}

/// The page and what it asks.
fn looked(page: Page, port: u16) -> Router {
    let guard = Guard::new(&page.token, port);
    let looked = Looked { asker: page.asker, memory: page.memory, readers: Arc::new(Semaphore::new(MAX_READERS)) };
    page::router().merge(api::router()).with_state(looked).layer(from_fn_with_state(guard, guarded))
}

/// Nothing can be changed from here.
async fn only_reads(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let allow = [(ALLOW, HeaderValue::from_static("GET, HEAD"))];
    (StatusCode::METHOD_NOT_ALLOWED, allow, "only GET and HEAD\n").into_response()
}

async fn livez(State(served): State<Served>) -> Response {
    told(served.health.live(Instant::now()))
}

async fn readyz(State(served): State<Served>) -> Response {
    told(served.health.ready())
}

fn told(health: Result<(), impl std::fmt::Display>) -> Response {
    match health {
        Ok(()) => "ok\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn metrics(State(served): State<Served>, headers: HeaderMap) -> Response {
    let header = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(Some(snapshot)) = timeout(ANSWERING, served.board.ask()).await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the agent does not answer\n").into_response();
    };
    let format = Format::accepted(header(ACCEPT));
    let text = render(&snapshot, format);
    let kind = (CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    if takes_gzip(header(ACCEPT_ENCODING)) {
        return ([kind, (CONTENT_ENCODING, HeaderValue::from_static("gzip"))], compressed(&text)).into_response();
    }
    ([kind], text).into_response()
}

/// Whether a client accepts that encoding.
pub(super) fn takes_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|one| one.trim().split(';').next() == Some("gzip"))
}

/// To this host alone: it names programs and their labels.
async fn targets(State(served): State<Served>, Extension(Peer(peer)): Extension<Peer>) -> Response {
    if !peer.is_loopback() {
        return (StatusCode::FORBIDDEN, "only over the loopback interface\n").into_response();
    }
    match timeout(ANSWERING, served.targets.ask()).await {
        Ok(Some(json)) => {
            ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], json.to_string()).into_response()
        }
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the agent does not answer\n").into_response(),
    }
}

fn compressed(text: &str) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(text.len() / 8), flate2::Compression::fast());
    // Writing into a `Vec` cannot fail.
    let _ = encoder.write_all(text.as_bytes());
    encoder.finish().unwrap_or_default().into()
}
