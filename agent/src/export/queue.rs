//! The bounded queue between the pipeline and an exporter's thread. Offering never blocks: what finds no room is counted and dropped.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::counts::{Counts, Fate};
use crate::trace::span::Span;

/// What can wait in a queue: it says what it counts for.
pub trait Item: Send + 'static {
    /// Spans, data points or log records in it.
    fn weight(&self) -> u64;
}

impl Item for Span {
    fn weight(&self) -> u64 {
        1
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
    /// Most spans of one batch (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`).
    pub max_batch: usize,
    /// Longest time that the first span of an incomplete batch waits (`OTEL_BSP_SCHEDULE_DELAY`).
    pub delay: Duration,
}

impl Batching {
    /// For consoles and files: what is there is written at once.
    pub const PROMPT: Self = Self { max_queue: 16 * 1024, max_batch: 512, delay: Duration::ZERO };
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
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
        let state = State { items: VecDeque::new(), since: None, closed: false };
        Self { state: Mutex::new(state), wake: Notify::new(), batching, counts }
    }

    /// A poisoned lock is still a whole queue: every critical section leaves it so.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes as many items as there is room for, and counts the rest as dropped. Returns how many were taken.
    pub fn offer(&self, mut items: Vec<T>) -> usize {
        if items.is_empty() {
            return 0;
        }
        let mut refused = Vec::new();
        let (taken, wake) = {
            let mut state = self.lock();
            let before = state.items.len();
            let room = if state.closed { 0 } else { self.batching.max_queue.saturating_sub(before) };
            if room < items.len() {
                refused = items.split_off(room);
            }
            if before == 0 {
                state.since = Some(Instant::now());
            }
            state.items.extend(items);
            let after = state.items.len();
            // One wake-up starts the waiting, one ends it early when a batch is full: not one for each call.
            let full = before < self.batching.max_batch && after >= self.batching.max_batch;
            (after - before, (before == 0 && after > 0) || full)
        };
        if !refused.is_empty() {
            self.counts.add(Fate::QueueFull, weight(&refused));
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
        let items = std::mem::take(&mut self.lock().items);
        items.iter().map(Item::weight).sum()
    }

    /// The next batch: a full one, or what is there when the delay has passed. `None` when closed and empty. For one consumer.
    pub async fn next(&self) -> Option<Vec<T>> {
        loop {
            let due = {
                let mut state = self.lock();
                let due = state.since.map(|since| since + self.batching.delay);
                let waiting = state.items.len();
                let ready =
                    waiting >= self.batching.max_batch || state.closed || due.is_some_and(|due| due <= Instant::now());
                if waiting > 0 && ready {
                    let batch = state.items.drain(..waiting.min(self.batching.max_batch)).collect();
                    // What remains is younger than what went, by how much is not known: it waits a delay of its own.
                    state.since = Some(Instant::now());
                    return Some(batch);
                }
                if state.closed {
                    return None;
                }
                due.filter(|_| waiting > 0)
            };
            match due {
                Some(due) => drop(timeout_at(due, self.wake.notified()).await),
                None => self.wake.notified().await,
            }
        }
    }
}
