use super::testing::{exchange, tcp};
use super::*;
use crate::event::Role;
use wirespan_protocols::http::foreign::Header;
use wirespan_protocols::http1::HttpExchange;
use wirespan_protocols::redis::RedisExchange;

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0";

fn request(flags: Option<&str>) -> Exchange {
    exchange(HttpExchange {
        method: "GET".into(),
        target: "/".into(),
        version_minor: 1,
        status: Some(200),
        traceparent: flags.map(|flags| format!("{TRACEPARENT}{flags}").into()),
        tracestate: Some("rojo=1".into()),
        ..HttpExchange::default()
    })
}

fn tracer(sampler: Sampler) -> Tracer {
    Tracer::new(Config { sampler, ..Config::default() }, ids::Ids::seeded(5))
}

#[test]
fn a_traceparent_makes_a_child_and_its_absence_a_root() {
    let (mut tracer, resource) = (tracer(Sampler::default()), Arc::default());
    for role in [Role::Server, Role::Client] {
        let child = tracer.span(&request(Some("1")), &tcp(role, 80), &resource, &Ties::default()).unwrap();
        assert_eq!(child.trace_id[..2], [0x0a, 0xf7]);
        assert_eq!(child.parent, Some([0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]));
        assert_eq!(child.trace_state.as_deref(), Some("rojo=1"));
        assert_ne!(Some(child.span_id), child.parent);
        let root = tracer.span(&request(None), &tcp(role, 80), &resource, &Ties::default()).unwrap();
        assert_eq!((root.parent, root.trace_state), (None, None), "a tracestate alone means nothing");
        assert_ne!(root.trace_id, child.trace_id);
    }
    let broken = tracer.span(&request(Some("X")), &tcp(Role::Server, 80), &resource, &Ties::default()).unwrap();
    assert_eq!((broken.parent, broken.trace_state), (None, None));
}

#[test]
fn spans_of_other_tracing_systems_are_links() {
    let (mut tracer, resource) = (tracer(Sampler::default()), Arc::default());
    let mut request = request(Some("1"));
    let http = request.detail.downcast_mut::<HttpExchange>().unwrap();
    let foreign = http.foreign.get_or_insert_default();
    for (name, value) in [
        ("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1"),
        ("uber-trace-id", "7:8:0:1"),
        ("X-B3-TraceId", "0000000000000007"),
        ("X-B3-SpanId", "0000000000000008"),
    ] {
        foreign.keep(Header::named(name.as_bytes()).unwrap(), value.as_bytes());
    }
    for role in [Role::Server, Role::Client] {
        let span = tracer.span(&request, &tcp(role, 80), &resource, &Ties::default()).unwrap();
        let links: Vec<_> = span.links.iter().map(|link| (link.trace_id[15], link.span_id[7])).collect();
        assert_eq!(links, [(7, 8)], "not the parent, and each once");
    }
}

#[test]
fn what_is_not_sampled_is_counted_by_reason() {
    let (facts, resource) = (tcp(Role::Server, 80), Arc::default());
    let mut parent_based = tracer(Sampler::default());
    assert_eq!(parent_based.span(&request(Some("0")), &facts, &resource, &Ties::default()), None);
    assert!(parent_based.span(&request(Some("1")), &facts, &resource, &Ties::default()).is_some());
    assert_eq!(parent_based.filtered(), &[1, 0, 0, 0]);
    let mut off = tracer(Sampler::parse("always_off", None).unwrap());
    assert_eq!(off.span(&request(Some("1")), &facts, &resource, &Ties::default()), None);
    assert_eq!(off.filtered(), &[0, 1, 0, 0]);
    let mut on = tracer(Sampler::parse("always_on", None).unwrap());
    assert!(on.span(&request(Some("0")), &facts, &resource, &Ties::default()).is_some());
}

/// As services of one trace do whose first one samples more than they would.
#[test]
fn a_caller_that_was_sampled_decides_although_the_root_rule_says_off() {
    let (facts, resource) = (tcp(Role::Server, 80), Arc::default());
    for (root, argument) in [("always_off", None), ("traceidratio", Some("0"))] {
        let mut tracer = tracer(Sampler::parse(&format!("parentbased_{root}"), argument).unwrap());
        let (sampled, not, none) = (request(Some("1")), request(Some("0")), request(None));
        let span = tracer.span(&sampled, &facts, &resource, &Ties::default()).unwrap();
        assert_eq!(span.trace_id[..2], [0x0a, 0xf7], "{root}");
        // What is done for it goes the same way, in this process and where it is called.
        let named = TraceParent::parse(&format!("{TRACEPARENT}1"));
        let own = tracer.begin(RequestKey::default(), named, &resource);
        assert_eq!(TraceParent::of(own).map(|own| own.sampled), Some(true));
        let call = tracer.begin(RequestKey::default(), TraceParent::of(own), &resource);
        let ties = Ties { promised: Some(call), ..Ties::default() };
        assert!(tracer.span(&none, &tcp(Role::Client, 80), &resource, &ties).is_some(), "{root}");
        assert_eq!(tracer.span(&not, &facts, &resource, &Ties::default()), None);
        assert_eq!(tracer.span(&none, &facts, &resource, &Ties::default()), None);
        assert_eq!(tracer.filtered(), &[1, 1, 0, 0]);
    }
}

#[test]
fn times_are_those_of_the_exchange_at_the_last_known_offset() {
    let (mut tracer, resource) = (tracer(Sampler::default()), Arc::default());
    tracer.set_clock(1_000_000);
    let before = tracer.span(&request(None), &tcp(Role::Server, 80), &resource, &Ties::default()).unwrap();
    assert_eq!((before.start_unix_ns, before.end_unix_ns), (1_001_000, 1_003_500));
    tracer.set_clock(500);
    let after = tracer.span(&request(None), &tcp(Role::Server, 80), &resource, &Ties::default()).unwrap();
    assert_eq!((after.start_unix_ns, after.end_unix_ns), (1_500, 4_000));
}

#[test]
fn the_same_seed_gives_the_same_spans() {
    let spans = || {
        let (mut tracer, resource) = (tracer(Sampler::default()), Arc::default());
        [None, Some("1"), None]
            .map(|flags| tracer.span(&request(flags), &tcp(Role::Server, 80), &resource, &Ties::default()).unwrap())
    };
    assert_eq!(spans(), spans());
}

/// Not a benchmark, but a net: a span that costs ten times its budget is a mistake. Runs where tests are optimised.
#[test]
#[cfg_attr(debug_assertions, ignore = "only meaningful in release")]
fn a_span_is_cheap() {
    let (mut tracer, resource) = (tracer(Sampler::default()), Arc::default());
    let mut http = request(None);
    if let Some(http) = http.detail.downcast_mut::<HttpExchange>() {
        http.target = "/products/17?colour=red".into();
        http.host = Some("shop.example:8080".into());
        http.user_agent = Some("Mozilla/5.0 (X11; Linux x86_64)".into());
        (http.request_body, http.response_body) = (Some(0), Some(512));
    }
    let redis = exchange(RedisExchange { command: "INCR".into(), ..RedisExchange::default() });
    for (what, exchange) in [("http", &http), ("redis", &redis)] {
        let facts = tcp(Role::Server, 8080);
        let begin = std::time::Instant::now();
        for _ in 0..100_000 {
            std::hint::black_box(tracer.span(std::hint::black_box(exchange), &facts, &resource, &Ties::default()));
        }
        let each = begin.elapsed().as_nanos() / 100_000;
        println!("{what}: {each} ns a span");
        assert!(each < 7_000, "{what}: {each} ns");
    }
}
