use wirespan_semconv as semconv;

use super::*;
use crate::view::testing::{self, MS};

#[test]
fn a_trace_is_told_as_its_waterfall() {
    let mut one = testing::trace(2);
    one.spans[1].attributes.push((semconv::URL_PATH, span::Value::text("/<img onerror=x>\u{202e}")));
    let queued = (semconv::WIRESPAN_QUEUE_DURATION, span::Value::Double(0.002));
    one.spans[0].attributes.push(queued);
    let told = trace(&one);
    let names: Vec<_> = told["spans"].as_array().unwrap().iter().map(|span| (&span["name"], &span["depth"])).collect();
    assert_eq!(names[0], (&json!("GET /checkout"), &json!(0)));
    assert_eq!(names[1], (&json!("SELECT orders"), &json!(1)));
    assert_eq!(told["duration_ns"], 30 * MS);
    assert_eq!(told["spans"][1]["offset_ns"], 5 * MS);
    assert_eq!(told["spans"][0]["is_critical"], true);
    let queue = &told["spans"][0]["phases"][0];
    assert_eq!((&queue["phase"], &queue["offset_ns"]), (&json!("queue"), &json!(-2_000_000)));
    assert_eq!(told["resources"].as_array().unwrap().len(), 3, "each span of a test has its own");
    assert_eq!(told["spans"][1]["attributes"]["url.path"], "/<img onerror=x>\u{202e}", "as it was seen");
    assert!(!text(&told).contains(shown::is_unsafe));
}

#[test]
fn who_is_only_heard_of_is_told_apart() {
    let call = |client: &str, server: &str| CallRow {
        call: crate::view::calls::Call { client: client.into(), server: server.into(), protocol: "http" },
        numbers: Numbers::default(),
        opened: crate::view::calls::Opened { count: 2, took_ns: 5, ..Default::default() },
    };
    let watched = ["web".into(), "idle".into()].into();
    let told = map(&[call("10.0.0.9", "web"), call("web", "db")], &watched);
    let nodes: Vec<_> =
        told["nodes"].as_array().unwrap().iter().map(|node| (&node["name"], &node["watched"])).collect();
    let expected = [("10.0.0.9", false), ("db", false), ("idle", true), ("web", true)];
    let expected: Vec<_> = expected.map(|(name, watched)| (json!(name), json!(watched))).into();
    assert_eq!(nodes, expected.iter().map(|(name, watched)| (name, watched)).collect::<Vec<_>>());
    assert_eq!((&told["calls"][0]["set_ups"], &told["calls"][0]["set_up_sum_ns"]), (&json!(2), &json!(5)));
}

#[test]
fn advice_reads_back_to_the_same_report() {
    let finding = Finding {
        kind: crate::advise::report::Kind::NoPool,
        service: "shop".into(),
        peer: Some(Peer { address: "10.0.0.7".into(), port: Some(5432), ..Peer::default() }),
        route: None,
        statement: None,
        cost_ms: 12.0,
        concerned: Default::default(),
        text: String::new(),
        advice: String::new(),
        numbers: Default::default(),
        parts: Vec::new(),
        evidence: Vec::new(),
        examples: Vec::new(),
    };
    let report = Report { findings: vec![finding], ..Report::default() };
    let told = advice(&report);
    assert_eq!(told["findings"][0]["title"], "No connection pool");
    assert_eq!(told["findings"][0]["peer_label"], "10.0.0.7:5432");
    assert_eq!(serde_json::from_value::<Report>(told).unwrap(), report);
}
