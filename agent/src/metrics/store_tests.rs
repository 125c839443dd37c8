use super::*;
use crate::metrics::exponential::Exponential;
use crate::metrics::snapshot::{Distribution, Number};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;
const REQUESTS: Metric = Metric::GraphRequests;
const LATENCY: Metric = Metric::HttpServerDuration;

fn resource(name: &str) -> Arc<Resource> {
    Arc::new(Resource { service_name: name.into(), attributes: Vec::new(), ..Resource::default() })
}

fn store(settings: Settings) -> Store {
    Store::new(settings, resource("nobody"))
}

fn add(store: &mut Store, metric: Metric, resource: &Arc<Resource>, path: &str, value: f64, at_ns: u64) {
    let labels = [("path", Text::Str(path)), ("kept", Text::Int(1))];
    let mut key = store.key(resource, &labels);
    store.record(metric, &mut key, value, at_ns, None);
}

/// Service, path, value of each point of a metric.
fn numbers(snapshot: &Snapshot, metric: Metric) -> Vec<(String, String, f64)> {
    let mut all = Vec::new();
    for group in &snapshot.groups {
        for family in group.families.iter().filter(|family| family.instrument == metric.instrument()) {
            for point in &family.points {
                let value = match &point.value {
                    Value::Number(value) => *value,
                    Value::Distribution(distribution) => distribution.sum,
                };
                let path = point.attributes.first().and_then(|(_, value)| value.as_str()).unwrap_or("overflow");
                all.push((group.resource.service_name.to_string(), path.to_owned(), value));
            }
        }
    }
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    all
}

fn total(snapshot: &Snapshot, metric: Metric) -> f64 {
    numbers(snapshot, metric).iter().map(|(.., value)| value).sum()
}

#[test]
fn a_series_for_each_resource_and_attributes() {
    let mut store = store(Settings::default());
    let (shop, blog) = (resource("shop"), resource("blog"));
    for (resource, path, value) in [(&shop, "/a", 1.0), (&shop, "/b", 2.0), (&shop, "/a", 3.0), (&blog, "/a", 4.0)] {
        add(&mut store, REQUESTS, resource, path, value, SECOND);
    }
    let snapshot = store.collect(2 * SECOND, Clock::default(), Reading::Cumulative);
    let expected = [("blog", "/a", 4.0), ("shop", "/a", 4.0), ("shop", "/b", 2.0)];
    assert_eq!(numbers(&snapshot, REQUESTS), expected.map(|(a, b, value)| (a.into(), b.into(), value)));
    assert_eq!((snapshot.groups.len(), snapshot.points()), (2, 3));
}

#[test]
fn a_million_distinct_values_are_one_overflow_series_each_resource() {
    let mut store = store(Settings { cardinality_limit: 100, max_series: 133, ..Settings::default() });
    let shop = resource("shop");
    for number in 0..1_000_000 {
        add(&mut store, REQUESTS, &shop, &format!("/{number}"), 1.0, SECOND);
    }
    assert_eq!(store.counts(), Counts { series: 101, overflows: 999_900, expired: 0 });
    assert_eq!((store.sets.len(), store.series.len()), (101, 101), "nothing is kept of what has no series");
    let snapshot = store.collect(2 * SECOND, Clock::default(), Reading::Cumulative);
    assert_eq!(total(&snapshot, REQUESTS), 1_000_000.0, "the sum stays right");
    // Distinct resources: a process each.
    for number in 0..10_000 {
        add(&mut store, REQUESTS, &resource(&number.to_string()), "/", 1.0, SECOND);
    }
    assert_eq!(store.counts().series, 133 + u64::from(MAX_OVERFLOWS));
    let snapshot = store.collect(2 * SECOND, Clock::default(), Reading::Cumulative);
    assert_eq!(total(&snapshot, REQUESTS), 1_010_000.0);
}

#[test]
fn all_metrics_together_have_a_limit() {
    let mut store = store(Settings { max_series: 50, ..Settings::default() });
    let shop = resource("shop");
    for number in 0..40 {
        let path = number.to_string();
        let labels = [("path", Text::Str(&path))];
        let mut key = store.key(&shop, &labels);
        store.record(REQUESTS, &mut key, 1.0, SECOND, None);
        store.record(LATENCY, &mut key, 0.1, SECOND, None);
    }
    assert_eq!(store.counts(), Counts { series: 40, overflows: 42, expired: 0 }, "a quarter is for others");
    assert_eq!(store.sets.len(), 20, "two metrics share a set");
    for number in 0..20 {
        add(&mut store, REQUESTS, &resource(&number.to_string()), "/", 1.0, SECOND);
    }
    let snapshot = store.collect(2 * SECOND, Clock::default(), Reading::Cumulative);
    let seen = numbers(&snapshot, REQUESTS);
    assert_eq!(seen.iter().filter(|(service, path, _)| service != "shop" && path == "/").count(), 12);
    assert_eq!(total(&snapshot, REQUESTS), 60.0);
}

