//! Every finding, and its silence.

use super::report::{Finding, Kind, Report};
use super::testing::{World, http, lookup, query, redis};

const DATABASE: &str = "10.0.0.7:5432";
const CACHE: &str = "10.0.0.8:6379";

fn only(report: &Report, kind: Kind) -> &Finding {
    let kinds: Vec<_> = report.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [kind], "{:#?}", report.findings);
    let finding = &report.findings[0];
    assert!(finding.text.ends_with('.') && finding.text.len() < 500, "{}", finding.text);
    finding
}

fn silent(report: &Report) {
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
}

/// One connection for each query: 10 ms TCP, 20 ms TLS, 15 ms authentication, 5 ms for the query.
fn unpooled(world: &mut World, count: u64) {
    for number in 0..count {
        let at = number * 100;
        let mut socket = world.client("web", DATABASE, Some("postgresql"));
        let up = world.set_up(&mut socket, None, at, [10, 20, 15]);
        let end = world.call(&socket, None, up, 5, query("SELECT * FROM orders"));
        world.end(&socket, end + 1);
    }
}

#[test]
fn no_pool_is_named_with_its_share() {
    let mut world = World::new();
    unpooled(&mut world, 20);
    let report = world.report();
    let finding = only(&report, Kind::NoPool);
    assert_eq!((finding.number("connections_opened"), finding.number("operations")), (20.0, 20.0));
    assert_eq!(finding.number("setup_share"), 0.9);
    assert_eq!(
        [finding.number("tcp_ms"), finding.number("tls_ms"), finding.number("authentication_ms")],
        [200.0, 400.0, 300.0]
    );
    assert_eq!(finding.cost_ms, 855.0, "one connection would have done");
    assert_eq!(
        finding.text,
        "web opened 20 connections to 10.0.0.7:5432 (postgresql, database shop) for 20 operations: one for each. Of the \
         50 ms that its callers wait for each operation, 45 ms (90 %) are the set-up of the connection: TCP 10 ms, TLS \
         20 ms and authentication 15 ms."
    );
    assert_eq!(report.connections[0].setup_share, 0.9);
}

#[test]
fn a_pool_and_rare_connections_are_no_finding() {
    let mut world = World::new();
    // Eight connections at the start, a hundred operations on each.
    for _ in 0..8 {
        let mut socket = world.client("web", DATABASE, Some("postgresql"));
        let up = world.set_up(&mut socket, None, 0, [10, 20, 15]);
        for number in 0..100 {
            world.call(&socket, None, up + number * 50, 5, query("SELECT * FROM orders"));
        }
    }
    // Two of a job that runs once in a while.
    for at in [100, 4_000] {
        let mut socket = world.client("job", DATABASE, Some("postgresql"));
        let up = world.set_up(&mut socket, None, at, [10, 20, 15]);
        let end = world.call(&socket, None, up, 5, query("DELETE FROM sessions"));
        world.end(&socket, end);
    }
    let report = world.report();
    silent(&report);
    assert_eq!(report.connections.len(), 2, "they are told all the same");
}

#[test]
fn connections_beside_a_pool_are_judged_by_themselves() {
    let mut world = World::new();
    unpooled(&mut world, 20);
    let mut kept = world.client("web", DATABASE, Some("postgresql"));
    let up = world.set_up(&mut kept, None, 0, [10, 20, 15]);
    for number in 0..300 {
        world.call(&kept, None, up + number * 5, 5, query("SELECT * FROM items"));
    }
    let report = world.report();
    let finding = only(&report, Kind::NoPool);
    assert_eq!((finding.number("operations"), finding.number("setup_share")), (20.0, 0.9));
    assert!(finding.evidence.iter().any(|line| line.starts_with("300 more operations")), "{:?}", finding.evidence);
}

#[test]
fn connections_that_a_pool_still_holds_are_no_finding() {
    let mut world = World::new();
    for number in 0..10 {
        let mut socket = world.client("web", DATABASE, Some("postgresql"));
        let up = world.set_up(&mut socket, None, number * 10, [10, 0, 15]);
        world.call(&socket, None, up, 5, query("SELECT * FROM orders"));
    }
    silent(&world.report());
}

