//! From a snapshot to encoded `ExportMetricsServiceRequest`s, and the sink that sends them.
//!
//! Field numbers are those of opentelemetry-proto 1.x: `collector/metrics/v1/metrics_service.proto` and
//! `metrics/v1/metrics.proto`. The tests decode what is written here with generated types.

use std::sync::Arc;
use std::time::Duration;

use super::encode::{attribute, instrumentation_scope, resource};
use super::wire::Writer;
use super::{MAX_REQUEST, Sender};
use crate::config::otlp::Otlp;
use crate::export::groups::SCHEMA_URL;
use crate::export::notice::Reporter;
use crate::export::queue::{Batching, Item};
use crate::export::worker::{Delivery, Sink};
use crate::metrics::instrument::{Instrument, Kind};
use crate::metrics::snapshot::{Distribution, Exemplar, Family, Number, Point, Snapshot, Temporality, Value};
use crate::trace::span::Resource;

mod request {
    pub const RESOURCE_METRICS: u32 = 1;
}
/// `ResourceMetrics` and `ScopeMetrics`.
mod container {
    pub const SUBJECT: u32 = 1;
    pub const CONTENT: u32 = 2;
    pub const SCHEMA_URL: u32 = 3;
}
mod metric {
    pub const NAME: u32 = 1;
    pub const DESCRIPTION: u32 = 2;
    pub const UNIT: u32 = 3;
    pub const GAUGE: u32 = 5;
    pub const SUM: u32 = 7;
    pub const HISTOGRAM: u32 = 9;
    pub const EXPONENTIAL: u32 = 10;
}
mod data {
    pub const POINTS: u32 = 1;
    pub const TEMPORALITY: u32 = 2;
    pub const IS_MONOTONIC: u32 = 3;
}
/// What all kinds of points have in common.
mod point {
    pub const START: u32 = 2;
    pub const TIME: u32 = 3;
}
mod number {
    pub const AS_DOUBLE: u32 = 4;
    pub const EXEMPLARS: u32 = 5;
    pub const AS_INT: u32 = 6;
    pub const ATTRIBUTES: u32 = 7;
}
mod histogram {
    pub const COUNT: u32 = 4;
    pub const SUM: u32 = 5;
    pub const BUCKET_COUNTS: u32 = 6;
    pub const EXPLICIT_BOUNDS: u32 = 7;
    pub const EXEMPLARS: u32 = 8;
    pub const ATTRIBUTES: u32 = 9;
    pub const MIN: u32 = 11;
    pub const MAX: u32 = 12;
}
mod exponential {
    pub const ATTRIBUTES: u32 = 1;
    pub const COUNT: u32 = 4;
    pub const SUM: u32 = 5;
    pub const SCALE: u32 = 6;
    pub const ZERO_COUNT: u32 = 7;
    pub const POSITIVE: u32 = 8;
    pub const EXEMPLARS: u32 = 11;
    pub const MIN: u32 = 12;
    pub const MAX: u32 = 13;
}
mod buckets {
    pub const OFFSET: u32 = 1;
    pub const COUNTS: u32 = 2;
}
mod exemplar {
    pub const TIME: u32 = 2;
    pub const AS_DOUBLE: u32 = 3;
    pub const SPAN_ID: u32 = 4;
    pub const TRACE_ID: u32 = 5;
    pub const AS_INT: u32 = 6;
}

/// Snapshots that may wait: a receiver that is away for longer misses values of that time, not the sums.
pub const WAITING: Batching = Batching { max_queue: 4, max_bytes: 32 << 20, max_batch: 1, delay: Duration::ZERO };

impl Item for Arc<Snapshot> {
    fn weight(&self) -> u64 {
        self.points()
    }

    fn bytes(&self) -> usize {
        // A point and its buckets; attributes are shared with the store.
        let points = usize::try_from(self.points()).unwrap_or(usize::MAX);
        points.saturating_mul(400)
    }
}

/// Some points of a metric.
#[derive(Clone, Copy)]
struct Part<'a> {
    family: &'a Family,
    points: &'a [Point],
}

/// Encodes a snapshot as requests that are not too large, each with the number of its points.
#[must_use]
pub fn requests(snapshot: &Snapshot, max_bytes: usize) -> Vec<(Vec<u8>, u64)> {
    let mut requests: Vec<(Vec<u8>, u64)> = Vec::new();
    for group in &snapshot.groups {
        let parts: Vec<Part<'_>> =
            group.families.iter().map(|family| Part { family, points: &family.points }).collect();
        let mut waiting = vec![parts];
        while let Some(mut parts) = waiting.pop() {
            let bytes = encode(&group.resource, &parts);
            if bytes.len() > max_bytes
                && let Some(rest) = split(&mut parts)
            {
                waiting.push(rest);
                waiting.push(parts);
                continue;
            }
            let points: u64 = parts.iter().map(|part| part.points.len() as u64).sum();
            match requests.last_mut() {
                // Two encoded messages in a row are one with the fields of both.
                Some((last, count)) if last.len() + bytes.len() <= max_bytes => {
                    last.extend_from_slice(&bytes);
                    *count += points;
                }
                _ => requests.push((bytes, points)),
            }
        }
    }
    requests
}

/// Takes the second half away; `None` if there is only one point.
fn split<'a>(parts: &mut Vec<Part<'a>>) -> Option<Vec<Part<'a>>> {
    if parts.len() > 1 {
        return Some(parts.split_off(parts.len() / 2));
    }
    let part = parts.first_mut()?;
    if part.points.len() < 2 {
        return None;
    }
    let (points, rest) = part.points.split_at(part.points.len() / 2);
    part.points = points;
    Some(vec![Part { points: rest, ..*part }])
}

