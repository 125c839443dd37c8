//! The queue between the pipeline and an exporter's thread, bounded in items and in memory. Offering never blocks: what finds no
//! room is counted and dropped. The last quarter of the room is kept for spans that failed or were slow.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::counts::{Counts, Fate};
use crate::capture::memory;
use crate::trace::span::{Span, Status, Value};
use wirespan_semconv::PROCESS_PID;

/// What can wait in a queue: it says what it counts for.
pub trait Item: Send + 'static {
    /// Spans, data points or log records in it.
    fn weight(&self) -> u64;

    /// Memory that it holds, about. What it shares with others counts as its own.
    fn bytes(&self) -> usize;

    /// Whether it tells of the agent's own work.
    fn is_own(&self) -> bool {
        false
    }

    /// Whether it may take the last places ([`RESERVED`]).
    fn is_remarkable(&self) -> bool {
        true
    }
}

impl Item for Span {
    fn weight(&self) -> u64 {
        1
    }

    fn bytes(&self) -> usize {
        Span::bytes(self)
    }

    fn is_remarkable(&self) -> bool {
        let lasted_ns = self.end_unix_ns.saturating_sub(self.start_unix_ns);
        matches!(self.status, Status::Error(_)) || lasted_ns >= SLOW_NS
    }

    /// The agent never traces its own process.
    fn is_own(&self) -> bool {
        let own = Value::Int(std::process::id().into());
        self.resource.attributes.iter().any(|(key, value)| key == PROCESS_PID && *value == own)
    }
}

/// What a run of items counts for.
pub(super) fn weight<T: Item>(items: &[T]) -> u64 {
    items.iter().map(Item::weight).sum()
}

/// When a batch is handed to the sink, and how many spans may wait. The names are those of `OTEL_BSP_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    /// Most spans that wait (`OTEL_BSP_MAX_QUEUE_SIZE`).
    pub max_queue: usize,
    /// Most memory of what waits, bytes. A single item may be larger.
    pub max_bytes: usize,
    /// Most spans of one batch (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`).
    pub max_batch: usize,
    /// Longest time that the first span of an incomplete batch waits (`OTEL_BSP_SCHEDULE_DELAY`).
    pub delay: Duration,
}

impl Batching {
    /// For consoles and files: what is there is written at once.
    pub const PROMPT: Self = Self { max_queue: 16 * 1024, max_bytes: 16 << 20, max_batch: 512, delay: Duration::ZERO };
}

/// A batch ends when it holds this much memory: it is rendered or encoded as a whole.
const BATCH_BYTES: usize = 1 << 20;
/// One in so many places, and bytes, is kept for what is remarkable.
const RESERVED: usize = 4;
/// A span that lasted so long is remarkable, ns.
const SLOW_NS: u64 = 1_000_000_000;
/// After this much has waited, memory is given back to the system when nothing waits any more.
const MUCH: usize = 4 << 20;

#[derive(Debug)]
struct State<T> {
    /// Each with its memory.
    items: VecDeque<(usize, T)>,
    /// Memory of all of them, and the most of it since memory was given back.
    bytes: usize,
    peak: usize,
    /// When the oldest waiting item came; meaningful while `items` is not empty.
    since: Option<Instant>,
    closed: bool,
}

/// See the module's text.
#[derive(Debug)]
pub struct Queue<T = Span> {
    state: Mutex<State<T>>,
    wake: Notify,
    batching: Batching,
    counts: Arc<Counts>,
}

impl<T: Item> Queue<T> {
    /// An empty queue.
    #[must_use]
    pub fn new(batching: Batching, counts: Arc<Counts>) -> Self {
        let max_queue = batching.max_queue.max(1);
        let batching = Batching { max_queue, max_batch: batching.max_batch.clamp(1, max_queue), ..batching };
        let state = State { items: VecDeque::new(), bytes: 0, peak: 0, since: None, closed: false };
        Self { state: Mutex::new(state), wake: Notify::new(), batching, counts }
    }

