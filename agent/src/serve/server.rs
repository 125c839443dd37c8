//! The HTTP server: a few connections, one request each, time limits.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::events::Lasting;
use super::routes::{Peer, router};
use super::{Page, Served};
use crate::lockdown::Duty;
use crate::threads;

/// Clients at once. A new one takes the place of the one that has been silent for longest.
pub(super) const MAX_CONNECTIONS: usize = 16;
/// Longest time that a client may take to ask.
const ASKING: Duration = Duration::from_secs(1);
/// Longest time that a connection is kept: one request, unless it is told what happens ([`Lasting`]).
const LONGEST: Duration = Duration::from_secs(15);
/// Most bytes of a request's head.
const MAX_HEAD: usize = 16 * 1024;

/// A running server; ends when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    offers: Vec<String>,
    _stop: oneshot::Sender<Infallible>,
}

impl Server {
    /// Listens, and serves what there is to know.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start(address: SocketAddr, served: Served) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .with_context(|| format!("cannot listen on {address} (--listen, --prometheus-listen, --web-listen)"))?;
        listener.set_nonblocking(true).context("cannot serve HTTP")?;
        let address = listener.local_addr().context("cannot serve HTTP")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the HTTP server")?;
        let offers = offers(&served, address);
        let (stop, stopped) = oneshot::channel();
        let work = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, router(served, address.port())) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        };
        threads::spawn("ws-serve".into(), Duty::Serve, work).context("cannot start the thread of the HTTP server")?;
        Ok(Self { address, offers, _stop: stop })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it serves, a line each.
    pub fn offers(&self) -> impl Iterator<Item = &str> {
        self.offers.iter().map(String::as_str)
    }
}

fn offers(served: &Served, address: SocketAddr) -> Vec<String> {
    let scraped = format!("metrics for Prometheus at http://{address}/metrics; /livez, /readyz and /debug/targets");
    let page = |page: &Page| match &*page.token {
        "" => format!("look at http://{address}/"),
        _ => format!("look at http://{address}/?token=TOKEN, with that of the configuration"),
    };
    let scraped = (!served.only_page).then_some(scraped);
    scraped.into_iter().chain(served.page.as_ref().map(page)).collect()
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

async fn serve(listener: TcpListener, router: Router) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let mut guests = Vec::with_capacity(MAX_CONNECTIONS);
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file descriptors, most likely: it passes, or it does not.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        if !make_room(&mut guests) {
            continue;
        }
        let has_asked = Arc::<AtomicBool>::default();
        let task = tokio::spawn(guest(stream, Peer(peer.ip().to_canonical()), router.clone(), Arc::clone(&has_asked)));
        guests.push(Guest { has_asked, task });
    }
}

/// Answers one request.
async fn guest(stream: TcpStream, peer: Peer, router: Router, has_asked: Arc<AtomicBool>) {
    let router = TowerToHyperService::new(router);
    let lasting = Arc::<Lasting>::default();
    let service = service_fn(|mut request: hyper::Request<hyper::body::Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(Arc::clone(&lasting));
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let mut http = http1::Builder::new();
    // The next request is seconds away: a connection that is kept is a place that is taken.
    http.timer(TokioTimer::new()).keep_alive(false).header_read_timeout(ASKING).max_buf_size(MAX_HEAD);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    // A client that goes away is no failure of ours.
    if timeout(LONGEST, &mut connection).await.is_err() && lasting.is_on() {
        tokio::select! {
            _ = connection => {}
            () = lasting.cut.notified() => {}
        }
    }
}
