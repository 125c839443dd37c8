//! One thread for each exporter: takes batches from its queue and hands them to a [`Sink`].

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::watch;
use tracing::field::Empty;

use super::counts::{Counts, Fate, Snapshot};
use super::queue::{Batching, Item, Queue, weight};
use crate::lockdown::Duty;
use crate::threads;
use crate::trace::span::Span;
use wirespan_semconv::{ERROR_TYPE, WIRESPAN_EXPORT_ITEMS, WIRESPAN_EXPORTER};

/// What became of one batch; the three add up to what its items count for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Written or accepted.
    pub exported: u64,
    /// Refused in a partial success.
    pub rejected: u64,
    /// Given up.
    pub failed: u64,
    /// Nothing can ever be delivered again (the reader of standard output went away).
    pub ended: bool,
}

impl Delivery {
    /// Adds what became of another part of the batch.
    pub fn add(&mut self, other: Self) {
        self.exported += other.exported;
        self.rejected += other.rejected;
        self.failed += other.failed;
        self.ended |= other.ended;
    }
}

/// Where batches go. Lives on its exporter's own thread, in a current-thread tokio runtime.
pub trait Sink<T = Span>: Send + 'static {
    /// What its thread is there for: to write, unless it says otherwise.
    fn duty(&self) -> Duty {
        Duty::Write
    }

    /// Delivers a batch, which is never empty. May take its time (retries): the pipeline does not wait for it.
    fn deliver(&mut self, batch: Vec<T>) -> impl Future<Output = Delivery>;

    /// How long after a delivery it wants to be told that nothing came; `None`: it does not.
    fn idle_after(&self) -> Option<Duration> {
        None
    }

    /// Nothing came for that long.
    fn idle(&mut self) -> impl Future<Output = Delivery> {
        std::future::ready(Delivery::default())
    }

    /// Nothing comes any more.
    fn finish(&mut self) -> impl Future<Output = Delivery> {
        std::future::ready(Delivery::default())
    }
}

/// The pipeline's end of a running exporter.
#[derive(Debug)]
pub struct Exporter<T: Item = Span> {
    name: &'static str,
    queue: Arc<Queue<T>>,
    counts: Arc<Counts>,
    ended: Arc<AtomicBool>,
    /// What the batch that the sink has in its hands counts for.
    in_flight: Arc<AtomicU64>,
    /// Becomes true when the time for shutting down is over.
    abandon: watch::Sender<bool>,
    done: mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

/// How long a thread may take to notice that it has been abandoned; it only has to leave an `await`.
const ABANDON_GRACE: Duration = Duration::from_millis(250);

impl<T: Item> Exporter<T> {
    /// Starts the exporter's thread.
    ///
    /// # Errors
    /// When the system grants no thread or no event queue.
    pub fn spawn(name: &'static str, mut sink: impl Sink<T>, batching: Batching) -> anyhow::Result<Self> {
        let counts = Arc::new(Counts::default());
        let queue = Arc::new(Queue::new(batching, Arc::clone(&counts)));
        let ended = Arc::new(AtomicBool::new(false));
        let in_flight = Arc::new(AtomicU64::new(0));
        let (abandon, abandoned) = watch::channel(false);
        let (done_sender, done) = mpsc::sync_channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .with_context(|| format!("cannot start the {name} exporter"))?;
        let duty = sink.duty();
        let work = {
            let (queue, counts) = (Arc::clone(&queue), Arc::clone(&counts));
            let (ended, in_flight) = (Arc::clone(&ended), Arc::clone(&in_flight));
            move || {
                // Dropped when this thread ends, however it does.
                let _done = done_sender;
                runtime.block_on(drain(name, &mut sink, &queue, &counts, &ended, &in_flight, abandoned));
                // A name look-up may still be running on a helper thread: it must not hold the exit up.
                runtime.shutdown_background();
            }
        };
        let thread = threads::spawn(format!("ws-{name}"), duty, work)
            .with_context(|| format!("cannot start the thread of the {name} exporter"))?;
        Ok(Self { name, queue, counts, ended, in_flight, abandon, done, thread: Some(thread) })
    }

    /// Hands items over. Never blocks; what finds no room is counted.
    pub fn offer(&self, items: Vec<T>) {
        self.queue.offer(items);
    }

    /// Takes no more items; what waits is delivered without delay.
    pub fn close(&self) {
        self.queue.close();
    }

    /// Its name, for the summary.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The counters now.
    #[must_use]
    pub fn counts(&self) -> Snapshot {
        self.counts.snapshot()
    }

