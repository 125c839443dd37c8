//! Metrics for Prometheus: names, texts, and how a scrape gets them. [`crate::serve`] has the HTTP server.
//!
//! A scrape asks the main loop for a collection through a [`Board`] and waits for it; the main loop only looks at a flag
//! and never waits for a scrape.

pub mod names;
pub mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::metrics::snapshot::Snapshot;

/// Where others ask and the main loop answers: scrapes for a [`Snapshot`]. Those that ask together are answered together.
#[derive(Debug)]
pub struct Board<T = Snapshot> {
    wanted: AtomicBool,
    latest: watch::Sender<Arc<T>>,
}

impl<T: Default> Default for Board<T> {
    fn default() -> Self {
        Self { wanted: AtomicBool::new(false), latest: watch::Sender::new(Arc::default()) }
    }
}

impl<T> Board<T> {
    /// Whether somebody waits for values since the last call.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) && self.wanted.swap(false, Ordering::AcqRel)
    }

    /// Answers everybody who waits.
    pub fn publish(&self, answer: T) {
        self.latest.send_replace(Arc::new(answer));
    }

    /// Asks, and waits for the answer; `None` when there will be none.
    pub async fn ask(&self) -> Option<Arc<T>> {
        let mut answers = self.latest.subscribe();
        self.wanted.store(true, Ordering::Release);
        answers.changed().await.ok()?;
        let answer = answers.borrow_and_update();
        Some(Arc::clone(&answer))
    }
}
