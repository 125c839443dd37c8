//! Where things are exported to, in one line.

use crate::config::Config;
use crate::config::otlp::{self, Otlp, Protocol, Signal};

/// `exporting traces, metrics and logs to http://localhost:4318 by OTLP/HTTP`, or nothing without OTLP.
#[must_use]
pub fn line(config: &Config) -> Option<String> {
    let mut by_target: Vec<(String, Vec<&str>)> = Vec::new();
    for settings in settings(config) {
        let (signal, target) = (settings.signal, target(&settings));
        match by_target.iter_mut().find(|(known, _)| *known == target) {
            Some((_, words)) => words.push(signal.word()),
            None => by_target.push((target, vec![signal.word()])),
        }
    }
    let parts: Vec<String> = by_target.iter().map(|(target, words)| format!("{} to {target}", list(words))).collect();
    (!parts.is_empty()).then(|| format!("exporting {}", parts.join("; ")))
}

/// Where each signal goes over OTLP.
#[must_use]
pub fn settings(config: &Config) -> Vec<Otlp> {
    let signals = [
        (Signal::Traces, config.otlp),
        (Signal::Metrics, config.metrics.otlp),
        (Signal::Logs, config.otlp_logs && !config.advisor_interval.is_zero()),
    ];
    let of = |signal| otlp::of_signal(&|name| config.otlp_variable(name), signal, true).ok()?.0;
    signals.into_iter().filter_map(|(signal, is_on)| is_on.then(|| of(signal)).flatten()).collect()
}

/// Whether anything goes over the network, and may take time at the end.
#[must_use]
pub fn is_remote(config: &Config) -> bool {
    config.otlp || config.metrics.otlp || config.otlp_logs
}

/// Scheme, host and port hold no secret; user information and paths may.
fn target(settings: &Otlp) -> String {
    let protocol = match settings.protocol {
        Protocol::HttpProtobuf => "OTLP/HTTP",
        Protocol::Grpc => "OTLP/gRPC",
    };
    format!("{} by {protocol}", settings.target())
}

fn list(words: &[&str]) -> String {
    match words {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        words => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Layer};

    fn line_of(variables: &[(&str, &str)]) -> Option<String> {
        let get = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        line(&config::load(Layer::default(), &get).unwrap())
    }

    #[test]
    fn one_line_says_what_goes_where() {
        assert_eq!(line_of(&[]), None);
        assert_eq!(
            line_of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/base")]).as_deref(),
            Some("exporting traces, metrics and logs to http://collector:4318 by OTLP/HTTP")
        );
        assert_eq!(
            line_of(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                ("OTEL_LOGS_EXPORTER", "none"),
                ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://[::1]:9090/api/v1/otlp/v1/metrics"),
                ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
            ])
            .as_deref(),
            Some("exporting traces to http://collector:4317 by OTLP/gRPC; metrics to https://[::1]:9090 by OTLP/HTTP")
        );
    }
}
