//! An application with an OpenTelemetry SDK, between services that have none: its spans and wirespan's make one trace, and none is
//! there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use wirespan_tests::span::Span;

use crate::harness::agent::granted;
use crate::harness::parts::part;
use crate::harness::process::eventually;
use crate::harness::servers::{self, Server};
use crate::harness::{Agent, skipped, workload_path};

const COUNT: u64 = 5;

/// The shop, and what it asks.
struct Shop {
    shop: Server,
    cache: Server,
    stock: Server,
    receiver: Server,
}

/// A span as the receiver of exports prints it, or one of wirespan's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    trace: String,
    id: String,
    parent: String,
    kind: &'static str,
}

impl Shop {
    /// `None` if the machine lacks the SDK.
    fn start(exporter: &str) -> Option<Self> {
        let bin = part("python-sdk/bin")?;
        let (cache, stock) = (servers::redis(), servers::nginx(None));
        let mut receiver = Command::new(bin.join("python"));
        receiver.arg(workload_path("otlp_receiver.py"));
        let receiver = servers::command_at(receiver, &[]);
        let mut shop = Command::new(bin.join("opentelemetry-instrument"));
        shop.arg(bin.join("python")).arg(workload_path("sdk_shop.py"));
        for (name, value) in [
            ("OTEL_TRACES_EXPORTER", exporter),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_LOGS_EXPORTER", "none"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://127.0.0.1:{}", receiver.port)),
            ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ] {
            shop.env(name, value);
        }
        let ports = [&cache, &stock].map(|server| server.port.to_string());
        let shop = servers::command_at(shop, &[&ports[0], &ports[1]]);
        Some(Self { shop, cache, stock, receiver })
    }

    fn selectors(&self) -> Vec<String> {
        let ports = [&self.cache, &self.stock].map(|server| format!("port={}", server.port));
        [ports.to_vec(), vec![format!("pid={}", self.shop.pid())]].concat()
    }

    /// An order of a customer whose own span has the same number; the `traceparent` that the shop sent on.
    fn order(&self, number: u64) -> String {
        let parent = format!("traceparent: 00-{number:032x}-{number:016x}-01");
        servers::curl(self.shop.port, &format!("/orders/{number}"), &["-f", "-H", &parent])
    }

    /// What the SDK has exported.
    fn exported(&self) -> Vec<Told> {
        let read = |line: &str| {
            let span: Value = serde_json::from_str(line).unwrap();
            let text = |key: &str| span[key].as_str().unwrap().to_owned();
            let kind = ["", "INTERNAL", "SERVER", "CLIENT"][span["kind"].as_u64().unwrap() as usize];
            Told { trace: text("trace"), id: text("id"), parent: text("parent"), kind }
        };
        self.receiver.read("stdout").lines().map(read).collect()
    }
}

fn told(span: &Span) -> Told {
    let parent = span.parent.clone().unwrap_or_default();
    Told { trace: span.trace_id.clone(), id: span.span_id.clone(), parent, kind: span.kind }
}

/// What a span says of what was asked.
fn asked(span: &Span) -> String {
    ["url.full", "url.query", "db.query.text"]
        .map(|key| span.attributes.get(key).map_or_else(String::new, ToString::to_string))
        .concat()
}

