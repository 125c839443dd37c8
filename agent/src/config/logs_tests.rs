//! Where advice goes, from each source.

use super::tests::{environment, from};
use std::time::Duration;

const FILE: &str = r#"
file_format: "1.0"
logger_provider:
  processors:
    - batch:
        exporter:
          otlp_http:
            endpoint: http://collector:4318/v1/logs
wirespan:
  advisor: {interval: 30000}
"#;

#[test]
fn the_file_and_what_is_printed_of_it() {
    let config = from(FILE, &[]).unwrap();
    assert_eq!((config.otlp_logs, config.otlp, config.metrics.otlp), (true, false, false));
    assert_eq!(config.advisor_interval, Duration::from_secs(30));
    let again = from(&config.to_yaml(), &[]).unwrap();
    assert_eq!((again.otlp_logs, again.advisor_interval), (true, Duration::from_secs(30)));
    assert_eq!(
        again.otlp_variable("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT").as_deref(),
        Some("http://collector:4318/v1/logs")
    );
}

#[test]
fn variables() {
    const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    const OWN: (&str, &str) = ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://collector:4318/v1/logs");
    let cases: [(&[(&str, &str)], bool); 6] = [
        (&[], false),
        (&[BASE], true),
        (&[OWN], true),
        (&[("OTEL_LOGS_EXPORTER", "otlp")], true),
        (&[BASE, ("OTEL_LOGS_EXPORTER", "none")], false),
        (&[BASE, ("OTEL_SDK_DISABLED", "true")], false),
    ];
    for (variables, expected) in cases {
        assert_eq!(environment(variables).otlp_logs, expected, "{variables:?}");
    }
    assert!(!environment(&[OWN]).otlp, "an end point for log records is none for spans");
}
