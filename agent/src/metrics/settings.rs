//! What a user can choose about metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use super::catalog::{CATALOG, Metric};
use super::instrument::Kind;
use super::snapshot::Temporality;

/// `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Reading {
    /// Everything since its beginning.
    #[default]
    Cumulative,
    /// Counters and histograms since the last collection.
    Delta,
    /// As `delta`, but for what is read and not added to.
    #[value(name = "lowmemory")]
    LowMemory,
}

impl Reading {
    /// How values of a kind are told.
    #[must_use]
    pub fn of(self, kind: Kind) -> Temporality {
        match (self, kind) {
            (Self::Cumulative, _) | (_, Kind::UpDown | Kind::Gauge) | (Self::LowMemory, Kind::Total) => {
                Temporality::Cumulative
            }
            (Self::Delta | Self::LowMemory, _) => Temporality::Delta,
        }
    }
}

/// Limits and shapes of all series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Most series of one metric of one service.
    pub cardinality_limit: u32,
    /// Most series of all metrics and services together.
    pub max_series: u32,
    /// How long a series is kept for which nothing comes.
    pub expiry: Duration,
    /// Whether each process has metrics of its own, and not only each service.
    pub per_process: bool,
    /// Whether buckets are exponential.
    pub exponential: bool,
    /// Attributes that a metric keeps, by its name; all where it is not named.
    pub attributes: BTreeMap<Box<str>, Vec<Box<str>>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cardinality_limit: 2000,
            max_series: 20_000,
            expiry: Duration::from_secs(900),
            per_process: false,
            exponential: false,
            attributes: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Whether any metric keeps only some of its attributes. Asked for every measurement: nearly never.
    #[inline]
    pub(super) fn keeps_few(&self) -> bool {
        !self.attributes.is_empty()
    }

    /// The attributes that a metric keeps; `None`: all.
    pub(super) fn attributes_of(&self, metric: Metric) -> Option<&[Box<str>]> {
        if !self.keeps_few() {
            return None;
        }
        self.attributes.get(CATALOG[metric as usize].name).map(Vec::as_slice)
    }
}
