//! The agent's own metrics: sums that others counted, read at a collection.

use super::Metrics;
use super::labels::Labels;
use crate::metrics::catalog::Metric;
use std::sync::Arc;

/// One value that the agent counted about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Which metric.
    pub metric: Metric,
    /// Its attributes.
    pub labels: Vec<(&'static str, &'static str)>,
    /// The value: of a sum, since the agent's start.
    pub value: f64,
}

impl Metrics {
    pub(super) fn read_own(&mut self, readings: &[Reading]) {
        let counts = self.store.counts();
        let series = [
            (Metric::Series, counts.series),
            (Metric::SeriesLost, counts.overflows),
            (Metric::SeriesExpired, counts.expired),
            (Metric::Deferred, self.deferred),
        ];
        let series = series.map(|(metric, value)| Reading { metric, labels: Vec::new(), value: value as f64 });
        let own = Arc::clone(&self.own);
        for reading in readings.iter().chain(&series) {
            let mut labels = Labels::default();
            for (key, value) in &reading.labels {
                labels.known(key, value);
            }
            let mut key = self.store.key(&own, labels.as_slice());
            self.store.set(reading.metric, &mut key, reading.value, self.now_ns);
        }
    }
}
