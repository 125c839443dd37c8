//! The service graph.

use super::*;

#[test]
fn the_graph_counts_a_request_once_and_names_both_ends() {
    let mut metrics = metrics();
    let client = Seat::new(1, "web", Role::Client, "127.0.0.1:5000", "127.0.0.1:80", "http");
    let server = Seat::new(2, "shop", Role::Server, "127.0.0.1:80", "127.0.0.1:5000", "http");
    let stranger = Seat::new(3, "shop", Role::Server, "127.0.0.1:80", "10.9.9.9:6000", "http");
    let outward = Seat::new(4, "shop", Role::Client, "10.0.0.1:7000", "10.8.8.8:6379", "redis");
    for seat in [&client, &server, &stranger, &outward] {
        seat.tell(&mut metrics, &Fact::Opened);
    }
    let fact = exchange(http("GET", "/", 500), 10);
    server.tell(&mut metrics, &fact);
    client.tell(&mut metrics, &fact);
    // One end does not make the other forget its name.
    assert!([1, 2].iter().all(|id| metrics.connections[id].edge.is_some()));
    stranger.tell(&mut metrics, &exchange(http("GET", "/", 200), 10));
    outward.tell(&mut metrics, &exchange(redis("GET", None), 10));
    let requests = series(&mut metrics, Metric::GraphRequests);
    let expected = [
        ("client=10.9.9.9,server=shop", 1.0),
        ("client=shop,server=10.8.8.8:6379,connection_type=database", 1.0),
        ("client=web,server=shop", 1.0),
    ];
    assert_eq!(told(&requests), expected);
    assert_eq!(told(&series(&mut metrics, Metric::GraphFailed)), [("client=web,server=shop", 1.0)]);
    assert_eq!(series(&mut metrics, Metric::GraphServer).len(), 2);
    // The server's end closes first; the client's last exchange still knows who it was.
    let end =
        End { change: Change::Closed, at_ns: 3 * SECOND, error: 0, peer_first: false, exchanges: 1, forgotten: false };
    server.tell(&mut metrics, &Fact::Ended(end));
    client.tell(&mut metrics, &fact);
    assert_eq!(told(&series(&mut metrics, Metric::GraphRequests))[2], ("client=web,server=shop", 2.0));
    client.tell(&mut metrics, &Fact::Ended(End { peer_first: true, ..end }));
    // The same ports again, and the other end is not watched now; nobody watched answers there.
    stranger.tell(&mut metrics, &Fact::Ended(end));
    client.tell(&mut metrics, &Fact::Opened);
    client.tell(&mut metrics, &fact);
    assert_eq!(told(&series(&mut metrics, Metric::GraphRequests))[2], ("client=web,server=127.0.0.1:80", 1.0));
}

/// Client and server end, and the end of either.
fn both_ends() -> (Seat, Seat, impl Fn(u64) -> Fact) {
    let client = Seat::new(1, "web", Role::Client, "127.0.0.1:5000", "127.0.0.1:80", "http");
    let server = Seat::new(2, "shop", Role::Server, "127.0.0.1:80", "127.0.0.1:5000", "http");
    let end = |at_ns| {
        let (change, error, peer_first) = (Change::Closed, 0, false);
        Fact::Ended(End { change, at_ns, error, peer_first, exchanges: 1, forgotten: false })
    };
    (client, server, end)
}

#[test]
fn a_server_that_closes_before_the_client_tells_its_first_request_is_no_address() {
    let mut metrics = metrics();
    let (client, server, end) = both_ends();
    client.tell(&mut metrics, &Fact::Opened);
    server.tell(&mut metrics, &Fact::Opened);
    server.tell(&mut metrics, &end(3 * SECOND));
    client.tell(&mut metrics, &exchange(http("GET", "/", 500), 10));
    assert_eq!(told(&series(&mut metrics, Metric::GraphFailed)), [("client=web,server=shop", 1.0)]);
    assert_eq!(told(&series(&mut metrics, Metric::GraphRequests)), [("client=web,server=shop", 1.0)]);
}

#[test]
fn a_client_that_leaves_before_its_server_takes_the_request_is_counted_once() {
    let mut metrics = metrics();
    let (client, server, end) = both_ends();
    let other = Seat::new(3, "shop", Role::Server, "127.0.0.1:80", "127.0.0.1:5001", "http");
    other.tell(&mut metrics, &Fact::Opened);
    client.tell(&mut metrics, &Fact::Opened);
    let fact = exchange(http("GET", "/", 500), 10);
    client.tell(&mut metrics, &fact);
    client.tell(&mut metrics, &end(3 * SECOND));
    server.tell(&mut metrics, &fact);
    server.tell(&mut metrics, &end(4 * SECOND));
    assert_eq!(told(&series(&mut metrics, Metric::GraphRequests)), [("client=web,server=shop", 1.0)]);
    // Nothing stays of those that never met.
    client.tell(&mut metrics, &Fact::Opened);
    client.tell(&mut metrics, &end(5 * SECOND));
    other.tell(&mut metrics, &end(5 * SECOND));
    metrics.tick(100 * SECOND);
    assert!(metrics.ends.is_empty());
}
