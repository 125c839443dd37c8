//! Captures and recordings into spans: no root, no server. What is expected was read from `tshark`, not from the agent.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

mod cases;
mod inside_tls;

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::json;
use wirespan_tests::span::{self, Span};
use wirespan_tests::spans::Spans;

fn replay(path: &str, more: &[&str]) -> Output {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("replay/captures").join(path);
    let mut command = Command::new(wirespan_tests::binary());
    command.arg("replay").arg(path).args(more).output().unwrap()
}

#[track_caller]
fn spans(capture: &str) -> Spans {
    let output = replay(capture, &["--output", "otlp-json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    span::parse(&String::from_utf8(output.stdout).unwrap()).into()
}

/// Start and duration, in microseconds.
fn times(span: &Span) -> (u64, u64) {
    (span.start / 1000, (span.end - span.start) / 1000)
}

#[test]
fn http_with_long_headers() {
    for capture in ["http1-headers.pcap", "http1-headers.pcapng"] {
        let spans = spans(capture).requests().count(3);
        // Frames 4 to 7, 10 to 12 and 15 to 18; bodies of the requests by Content-Length.
        let expected = [
            (1_629_444_132_779_179, 31_438, 351),
            (1_629_444_133_892_224, 15_544, 247),
            (1_629_444_134_774_660, 12_821, 350),
        ];
        for (span, (start, took, body)) in spans.iter().zip(expected) {
            assert_eq!(times(span), (start, took), "{span:#?}");
            assert_eq!((span.kind, span.name.as_str()), ("SERVER", "POST /createOrder"));
            span.failed(false).has(&json!({
                "http.request.method": "POST",
                "url.path": "/createOrder",
                "http.route": "/createOrder",
                "wirespan.route.source": "heuristic",
                "http.response.status_code": 200,
                "http.request.body.size": body,
                "client.address": "10.100.19.214",
                "network.peer.port": 53336,
            }));
        }
    }
}

#[test]
fn http() {
    let spans = spans("http1.pcap").count(1);
    let span = spans.only();
    assert_eq!(times(span), (1_590_632_942_971_698, 84_051));
    span.failed(false).has(&json!({
        "http.request.method": "POST",
        "url.path": "/query",
        "url.query": "1590632942",
        "http.request.body.size": 85,
        "http.response.body.size": 54,
        "http.response.status_code": 200,
        "network.peer.address": "10.33.0.31",
        "network.peer.port": 61959,
    }));
}

#[test]
fn a_simple_query() {
    let spans = spans("postgres-simple-query.pcap").count(1);
    let span = spans.only();
    assert_eq!(times(span), (1_666_088_485_135_263, 2_224));
    assert_eq!((span.kind, span.name.as_str()), ("CLIENT", "delete test"));
    span.failed(false).has(&json!({
        "db.system.name": "postgresql",
        "db.query.summary": "delete test",
        "server.address": "172.17.0.3",
        "server.port": null,
        "network.peer.port": 5432,
        "db.namespace": null,
    }));
    assert_eq!(span.text("db.query.text").trim_end_matches(';'), "delete  from test");
}

#[test]
fn a_syntax_error() {
    let spans = spans("postgres-error.pcap").count(1);
    let span = spans.only();
    assert_eq!(times(span), (1_666_088_753_754_697, 103));
    span.failed(true).has(&json!({ "db.response.status_code": "42601", "error.type": "42601" }));
}

/// A Parse, a Describe and a Sync, then the answer to a Bind and an Execute that is not in the capture: that something
/// was executed is known and counted, what it was is not.
#[test]
fn an_answer_without_its_request_takes_no_other_statement() {
    let _ = spans("postgres-prepared.pcap").count(0);
    let told = String::from_utf8(replay("postgres-prepared.pcap", &[]).stderr).unwrap();
    assert!(told.contains("dropped: "), "{told}");
}

#[test]
fn an_error_reply() {
    for capture in ["redis-error.pcap", "redis-error-ns.pcap"] {
        let spans = spans(capture).count(1);
        let span = spans.only();
        assert_eq!(times(span), (1_635_389_391_242_372, 73));
        span.failed(true).has(&json!({
            "db.system.name": "redis",
            "db.operation.name": "GET",
            "db.query.text": "GET abcd",
            "error.type": "NOAUTH",
            "db.response.status_code": "NOAUTH",
        }));
    }
}

/// The last GET's reply is 490,493 bytes and their end, of which the capture lacks the end.
#[test]
fn large_values() {
    let spans = spans("redis-large-values.pcap").count(9);
    // Microseconds since 1634895480 s, as the frames of the requests say.
    let told: Vec<_> =
        spans.iter().map(|span| (span.start / 1000 - 1_634_895_480_000_000, span.text("db.operation.name"))).collect();
    let expected = [
        (395_984, "GET"),
        (396_224, "EXISTS"),
        (16_714_793, "GET"),
        (40_396_925, "GET"),
        (40_397_292, "EXISTS"),
        (46_715_960, "GET"),
        (76_716_863, "GET"),
        (80_398_035, "GET"),
        (80_398_274, "EXISTS"),
    ];
    assert_eq!(told.iter().map(|(at, name)| (*at, name.as_str())).collect::<Vec<_>>(), expected);
    assert!(spans.iter().all(|span| !span.error));
}

#[test]
fn a_handshake_alone_is_a_set_up() {
    let spans = spans("tcp-syn-retransmission.pcap");
    let names: Vec<_> = spans.iter().map(|span| (span.kind, span.name.as_str())).collect();
    assert_eq!(names, [("INTERNAL", "connection_setup"), ("INTERNAL", "socket connect")]);
    for span in spans.iter() {
        assert_eq!(span.duration().as_micros(), 325_400);
        span.has(&json!({"wirespan.tcp.syn_retransmits": 1, "network.peer.port": 12345}));
    }
}

#[test]
fn the_same_file_gives_the_same_bytes() {
    let once = replay("http1-headers.pcap", &["--output", "otlp-json"]).stdout;
    assert_eq!(once, replay("http1-headers.pcap", &["--output", "otlp-json"]).stdout);
    assert!(!once.is_empty());
}

#[test]
fn a_console_line_a_span() {
    let output = replay("redis-error.pcap", &["--output", "console"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    for part in ["02:49:51.242", "NOAUTH", "GET abcd", "127.0.0.1:6379"] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains('\x1b'), "colours are for terminals");
}

#[test]
fn files_that_are_none() {
    let output = replay("README.md", &[]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert_eq!(replay("there-is-none", &[]).status.code(), Some(1));
}