#[test]
fn a_cheap_set_up_is_no_finding() {
    let mut world = World::new();
    for number in 0..20 {
        let mut socket = world.client("web", DATABASE, Some("postgresql"));
        let up = world.set_up(&mut socket, None, number * 1000, [1, 0, 0]);
        let end = world.call(&socket, None, up, 100, query("SELECT * FROM orders"));
        world.end(&socket, end);
    }
    silent(&world.report());
}

#[test]
fn a_ping_before_every_query_is_a_repeated_preamble() {
    let mut world = World::new();
    let socket = world.client("web", DATABASE, Some("postgresql"));
    for number in 0..20 {
        let at = world.call(&socket, None, number * 50, 5, query("SELECT ?"));
        world.call(&socket, None, at, 10, query("SELECT * FROM orders"));
    }
    let report = world.report();
    let finding = only(&report, Kind::RepeatedPreamble);
    assert_eq!((finding.concerned.count, finding.concerned.of), (20, 20));
    assert_eq!((finding.cost_ms, finding.statement.as_deref()), (100.0, Some("SELECT")));
}

#[test]
fn other_statements_and_transactions_before_a_query_are_not() {
    let mut world = World::new();
    let socket = world.client("web", DATABASE, Some("postgresql"));
    for number in 0..20 {
        let mut at = number * 100;
        for text in ["BEGIN", "SELECT * FROM users", "SELECT * FROM orders", "COMMIT"] {
            at = world.call(&socket, None, at, 5, query(text));
        }
        if number % 5 == 0 {
            world.call(&socket, None, at, 5, query("SELECT ?"));
        }
    }
    silent(&world.report());
}

#[test]
fn n_plus_one_within_a_request() {
    let mut world = World::new();
    let server = world.server("web");
    let socket = world.client("web", DATABASE, Some("postgresql"));
    for number in 0..10 {
        let from = number * 200;
        let key = world.begin(&server, from);
        let mut at = world.call(&socket, Some(key), from, 5, query("SELECT * FROM orders"));
        for _ in 0..12 {
            at = world.call(&socket, Some(key), at, 4, query("SELECT * FROM items"));
        }
        world.finish(&server, key, from, at + 10, "/orders/17", 200);
    }
    let report = world.report();
    let finding = only(&report, Kind::NPlusOne);
    assert_eq!(finding.route.as_deref(), Some("GET /orders/{id}"));
    assert_eq!(finding.statement.as_deref(), Some("SELECT items"));
    assert_eq!((finding.number("median"), finding.number("count")), (12.0, 120.0));
    assert_eq!(finding.cost_ms, 440.0, "11 of 12 of each request");
    let route = &report.routes[0];
    assert_eq!((route.requests, route.mean_ms), (10, 63.0));
    let parts: Vec<_> = route.parts.iter().map(|part| (part.name.as_str(), part.ms)).collect();
    assert_eq!(parts, [("10.0.0.7:5432 (postgresql, database shop)", 53.0), ("self", 10.0)]);
    assert!((route.parts.iter().map(|part| part.share).sum::<f64>() - 1.0).abs() < 0.001);
}

#[test]
fn few_or_batched_or_unowned_repetitions_are_not() {
    let mut world = World::new();
    let server = world.server("web");
    let socket = world.client("web", DATABASE, Some("postgresql"));
    for number in 0..10 {
        let from = number * 200;
        let key = world.begin(&server, from);
        let mut at = from;
        for _ in 0..4 {
            at = world.call(&socket, Some(key), at, 4, query("SELECT * FROM items"));
        }
        for _ in 0..10 {
            at = world.call(&socket, None, at, 4, query("SELECT * FROM items"));
        }
        world.finish(&server, key, from, at + 10, "/orders", 200);
    }
    let report = world.report();
    silent(&report);
    assert!(report.routes.is_empty(), "too many calls could not be tied to a request: {:?}", report.routes);
}

#[test]
fn calls_to_several_peers_in_a_row_are_a_candidate() {
    let mut world = World::new();
    let server = world.server("web");
    let database = world.client("web", DATABASE, Some("postgresql"));
    let cache = world.client("web", CACHE, Some("redis"));
    let prices = world.client("web", "10.0.0.9:8080", Some("http"));
    for number in 0..10 {
        let from = number * 200;
        let key = world.begin(&server, from);
        let at = world.call(&cache, Some(key), from, 10, redis("GET"));
        let at = world.call(&database, Some(key), at, 20, query("SELECT * FROM users"));
        let at = world.call(&prices, Some(key), at, 40, http("GET", "/prices", 200));
        world.finish(&server, key, from, at + 10, "/checkout", 200);
    }
    let report = world.report();
    let finding = only(&report, Kind::SequentialCalls);
    assert_eq!((finding.cost_ms, finding.number("calls")), (300.0, 3.0));
    assert!(finding.advice.contains("candidate"), "{}", finding.advice);
}

