//! Metrics as OTLP JSON lines: one `{"resourceMetrics":[…]}` object for each snapshot.

use std::sync::Arc;

use super::json::Json;
use super::{KEEP, attribute, resource, scope};
use crate::export::groups::SCHEMA_URL;
use crate::export::output::Format;
use crate::metrics::instrument::{Instrument, Kind};
use crate::metrics::snapshot::{Exemplar, Family, Group, Number, Point, Snapshot, Temporality, Value};

/// The format; one line for each snapshot.
#[derive(Debug, Default)]
pub struct MetricLines {
    json: Json,
}

impl Format<Arc<Snapshot>> for MetricLines {
    fn render(&mut self, batch: &[Arc<Snapshot>]) -> &[u8] {
        self.json.clear(KEEP);
        for snapshot in batch {
            self.json.object(|json| json.key("resourceMetrics").array(&snapshot.groups, group));
            self.json.newline();
        }
        self.json.as_bytes()
    }
}

fn group(json: &mut Json, group: &Group) {
    json.object(|json| {
        json.key("resource").object(|json| resource(json, &group.resource));
        json.key("scopeMetrics").array([&group.families], |json, families| {
            json.object(|json| {
                json.key("scope").object(scope);
                json.key("metrics").array(families, family);
                json.key("schemaUrl").string(SCHEMA_URL);
            });
        });
        json.key("schemaUrl").string(SCHEMA_URL);
    });
}

fn family(json: &mut Json, family: &Family) {
    let Family { instrument, temporality, points } = family;
    let is_exponential = points.first().is_some_and(
        |point| matches!(&point.value, Value::Distribution(one) if matches!(one.buckets, Number::Exponential(_))),
    );
    let kind = match instrument.kind {
        Kind::Gauge => "gauge",
        Kind::Counter | Kind::Total | Kind::UpDown => "sum",
        Kind::Histogram(_) if is_exponential => "exponentialHistogram",
        Kind::Histogram(_) => "histogram",
    };
    json.object(|json| {
        json.key("name").string(instrument.name);
        json.key("description").string(instrument.description);
        json.key("unit").string(instrument.unit);
        json.key(kind).object(|json| {
            json.key("dataPoints").array(points, |json, one| point(json, one, instrument));
            if instrument.kind == Kind::Gauge {
                return;
            }
            json.key("aggregationTemporality").bare(if *temporality == Temporality::Delta { 1 } else { 2 });
            if instrument.kind.is_monotonic() {
                json.key("isMonotonic").bare(true);
            }
        });
    });
}

fn point(json: &mut Json, point: &Point, instrument: &Instrument) {
    json.object(|json| {
        json.key("attributes").array(point.attributes.iter(), |json, (key, value)| attribute(json, key, value));
        if instrument.kind != Kind::Gauge {
            json.key("startTimeUnixNano").long(point.start_unix_ns);
        }
        json.key("timeUnixNano").long(point.at_unix_ns);
        match &point.value {
            Value::Number(value) => number(json, *value, instrument),
            Value::Distribution(one) => {
                json.key("count").long(one.count);
                json.key("sum").bare(one.sum);
                match &one.buckets {
                    Number::Explicit { bounds, counts } => {
                        json.key("bucketCounts").array(counts, Json::long);
                        json.key("explicitBounds").array(*bounds, Json::bare);
                    }
                    Number::Exponential(buckets) => {
                        json.key("scale").bare(buckets.scale);
                        json.key("zeroCount").long(buckets.zeros);
                        json.key("positive").object(|json| {
                            json.key("offset").bare(buckets.offset);
                            json.key("bucketCounts").array(&buckets.counts, Json::long);
                        });
                    }
                }
                if let Some((min, max)) = one.range {
                    json.key("min").bare(min);
                    json.key("max").bare(max);
                }
            }
        }
        if !point.exemplars.is_empty() {
            json.key("exemplars").array(&point.exemplars, |json, one| exemplar(json, one, instrument));
        }
    });
}

fn number(json: &mut Json, value: f64, instrument: &Instrument) {
    if instrument.is_integer {
        json.key("asInt").long(value as i64);
    } else {
        json.key("asDouble").bare(value);
    }
}

fn exemplar(json: &mut Json, one: &Exemplar, instrument: &Instrument) {
    json.object(|json| {
        json.key("timeUnixNano").long(one.at_ns);
        number(json, one.value, instrument);
        json.key("spanId").hex(&one.span_id);
        json.key("traceId").hex(&one.trace_id);
    });
}