#[test]
fn a_service_pays_for_what_stands_under_another_one() {
    let mut store = store(Settings { cardinality_limit: 3, ..Settings::default() });
    let (agent, shop, blog) = (resource("agent"), resource("shop"), resource("blog"));
    for number in 0..10 {
        let path = number.to_string();
        let labels = [("path", Text::Str(&path))];
        let mut key = store.key(&agent, &labels).paid_by(&shop);
        store.record(REQUESTS, &mut key, 1.0, SECOND, None);
    }
    let labels = [("path", Text::Static("blog's"))];
    let mut key = store.key(&agent, &labels).paid_by(&blog);
    store.record(REQUESTS, &mut key, 1.0, SECOND, None);
    let snapshot = store.collect(2 * SECOND, Clock::default(), Reading::Cumulative);
    let paths: Vec<String> = numbers(&snapshot, REQUESTS).into_iter().map(|(_, path, _)| path).collect();
    assert_eq!(paths, ["0", "1", "2", "blog's", "overflow"]);
    store.expire(10_000 * SECOND);
    assert_eq!(store.counts().series, 0);
}

#[test]
fn idle_series_go_and_begin_anew() {
    let mut store = store(Settings { expiry: Duration::from_secs(10), ..Settings::default() });
    let shop = resource("shop");
    add(&mut store, REQUESTS, &shop, "/a", 5.0, SECOND);
    add(&mut store, REQUESTS, &shop, "/b", 5.0, 9 * SECOND);
    add(&mut store, Metric::TcpOpen, &shop, "/a", 1.0, SECOND);
    store.expire(12 * SECOND);
    let snapshot = store.collect(12 * SECOND, Clock::default(), Reading::Cumulative);
    assert_eq!(numbers(&snapshot, REQUESTS), [("shop".into(), "/b".into(), 5.0)]);
    assert_eq!(total(&snapshot, Metric::TcpOpen), 1.0, "what is open stays open");
    add(&mut store, REQUESTS, &shop, "/a", 1.0, 13 * SECOND);
    let snapshot = store.collect(14 * SECOND, Clock::default(), Reading::Cumulative);
    let points = &snapshot.groups[0].families.last().unwrap().points;
    let again = points.iter().find(|point| point.attributes[0].1.as_str() == Some("/a")).unwrap();
    assert_eq!((again.start_unix_ns, &again.value), (13 * SECOND, &Value::Number(1.0)));
    add(&mut store, Metric::TcpOpen, &shop, "/a", -1.0, 14 * SECOND);
    store.expire(60 * SECOND);
    assert_eq!((store.counts().series, store.counts().expired, store.sets.len()), (0, 4, 0));
}

#[test]
fn delta_tells_what_came_since_and_nothing_else() {
    let mut store = store(Settings::default());
    let shop = resource("shop");
    let collect = |store: &mut Store, at| store.collect(at * SECOND, Clock::default(), Reading::Delta);
    add(&mut store, LATENCY, &shop, "/a", 0.02, SECOND);
    add(&mut store, Metric::TcpOpen, &shop, "/a", 2.0, SECOND);
    let first = collect(&mut store, 2);
    let family = &first.groups[0].families[0];
    assert_eq!((family.temporality, family.points[0].start_unix_ns), (Temporality::Delta, SECOND));
    add(&mut store, LATENCY, &shop, "/a", 0.3, 3 * SECOND);
    let second = collect(&mut store, 4);
    let point = &second.groups[0].families[0].points[0];
    let Value::Distribution(distribution) = &point.value else { panic!("{point:?}") };
    assert_eq!((point.start_unix_ns, point.at_unix_ns, distribution.count), (2 * SECOND, 4 * SECOND, 1));
    assert!((distribution.sum - 0.3).abs() < 1e-9);
    let third = collect(&mut store, 6);
    assert_eq!(third.points(), 1, "only what goes up and down is told again");
    assert_eq!(
        (third.groups[0].families[0].temporality, total(&third, Metric::TcpOpen)),
        (Temporality::Cumulative, 2.0)
    );
    let cumulative = store.collect(7 * SECOND, Clock::default(), Reading::Cumulative);
    assert!((total(&cumulative, LATENCY) - 0.32).abs() < 1e-9, "another reader sees everything");
}