#[test]
fn overlapping_calls_and_calls_to_one_peer_are_none() {
    let mut world = World::new();
    let server = world.server("web");
    let database = world.client("web", DATABASE, Some("postgresql"));
    let cache = world.client("web", CACHE, Some("redis"));
    for number in 0..10 {
        let from = number * 200;
        let key = world.begin(&server, from);
        world.call(&cache, Some(key), from, 30, redis("GET"));
        world.call(&database, Some(key), from + 5, 20, query("SELECT * FROM users"));
        world.call(&cache, Some(key), from + 30, 20, redis("HGET"));
        world.finish(&server, key, from, from + 60, "/side-by-side", 200);
        let key = world.begin(&server, from + 100);
        let mut at = from + 100;
        for text in ["SELECT * FROM a", "SELECT * FROM b", "SELECT * FROM c"] {
            at = world.call(&database, Some(key), at, 20, query(text));
        }
        world.finish(&server, key, from + 100, at, "/one-peer", 200);
    }
    silent(&world.report());
}

#[test]
fn a_pool_whose_connections_are_all_busy_is_too_small() {
    let mut world = World::new();
    let pool = [world.client("web", DATABASE, Some("postgresql")), world.client("web", DATABASE, Some("postgresql"))];
    for number in 0..100 {
        for socket in &pool {
            world.call(socket, None, number * 20, 20, query("SELECT * FROM orders"));
        }
    }
    // Ten requests in progress at any time, two of them at work.
    for number in 0..10 {
        for lane in 0..10 {
            let server = world.server("web");
            let key = world.begin(&server, number * 200);
            world.finish(&server, key, number * 200, number * 200 + 200, &format!("/lane{lane}x"), 200);
        }
    }
    let report = world.report();
    let finding = only(&report, Kind::PoolTooSmall);
    assert_eq!(finding.number("connections"), 2.0);
    assert!(finding.number("busy_share") > 0.98 && (finding.number("requests_in_progress") - 10.0).abs() < 0.1);
    assert!((finding.cost_ms - 16_000.0).abs() < 200.0, "{}", finding.cost_ms);
}

#[test]
fn a_busy_pool_without_waiting_requests_is_not() {
    let mut world = World::new();
    let server = world.server("web");
    let socket = world.client("web", DATABASE, Some("postgresql"));
    for number in 0..100 {
        world.call(&socket, None, number * 20, 20, query("SELECT * FROM orders"));
        let key = world.begin(&server, number * 20);
        world.finish(&server, key, number * 20, number * 20 + 20, "/orders", 200);
    }
    silent(&world.report());
}

#[test]
fn connections_that_carry_nothing() {
    let mut world = World::new();
    for number in 0..20 {
        let mut socket = world.client("web", DATABASE, Some("postgresql"));
        world.set_up(&mut socket, None, 0, [10, 0, 15]);
        if number < 3 {
            for at in 0..60 {
                world.call(&socket, None, 100 + at * 500, 5, query("SELECT * FROM orders"));
            }
        }
    }
    world.tick(30_000);
    let report = world.report();
    let finding = only(&report, Kind::IdlePoolTooLarge);
    assert_eq!((finding.concerned.count, finding.concerned.of, finding.cost_ms), (17, 20, 0.0));
    // The next window knows them still.
    world.tick(60_000);
    assert_eq!(world.report().findings.len(), 1);
}

#[test]
fn a_short_window_or_few_idle_connections_tell_nothing() {
    let mut world = World::new();
    for _ in 0..20 {
        let mut socket = world.client("web", DATABASE, Some("postgresql"));
        world.set_up(&mut socket, None, 0, [10, 0, 15]);
    }
    for _ in 0..5 {
        let mut socket = world.client("job", DATABASE, Some("postgresql"));
        world.set_up(&mut socket, None, 0, [10, 0, 15]);
    }
    // What is not understood may carry anything.
    for _ in 0..20 {
        let mut socket = world.client("bus", "10.0.0.3:9092", None);
        world.set_up(&mut socket, None, 0, [10, 0, 0]);
    }
    world.tick(10_000);
    silent(&world.report());
}