    /// A poisoned lock is still a whole queue: every critical section leaves it so.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes as many items as there is room for, and counts the rest as dropped. Returns how many were taken.
    pub fn offer(&self, items: Vec<T>) -> usize {
        if items.is_empty() {
            return 0;
        }
        let mut refused = 0;
        let (taken, wake) = {
            let mut state = self.lock();
            let (before, bytes_before) = (state.items.len(), state.bytes);
            if before == 0 {
                state.since = Some(Instant::now());
            }
            // Sizes are added up here, under the lock: a second list of them would cost more than the wait.
            for item in items {
                let bytes = item.bytes();
                if state.has_room(&self.batching, bytes, &item) {
                    state.bytes += bytes;
                    state.items.push_back((bytes, item));
                } else {
                    refused += item.weight();
                }
            }
            state.peak = state.peak.max(state.bytes);
            let after = state.items.len();
            // One wake-up starts the waiting, one ends it early when a batch is full: not one for each call.
            let full = |items, bytes| items >= self.batching.max_batch || bytes >= BATCH_BYTES;
            let fills = !full(before, bytes_before) && full(after, state.bytes);
            (after - before, (before == 0 && after > 0) || fills)
        };
        if refused > 0 {
            self.counts.add(Fate::QueueFull, refused);
        }
        if wake {
            self.wake.notify_one();
        }
        taken
    }

    /// No more items are taken; [`Queue::next`] hands out the rest without waiting.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// Forgets what waits, and tells what that counted for.
    pub fn clear(&self) -> u64 {
        let items = {
            let mut state = self.lock();
            state.bytes = 0;
            std::mem::take(&mut state.items)
        };
        items.iter().map(|(_, item)| item.weight()).sum()
    }

    /// The next batch: a full one, or what is there when the delay has passed. `None` when closed and empty. For one consumer.
    pub async fn next(&self) -> Option<Vec<T>> {
        loop {
            let (batch, due) = {
                let mut state = self.lock();
                let due = state.since.map(|since| since + self.batching.delay);
                let waiting = state.items.len();
                let full = waiting >= self.batching.max_batch || state.bytes >= BATCH_BYTES;
                let ready = full || state.closed || due.is_some_and(|due| due <= Instant::now());
                let batch = if waiting > 0 && ready { state.batch(&self.batching) } else { Vec::new() };
                if batch.is_empty() && state.closed {
                    return None;
                }
                (batch, due.filter(|_| waiting > 0))
            };
            if !batch.is_empty() {
                self.give_back();
                return Some(batch);
            }
            match due {
                Some(due) => drop(timeout_at(due, self.wake.notified()).await),
                None => self.wake.notified().await,
            }
        }
    }

    /// After much has waited, and nothing waits any more.
    fn give_back(&self) {
        {
            let mut state = self.lock();
            if !state.items.is_empty() || state.peak < MUCH {
                return;
            }
            state.peak = 0;
            state.items = VecDeque::new();
        }
        memory::give_back();
    }
}

impl<T: Item> State<T> {
    fn has_room(&self, batching: &Batching, bytes: usize, item: &T) -> bool {
        let is_within = |share: fn(usize) -> usize| {
            let fits = self.items.is_empty() || self.bytes.saturating_add(bytes) <= share(batching.max_bytes);
            fits && self.items.len() < share(batching.max_queue)
        };
        !self.closed && (is_within(|all| all - all / RESERVED) || is_within(|all| all) && item.is_remarkable())
    }

    /// Takes out a batch: at least one item if there is one.
    fn batch(&mut self, batching: &Batching) -> Vec<T> {
        let mut bytes = 0;
        let mut batch = Vec::with_capacity(self.items.len().min(batching.max_batch));
        while batch.len() < batching.max_batch
            && bytes < BATCH_BYTES
            && let Some((own, item)) = self.items.pop_front()
        {
            bytes += own;
            batch.push(item);
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        // What remains is younger than what went, by how much is not known: it waits a delay of its own.
        self.since = Some(Instant::now());
        batch
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
