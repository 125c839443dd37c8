//! Settings of metrics, from each of their sources.

use super::tests::{environment, from, mistake};
use crate::metrics::settings::Reading;
use std::time::Duration;

const FILE: &str = r#"
file_format: "1.0"
meter_provider:
  readers:
    - periodic:
        interval: 15000
        cardinality_limits: {default: 500}
        exporter:
          otlp_http:
            temporality_preference: delta
            default_histogram_aggregation: base2_exponential_bucket_histogram
wirespan:
  routes:
    heuristic: true
    patterns: ["/users/{id}"]
  metrics:
    max_series: 3000
    expiry: 120000
    per_process: true
    attributes:
      http.server.request.duration: [http.route]
      dns.lookup.duration: []
"#;

#[test]
fn the_file_and_what_is_printed_of_it() {
    let config = from(FILE, &[]).unwrap();
    let metrics = &config.metrics;
    assert_eq!((metrics.otlp, config.otlp, metrics.reading), (true, false, Reading::Delta));
    let settings = &metrics.settings;
    assert_eq!((settings.cardinality_limit, settings.max_series, settings.exponential), (500, 3000, true));
    assert_eq!((settings.expiry, settings.per_process), (Duration::from_secs(120), true));
    assert_eq!(settings.attributes["http.server.request.duration"], ["http.route".into()]);
    assert!(settings.attributes["dns.lookup.duration"].is_empty());
    assert!(config.guess_routes && config.routes.len() == 1);
    assert_eq!(config.trace().options.routes.find("any", "/items/7", true).map(|route| route.is_guess), Some(true));
    let printed = config.to_yaml();
    let again = from(&printed, &[]).unwrap_or_else(|error| panic!("{error}\n{printed}"));
    assert_eq!((again.metrics, again.guess_routes), (config.metrics, true), "{printed}");
}

#[test]
fn which_exporters_there_are() {
    let of = |variables| {
        let config = environment(variables);
        (config.metrics.otlp, config.prometheus_listen.is_some(), config.metrics.lines, config.warnings.len())
    };
    assert_eq!(of(&[]), (false, false, true, 0));
    assert_eq!(of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")]), (true, false, true, 0));
    assert_eq!(of(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c/v1/metrics")]), (true, false, true, 0));
    assert_eq!(of(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c/v1/traces")]), (false, false, true, 0));
    assert_eq!(
        of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), ("OTEL_METRICS_EXPORTER", "none")]),
        (false, false, false, 0)
    );
    assert_eq!(
        of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), ("OTEL_METRICS_EXPORTER", "prometheus")]),
        (false, true, true, 0)
    );
    assert_eq!(of(&[("OTEL_METRICS_EXPORTER", "prometheus, otlp")]), (true, true, true, 0));
    assert_eq!(of(&[("OTEL_METRICS_EXPORTER", "console,statsd")]), (false, false, true, 2));
    assert_eq!(
        of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), ("OTEL_SDK_DISABLED", "true")]),
        (false, false, true, 0)
    );
}

#[test]
fn words_that_are_not_known_are_a_warning() {
    let config = environment(&[
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "LowMemory"),
        ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "quantiles"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "600000"),
    ]);
    assert_eq!((config.metrics.reading, config.metrics.settings.exponential), (Reading::LowMemory, false));
    assert_eq!(config.metrics.settings.expiry, Duration::from_secs(1200), "never before two exports");
    assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);
}

#[test]
fn mistakes_in_the_file_have_their_place() {
    let wrong = "file_format: \"1.0\"\nwirespan:\n  metrics:\n    attributes:\n      http.server.duration: []\n";
    assert_eq!(
        mistake(wrong),
        "w.yaml:5:7: wirespan.metrics.attributes: unknown metric `http.server.duration`; did you mean `http.server.request.duration`?"
    );
    let wrong = "file_format: \"1.0\"\nwirespan:\n  metrics:\n    cardinality_limits: 5\n";
    assert!(mistake(wrong).contains("did you mean `cardinality_limit`?"), "{}", mistake(wrong));
}
