//! From a snapshot to encoded `ExportMetricsServiceRequest`s, and the sink that sends them.
//!
//! Metrics are few and seldom: they are built of the generated types of opentelemetry-proto.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1 as proto;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{AggregationTemporality, exemplar, number_data_point};
use prost::Message as _;

use super::typed;
use super::{MAX_REQUEST, Sender};
use crate::config::otlp::Otlp;
use crate::export::groups::SCHEMA_URL;
use crate::export::notice::Reporter;
use crate::export::queue::{Batching, Item};
use crate::export::worker::{Delivery, Sink};
use crate::lockdown::Duty;
use crate::metrics::exponential::Exponential;
use crate::metrics::instrument::{Instrument, Kind};
use crate::metrics::snapshot::{Distribution, Exemplar, Family, Number, Point, Snapshot, Temporality, Value};
use crate::trace::span::Resource;

/// Most points that are built at once, which bounds the memory of the messages: a point takes up to 1.5 KB. Encoded, so
/// many mostly fill a request.
const MAX_POINTS: usize = 4096;

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
            let points: usize = parts.iter().map(|part| part.points.len()).sum();
            let built = (points <= MAX_POINTS).then(|| message(&group.resource, &parts));
            let message = match built.filter(|message| message.encoded_len() <= max_bytes) {
                Some(message) => message,
                None => match split(&mut parts) {
                    Some(rest) => {
                        waiting.push(rest);
                        waiting.push(parts);
                        continue;
                    }
                    None => message(&group.resource, &parts),
                },
            };
            match requests.last_mut() {
                // Two encoded messages in a row are one with the fields of both.
                Some((last, count)) if last.len() + message.encoded_len() <= max_bytes => {
                    last.extend(message.encode_to_vec());
                    *count += points as u64;
                }
                _ => requests.push((message.encode_to_vec(), points as u64)),
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

fn message(owner: &Resource, parts: &[Part<'_>]) -> ExportMetricsServiceRequest {
    let scope = proto::ScopeMetrics {
        scope: Some(typed::scope()),
        metrics: parts.iter().map(metric).collect(),
        schema_url: SCHEMA_URL.into(),
    };
    let group = proto::ResourceMetrics {
        resource: Some(typed::resource(owner)),
        scope_metrics: vec![scope],
        schema_url: SCHEMA_URL.into(),
    };
    ExportMetricsServiceRequest { resource_metrics: vec![group] }
}

fn metric(part: &Part<'_>) -> proto::Metric {
    let Family { instrument, temporality, .. } = part.family;
    proto::Metric {
        name: instrument.name.into(),
        description: instrument.description.into(),
        unit: instrument.unit.into(),
        data: Some(data(part.points, instrument, *temporality)),
        ..proto::Metric::default()
    }
}

/// The points of a metric are all of one shape.
fn data(points: &[Point], instrument: &Instrument, temporality: Temporality) -> Data {
    let aggregation_temporality = match temporality {
        Temporality::Delta => AggregationTemporality::Delta,
        Temporality::Cumulative => AggregationTemporality::Cumulative,
    }
    .into();
    let distributions = || {
        points.iter().filter_map(|point| match &point.value {
            Value::Distribution(one) => Some((point, &**one)),
            Value::Number(_) => None,
        })
    };
    match instrument.kind {
        Kind::Gauge => Data::Gauge(proto::Gauge { data_points: numbers(points, instrument) }),
        Kind::Counter | Kind::Total | Kind::UpDown => Data::Sum(proto::Sum {
            data_points: numbers(points, instrument),
            aggregation_temporality,
            is_monotonic: instrument.kind.is_monotonic(),
        }),
        Kind::Histogram(_) if distributions().any(|(_, one)| matches!(one.buckets, Number::Exponential(_))) => {
            let point = |(point, one)| exponential(point, one, instrument);
            let data_points = distributions().filter_map(point).collect();
            Data::ExponentialHistogram(proto::ExponentialHistogram { data_points, aggregation_temporality })
        }
        Kind::Histogram(_) => {
            let point = |(point, one)| explicit(point, one, instrument);
            let data_points = distributions().filter_map(point).collect();
            Data::Histogram(proto::Histogram { data_points, aggregation_temporality })
        }
    }
}

fn numbers(points: &[Point], instrument: &Instrument) -> Vec<proto::NumberDataPoint> {
    let number = |point: &Point| {
        let Value::Number(value) = point.value else { return None };
        Some(proto::NumberDataPoint {
            attributes: attributes(point),
            start_time_unix_nano: if instrument.kind == Kind::Gauge { 0 } else { point.start_unix_ns },
            time_unix_nano: point.at_unix_ns,
            exemplars: exemplars(point, instrument),
            value: Some(if instrument.is_integer {
                number_data_point::Value::AsInt(value as i64)
            } else {
                number_data_point::Value::AsDouble(value)
            }),
            ..proto::NumberDataPoint::default()
        })
    };
    points.iter().filter_map(number).collect()
}

fn explicit(point: &Point, one: &Distribution, instrument: &Instrument) -> Option<proto::HistogramDataPoint> {
    let Number::Explicit { bounds, counts } = &one.buckets else { return None };
    Some(proto::HistogramDataPoint {
        attributes: attributes(point),
        start_time_unix_nano: point.start_unix_ns,
        time_unix_nano: point.at_unix_ns,
        count: one.count,
        sum: Some(one.sum),
        bucket_counts: counts.to_vec(),
        explicit_bounds: bounds.to_vec(),
        exemplars: exemplars(point, instrument),
        min: one.range.map(|(min, _)| min),
        max: one.range.map(|(_, max)| max),
        ..proto::HistogramDataPoint::default()
    })
}

fn exponential(
    point: &Point,
    one: &Distribution,
    instrument: &Instrument,
) -> Option<proto::ExponentialHistogramDataPoint> {
    let Number::Exponential(Exponential { scale, zeros, offset, counts }) = &one.buckets else { return None };
    Some(proto::ExponentialHistogramDataPoint {
        attributes: attributes(point),
        start_time_unix_nano: point.start_unix_ns,
        time_unix_nano: point.at_unix_ns,
        count: one.count,
        sum: Some(one.sum),
        scale: *scale,
        zero_count: *zeros,
        positive: Some(Buckets { offset: *offset, bucket_counts: counts.to_vec() }),
        exemplars: exemplars(point, instrument),
        min: one.range.map(|(min, _)| min),
        max: one.range.map(|(_, max)| max),
        ..proto::ExponentialHistogramDataPoint::default()
    })
}

fn attributes(point: &Point) -> Vec<KeyValue> {
    typed::attributes(point.attributes.iter().map(|(key, value)| (*key, value)))
}

fn exemplars(point: &Point, instrument: &Instrument) -> Vec<proto::Exemplar> {
    let one = |one: &Exemplar| proto::Exemplar {
        time_unix_nano: one.at_ns,
        span_id: one.span_id.to_vec(),
        trace_id: one.trace_id.to_vec(),
        value: Some(if instrument.is_integer {
            exemplar::Value::AsInt(one.value as i64)
        } else {
            exemplar::Value::AsDouble(one.value)
        }),
        ..proto::Exemplar::default()
    };
    point.exemplars.iter().map(one).collect()
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
    fn duty(&self) -> Duty {
        self.0.duty()
    }

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
