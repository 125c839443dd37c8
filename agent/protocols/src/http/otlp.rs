//! Exports of telemetry over HTTP (OTLP 1.x, "OTLP/HTTP"): who sends one has an OpenTelemetry SDK.

use crate::describe::family::Http;
use crate::exchange::detail::Signal;

/// Whether a `Content-Type` is one that OTLP has.
#[must_use]
pub fn is_encoding(content_type: &[u8]) -> bool {
    let kind = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    kind.eq_ignore_ascii_case(b"application/x-protobuf") || kind.eq_ignore_ascii_case(b"application/json")
}

/// What a request with such a content exports, if it was taken: the path ends in the name that OTLP gives to the signal, whatever
/// stands before it.
#[must_use]
pub fn exported(http: &Http<'_>) -> Option<Signal> {
    let is_taken = http.status.is_some_and(|status| (200..300).contains(&status));
    if http.method != "POST" || !is_taken || http.target_truncated {
        return None;
    }
    let path = http.target.split('?').next().unwrap_or_default();
    [(Signal::Traces, "/v1/traces"), (Signal::Metrics, "/v1/metrics")]
        .into_iter()
        .find_map(|(signal, end)| path.ends_with(end).then_some(signal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::family::Family;
    use crate::exchange::detail::Detail;
    use crate::http1::HttpExchange;

    fn of(method: &'static str, target: &str, status: Option<u16>) -> Option<Signal> {
        let exchange = HttpExchange { method: method.into(), target: target.into(), status, ..HttpExchange::default() };
        let Family::Http(http) = exchange.family() else { return None };
        exported(&http)
    }

    #[test]
    fn an_export_is_known_by_its_method_its_path_and_its_answer() {
        assert_eq!(of("POST", "/v1/traces", Some(200)), Some(Signal::Traces));
        assert_eq!(of("POST", "/api/v2/otlp/v1/metrics?token=7", Some(202)), Some(Signal::Metrics));
        for (method, target, status) in [
            ("GET", "/v1/traces", Some(200)),
            ("POST", "/v1/traces", Some(404)),
            ("POST", "/v1/traces", None),
            ("POST", "/v1/logs", Some(200)),
            ("POST", "/v1/traces/7", Some(200)),
            ("POST", "/x?y=/v1/traces", Some(200)),
        ] {
            assert_eq!(of(method, target, status), None, "{method} {target} {status:?}");
        }
    }

    #[test]
    fn encodings() {
        for good in ["application/x-protobuf", "Application/JSON; charset=utf-8"] {
            assert!(is_encoding(good.as_bytes()), "{good}");
        }
        for bad in ["", "application/protobuf", "text/json", "application/jsonl"] {
            assert!(!is_encoding(bad.as_bytes()), "{bad}");
        }
    }
}
