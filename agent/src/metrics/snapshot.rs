//! What a collection gives to the exporters: values at one moment, which own what they need.

use std::sync::Arc;

use super::exponential::Exponential;
use super::instrument::Instrument;
use crate::trace::span::{Attribute, Resource, SpanId, TraceId};

/// A span that a measurement belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// Its trace.
    pub trace_id: TraceId,
    /// The span.
    pub span_id: SpanId,
    /// What was measured.
    pub value: f64,
    /// When: kernel time, ns; Unix time in a [`Snapshot`].
    pub at_ns: u64,
}

/// Whether values are told since the beginning of their series or since the last collection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Temporality {
    /// Since the beginning.
    #[default]
    Cumulative,
    /// Since the last collection.
    Delta,
}

/// How the values of a distribution are counted.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// Given bounds; one count more than bounds.
    Explicit {
        /// Upper, inclusive bounds.
        bounds: &'static [f64],
        /// Values by bucket, not added up.
        counts: Box<[u64]>,
    },
    /// Exponential bounds.
    Exponential(Exponential),
}

impl Default for Number {
    fn default() -> Self {
        Self::Explicit { bounds: &[], counts: Box::default() }
    }
}

/// A distribution of values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    /// Values.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Smallest and largest; not known of a difference.
    pub range: Option<(f64, f64)>,
    /// How they are spread.
    pub buckets: Number,
}

impl Distribution {
    /// Takes in a value. Its bucket, where buckets are explicit.
    pub(super) fn record(&mut self, value: f64, times: u64) -> Option<u16> {
        self.count += times;
        self.sum += value * times as f64;
        self.range = Some(self.range.map_or((value, value), |(low, high)| (low.min(value), high.max(value))));
        match &mut self.buckets {
            Number::Explicit { bounds, counts } => {
                // Few bounds, and most values lie low: the search from below is the shortest.
                let at = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
                if let Some(count) = counts.get_mut(at) {
                    *count += times;
                }
                u16::try_from(at).ok()
            }
            Number::Exponential(histogram) => {
                histogram.record(value, times);
                None
            }
        }
    }

    /// What came since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let buckets = match (&self.buckets, &earlier.buckets) {
            (Number::Explicit { bounds, counts }, Number::Explicit { counts: before, .. }) => Number::Explicit {
                bounds,
                counts: counts.iter().zip(before).map(|(now, before)| now.saturating_sub(*before)).collect(),
            },
            (Number::Exponential(now), Number::Exponential(before)) => Number::Exponential(now.since(before)),
            (now, _) => now.clone(),
        };
        Self { count: self.count.saturating_sub(earlier.count), sum: self.sum - earlier.sum, range: None, buckets }
    }
}

/// The value of a point.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A sum or the last value of a gauge.
    Number(f64),
    /// A distribution.
    Distribution(Box<Distribution>),
}

/// One series at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Attributes.
    pub attributes: Arc<[Attribute]>,
    /// Beginning of what `value` tells, ns since the Unix epoch.
    pub start_unix_ns: u64,
    /// Its end.
    pub at_unix_ns: u64,
    /// Value.
    pub value: Value,
    /// Spans that were measured; bounded, and never older than `start_unix_ns`.
    pub exemplars: Vec<Exemplar>,
}

/// A metric of one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// What it is.
    pub instrument: &'static Instrument,
    /// How its values are told.
    pub temporality: Temporality,
    /// Its series; never empty.
    pub points: Vec<Point>,
}

/// The metrics of one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Whose.
    pub resource: Arc<Resource>,
    /// In the order of the catalogue; never empty.
    pub families: Vec<Family>,
}

/// What a collection gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// One for each resource, in no particular order.
    pub groups: Vec<Group>,
}

impl Snapshot {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Data points in it.
    #[must_use]
    pub fn points(&self) -> u64 {
        self.groups.iter().flat_map(|group| &group.families).map(|family| family.points.len() as u64).sum()
    }
}
