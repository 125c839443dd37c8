//! Names of OpenTelemetry in Prometheus (OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility").

use std::fmt::Write as _;

use crate::metrics::instrument::{Instrument, Kind};

/// How Prometheus spells a unit (UCUM), in words and in the plural.
const UNITS: [(&str, &str); 6] =
    [("s", "seconds"), ("ms", "milliseconds"), ("By", "bytes"), ("1", "ratio"), ("%", "percent"), ("d", "days")];

/// A metric name: other characters than letters, digits and colons become `_`, the unit and `_total` follow unless the
/// name has them.
#[must_use]
pub fn metric(instrument: &Instrument) -> String {
    let mut name = String::with_capacity(instrument.name.len() + 16);
    for character in instrument.name.chars() {
        match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ':' => name.push(character),
            _ if name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    let is_total = instrument.kind.is_monotonic();
    if is_total && let Some(stem) = name.strip_suffix("_total") {
        name.truncate(stem.len());
    }
    if let Some(unit) = unit(instrument)
        && !name.ends_with(unit)
    {
        let _ = write!(name, "_{unit}");
    }
    if is_total {
        name.push_str("_total");
    }
    name
}

/// The unit as it ends a name. Annotations (`{request}`) are none; `1` is a ratio only for a gauge.
#[must_use]
pub fn unit(instrument: &Instrument) -> Option<&'static str> {
    let (_, word) = UNITS.iter().find(|(unit, _)| *unit == instrument.unit)?;
    (instrument.unit != "1" || instrument.kind == Kind::Gauge).then_some(*word)
}

/// A label name: as [`metric`], without colons. Names that begin with two underscores are Prometheus's own (`__name__` is
/// the name of the metric), and none may begin with a digit: such a name gets `key_` before it.
pub fn label(key: &str, out: &mut String) {
    let start = out.len();
    for character in key.chars() {
        let is_first = out.len() == start;
        match character {
            'a'..='z' | 'A'..='Z' => out.push(character),
            '0'..='9' if !is_first => out.push(character),
            '0'..='9' => {
                out.push_str("key_");
                out.push(character);
            }
            _ if is_first => out.push_str("key_"),
            _ if out.ends_with('_') => {}
            _ => out.push('_'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::catalog::{CATALOG, Metric};

    #[test]
    fn units_and_totals_follow_the_name() {
        for (one, name) in [
            (Metric::HttpServerDuration, "http_server_request_duration_seconds"),
            (Metric::HttpServerRequestBody, "http_server_request_body_size_bytes"),
            (Metric::TcpIo, "wirespan_tcp_io_bytes_total"),
            (Metric::TcpRetransmits, "wirespan_tcp_retransmits_total"),
            (Metric::TcpOpen, "wirespan_tcp_connections_open"),
            (Metric::CaptureRingFill, "wirespan_capture_ring_fill_ratio"),
            (Metric::AgentCpu, "process_cpu_time_seconds_total"),
            (Metric::GraphRequests, "traces_service_graph_request_total"),
            (Metric::GraphFailed, "traces_service_graph_request_failed_total"),
            (Metric::GraphServer, "traces_service_graph_request_server_seconds"),
            (Metric::AgentMemory, "process_memory_usage_bytes"),
        ] {
            assert_eq!(metric(one.instrument()), name);
        }
    }

    #[test]
    fn no_two_metrics_meet() {
        let mut names: Vec<String> = CATALOG.iter().map(metric).collect();
        names.sort();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn labels_are_valid() {
        let name = |key: &str| {
            let mut out = String::from("x");
            label(key, &mut out);
            out.split_off(1)
        };
        assert_eq!(name("http.request.method"), "http_request_method");
        assert_eq!(name("0a:b"), "key_0a_b");
        assert_eq!(name("__name__"), "key_name_");
        assert_eq!(name("a..b__c"), "a_b_c");
        assert_eq!(name("é"), "key_");
        assert_eq!(name(""), "");
    }
}
