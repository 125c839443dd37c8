//! Both ends of a call, through the whole engine.

use super::*;

const PING: &[u8] = b"*2\r\n$3\r\nGET\r\n$4\r\ncart\r\n";
const PONG: &[u8] = b"$2\r\nok\r\n";

impl Bench {
    /// The end of a connection to a port of 10.0.0.1 from port 50000 + `client` of 10.0.0.2.
    fn end_of(&mut self, connection: u64, role: Role, client: u16, port: u16, at_ms: u64) {
        let ends = [format!("10.0.0.2:{}", 50_000 + client), format!("10.0.0.1:{port}")];
        let [near, far] = ends.map(|text| Endpoint::Inet(text.parse().unwrap()));
        let (local, remote) = if role == Role::Client { (near, far) } else { (far, near) };
        let pid = if role == Role::Client { 5 } else { 7 };
        self.actors.insert(connection, Actor { pid, tid: pid + 1, context: 0 });
        self.engine.handle(&Event::Open(Open {
            pid,
            local,
            remote,
            ..opened(connection, role, Transport::Tcp, at_ms, Some(at_ms))
        }));
    }
}

#[test]
fn whoever_is_asked_over_http_continues_the_trace_of_the_one_who_asks() {
    let mut bench = Bench::new();
    bench.end_of(1, Role::Client, 1, 80, 100);
    bench.end_of(2, Role::Server, 1, 80, 100);
    for at in [110, 150] {
        bench.data(1, Flow::Sent, REQUEST, at, None);
        bench.data(2, Flow::Received, REQUEST, at + 1, None);
        bench.open(3 + at, Role::Client, Transport::Tcp, at + 2, Some(at + 2));
        bench.actors.insert(3 + at, bench.actors[&2]);
        bench.data(3 + at, Flow::Sent, REQUEST, at + 3, None);
        bench.data(3 + at, Flow::Received, RESPONSE, at + 4, None);
        bench.data(2, Flow::Sent, RESPONSE, at + 5, None);
        bench.data(1, Flow::Received, RESPONSE, at + 6, None);
    }
    let spans = bench.spans();
    let (servers, clients) = (named(&spans, "GET", Kind::Server), named(&spans, "GET", Kind::Client));
    assert_eq!((servers.len(), clients.len()), (2, 4));
    for (turn, server) in servers.iter().enumerate() {
        let [inner, outer] = [clients[2 * turn], clients[2 * turn + 1]];
        assert_eq!((server.parent, server.trace_id), (Some(outer.span_id), outer.trace_id));
        assert_eq!((outer.parent, inner.parent), (None, Some(server.span_id)));
        assert_eq!(inner.trace_id, outer.trace_id);
    }
    assert_ne!(servers[0].trace_id, servers[1].trace_id);
}

#[test]
fn a_database_s_span_waits_for_its_client_or_finds_it() {
    for answered_first in [2, 1] {
        let mut bench = Bench::new();
        bench.end_of(1, Role::Client, 1, 6379, 100);
        bench.end_of(2, Role::Server, 1, 6379, 100);
        for at in [110, 120, 130] {
            bench.data(1, Flow::Sent, PING, at, None);
            bench.data(2, Flow::Received, PING, at + 1, None);
            for connection in [answered_first, 3 - answered_first] {
                let flow = if connection == 2 { Flow::Sent } else { Flow::Received };
                bench.data(connection, flow, PONG, at + 2, None);
            }
        }
        let spans = bench.spans();
        let (servers, clients) = (named(&spans, "GET", Kind::Server), named(&spans, "GET", Kind::Client));
        assert_eq!(
            (servers.len(), clients.len()),
            (3, 3),
            "{:?}",
            spans.iter().map(|s| (&*s.name, s.kind)).collect::<Vec<_>>()
        );
        let known: Vec<_> = servers.iter().filter(|server| server.parent.is_some()).collect();
        for server in &known {
            let caller = clients.iter().find(|client| Some(client.span_id) == server.parent).unwrap();
            let began = (server.trace_id, server.start_unix_ns);
            assert_eq!(began, (caller.trace_id, caller.start_unix_ns + MS));
        }
        // A client that is told first does not know yet that somebody will ask for its ids.
        assert_eq!(known.len(), if answered_first == 2 { 3 } else { 2 });
    }
}

#[test]
fn who_waits_in_vain_is_told_without_a_parent() {
    let mut bench = Bench::new();
    bench.end_of(1, Role::Client, 1, 6379, 100);
    bench.end_of(2, Role::Server, 1, 6379, 100);
    bench.data(2, Flow::Received, PING, 111, None);
    bench.data(2, Flow::Sent, PONG, 112, None);
    bench.engine.handle(&Event::Tick { at_ns: 500 * MS });
    assert!(bench.engine.take_spans().is_empty());
    bench.engine.handle(&Event::Tick { at_ns: 1_200 * MS });
    let spans = bench.engine.take_spans();
    assert_eq!(spans.iter().map(|span| (span.kind, span.parent)).collect::<Vec<_>>(), [(Kind::Server, None)]);
    // At the end nobody waits.
    bench.data(2, Flow::Received, PING, 1_211, None);
    bench.data(2, Flow::Sent, PONG, 1_212, None);
    assert_eq!(named(&bench.spans(), "GET", Kind::Server).len(), 1);
}