    /// Whether nothing can be delivered any more (broken pipe): the caller should end, cleanly.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Delivers what waits, until `deadline`; what is left then is counted as dropped. Returns the final counters.
    pub fn shutdown(&mut self, deadline: Instant) -> Snapshot {
        self.queue.close();
        let left = || deadline.saturating_duration_since(Instant::now());
        if self.done.recv_timeout(left().saturating_sub(ABANDON_GRACE)) == Err(mpsc::RecvTimeoutError::Timeout) {
            self.abandon.send_replace(true);
            let grace = left().clamp(ABANDON_GRACE / 5, ABANDON_GRACE);
            if self.done.recv_timeout(grace) == Err(mpsc::RecvTimeoutError::Timeout) {
                // The thread hangs in a write that nobody reads: its batch is lost with it.
                let waiting = self.queue.clear();
                self.counts.add(Fate::Shutdown, waiting + self.in_flight.load(Ordering::Relaxed));
                self.thread = None;
            }
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            // It died: what it had in its hands, and what waited for it, is lost.
            let waiting = self.queue.clear();
            self.counts.add(Fate::ExportFailed, waiting + self.in_flight.swap(0, Ordering::Relaxed));
        }
        self.counts()
    }
}

impl<T: Item> Drop for Exporter<T> {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// The span of a delivery. That of the agent's own spans has none, or there would be no end of them.
fn watched<T: Item>(name: &'static str, items: u64, batch: &[T]) -> tracing::Span {
    let span = tracing::info_span!(
        "export",
        { WIRESPAN_EXPORTER } = name,
        { WIRESPAN_EXPORT_ITEMS } = items,
        { ERROR_TYPE } = Empty,
        nothing = Empty,
    );
    if !span.is_disabled() && batch.iter().all(Item::is_own) {
        span.record("nothing", true);
    }
    span
}

async fn drain<T: Item>(
    name: &'static str,
    sink: &mut impl Sink<T>,
    queue: &Queue<T>,
    counts: &Counts,
    ended: &AtomicBool,
    in_flight: &AtomicU64,
    mut abandoned: watch::Receiver<bool>,
) {
    while let Some(batch) = next(sink, queue, ended).await {
        let items = weight(&batch);
        in_flight.store(items, Ordering::Relaxed);
        let span = watched(name, items, &batch);
        let delivery = tokio::select! {
            biased;
            delivery = sink.deliver(batch) => delivery,
            // A dropped sender means that nobody waits for this thread any more: the same.
            _ = abandoned.wait_for(|abandoned| *abandoned) => {
                counts.add(Fate::Shutdown, items + queue.clear());
                return;
            }
        };
        in_flight.store(0, Ordering::Relaxed);
        if delivery.exported < items {
            span.record(ERROR_TYPE, "not_all_exported");
        }
        drop(span);
        counts.add(Fate::Exported, delivery.exported);
        counts.add(Fate::Rejected, delivery.rejected);
        counts.add(Fate::ExportFailed, delivery.failed);
        if delivery.ended {
            ended.store(true, Ordering::Relaxed);
            queue.close();
            counts.add(Fate::ExportFailed, queue.clear());
        }
    }
    if !ended.load(Ordering::Relaxed) {
        sink.finish().await;
    }
}

/// The next batch; until it comes the sink is told of the silence, if it wants to know.
async fn next<T: Item>(sink: &mut impl Sink<T>, queue: &Queue<T>, ended: &AtomicBool) -> Option<Vec<T>> {
    let mut next = std::pin::pin!(queue.next());
    loop {
        let Some(patience) = sink.idle_after() else { return next.await };
        if let Ok(batch) = tokio::time::timeout(patience, &mut next).await {
            return batch;
        }
        if sink.idle().await.ended {
            ended.store(true, Ordering::Relaxed);
            queue.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::testing;
    use crate::telemetry::Telemetry;
    use crate::trace::span::{Resource, Value};

    #[test]
    fn a_delivery_is_told_unless_it_tells_of_nothing_else() {
        let telemetry = Telemetry::default();
        let pid = Value::Int(std::process::id().into());
        let resource = Resource {
            service_name: "wirespan".into(),
            attributes: vec![("process.pid".into(), pid)],
            ..Resource::default()
        };
        let resource = Arc::new(resource);
        telemetry.keep_spans(Arc::clone(&resource)).unwrap();
        let foreign = testing::bare_span(&testing::resource("shop"));
        let own = Span { resource, ..foreign.clone() };
        let told = |batch: &[Span]| {
            tracing::subscriber::with_default(telemetry.clone(), || drop(watched("otlp", batch.len() as u64, batch)));
            telemetry.take_spans().len()
        };
        assert_eq!(told(&[own.clone(), own.clone()]), 0);
        assert_eq!(told(&[own, foreign]), 1);
    }
}
