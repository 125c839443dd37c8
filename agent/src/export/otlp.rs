//! OTLP over HTTP and gRPC: a batch is encoded once, sent, and sent again as the specification allows until its time is over.
//!
//! The SDK's exporter is not used: it has one resource, wirespan has one for each process. Metrics and log records are built
//! of the generated types of opentelemetry-proto. Spans are not: the types cost several allocations for each attribute, so
//! `encode` writes them directly.

mod advice;
mod attempt;
mod backoff;
pub mod encode;
mod grpc;
mod http;
pub mod logs;
pub mod metrics;
mod transport;
mod typed;
mod wire;

use std::collections::VecDeque;
use std::time::Duration;

use ::http::HeaderValue;
use bytes::Bytes;
use tokio::time::{Instant, sleep_until, timeout};

use super::notice::{Notices, Reporter};
use super::queue::Batching;
use super::worker::{Delivery, Sink};
use crate::config::otlp::{BatchSpans, Otlp, Protocol, Signal};
use crate::lockdown::Duty;
use crate::trace::span::Span;
use crate::trace::spare::Spare;
use attempt::Attempt;
use backoff::Backoff;

/// Largest request, before compression: gRPC servers take 4 MiB by default.
const MAX_REQUEST: usize = 3 << 20;
/// Most memory of spans that wait; a larger queue may have a kilobyte for each span.
const MAX_WAITING: usize = 32 << 20;
/// Longest time that a receiver can make us wait (`Retry-After`, `RetryInfo`).
const MAX_PAUSE: Duration = Duration::from_secs(300);
/// "No limit", as a time that clocks can still add.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

fn user_agent() -> HeaderValue {
    HeaderValue::from_static(concat!("wirespan/", env!("CARGO_PKG_VERSION")))
}

#[derive(Debug)]
enum Client {
    Http(Box<http::Http>),
    Grpc(Box<grpc::Grpc>),
}

/// Sends encoded requests of one signal to one end point.
#[derive(Debug)]
pub struct Sender {
    signal: Signal,
    client: Client,
    /// For messages: scheme, host and port, which hold no secret.
    target: String,
    port: u16,
    attempt_timeout: Duration,
    batch_timeout: Duration,
    /// The receiver asked not to be called before this.
    paused_until: Option<Instant>,
    notices: Notices,
}

impl From<BatchSpans> for Batching {
    fn from(batch: BatchSpans) -> Self {
        Self {
            max_queue: batch.max_queue_size,
            max_bytes: MAX_WAITING.max(batch.max_queue_size.saturating_mul(1024)),
            max_batch: batch.max_export_batch_size,
            delay: batch.schedule_delay,
        }
    }
}

impl Sender {
    /// A sender; it connects with the first request. `timeout`: of one request, retries included; none if absent.
    ///
    /// # Errors
    /// When certificates or keys cannot be read or used.
    pub fn new(config: &Otlp, timeout: Option<Duration>, reporter: Reporter) -> anyhow::Result<Self> {
        let client = match config.protocol {
            Protocol::HttpProtobuf => Client::Http(Box::new(http::Http::new(config)?)),
            Protocol::Grpc => Client::Grpc(Box::new(grpc::Grpc::new(config)?)),
        };
        Ok(Self {
            signal: config.signal,
            client,
            target: config.target(),
            port: config.port(),
            attempt_timeout: config.timeout.unwrap_or(FOREVER),
            batch_timeout: timeout.unwrap_or(FOREVER),
            paused_until: None,
            notices: Notices::of(config.signal.items(), reporter),
        })
    }

    /// Sends a request without anything in it, once: what the receiver made of it.
    ///
    /// # Errors
    /// Why it was not taken: what the receiver or the network says, one line.
    pub async fn probe(&mut self, patience: Duration) -> Result<String, String> {
        let body = match &self.client {
            Client::Http(http) => http.body(Vec::new()),
            Client::Grpc(_) => Bytes::new(),
        };
        match self.attempt(&body, self.attempt_timeout.min(patience)).await {
            Attempt::Accepted { message, .. } if message.is_empty() => Ok("accepted".to_owned()),
            Attempt::Accepted { message, .. } => Ok(format!("accepted: {message}")),
            Attempt::Fatal { reason } | Attempt::Retry { reason, .. } => Err(reason),
        }
    }

