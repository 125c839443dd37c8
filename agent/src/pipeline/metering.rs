//! When metrics are collected, and where they go: at the interval over OTLP and as lines, at each scrape to Prometheus.
//! All of it on the main thread, which never waits for a receiver.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::own::{Outside, readings};
use crate::export::counts::Snapshot as Counts;
use crate::export::prometheus::Board;
use crate::export::worker::Exporter;
use crate::metrics::record::Metrics;
use crate::metrics::settings::Reading;
use crate::metrics::snapshot::Snapshot;

/// Everything above [`Metrics`].
pub struct Metering {
    metrics: Rc<RefCell<Metrics>>,
    reading: Reading,
    interval: Duration,
    due: Instant,
    exporters: Vec<Exporter<Arc<Snapshot>>>,
    board: Option<Arc<Board>>,
}

impl Metering {
    /// Collects every `interval` for `exporters`, and whenever somebody asks at `board`. The engine must tell `metrics`.
    #[must_use]
    pub fn new(
        metrics: Rc<RefCell<Metrics>>,
        reading: Reading,
        interval: Duration,
        exporters: Vec<Exporter<Arc<Snapshot>>>,
        board: Option<Arc<Board>>,
    ) -> Self {
        Self { metrics, reading, interval, due: Instant::now() + interval, exporters, board }
    }

    /// What the engine tells.
    #[must_use]
    pub fn observer(&self) -> Rc<RefCell<Metrics>> {
        Rc::clone(&self.metrics)
    }

    /// Name and counters of each exporter.
    #[must_use]
    pub fn counts(&self) -> Vec<(&'static str, Counts)> {
        self.exporters.iter().map(|exporter| (exporter.name(), exporter.counts())).collect()
    }

    /// Collects if it is time to, or if somebody asks. `outside` is only called then.
    pub fn turn(&mut self, engine: &mut Engine, is_last: bool, outside: &mut dyn FnMut() -> Outside) {
        let is_wanted = self.board.as_ref().is_some_and(|board| board.is_wanted());
        let now = Instant::now();
        let is_due = !self.exporters.is_empty() && (is_last || now >= self.due);
        if !is_wanted && !is_due {
            return;
        }
        let mut outside = outside();
        outside.exporters.extend(self.counts());
        let readings = readings(engine, &outside);
        let standing = engine.standing();
        let clock = engine.tracer().clock();
        let collect = |metrics: &mut Metrics, reading| metrics.collect(clock, reading, &standing, &readings);
        if is_wanted && let Some(board) = &self.board {
            let snapshot = collect(&mut self.metrics.borrow_mut(), Reading::Cumulative);
            board.publish(snapshot);
        }
        if is_due {
            // Missed times are not made up for.
            self.due = now + self.interval;
            let snapshot = Arc::new(collect(&mut self.metrics.borrow_mut(), self.reading));
            if !snapshot.is_empty() {
                for exporter in &self.exporters {
                    exporter.offer(vec![Arc::clone(&snapshot)]);
                }
            }
        }
    }

    /// Takes no more; what waits is delivered without delay.
    pub fn close(&self) {
        self.exporters.iter().for_each(Exporter::close);
    }

    /// Delivers what waits, until `deadline`, and tells the final counters.
    pub fn shutdown(mut self, deadline: Instant) -> Vec<(&'static str, Counts)> {
        self.close();
        self.exporters.iter_mut().map(|exporter| (exporter.name(), exporter.shutdown(deadline))).collect()
    }
}
