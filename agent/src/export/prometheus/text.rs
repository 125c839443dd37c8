//! A snapshot as text: Prometheus 0.0.4 and OpenMetrics 1.0.
//!
//! Each resource is told apart by `service_name`, `service_namespace` and `service_instance_id` (else the process id) on its
//! series; all its attributes stand on one `target_info`. Exponential histograms have no text form:
//! their buckets become explicit ones, at most 160.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use wirespan_semconv as semconv;

use super::names;
use crate::metrics::instrument::{Instrument, Kind};
use crate::metrics::snapshot::{Distribution, Exemplar, Number, Point, Snapshot, Value};
use crate::trace::span::{self, Resource};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `text/plain; version=0.0.4`.
    Text,
    /// `application/openmetrics-text; version=1.0.0`: with exemplars and units.
    OpenMetrics,
}

impl Format {
    /// The best one that an `Accept` header allows.
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        let ranges = accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim());
        if ranges.into_iter().any(|range| range == "application/openmetrics-text") {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    /// `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        }
    }
}

/// A metric and its points, each with its owner.
type Family<'a> = (&'a Instrument, Vec<(&'a str, &'a Point)>);

/// The whole exposition.
#[must_use]
pub fn render(snapshot: &Snapshot, format: Format) -> String {
    let mut writer = Writer { out: String::with_capacity(64 * 1024), format };
    let owners: Vec<String> = snapshot.groups.iter().map(|group| owner(&group.resource)).collect();
    let mut metrics: BTreeMap<&str, Family<'_>> = BTreeMap::new();
    for (group, owner) in snapshot.groups.iter().zip(&owners) {
        for family in &group.families {
            let all = metrics.entry(family.instrument.name).or_insert((family.instrument, Vec::new()));
            all.1.extend(family.points.iter().map(|point| (owner.as_str(), point)));
        }
    }
    for (instrument, points) in metrics.values() {
        writer.metric(instrument, points);
    }
    let mut seen = HashSet::new();
    let infos = snapshot.groups.iter().zip(&owners).filter(|(_, owner)| seen.insert(owner.as_str()));
    writer.target_info(infos.map(|(group, owner)| (owner.as_str(), &*group.resource)));
    if format == Format::OpenMetrics {
        writer.out.push_str("# EOF\n");
    }
    writer.out
}

/// `service_name="…",service_namespace="…",service_instance_id="…"`; what is not known is left out. `job` and `instance`
/// are Prometheus's own labels, of the one who was scraped: it would rename ours.
fn owner(resource: &Resource) -> String {
    let find = |key: &str| resource.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value);
    let mut out = String::from("service_name=\"");
    escape(&resource.service_name, &mut out);
    out.push('"');
    let namespace = find(semconv::SERVICE_NAMESPACE).filter(|value| value.as_str() != Some(""));
    let instance = find(semconv::SERVICE_INSTANCE_ID).or_else(|| find(semconv::PROCESS_PID));
    for (label, value) in [("service_namespace", namespace), ("service_instance_id", instance)] {
        if let Some(value) = value {
            let _ = write!(out, ",{label}=\"");
            text(value, &mut out);
            out.push('"');
        }
    }
    out
}

