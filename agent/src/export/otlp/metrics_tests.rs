use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{Metric, exemplar, number_data_point};
use prost::Message as _;

use super::*;
use crate::metrics::settings::Reading;
use crate::metrics::testing::{EPOCH, SECOND, snapshot};

fn decode(snapshot: &Snapshot) -> ExportMetricsServiceRequest {
    let requests = requests(snapshot, MAX_REQUEST);
    assert_eq!((requests.len(), requests[0].1), (1, snapshot.points()));
    ExportMetricsServiceRequest::decode(requests[0].0.as_slice()).unwrap()
}

/// The metrics of service `shop`.
fn shop(request: ExportMetricsServiceRequest) -> Vec<Metric> {
    let found = request.resource_metrics.into_iter().find(|one| {
        let attributes = &one.resource.as_ref().unwrap().attributes;
        attributes.iter().any(|attribute| format!("{attribute:?}").contains("\"shop\""))
    });
    let scopes = found.unwrap().scope_metrics;
    assert_eq!((scopes.len(), scopes[0].schema_url.as_str()), (1, SCHEMA_URL));
    assert_eq!(scopes[0].scope.as_ref().unwrap().name, "wirespan");
    scopes.into_iter().next().unwrap().metrics
}

fn named<'a>(metrics: &'a [Metric], name: &str) -> &'a Data {
    metrics.iter().find(|metric| metric.name == name).unwrap().data.as_ref().unwrap()
}

#[test]
fn explicit_histograms_sums_and_gauges() {
    let metrics = shop(decode(&snapshot(false, Reading::Cumulative)));
    let Data::Histogram(histogram) = named(&metrics, "http.server.request.duration") else { panic!() };
    assert_eq!(histogram.aggregation_temporality, 2);
    let point = &histogram.data_points[0];
    let at = |seconds: u64| EPOCH.cast_unsigned() + seconds * SECOND;
    assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (at(2), at(3)));
    assert_eq!((point.count, point.min, point.max), (3, Some(0.004), Some(99.0)));
    assert!((point.sum.unwrap() - 99.304).abs() < 1e-9);
    assert_eq!((point.explicit_bounds.len(), point.bucket_counts.len()), (14, 15));
    assert_eq!((point.bucket_counts[0], point.bucket_counts[7], point.bucket_counts[14]), (1, 1, 1));
    let keys: Vec<_> = point.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
    assert_eq!(keys, ["http.request.method", "http.route", "http.response.status_code", "tls.resumed"]);
    assert_eq!(point.exemplars.len(), 2);
    let first = &point.exemplars[0];
    assert_eq!((first.trace_id.as_slice(), first.span_id.as_slice()), (&[1; 16][..], &[1; 8][..]));
    assert_eq!((first.time_unix_nano, &first.value), (at(2), &Some(exemplar::Value::AsDouble(0.004))));
    let Data::Sum(sum) = named(&metrics, "wirespan.tcp.io") else { panic!() };
    assert_eq!((sum.aggregation_temporality, sum.is_monotonic), (2, true));
    assert_eq!(sum.data_points[0].value, Some(number_data_point::Value::AsInt(1_000_000)));
    let Data::Sum(open) = named(&metrics, "wirespan.tcp.connections.open") else { panic!() };
    assert!(!open.is_monotonic);
    let Data::Sum(cpu) = named(&metrics, "process.cpu.time") else { panic!() };
    assert_eq!(cpu.data_points[0].value, Some(number_data_point::Value::AsDouble(1.25)));
    let Data::Gauge(queue) = named(&metrics, "wirespan.tcp.listen.queue.length") else { panic!() };
    assert_eq!((queue.data_points[0].start_time_unix_nano, queue.data_points.len()), (0, 1));
    let sizes = metrics.iter().find(|metric| metric.name == "http.server.request.body.size").unwrap();
    assert_eq!((sizes.unit.as_str(), sizes.description.is_empty()), ("By", false));
}

#[test]
fn exponential_histograms() {
    let metrics = shop(decode(&snapshot(true, Reading::Delta)));
    let Data::ExponentialHistogram(histogram) = named(&metrics, "http.server.request.duration") else { panic!() };
    assert_eq!(histogram.aggregation_temporality, 1);
    let point = &histogram.data_points[0];
    let buckets = point.positive.as_ref().unwrap();
    assert_eq!((point.count, point.zero_count, buckets.bucket_counts.iter().sum::<u64>()), (3, 0, 3));
    let base = 2f64.powf(2f64.powi(-point.scale));
    assert!(base.powi(buckets.offset) < 0.004 && 0.004 <= base.powi(buckets.offset + 1) * (1.0 + 1e-9));
    assert_eq!(point.exemplars.len(), 1, "both came at the same time");
}

#[test]
fn a_large_snapshot_becomes_several_requests() {
    let whole = snapshot(false, Reading::Cumulative);
    let parts = requests(&whole, 700);
    assert!(parts.len() > 3, "{}", parts.len());
    assert_eq!(parts.iter().map(|(_, points)| points).sum::<u64>(), whole.points());
    let mut decoded = 0;
    for (bytes, _) in &parts {
        for one in ExportMetricsServiceRequest::decode(bytes.as_slice()).unwrap().resource_metrics {
            assert!(one.resource.is_some());
            decoded += one.scope_metrics.iter().map(|scope| scope.metrics.len() as u64).sum::<u64>();
        }
    }
    assert_eq!(decoded, whole.points(), "one point each metric here");
    assert!(requests(&Snapshot::default(), MAX_REQUEST).is_empty(), "empty requests are not sent");
}
