//! The bounded queue between the pipeline and an exporter's thread. Offering never blocks: what finds no room is counted and dropped.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::counts::{Counts, Fate};
use crate::trace::span::Span;

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

#[derive(Debug, Default)]
struct State {
    spans: VecDeque<Span>,
    /// When the oldest waiting span came; meaningful while `spans` is not empty.
    since: Option<Instant>,
    closed: bool,
}

/// See the module's text.
#[derive(Debug)]
pub struct Queue {
    state: Mutex<State>,
    wake: Notify,
    batching: Batching,
    counts: Arc<Counts>,
}

impl Queue {
    /// An empty queue.
    #[must_use]
    pub fn new(batching: Batching, counts: Arc<Counts>) -> Self {
        let max_queue = batching.max_queue.max(1);
        let batching = Batching { max_queue, max_batch: batching.max_batch.clamp(1, max_queue), ..batching };
        Self { state: Mutex::default(), wake: Notify::new(), batching, counts }
    }

    /// A poisoned lock is still a whole queue: every critical section leaves it so.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes as many spans as there is room for, and counts the rest as dropped. Returns how many were taken.
    pub fn offer(&self, mut spans: Vec<Span>) -> usize {
        if spans.is_empty() {
            return 0;
        }
        let offered = spans.len();
        let (taken, wake) = {
            let mut state = self.lock();
            let before = state.spans.len();
            let room = if state.closed { 0 } else { self.batching.max_queue.saturating_sub(before) };
            spans.truncate(room);
            if before == 0 {
                state.since = Some(Instant::now());
            }
            state.spans.extend(spans);
            let after = state.spans.len();
            // One wake-up starts the waiting, one ends it early when a batch is full: not one for each call.
            let full = before < self.batching.max_batch && after >= self.batching.max_batch;
            (after - before, (before == 0 && after > 0) || full)
        };
        if taken < offered {
            self.counts.add(Fate::QueueFull, (offered - taken) as u64);
        }
        if wake {
            self.wake.notify_one();
        }
        taken
    }

    /// No more spans are taken; [`Queue::next`] hands out the rest without waiting.
    pub fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// Forgets what waits, and tells how many spans that were.
    pub fn clear(&self) -> usize {
        let spans = std::mem::take(&mut self.lock().spans);
        spans.len()
    }

    /// The next batch: a full one, or what is there when the delay has passed. `None` when closed and empty. For one consumer.
    pub async fn next(&self) -> Option<Vec<Span>> {
        loop {
            let due = {
                let mut state = self.lock();
                let due = state.since.map(|since| since + self.batching.delay);
                let waiting = state.spans.len();
                let ready =
                    waiting >= self.batching.max_batch || state.closed || due.is_some_and(|due| due <= Instant::now());
                if waiting > 0 && ready {
                    let batch = state.spans.drain(..waiting.min(self.batching.max_batch)).collect();
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