/// A request that names its parent.
fn with_parent(span_id: u8) -> Vec<u8> {
    let parent = format!("traceparent: 00-{:032x}-{:016x}-01\r\n\r\n", 77, span_id);
    [&REQUEST[..REQUEST.len() - 2], parent.as_bytes()].concat()
}

#[test]
fn a_proxy_s_calls_are_known_by_the_header_that_it_passes_on() {
    let mut bench = Bench::new();
    for client in [1, 2] {
        bench.end_of(client, Role::Server, client as u16, 80, 100);
        bench.end_of(10 + client, Role::Client, 10 + client as u16, 81, 100);
        bench.actors.insert(10 + client, bench.actors[&client]);
    }
    // Two at once on one thread; the second is passed on first.
    for client in [1, 2] {
        bench.data(client, Flow::Received, &with_parent(client as u8), 110 + client, None);
    }
    for client in [2, 1] {
        bench.data(10 + client, Flow::Sent, &with_parent(client as u8), 120 - client, None);
    }
    for client in [1, 2] {
        bench.data(10 + client, Flow::Received, RESPONSE, 130, None);
        bench.data(client, Flow::Sent, RESPONSE, 131, None);
    }
    let spans = bench.spans();
    let (servers, clients) = (named(&spans, "GET", Kind::Server), named(&spans, "GET", Kind::Client));
    assert_eq!((servers.len(), clients.len()), (2, 2));
    for (server, client) in servers.iter().zip(&clients) {
        assert_eq!(client.parent, Some(server.span_id));
        assert_eq!(server.trace_id[15], 77);
    }
    assert_eq!(servers.iter().map(|server| server.parent.unwrap()[7]).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn each_context_s_calls_name_its_own_request_however_many_are_on_its_thread() {
    const COUNT: u64 = 100;
    let mut bench = Bench::new();
    for client in 1..=COUNT {
        bench.end_of(client, Role::Server, client as u16, 80, 100);
        bench.end_of(1000 + client, Role::Client, 1000 + client as u16, 81, 100);
        // All on one thread, each in a context of its own.
        let actor = Actor { context: client, ..bench.actors[&1] };
        bench.actors.extend([(client, actor), (1000 + client, actor)]);
        bench.end_of(2000 + client, Role::Client, 2000 + client as u16, 82, 100);
        bench.actors.insert(2000 + client, actor);
        bench.data(client, Flow::Received, &with_parent(client as u8), 200 + client, None);
    }
    for client in 1..=COUNT {
        bench.data(1000 + client, Flow::Sent, &with_parent(client as u8), 400 + client, None);
        bench.data(1000 + client, Flow::Received, RESPONSE, 600 + client, None);
        bench.data(2000 + client, Flow::Sent, REQUEST, 800 + client, None);
        bench.data(2000 + client, Flow::Received, RESPONSE, 1000 + client, None);
        bench.data(client, Flow::Sent, RESPONSE, 1200 + client, None);
    }
    let spans = bench.spans();
    let (servers, clients) = (named(&spans, "GET", Kind::Server), named(&spans, "GET", Kind::Client));
    assert_eq!((servers.len(), clients.len()), (100, 200));
    let mut known = 0;
    for parent in clients.iter().filter_map(|client| client.parent) {
        let is_named = parent[..7] == [0; 7];
        known += usize::from(servers.iter().any(|server| server.span_id == parent));
        assert!(is_named || servers.iter().any(|server| server.span_id == parent), "{parent:?} is nobody's span");
    }
    assert_eq!(known, 200);
}

#[test]
fn what_a_proxy_passes_on_belongs_to_the_request_that_asks_the_same() {
    let ask = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes();
    let mut bench = Bench::new();
    let actor = Actor { pid: 7, tid: 8, context: 0 };
    for (connection, target) in [(1, "/api/a?id=1"), (2, "/api/a?id=2"), (3, "/same"), (4, "/same")] {
        bench.open(connection, Role::Server, Transport::Tcp, 100, Some(100));
        bench.actors.insert(connection, actor);
        bench.data(connection, Flow::Received, &ask(target), 100 + connection, None);
    }
    for (connection, target) in [(11, "/a?id=2"), (12, "/api/a?id=1"), (13, "/same"), (14, "/health")] {
        bench.open(connection, Role::Client, Transport::Tcp, 110, Some(110));
        bench.actors.insert(connection, actor);
        bench.data(connection, Flow::Sent, &ask(target), 110 + connection, None);
        bench.data(connection, Flow::Received, RESPONSE, 130 + connection, None);
    }
    for connection in 1..=4 {
        bench.data(connection, Flow::Sent, RESPONSE, 150 + connection, None);
    }
    let spans = bench.spans();
    let (servers, clients) = (named(&spans, "GET", Kind::Server), named(&spans, "GET", Kind::Client));
    assert_eq!((servers.len(), clients.len()), (4, 4));
    let parents: Vec<_> =
        clients.iter().map(|client| servers.iter().position(|server| Some(server.span_id) == client.parent)).collect();
    assert_eq!(parents, [Some(1), Some(0), None, None]);
}
