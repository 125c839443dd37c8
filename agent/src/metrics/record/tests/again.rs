//! What a connection measured last must not decide where something else goes.

use super::*;

#[test]
fn what_changes_on_a_connection_goes_to_another_series() {
    let details = || {
        let plain = || http("GET", "/a", 200);
        let old = HttpExchange { version_minor: 0, ..HttpExchange::default() };
        let mut changes = vec![http("POST", "/a", 200), http("BREW", "/a", 200), http("GET", "/a", 204)];
        changes.extend([http("GET", "/a", 500), http("GET", "ws://shop.example/a", 200), redis("GET", None)]);
        changes.push(Box::new(HttpExchange { method: "GET".into(), target: "/a".into(), status: Some(200), ..old }));
        // Each twice, and what it was before in between.
        let each = changes.into_iter().flat_map(move |change| [plain(), plain(), change.clone(), change]);
        each.collect::<Vec<_>>()
    };
    let (mut one, mut many) = (metrics(), metrics());
    let seat = Seat::new(1, "shop", Role::Server, "10.0.0.1:80", "10.0.0.2:5000", "http");
    for (id, detail) in (2..).zip(details()) {
        seat.tell(&mut one, &exchange(detail.clone(), 30));
        let own = Seat::new(id, "shop", Role::Server, "10.0.0.1:80", "10.0.0.2:5000", "http");
        own.tell(&mut many, &exchange(detail, 30));
    }
    for metric in
        [Metric::HttpServerDuration, Metric::HttpServerResponseBody, Metric::QueueDuration, Metric::GraphRequests]
    {
        let [one, many] = [&mut one, &mut many].map(|metrics| {
            let mut sums = std::collections::BTreeMap::new();
            series(metrics, metric)
                .iter()
                .for_each(|(labels, point)| *sums.entry(labels.clone()).or_insert(0.0) += number(point));
            sums
        });
        assert_eq!(one.keys().collect::<Vec<_>>(), many.keys().collect::<Vec<_>>());
        assert!(one.values().zip(many.values()).all(|(one, many)| (one - many).abs() < 1e-9), "{one:?} {many:?}");
    }
}