    async fn attempt(&mut self, body: &Bytes, limit: Duration) -> Attempt {
        timeout(limit, async {
            match &mut self.client {
                Client::Http(http) => http.send(body.clone()).await,
                Client::Grpc(grpc) => grpc.send(body.clone()).await,
            }
        })
        .await
        .unwrap_or_else(|_| Attempt::Retry { after: None, reason: format!("no answer within {limit:.0?}") })
    }

    /// What its thread is there for.
    fn duty(&self) -> Duty {
        Duty::Ask(vec![self.port])
    }

    /// Sends one request of `items` spans, data points or log records until it is accepted, refused for good, or out of
    /// time.
    pub async fn request(&mut self, encoded: Vec<u8>, items: u64) -> Delivery {
        let body = match &self.client {
            Client::Http(http) => http.body(encoded),
            Client::Grpc(_) => Bytes::from(encoded),
        };
        if let Some(until) = self.paused_until.take() {
            sleep_until(until).await;
        }
        let deadline = Instant::now() + self.batch_timeout;
        let mut backoff = Backoff::default();
        loop {
            let limit = self.attempt_timeout.min(deadline.saturating_duration_since(Instant::now()));
            let attempt = self.attempt(&body, limit).await;
            match attempt {
                Attempt::Accepted { rejected, message } => {
                    let rejected = rejected.min(items);
                    if rejected > 0 || !message.is_empty() {
                        let what = self.signal.items();
                        self.notices
                            .fails(&format!("{}: {rejected} of {items} {what} refused: {message}", self.target));
                    } else {
                        self.notices.works();
                    }
                    return Delivery { exported: items - rejected, rejected, ..Delivery::default() };
                }
                Attempt::Fatal { reason } => {
                    let word = self.signal.word();
                    self.notices.fails(&format!("cannot export {word} to {}: {reason}", self.target));
                    return Delivery { failed: items, ..Delivery::default() };
                }
                Attempt::Retry { after, reason } => {
                    self.notices.fails(&format!("cannot export to {}: {reason} (trying again)", self.target));
                    let asked = after.map(|after| after.min(MAX_PAUSE));
                    let next = Instant::now() + backoff.wait().max(asked.unwrap_or_default());
                    if next >= deadline {
                        // The batch is given up; the wish to be left alone holds for the next one too.
                        self.paused_until = Some(next);
                        return Delivery { failed: items, ..Delivery::default() };
                    }
                    sleep_until(next).await;
                }
            }
        }
    }
}

/// Sends spans to one end point.
#[derive(Debug)]
pub struct OtlpSink {
    sender: Sender,
    spare: Spare,
}

impl OtlpSink {
    /// A sink; it connects with the first batch.
    ///
    /// # Errors
    /// When certificates or keys cannot be read or used.
    pub fn new(config: &Otlp, batch: BatchSpans, reporter: Reporter) -> anyhow::Result<Self> {
        let sender = Sender::new(config, batch.export_timeout, reporter)?;
        Ok(Self { sender, spare: Spare::default() })
    }

    /// Gives the buffers of spans back when they are encoded.
    #[must_use]
    pub fn with_spare(self, spare: Spare) -> Self {
        Self { spare, ..self }
    }
}

impl Sink for OtlpSink {
    fn duty(&self) -> Duty {
        self.sender.duty()
    }

    async fn deliver(&mut self, batch: Vec<Span>) -> Delivery {
        let mut total = Delivery::default();
        let mut parts = VecDeque::from([batch]);
        while let Some(mut part) = parts.pop_front() {
            if part.is_empty() {
                continue;
            }
            let encoded = encode::request(&part);
            if encoded.len() > MAX_REQUEST && part.len() > 1 {
                let rest = part.split_off(part.len() / 2);
                parts.push_front(rest);
                parts.push_front(part);
                continue;
            }
            let spans = part.len() as u64;
            self.spare.give(part);
            let delivery = self.sender.request(encoded, spans).await;
            total.add(delivery);
        }
        total
    }
}

#[cfg(test)]
mod tests;
