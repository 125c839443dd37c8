//! What became of the spans that were handed to an exporter: `offered = exported + rejected + dropped(reason) + still queued`.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one exporter, shared between the pipeline, the exporter's thread and the summary.
#[derive(Debug, Default)]
pub struct Counts {
    exported: AtomicU64,
    rejected: AtomicU64,
    queue_full: AtomicU64,
    export_failed: AtomicU64,
    shutdown: AtomicU64,
}

/// Where a span can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Written, or accepted by the receiver.
    Exported,
    /// Refused by a receiver that accepted others of the same request (partial success).
    Rejected,
    /// Dropped: the queue had no room.
    QueueFull,
    /// Dropped: writing or sending failed for good.
    ExportFailed,
    /// Dropped: still unsent when the time for shutting down was over.
    Shutdown,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Written, or accepted by the receiver.
    pub exported: u64,
    /// Refused by the receiver in a partial success.
    pub rejected: u64,
    /// Dropped: the queue had no room.
    pub queue_full: u64,
    /// Dropped: writing or sending failed for good.
    pub export_failed: u64,
    /// Dropped: unsent at the end of the shutdown time-out.
    pub shutdown: u64,
}

impl Snapshot {
    /// Spans that did not arrive, by reason, in a fixed order; for summaries and metrics.
    #[must_use]
    pub const fn lost(&self) -> [(&'static str, u64); 4] {
        [
            ("queue_full", self.queue_full),
            ("export_failed", self.export_failed),
            ("rejected", self.rejected),
            ("shutdown", self.shutdown),
        ]
    }
}

impl Counts {
    /// Counts `spans` spans.
    pub fn add(&self, fate: Fate, spans: u64) {
        let counter = match fate {
            Fate::Exported => &self.exported,
            Fate::Rejected => &self.rejected,
            Fate::QueueFull => &self.queue_full,
            Fate::ExportFailed => &self.export_failed,
            Fate::Shutdown => &self.shutdown,
        };
        counter.fetch_add(spans, Ordering::Relaxed);
    }

    /// The counters now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            exported: self.exported.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            queue_full: self.queue_full.load(Ordering::Relaxed),
            export_failed: self.export_failed.load(Ordering::Relaxed),
            shutdown: self.shutdown.load(Ordering::Relaxed),
        }
    }
}