/// A label's value: backslash, quote and line feed are escaped.
fn escape(value: &str, out: &mut String) {
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

fn text(value: &span::Value, out: &mut String) {
    match value {
        span::Value::Int(number) => {
            let _ = write!(out, "{number}");
        }
        span::Value::Bool(truth) => {
            let _ = write!(out, "{truth}");
        }
        span::Value::List(items) => escape(&items.join(","), out),
        other => escape(other.as_str().unwrap_or_default(), out),
    }
}

fn number(value: f64, out: &mut String) {
    let _ = match value {
        _ if value.is_nan() => write!(out, "NaN"),
        f64::INFINITY => write!(out, "+Inf"),
        f64::NEG_INFINITY => write!(out, "-Inf"),
        _ => write!(out, "{value}"),
    };
}

struct Writer {
    out: String,
    format: Format,
}

impl Writer {
    fn header(&mut self, name: &str, kind: &str, instrument: &Instrument) {
        // OpenMetrics names the family of a counter without `_total`.
        let family = match self.format {
            Format::OpenMetrics => name.strip_suffix("_total").filter(|_| kind == "counter").unwrap_or(name),
            Format::Text => name,
        };
        let _ = writeln!(self.out, "# HELP {family} {}", instrument.description);
        let _ = writeln!(self.out, "# TYPE {family} {kind}");
        if let (Format::OpenMetrics, Some(unit)) = (self.format, names::unit(instrument))
            && family.ends_with(unit)
        {
            let _ = writeln!(self.out, "# UNIT {family} {unit}");
        }
    }

    fn metric(&mut self, instrument: &Instrument, points: &[(&str, &Point)]) {
        let name = names::metric(instrument);
        let kind = match instrument.kind {
            Kind::Counter | Kind::Total => "counter",
            Kind::UpDown | Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        self.header(&name, kind, instrument);
        // A process that executed another program has two resources that no label tells apart. The same series twice
        // would void the whole exposition: the younger one is told.
        let mut lines: BTreeMap<String, &Point> = BTreeMap::new();
        for (owner, point) in points {
            let known = lines.entry(labels(owner, point)).or_insert(point);
            if known.start_unix_ns < point.start_unix_ns {
                *known = point;
            }
        }
        for (labels, point) in lines {
            match &point.value {
                Value::Number(value) => {
                    let _ = write!(self.out, "{name}{{{labels}}} ");
                    number(*value, &mut self.out);
                    self.out.push('\n');
                }
                Value::Distribution(distribution) => self.histogram(&name, &labels, distribution, &point.exemplars),
            }
        }
    }

    fn histogram(&mut self, name: &str, labels: &str, distribution: &Distribution, exemplars: &[Exemplar]) {
        let mut total = 0;
        let mut below = f64::NEG_INFINITY;
        let mut bucket = |writer: &mut Self, bound: f64, count: u64| {
            total += count;
            let _ = write!(writer.out, "{name}_bucket{{{labels},le=\"");
            writer.bound(bound);
            let _ = write!(writer.out, "\"}} {total}");
            if writer.format == Format::OpenMetrics {
                let here = exemplars.iter().filter(|one| one.value > below && one.value <= bound);
                if let Some(one) = here.max_by_key(|one| one.at_ns) {
                    writer.exemplar(one);
                }
            }
            below = bound;
            writer.out.push('\n');
        };
        match &distribution.buckets {
            Number::Explicit { bounds, counts } => {
                for (bound, count) in bounds.iter().chain([&f64::INFINITY]).zip(counts) {
                    bucket(self, *bound, *count);
                }
            }
            Number::Exponential(one) => {
                if one.zeros > 0 {
                    bucket(self, 0.0, one.zeros);
                }
                for (index, count) in (one.offset..).zip(&one.counts).filter(|(_, count)| **count > 0) {
                    bucket(self, (f64::from(index + 1) * 2f64.powi(-one.scale)).exp2(), *count);
                }
                bucket(self, f64::INFINITY, 0);
            }
        }
        let _ = write!(self.out, "{name}_sum{{{labels}}} ");
        number(distribution.sum, &mut self.out);
        let _ = writeln!(self.out, "\n{name}_count{{{labels}}} {}", distribution.count);
    }

    /// OpenMetrics writes whole bounds with a fraction.
    fn bound(&mut self, bound: f64) {
        if self.format == Format::OpenMetrics && bound.is_finite() && bound.fract() == 0.0 {
            let _ = write!(self.out, "{bound:.1}");
        } else {
            number(bound, &mut self.out);
        }
    }

    fn exemplar(&mut self, one: &Exemplar) {
        let hex = |bytes: &[u8], out: &mut String| {
            for byte in bytes {
                let _ = write!(out, "{byte:02x}");
            }
        };
        self.out.push_str(" # {trace_id=\"");
        hex(&one.trace_id, &mut self.out);
        self.out.push_str("\",span_id=\"");
        hex(&one.span_id, &mut self.out);
        self.out.push_str("\"} ");
        number(one.value, &mut self.out);
        let _ = write!(self.out, " {}.{:03}", one.at_ns / 1_000_000_000, one.at_ns / 1_000_000 % 1000);
    }

    fn target_info<'a>(&mut self, infos: impl Iterator<Item = (&'a str, &'a Resource)>) {
        match self.format {
            Format::Text => self.out.push_str("# HELP target_info Target metadata.\n# TYPE target_info gauge\n"),
            Format::OpenMetrics => self.out.push_str("# HELP target Target metadata.\n# TYPE target info\n"),
        }
        for (owner, resource) in infos {
            let _ = write!(self.out, "target_info{{{owner}");
            let mut known: HashSet<String> =
                HashSet::from(["service_name", "service_namespace", "service_instance_id"].map(str::to_owned));
            for (key, value) in &resource.attributes {
                let mut name = String::new();
                names::label(key, &mut name);
                let is_said =
                    matches!(&**key, semconv::SERVICE_NAME | semconv::SERVICE_NAMESPACE | semconv::SERVICE_INSTANCE_ID);
                if !is_said && !name.is_empty() && known.insert(name.clone()) {
                    let _ = write!(self.out, ",{name}=\"");
                    text(value, &mut self.out);
                    self.out.push('"');
                }
            }
            self.out.push_str("} 1\n");
        }
    }
}

/// The labels of a series.
fn labels(owner: &str, point: &Point) -> String {
    let mut out = String::with_capacity(owner.len() + 32 * point.attributes.len());
    out.push_str(owner);
    for (key, value) in point.attributes.iter() {
        out.push(',');
        names::label(key, &mut out);
        out.push_str("=\"");
        text(value, &mut out);
        out.push('"');
    }
    out
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