#[test]
fn the_refused_connect_behind_a_503() {
    let mut world = World::new();
    let server = world.server("web");
    for number in 0..50 {
        let from = number * 100;
        let key = world.begin(&server, from);
        let status = if number < 42 {
            let socket = world.client("web", DATABASE, None);
            world.refused(&socket, Some(key), from + 1, "connection_refused");
            503
        } else {
            200
        };
        world.finish(&server, key, from, from + 5, "/checkout", status);
    }
    let report = world.report();
    let finding = only(&report, Kind::FailingDependency);
    assert_eq!(
        finding.text,
        "GET /checkout of service web fails with 503 in 42 of 50 requests: its call to 10.0.0.7:5432 cannot connect: \
         connection refused (ECONNREFUSED). That call takes 1 ms, the request 5 ms."
    );
    assert_eq!(finding.statement.as_deref(), Some("connect connection_refused"));
    assert!(finding.evidence.iter().any(|line| line.contains("no request that succeeded")), "{:?}", finding.evidence);
}

#[test]
fn the_deepest_failure_is_followed_to_another_service() {
    let mut world = World::new();
    let front = world.server("web");
    let outgoing = world.client("web", "10.0.0.2:8080", Some("http"));
    let api = world.accepted("api", &outgoing);
    for number in 0..10 {
        let from = number * 100;
        let pos = 1000 * number;
        let outer = world.begin(&front, from);
        let inner = world.begin_at(&api, from + 1, pos);
        let socket = world.client("api", DATABASE, Some("postgresql"));
        world.refused(&socket, Some(inner), from + 2, "timeout");
        world.exchange(&api, None, from + 1, 10, http("GET", "/price", 500), pos);
        world.exchange(&outgoing, Some(outer), from + 1, 11, http("GET", "/price", 500), pos);
        world.finish(&front, outer, from, from + 15, "/checkout", 502);
    }
    let report = world.report();
    let of = |service: &str| report.findings.iter().find(|finding| finding.service == service).unwrap();
    assert_eq!(report.findings.len(), 2);
    assert!(
        of("web").text.contains("fails with 502 in 10 of 10 requests: the call of api to 10.0.0.7:5432 (postgresql) cannot connect: no answer"),
        "{}",
        of("web").text
    );
    assert!(of("api").text.contains("its call to 10.0.0.7:5432"), "{}", of("api").text);
    assert_eq!(of("web").number("depth"), 2.0);
}

#[test]
fn what_happens_in_successful_requests_too_explains_nothing() {
    let mut world = World::new();
    let server = world.server("web");
    let cache = world.client("web", CACHE, Some("redis"));
    let resolver = world.client("web", "10.0.0.53:53", Some("dns"));
    for number in 0..40 {
        let from = number * 100;
        let key = world.begin(&server, from);
        // A search list: the first name is never there.
        world.call(&resolver, Some(key), from, 1, lookup("db.example.com.svc", 3));
        world.call(&resolver, Some(key), from + 1, 1, lookup("db.example.com", 0));
        // A script that the cache does not know is sent again, always.
        let mut unknown = redis("EVALSHA");
        if let Some(redis) = unknown.downcast_mut::<wirespan_protocols::redis::RedisExchange>() {
            redis.error = Some("NOSCRIPT".into());
        }
        world.call(&cache, Some(key), from + 2, 1, unknown);
        let status = if number % 4 == 0 { 500 } else { 200 };
        world.finish(&server, key, from, from + 5, "/checkout", status);
    }
    silent(&world.report());
}

#[test]
fn a_few_failures_are_no_finding_and_unowned_ones_neither() {
    let mut world = World::new();
    let server = world.server("web");
    for number in 0..50 {
        let from = number * 100;
        let key = world.begin(&server, from);
        let socket = world.client("web", DATABASE, None);
        if number < 2 {
            world.refused(&socket, Some(key), from + 1, "connection_refused");
        } else if number < 20 {
            world.refused(&socket, None, from + 1, "connection_refused");
        }
        world.finish(&server, key, from, from + 5, "/checkout", if number < 20 { 503 } else { 200 });
    }
    silent(&world.report());
}

