//! The HTTP server: one path, a few connections, time limits.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::Board;
use super::text::{Format, render};
use crate::threads;

/// Clients at once. A new one takes the place of the one that has been silent for longest.
const MAX_CONNECTIONS: usize = 16;
/// Longest time that a client may take to ask.
const ASKING: Duration = Duration::from_secs(1);
/// Longest time that a connection is kept: one scrape.
const LONGEST: Duration = Duration::from_secs(15);
/// Longest time that the main loop may take to answer.
const ANSWERING: Duration = Duration::from_secs(5);
/// Most bytes of a request's head.
const MAX_HEAD: usize = 16 * 1024;

/// A running server; ends when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    board: Arc<Board>,
    _stop: oneshot::Sender<Infallible>,
}

impl Server {
    /// Listens, and serves what is published on a new board.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start(address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .with_context(|| format!("cannot listen on {address} for Prometheus (--prometheus-listen)"))?;
        listener.set_nonblocking(true).context("cannot serve Prometheus")?;
        let address = listener.local_addr().context("cannot serve Prometheus")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the Prometheus end point")?;
        let board = Arc::new(Board::default());
        let (stop, stopped) = oneshot::channel();
        let work = {
            let board = Arc::clone(&board);
            move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve(listener, board) => {}
                        _ = stopped => {}
                    }
                });
                runtime.shutdown_background();
            }
        };
        threads::spawn("ws-prometheus".into(), work).context("cannot start the thread of the Prometheus end point")?;
        Ok(Self { address, board, _stop: stop })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where to publish.
    #[must_use]
    pub const fn board(&self) -> &Arc<Board> {
        &self.board
    }
}

/// A client, and whether it has asked.
struct Guest {
    has_asked: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// Makes room for one more client; false if all are being answered.
fn make_room(guests: &mut Vec<Guest>) -> bool {
    guests.retain(|guest| !guest.task.is_finished());
    if guests.len() < MAX_CONNECTIONS {
        return true;
    }
    let Some(silent) = guests.iter().position(|guest| !guest.has_asked.load(Ordering::Relaxed)) else { return false };
    guests.remove(silent).task.abort();
    true
}

async fn serve(listener: TcpListener, board: Arc<Board>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let mut guests = Vec::with_capacity(MAX_CONNECTIONS);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: it passes, or it does not.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        if !make_room(&mut guests) {
            continue;
        }
        let has_asked = Arc::<AtomicBool>::default();
        let task = tokio::spawn(guest(stream, Arc::clone(&board), Arc::clone(&has_asked)));
        guests.push(Guest { has_asked, task });
    }
}

/// Answers one request.
async fn guest(stream: TcpStream, board: Arc<Board>, has_asked: Arc<AtomicBool>) {
    let service = service_fn(|request| {
        has_asked.store(true, Ordering::Relaxed);
        let board = Arc::clone(&board);
        async move { Ok::<_, Infallible>(answer(&request, &board).await) }
    });
    let mut http = http1::Builder::new();
    // The next scrape is seconds away: a connection that is kept is a place that is taken.
    http.timer(TokioTimer::new()).keep_alive(false).header_read_timeout(ASKING).max_buf_size(MAX_HEAD);
    // A scraper that goes away is no failure of ours.
    let _ = timeout(LONGEST, http.serve_connection(TokioIo::new(stream), service)).await;
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

async fn answer(request: &Request<Incoming>, board: &Board) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/metrics" => {}
        "/" => return plain(StatusCode::OK, "wirespan: metrics are at /metrics\n"),
        _ => return plain(StatusCode::NOT_FOUND, "metrics are at /metrics\n"),
    }
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(Some(snapshot)) = timeout(ANSWERING, board.ask()).await else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the agent does not answer\n");
    };
    let format = Format::accepted(header(ACCEPT));
    let text = render(&snapshot, format);
    let gzip = header(ACCEPT_ENCODING).split(',').any(|one| one.trim().split(';').next() == Some("gzip"));
    let body = if gzip { compressed(&text) } else { text.into() };
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    if gzip {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn compressed(text: &str) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(text.len() / 8), flate2::Compression::fast());
    // Writing into a `Vec` cannot fail.
    let _ = encoder.write_all(text.as_bytes());
    encoder.finish().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::Instant;

    use super::*;
    use crate::metrics::snapshot::Snapshot;

    /// Publishes whenever somebody asks, as the main loop does.
    fn answered(server: &Server) -> std::thread::JoinHandle<()> {
        let board = Arc::downgrade(server.board());
        std::thread::spawn(move || {
            while let Some(board) = board.upgrade() {
                if board.is_wanted() {
                    board.publish(Snapshot::default());
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        })
    }

    fn scrape(server: &Server) -> String {
        let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn silent_clients_delay_nobody() {
        let server = Server::start("127.0.0.1:0".parse().unwrap()).unwrap();
        let _answers = answered(&server);
        let silent: Vec<_> = (0..3 * MAX_CONNECTIONS)
            .map(|n| {
                let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
                // Some of them begin to ask.
                stream.write_all(if n % 2 == 0 { b"" } else { b"GET /metrics HTTP/1.1\r\nX-Slow" }).unwrap();
                stream
            })
            .collect();
        let begin = Instant::now();
        for _ in 0..3 {
            let text = scrape(&server);
            assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("target_info"), "{text}");
        }
        assert!(begin.elapsed() < Duration::from_millis(500), "{:?}", begin.elapsed());
        // And they are let go of.
        for mut stream in silent {
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).map_err(|error| {
                assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "kept for more than a second or two");
            });
        }
        assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    }
}
