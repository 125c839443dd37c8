//! What is told while it happens: server-sent events, one a second, each the agent's own account in short. The page asks for more when it
//! hears one. A reader that does not take them is cut off.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http_body::Frame;
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use super::routes::Looked;
use crate::view::told;

/// Readers at once.
pub(super) const MAX_READERS: usize = 8;
/// Time between two events.
const INTERVAL: Duration = Duration::from_secs(1);
/// Longest time that a reader may leave an event lying.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection that may stay longer than others, while what it is told is taken.
#[derive(Debug, Default)]
pub(super) struct Lasting {
    is_on: AtomicBool,
    /// It is to be cut off.
    pub(super) cut: Notify,
}

impl Lasting {
    /// Whether it may stay.
    pub(super) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }
}

/// The body: what comes through a channel.
struct Events(mpsc::Receiver<Bytes>);

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

pub(super) async fn events(State(looked): State<Looked>, Extension(lasting): Extension<Arc<Lasting>>) -> Response {
    let Ok(place) = Arc::clone(&looked.readers).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many are looking\n").into_response();
    };
    lasting.is_on.store(true, Ordering::Relaxed);
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let _place = place;
        let mut ticks = tokio::time::interval(INTERVAL);
        loop {
            ticks.tick().await;
            let Some(event) = event(&looked).await else { break };
            if sender.send_timeout(event, PATIENCE).await.is_err() {
                break;
            }
        }
        lasting.cut.notify_one();
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::new(Events(receiver))).into_response()
}

async fn event(looked: &Looked) -> Option<Bytes> {
    let asked = looked.asker.asked(|source| {
        let now = source.clock.unix(source.store.now_ns);
        (source.host.account(), source.store.traces.counts(), source.store.unread, now)
    });
    let (account, counts, unread, now) = asked.await?;
    let told = json!({
        "now_unix_ns": now,
        "targets": account.targets,
        "requests": account.requests,
        "spans": account.spans,
        "exported": account.exported,
        "filtered": account.filtered,
        "dropped": account.dropped,
        "ring_fill_share": account.ring_fill,
        "cpu_seconds": account.cpu_seconds,
        "memory_bytes": account.memory,
        "connections": account.connections,
        "missing": account.missing.len(),
        "kept": told::kept(&counts),
        "unread": unread,
    });
    Some(format!("data: {}\n\n", told::text(&told)).into())
}
