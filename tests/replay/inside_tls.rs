//! Captures with a log of keys: what tshark decrypts with the same log.

use serde_json::json;
use wirespan_tests::span;
use wirespan_tests::spans::Spans;

use super::replay;

#[track_caller]
fn with_keys(keys: &str) -> Spans {
    let keys = format!("{}/replay/captures/tls/{keys}", env!("CARGO_MANIFEST_DIR"));
    let output = replay("tls/inside.pcap", &["--output", "otlp-json", "--keylog", &keys]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    span::parse(&String::from_utf8(output.stdout).unwrap()).into()
}

#[test]
fn requests_are_those_that_tshark_decrypts() {
    let spans = with_keys("inside.keys").requests().count(5);
    let expected = [
        ("POST", "/third", 501, "1.1"),
        ("GET", "/fourth", 200, "1.1"),
        ("GET", "/one", 200, "2"),
        ("GET", "/two", 200, "2"),
        ("GET", "/three", 200, "2"),
    ];
    for (span, (method, path, status, version)) in spans.iter().zip(expected) {
        span.has(&json!({
            "http.request.method": method,
            "url.path": path,
            "url.scheme": "https",
            "http.response.status_code": status,
            "network.protocol.version": version,
        }));
    }
}

#[test]
fn without_their_keys_connections_stay_opaque() {
    // Handshakes are told, and no request.
    assert_eq!(with_keys("../streams.tsv").requests().len(), 0);
    let output = replay("tls/inside.pcap", &["--keylog", "/nowhere"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere"));
}