#[test]
fn values_fall_into_their_buckets() {
    for (exponential, expected) in [(false, None), (true, Some(3))] {
        let mut store = store(Settings { exponential, ..Settings::default() });
        let shop = resource("shop");
        for value in [0.005, 0.006, 99.0] {
            add(&mut store, LATENCY, &shop, "/", value, SECOND);
        }
        let snapshot = store.collect(SECOND, Clock::default(), Reading::Cumulative);
        let Value::Distribution(distribution) = &snapshot.groups[0].families[0].points[0].value else { panic!() };
        let Distribution { count, range, buckets, .. } = &**distribution;
        assert_eq!((*count, *range), (3, Some((0.005, 99.0))));
        match (buckets, expected) {
            (Number::Explicit { counts, .. }, None) => {
                assert_eq!((counts[0], counts[1], counts[14], counts.len()), (1, 1, 1, 15), "bounds are inclusive");
            }
            (Number::Exponential(Exponential { counts, .. }), Some(total)) => {
                assert_eq!(counts.iter().sum::<u64>(), total);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_last_span_of_each_bucket_is_its_exemplar() {
    let mut store = store(Settings::default());
    let shop = resource("shop");
    let mut key = store.key(&shop, &[]);
    for (id, value) in [(1, 0.02), (2, 0.3), (3, 0.021)] {
        let exemplar = Exemplar { trace_id: [id; 16], span_id: [id; 8], value, at_ns: u64::from(id) * SECOND };
        store.record(LATENCY, &mut key, value, u64::from(id) * SECOND, Some(exemplar));
    }
    let mut clock = Clock::default();
    clock.set_offset(100);
    let snapshot = store.collect(4 * SECOND, clock, Reading::Delta);
    let exemplars = &snapshot.groups[0].families[0].points[0].exemplars;
    let seen: Vec<_> = exemplars.iter().map(|one| (one.trace_id[0], one.at_ns)).collect();
    assert_eq!(seen, [(3, 3 * SECOND + 100), (2, 2 * SECOND + 100)]);
    store.record(LATENCY, &mut key, 0.3, 5 * SECOND, None);
    let snapshot = store.collect(6 * SECOND, clock, Reading::Delta);
    assert_eq!(snapshot.groups[0].families[0].points[0].exemplars, [], "those were told");
}

#[test]
fn an_allow_list_joins_series() {
    let attributes = [(LATENCY.instrument().name.into(), vec!["kept".into()])].into();
    let mut store = store(Settings { attributes, ..Settings::default() });
    let shop = resource("shop");
    for path in ["/a", "/b"] {
        add(&mut store, LATENCY, &shop, path, 1.0, SECOND);
        add(&mut store, REQUESTS, &shop, path, 1.0, SECOND);
    }
    assert_eq!(store.counts().series, 3);
    let snapshot = store.collect(SECOND, Clock::default(), Reading::Cumulative);
    assert_eq!(snapshot.groups[0].families[0].points[0].attributes[..], [("kept", crate::trace::span::Value::Int(1))]);
}

#[test]
fn low_memory_keeps_what_is_read_cumulative() {
    let of = |reading: Reading| [Kind::Counter, Kind::Total, Kind::UpDown, Kind::Gauge].map(|kind| reading.of(kind));
    use Temporality::{Cumulative as C, Delta as D};
    assert_eq!(of(Reading::Cumulative), [C, C, C, C]);
    assert_eq!(of(Reading::Delta), [D, D, C, C]);
    assert_eq!(of(Reading::LowMemory), [D, C, C, C]);
}

#[test]
fn a_place_is_found_again_until_it_is_another_ones() {
    let mut store = store(Settings { expiry: Duration::from_secs(10), ..Settings::default() });
    let (shop, blog) = (resource("shop"), resource("blog"));
    let labels = [("path", Text::Str("/a"))];
    let mut near = Near::default();
    assert!(store.key_again(near, &shop).is_none());
    for _ in 0..2 {
        let mut key = store.key_near(&mut near, &shop, &labels);
        store.record(REQUESTS, &mut key, 1.0, SECOND, None);
    }
    let mut again = store.key_again(near, &shop).unwrap();
    store.record(REQUESTS, &mut again, 1.0, SECOND, None);
    store.record(LATENCY, &mut again, 5.0, SECOND, None);
    assert!(store.key_again(near, &blog).is_none());
    let snapshot = store.collect(2 * SECOND, Clock::default(), Reading::Cumulative);
    let told = |metric| numbers(&snapshot, metric);
    assert_eq!(told(REQUESTS), [("shop".into(), "/a".into(), 3.0)]);
    assert_eq!(told(LATENCY), [("shop".into(), "/a".into(), 5.0)], "a metric that began without its labels");
    store.expire(100 * SECOND);
    assert!(store.key_again(near, &shop).is_none());
    add(&mut store, REQUESTS, &shop, "/b", 1.0, 100 * SECOND);
    assert!(store.key_again(near, &shop).is_none(), "another set of the same service is at its place");
}

#[test]
fn where_a_metric_keeps_few_attributes_they_are_asked_for() {
    let attributes = [(Box::from(LATENCY.instrument().name), Vec::new())].into();
    let mut store = store(Settings { attributes, ..Settings::default() });
    let shop = resource("shop");
    let labels = [("path", Text::Str("/a"))];
    let mut near = Near::default();
    for _ in 0..2 {
        let mut key = store.key_near(&mut near, &shop, &labels);
        store.record(REQUESTS, &mut key, 1.0, SECOND, None);
    }
    assert!(store.key_again(near, &shop).is_none());
}