#[test]
fn set_up_is_a_part_of_a_routes_time() {
    let mut world = World::new();
    let server = world.server("web");
    for number in 0..10 {
        let from = number * 100;
        let key = world.begin(&server, from);
        let mut socket = world.client("web", DATABASE, Some("postgresql"));
        let up = world.set_up(&mut socket, Some(key), from, [10, 20, 15]);
        let end = world.call(&socket, Some(key), up, 5, query("SELECT * FROM orders"));
        world.end(&socket, end);
        world.finish(&server, key, from, end, "/checkout", 200);
    }
    let report = world.report();
    let finding = only(&report, Kind::NoPool);
    assert!(
        finding.evidence.contains(&"10 of 10 requests waited for a connection".to_owned()),
        "{:?}",
        finding.evidence
    );
    let parts: Vec<_> = report.routes[0].parts.iter().map(|part| (part.name.as_str(), part.share)).collect();
    assert_eq!(
        parts,
        [
            ("set-up of connections to 10.0.0.7:5432", 0.9),
            ("10.0.0.7:5432 (postgresql, database shop)", 0.1),
            ("self", 0.0)
        ]
    );
}

#[test]
fn a_report_compares_with_an_earlier_one() {
    let mut world = World::new();
    unpooled(&mut world, 20);
    let before = world.report();
    let mut socket = world.client("web", DATABASE, Some("postgresql"));
    world.set_up(&mut socket, None, 10_000, [10, 20, 15]);
    for number in 0..200 {
        world.call(&socket, None, 10_100 + number * 10, 5, query("SELECT * FROM orders"));
    }
    let after = world.report();
    let lines = super::diff::changes(&before, &after);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("was 90 % of the time that callers wait and is 4 %"), "{}", lines[0]);
    assert!(lines[1].starts_with("Gone: No connection pool: web → 10.0.0.7:5432"), "{}", lines[1]);
    assert!(super::diff::changes(&before, &before).is_empty());
}

#[test]
fn statements_of_another_window_make_place_and_requests_in_progress_keep_theirs() {
    let mut world = World::new();
    let server = world.server("web");
    let socket = world.client("web", DATABASE, Some("postgresql"));
    for number in 0..300 {
        world.call(&socket, None, number, 1, query(&format!("SELECT * FROM old{number}")));
    }
    let at = world.call(&socket, None, 400, 1, query("SELECT * FROM orders"));
    assert!(world.report().lost.contains_key("statements"));
    // The next window: one statement within a request that goes on into the third.
    let from = 1_000;
    let key = world.begin(&server, from);
    let mut at = from.max(at);
    for _ in 0..6 {
        at = world.call(&socket, Some(key), at, 10, query("SELECT * FROM items"));
    }
    assert!(world.report().lost.is_empty());
    for _ in 0..6 {
        at = world.call(&socket, Some(key), at, 10, query("SELECT * FROM items"));
    }
    world.finish(&server, key, from, at, "/orders", 200);
    for number in 1..4 {
        let from = from + number * 1_000;
        let key = world.begin(&server, from);
        let mut at = from;
        for _ in 0..12 {
            at = world.call(&socket, Some(key), at, 10, query("SELECT * FROM items"));
        }
        world.finish(&server, key, from, at, "/orders", 200);
    }
    let report = world.report();
    let finding = only(&report, Kind::NPlusOne);
    assert_eq!((finding.number("median"), finding.number("count")), (12.0, 48.0));
}

#[test]
fn floods_leave_the_tables_bounded_and_are_counted() {
    let mut world = World::new();
    let server = world.server("web");
    for number in 0..3_000_u64 {
        let peer = format!("10.1.{}.{}:80", number / 250, number % 250);
        let socket = world.client(&format!("service{number}"), &peer, Some("http"));
        world.call(&socket, None, number, 1, http("GET", "/", 200));
        let key = world.begin(&server, number);
        world.finish(&server, key, number, number + 1, &format!("/path-{}x", number % 1_000 * 7), 200);
    }
    let report = world.report();
    assert_eq!(report.lost.get("peers"), Some(&(3_000 - super::limits::EDGES as u64)));
    assert!(report.lost.contains_key("services") && report.window.seconds > 2.9);
    assert!(super::text::render(&report).contains("Not looked at"));
}