fn encode(owner: &Resource, parts: &[Part<'_>]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.message(request::RESOURCE_METRICS, |writer| {
        writer.message(container::SUBJECT, |writer| resource(writer, owner));
        writer.message(container::CONTENT, |writer| {
            writer.message(container::SUBJECT, instrumentation_scope);
            for part in parts {
                writer.message(container::CONTENT, |writer| family(writer, part));
            }
            writer.bytes(container::SCHEMA_URL, SCHEMA_URL.as_bytes());
        });
        writer.bytes(container::SCHEMA_URL, SCHEMA_URL.as_bytes());
    });
    writer.into_bytes()
}

fn family(writer: &mut Writer, part: &Part<'_>) {
    let Family { instrument, temporality, .. } = part.family;
    writer.bytes(metric::NAME, instrument.name.as_bytes());
    writer.bytes(metric::DESCRIPTION, instrument.description.as_bytes());
    writer.bytes(metric::UNIT, instrument.unit.as_bytes());
    let is_exponential = part.points.first().is_some_and(
        |point| matches!(&point.value, Value::Distribution(one) if matches!(one.buckets, Number::Exponential(_))),
    );
    let kind = match instrument.kind {
        Kind::Gauge => metric::GAUGE,
        Kind::Counter | Kind::Total | Kind::UpDown => metric::SUM,
        Kind::Histogram(_) if is_exponential => metric::EXPONENTIAL,
        Kind::Histogram(_) => metric::HISTOGRAM,
    };
    writer.message(kind, |writer| {
        for one in part.points {
            writer.message(data::POINTS, |writer| point(writer, one, instrument));
        }
        if instrument.kind == Kind::Gauge {
            return;
        }
        writer.varint(data::TEMPORALITY, if *temporality == Temporality::Delta { 1 } else { 2 });
        if instrument.kind.is_monotonic() {
            writer.varint(data::IS_MONOTONIC, 1);
        }
    });
}

fn point(writer: &mut Writer, point: &Point, instrument: &Instrument) {
    if instrument.kind != Kind::Gauge {
        writer.fixed64(point::START, point.start_unix_ns);
    }
    writer.fixed64(point::TIME, point.at_unix_ns);
    let (attributes, exemplars) = match &point.value {
        Value::Number(value) if instrument.is_integer => {
            writer.fixed64(number::AS_INT, (*value as i64).cast_unsigned());
            (number::ATTRIBUTES, number::EXEMPLARS)
        }
        Value::Number(value) => {
            writer.double(number::AS_DOUBLE, *value);
            (number::ATTRIBUTES, number::EXEMPLARS)
        }
        Value::Distribution(distribution) => spread(writer, distribution),
    };
    for (key, value) in point.attributes.iter() {
        attribute(writer, attributes, key, value);
    }
    for one in &point.exemplars {
        writer.message(exemplars, |writer| example(writer, one, instrument));
    }
}

/// Returns the field numbers of attributes and exemplars.
fn spread(writer: &mut Writer, distribution: &Distribution) -> (u32, u32) {
    let Distribution { count, sum, range, buckets } = distribution;
    match buckets {
        Number::Explicit { bounds, counts } => {
            writer.fixed64(histogram::COUNT, *count);
            writer.double(histogram::SUM, *sum);
            writer.packed_fixed64(histogram::BUCKET_COUNTS, counts.iter().copied());
            writer.packed_fixed64(histogram::EXPLICIT_BOUNDS, bounds.iter().map(|bound| bound.to_bits()));
            if let Some((min, max)) = range {
                writer.double(histogram::MIN, *min);
                writer.double(histogram::MAX, *max);
            }
            (histogram::ATTRIBUTES, histogram::EXEMPLARS)
        }
        Number::Exponential(one) => {
            writer.fixed64(exponential::COUNT, *count);
            writer.double(exponential::SUM, *sum);
            writer.zigzag(exponential::SCALE, one.scale);
            writer.fixed64(exponential::ZERO_COUNT, one.zeros);
            writer.message(exponential::POSITIVE, |writer| {
                writer.zigzag(buckets::OFFSET, one.offset);
                writer.packed_varint(buckets::COUNTS, one.counts.iter().copied());
            });
            if let Some((min, max)) = range {
                writer.double(exponential::MIN, *min);
                writer.double(exponential::MAX, *max);
            }
            (exponential::ATTRIBUTES, exponential::EXEMPLARS)
        }
    }
}

fn example(writer: &mut Writer, one: &Exemplar, instrument: &Instrument) {
    writer.fixed64(exemplar::TIME, one.at_ns);
    if instrument.is_integer {
        writer.fixed64(exemplar::AS_INT, (one.value as i64).cast_unsigned());
    } else {
        writer.double(exemplar::AS_DOUBLE, one.value);
    }
    writer.bytes(exemplar::SPAN_ID, &one.span_id);
    writer.bytes(exemplar::TRACE_ID, &one.trace_id);
}

/// Sends snapshots to one end point.
#[derive(Debug)]
pub struct MetricsSink(Sender);

impl MetricsSink {
    /// A sink; it connects with the first snapshot. `timeout`: of one request, retries included.
    ///
    /// # Errors
    /// When certificates or keys cannot be read or used.
    pub fn new(config: &Otlp, timeout: Duration, reporter: Reporter) -> anyhow::Result<Self> {
        Sender::new(config, Some(timeout), reporter).map(Self)
    }
}

impl Sink<Arc<Snapshot>> for MetricsSink {
    async fn deliver(&mut self, batch: Vec<Arc<Snapshot>>) -> Delivery {
        let mut total = Delivery::default();
        for snapshot in batch {
            for (request, points) in requests(&snapshot, MAX_REQUEST) {
                total.add(self.0.request(request, points).await);
            }
        }
        total
    }
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
