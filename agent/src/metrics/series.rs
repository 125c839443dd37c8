//! One series: what was measured of one metric with one set of attributes.

use std::sync::Arc;

use super::catalog::Metric;
use super::exponential::Exponential;
use super::instrument::Kind;
use super::sets::SetId;
use super::snapshot::{Distribution, Exemplar, Number};
use crate::trace::span::Resource;

/// Most exemplars of a series whose buckets are exponential.
const MAX_EXEMPLARS: u64 = 4;

/// What was measured so far. Values are never negative but in sums that go up and down.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    Sum(f64),
    Last(f64),
    Distribution(Box<Distribution>),
}

impl Data {
    pub(super) fn new(kind: Kind, exponential: bool) -> Self {
        match kind {
            Kind::Counter | Kind::Total | Kind::UpDown => Self::Sum(0.0),
            Kind::Gauge => Self::Last(0.0),
            Kind::Histogram(_) if exponential => Self::Distribution(Box::new(Distribution {
                buckets: Number::Exponential(Exponential::default()),
                ..Distribution::default()
            })),
            Kind::Histogram(bounds) => Self::Distribution(Box::new(Distribution {
                buckets: Number::Explicit { bounds, counts: vec![0; bounds.len() + 1].into() },
                ..Distribution::default()
            })),
        }
    }

    /// What came since `earlier`, an earlier state of the same series.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        match (self, earlier) {
            (Self::Sum(now), Self::Sum(before)) => Self::Sum(now - before),
            (Self::Distribution(now), Self::Distribution(before)) => Self::Distribution(Box::new(now.since(before))),
            (now, _) => now.clone(),
        }
    }
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) metric: Metric,
    pub(super) set: SetId,
    /// The service in whose share it counts; none for an overflow series.
    pub(super) payer: Option<Arc<Resource>>,
    /// Kernel time of the first measurement, ns.
    pub(super) start_ns: u64,
    /// Kernel time of the last one, ns.
    pub(super) updated_ns: u64,
    pub(super) data: Data,
    /// State at the last collection with delta temporality, and its time.
    pub(super) told: Option<(Data, u64)>,
    /// Bucket and exemplar; at most one a bucket, in the order of their first appearance.
    pub(super) exemplars: Vec<(u16, Exemplar)>,
}

impl Series {
    /// Adds to a sum, or puts a value into a distribution, so many times. `None`: the value has no bucket of its own.
    pub(super) fn record(&mut self, value: f64, times: u64, exemplar: Option<Exemplar>) {
        let bucket = match &mut self.data {
            Data::Sum(sum) => {
                *sum += value * times as f64;
                return;
            }
            Data::Last(last) => {
                *last = value;
                return;
            }
            Data::Distribution(distribution) => distribution.record(value, times),
        };
        let Some(exemplar) = exemplar else { return };
        // Without buckets to keep them apart: by their time, which is as good as by chance.
        let bucket = bucket.unwrap_or((exemplar.at_ns / 1000 % MAX_EXEMPLARS) as u16);
        if let Some((_, known)) = self.exemplars.iter_mut().find(|(known, _)| *known == bucket) {
            *known = exemplar;
        } else {
            self.exemplars.push((bucket, exemplar));
        }
    }
}