#[test]
fn an_application_with_an_sdk_and_services_without_make_one_trace() {
    for backend in granted() {
        let Some(shop) = Shop::start("otlp") else { return skipped("test part python-sdk is missing") };
        let mut agent = Agent::run(backend, &shop.selectors(), &[]);
        // Until it has exported, nothing shows that it will.
        shop.order(900);
        eventually("an export was seen", || agent.raw().contains("/v1/traces"));
        for number in 1..=COUNT {
            shop.order(number);
        }
        eventually("the SDK has told all", || {
            shop.exported().iter().filter(|span| span.kind == "SERVER").count() as u64 > COUNT
        });
        let spans = agent.finish();
        // The server, and the calls of the cache and of the other service.
        assert_eq!(agent.told("traced_by_sdk"), 3 * COUNT, "{backend}: {}", agent.stderr());
        for number in 1..=COUNT {
            let (trace, customer) = (format!("{number:032x}"), format!("{number:016x}"));
            let mut by_sdk = shop.exported();
            by_sdk.retain(|span| span.trace == trace);
            let ours: Vec<&Span> = spans.iter().filter(|span| span.trace_id == trace).collect();
            let all: Vec<Told> = by_sdk.iter().cloned().chain(ours.iter().map(|span| told(span))).collect();
            let ids: BTreeSet<_> = all.iter().map(|span| &span.id).collect();
            assert_eq!(ids.len(), all.len(), "{backend}: an id twice: {all:#?}");
            let [server, ..] =
                &all.iter().filter(|span| span.parent == customer && by_sdk.contains(span)).collect::<Vec<_>>()[..]
            else {
                panic!("{backend}: {all:#?}")
            };
            assert_eq!(server.kind, "SERVER");
            let calls: Vec<_> = by_sdk.iter().filter(|span| span.parent == server.id).collect();
            assert_eq!((calls.len(), by_sdk.len()), (2, 3), "{backend}: {by_sdk:#?}");
            let ours: BTreeMap<String, Told> =
                ours.iter().map(|span| (format!("{} {}", span.kind, asked(span)), told(span))).collect();
            let find = |kind: &str, what: &str| {
                let found = ours.iter().find(|(text, _)| text.starts_with(kind) && text.contains(what));
                found.map(|(_, span)| span).unwrap_or_else(|| panic!("{backend}: {what}: {ours:#?}"))
            };
            // Whoever was called hangs under the span that the SDK exports; what it does not know, under the customer.
            let traced = find("SERVER", "traced=");
            assert!(calls.iter().any(|call| call.id == traced.parent), "{backend}: {traced:?} {calls:#?}");
            let plain = find("CLIENT", "plain=");
            assert_eq!(plain.parent, customer, "{backend}");
            assert_eq!(find("SERVER", "plain=").parent, plain.id, "{backend}");
            assert_eq!(find("SERVER", "order:").parent, customer, "{backend}");
            assert_eq!(ours.len(), 4, "{backend}: {ours:#?}");
        }
    }
}

#[test]
fn an_sdk_that_exports_nothing_has_its_ids_carried_on() {
    for backend in granted() {
        let Some(shop) = Shop::start("none") else { return skipped("test part python-sdk is missing") };
        let mut agent = Agent::run(backend, &shop.selectors(), &[]);
        shop.order(900);
        let sent: Vec<String> = (1..=COUNT).map(|number| shop.order(number)).collect();
        let spans = agent.finish();
        assert_eq!(agent.told("traced_by_sdk"), 0, "{backend}: {}", agent.stderr());
        for (number, sent) in (1..=COUNT).zip(&sent) {
            let (trace, customer) = (format!("{number:032x}"), format!("{number:016x}"));
            let find = |kind: &str, what: &str| {
                let mut found = spans.iter().filter(|span| span.kind == kind && asked(span).contains(what));
                found.next().map(told).unwrap_or_else(|| panic!("{backend}: {kind} {what}"))
            };
            let server = spans.iter().map(told).find(|span| span.kind == "SERVER" && span.parent == customer);
            let server = server.unwrap_or_else(|| panic!("{backend}: {number}"));
            let call = find("CLIENT", &format!("traced={number}"));
            assert_eq!((format!("00-{}-{}-01", call.trace, call.id), &call.trace), (sent.clone(), &trace), "{backend}");
            assert_eq!(call.parent, server.id, "{backend}");
            assert_eq!(find("SERVER", &format!("traced={number}")).parent, call.id, "{backend}");
        }
        let ids: BTreeSet<_> = spans.iter().map(|span| &span.span_id).collect();
        assert_eq!(ids.len(), spans.iter().count(), "{backend}: an id twice");
    }
}
