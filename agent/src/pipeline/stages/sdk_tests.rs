//! Calls with ids of their own, and processes that export their own telemetry, through the whole engine.

use super::*;
use crate::trace::Filtered;
use crate::trace::sdk::Deference;
use std::collections::HashSet;

/// A service that runs as process 7 and is asked by others, and what it asks. Each request has a context of its own.
struct Service {
    bench: Bench,
    connections: u64,
    now_ms: u64,
}

/// A request that is sent or received, in clear.
fn ask(target: &str, headers: &[String]) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\n{}\r\n", headers.concat()).into_bytes()
}

/// Span `id` of the trace `trace` as a parent.
fn named(trace: u8, id: u8) -> String {
    format!("traceparent: 00-{trace:032x}-{id:016x}-01\r\n")
}

const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n$4\r\ncart\r\n";
const FOUND: &[u8] = b"$2\r\nok\r\n";

impl Service {
    fn new() -> Self {
        Self { bench: Bench::new(), connections: 0, now_ms: 100 }
    }

    fn left_to_sdk(deference: Deference) -> Self {
        let mut service = Self::new();
        service.bench.engine = Engine::new(
            Limits::default(),
            Tracer::new(Config { deference, ..Config::default() }, Ids::seeded(0)),
            ProcessTable::replay(Selectors::default()),
            Resources::new(Host::default()),
        );
        service
    }

    fn connect(&mut self, role: Role, context: u64) -> u64 {
        self.connections += 1;
        self.now_ms += 1;
        self.bench.open(self.connections, role, Transport::Tcp, self.now_ms, Some(self.now_ms));
        self.bench.actors.insert(self.connections, Actor { pid: 7, tid: 8, context });
        self.connections
    }

    fn say(&mut self, connection: u64, flow: Flow, bytes: &[u8]) {
        self.now_ms += 1;
        self.bench.data(connection, flow, bytes, self.now_ms, None);
    }

    /// A call that is answered.
    fn call(&mut self, context: u64, request: &[u8], response: &[u8]) {
        let connection = self.connect(Role::Client, context);
        self.say(connection, Flow::Sent, request);
        self.say(connection, Flow::Received, response);
    }

    /// A request that is received, what is done meanwhile, and its answer.
    fn serve(&mut self, request: &[u8], handle: impl FnOnce(&mut Self, u64)) {
        let context = 1000 + self.connections;
        let connection = self.connect(Role::Server, context);
        self.say(connection, Flow::Received, request);
        handle(self, context);
        self.say(connection, Flow::Sent, RESPONSE);
    }

    fn export(&mut self, signal: &str) {
        let body = "Content-Type: application/x-protobuf\r\nContent-Length: 2\r\n\r\nxx";
        self.call(0, format!("POST /v1/{signal} HTTP/1.1\r\nHost: collector\r\n{body}").as_bytes(), RESPONSE);
    }

    fn left_out(&self) -> u64 {
        self.bench.engine.tracer().filtered()[Filtered::Sdk as usize]
    }

    /// Spans of exchanges, by when they began: kind, trace if it was named, own id if it was named, parent's kind.
    fn spans(&mut self) -> Vec<Span> {
        let mut spans = self.bench.spans();
        spans.retain(|span| span.kind != Kind::Internal);
        spans.sort_by_key(|span| span.start_unix_ns);
        let ids: HashSet<_> = spans.iter().map(|span| span.span_id).collect();
        assert_eq!(ids.len(), spans.len(), "an id twice");
        spans
    }
}

/// An id that was named in a test.
fn id(number: u8) -> [u8; 8] {
    u64::from(number).to_be_bytes()
}

#[test]
fn a_call_that_carries_ids_of_its_own_is_that_span() {
    let mut service = Service::new();
    // By itself; in a request of the same trace; in one of another trace.
    service.call(0, &ask("/", &[named(1, 11)]), RESPONSE);
    service.serve(&ask("/", &[named(2, 20)]), |service, context| {
        service.call(context, &ask("/", &[named(2, 22)]), RESPONSE);
    });
    service.serve(&ask("/", &[]), |service, context| service.call(context, &ask("/", &[named(3, 33)]), RESPONSE));
    let spans = service.spans();
    let [alone, outer, inner, other, foreign] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((alone.trace_id[15], alone.span_id, alone.parent), (1, id(11), None));
    assert_eq!((outer.trace_id[15], outer.parent), (2, Some(id(20))));
    assert_eq!((inner.trace_id[15], inner.span_id, inner.parent), (2, id(22), Some(outer.span_id)));
    assert_eq!((foreign.trace_id[15], foreign.span_id, foreign.parent), (3, id(33), None));
    let links: Vec<_> = foreign.links.iter().map(|link| (link.trace_id, link.span_id)).collect();
    assert!(links.contains(&(other.trace_id, other.span_id)), "tied by a link: {links:?}");
    assert!(!inner.links.iter().any(|link| link.span_id == outer.span_id));
}

#[test]
fn ids_that_another_span_has_are_not_taken() {
    let mut service = Service::new();
    // Again, on another connection.
    service.call(0, &ask("/1", &[named(1, 11)]), RESPONSE);
    service.call(0, &ask("/2", &[named(1, 11)]), RESPONSE);
    // Received, and passed on: meanwhile, and when that is over.
    service.serve(&ask("/3", &[named(2, 20)]), |service, context| {
        service.call(context, &ask("/4", &[named(2, 20)]), RESPONSE);
    });
    service.call(0, &ask("/5", &[named(2, 20)]), RESPONSE);
    let spans = service.spans();
    let [first, again, outer, passed, late] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((first.span_id, again.parent, again.trace_id), (id(11), Some(id(11)), first.trace_id));
    assert_eq!((outer.parent, passed.parent, late.parent), (Some(id(20)), Some(outer.span_id), Some(id(20))));
}

/// A record of TLS 1.2.
fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3, 0, content.len() as u8], content].concat()
}

/// A message of a handshake.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    record(22, &[&[kind, 0, 0, body.len() as u8], body].concat())
}

#[test]
fn what_may_have_come_encrypted_is_not_taken() {
    for is_served in [false, true] {
        let mut service = Service::new();
        let role = if is_served { Role::Server } else { Role::Client };
        let (asks, answers) = if is_served { (Flow::Received, Flow::Sent) } else { (Flow::Sent, Flow::Received) };
        let connection = service.connect(role, 1);
        let hello = |rest: &[u8]| [&[3, 3][..], &[7; 32], &[0], rest].concat();
        let finished = [record(20, &[1]), record(22, &[9; 40])].concat();
        service.say(connection, asks, &message(1, &hello(&[0, 2, 0xc0, 0x2f, 1, 0])));
        service.say(connection, answers, &[message(2, &hello(&[0xc0, 0x2f, 0])), message(14, &[])].concat());
        service.say(connection, asks, &[message(16, &[1, 2]), finished.clone()].concat());
        service.say(connection, answers, &finished);
        service.say(connection, asks, &record(23, &[5; 60]));
        service.call(0, &ask("/", &[named(1, 11)]), RESPONSE);
        let spans = service.spans();
        assert_eq!(spans[0].parent, is_served.then(|| id(11)), "what a client asks in secret comes to nobody");
    }
}

#[test]
fn whoever_is_asked_hangs_under_the_ids_that_the_call_carries() {
    let mut service = Service::new();
    let bench = &mut service.bench;
    let ends = ["10.0.0.2:50001", "10.0.0.1:80"].map(|text| Endpoint::Inet(text.parse().unwrap()));
    let [near, far] = ends;
    for (connection, role, pid, local, remote) in
        [(1, Role::Client, 5, near.clone(), far.clone()), (2, Role::Server, 7, far, near)]
    {
        bench.actors.insert(connection, Actor { pid, tid: pid + 1, context: 0 });
        let open = opened(connection, role, Transport::Tcp, 100, Some(100));
        bench.engine.handle(&Event::Open(Open { pid, local, remote, ..open }));
    }
    for (at, target) in [(110, "/first"), (120, "/again")] {
        let request = ask(target, &[named(1, 11)]);
        bench.data(1, Flow::Sent, &request, at, None);
        bench.data(2, Flow::Received, &request, at + 1, None);
        bench.data(2, Flow::Sent, RESPONSE, at + 2, None);
        bench.data(1, Flow::Received, RESPONSE, at + 3, None);
    }
    let spans = service.spans();
    let [first, asked, again, asked_again] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((first.span_id, asked.parent), (id(11), Some(id(11))));
    assert_eq!((again.parent, asked_again.parent), (Some(id(11)), Some(again.span_id)));
    assert!(spans.iter().all(|span| span.trace_id == first.trace_id));
}

#[test]
fn only_what_its_sdk_does_not_tell_is_told_of_a_process_that_exports() {
    for (deference, told, left) in [(Deference::All, 1, 3), (Deference::Http, 2, 2), (Deference::Nothing, 4, 0)] {
        let mut service = Service::left_to_sdk(deference);
        service.export("traces");
        service.serve(&ask("/", &[named(2, 20)]), |service, context| {
            service.call(context, &ask("/traced", &[named(2, 22)]), RESPONSE);
            service.call(context, &ask("/plain", &[]), RESPONSE);
            service.call(context, GET, FOUND);
        });
        assert_eq!(service.left_out(), left, "{deference:?}");
        let spans = service.spans();
        assert_eq!(spans.len(), 1 + told, "the export, too: {spans:?}");
        let plain = spans
            .iter()
            .find(|span| span.attribute("url.full").is_some_and(|url| url.as_str().unwrap().ends_with("/plain")));
        let plain = plain.unwrap();
        assert_eq!(plain.trace_id[15], 2);
        let server = spans.iter().find(|span| span.kind == Kind::Server);
        let expected = server.map_or(id(20), |server| server.span_id);
        assert_eq!(plain.parent, Some(expected), "the nearest that somebody exports");
        assert!(spans.iter().all(|span| span.span_id != id(22)), "{deference:?}");
    }
}

#[test]
fn another_signal_another_process_or_an_end_change_nothing() {
    let mut service = Service::new();
    service.export("metrics");
    service.serve(&ask("/", &[]), |_, _| {});
    assert_eq!(service.left_out(), 0, "metrics are no traces");
    service.export("traces");
    service.serve(&ask("/", &[]), |_, _| {});
    assert_eq!(service.left_out(), 1);
    let (change, at_ns) = (ProcessChange::Exec { file: "/usr/bin/shop".into() }, service.now_ms * MS);
    let process = Process { pid: 7, change, comm: "shop".into(), user: 0, at_ns };
    service.bench.engine.handle(&Event::Process(process));
    service.serve(&ask("/", &[]), |_, _| {});
    assert_eq!(service.left_out(), 1, "it is another program");
}

#[test]
fn who_receives_exports_is_no_sdk() {
    let mut service = Service::new();
    let export = b"POST /v1/traces HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n";
    service.serve(export, |service, _| service.export("traces"));
    service.serve(&ask("/", &[]), |_, _| {});
    assert_eq!((service.left_out(), service.spans().len()), (0, 3));
}

#[test]
fn a_database_s_span_does_not_name_a_call_that_nobody_exports() {
    for named_parent in [false, true] {
        let mut service = Service::new();
        service.export("traces");
        let bench = &mut service.bench;
        let ends = ["10.0.0.2:50001", "10.0.0.1:6379"].map(|text| Endpoint::Inet(text.parse().unwrap()));
        let [near, far] = ends;
        for (connection, role, pid, local, remote) in
            [(91, Role::Client, 7, near.clone(), far.clone()), (92, Role::Server, 5, far, near)]
        {
            bench.actors.insert(connection, Actor { pid, tid: pid + 1, context: 0 });
            let open = opened(connection, role, Transport::Tcp, 110, Some(110));
            bench.engine.handle(&Event::Open(Open { pid, local, remote, ..open }));
        }
        let headers = if named_parent { vec![named(2, 20)] } else { vec![] };
        service.now_ms = 120;
        service.serve(&ask("/", &headers), |service, context| {
            service.bench.actors.insert(91, Actor { pid: 7, tid: 8, context });
            service.say(91, Flow::Sent, GET);
            service.say(92, Flow::Received, GET);
            service.say(92, Flow::Sent, FOUND);
            service.say(91, Flow::Received, FOUND);
        });
        assert_eq!(service.left_out(), 2);
        let spans = service.spans();
        let servers: Vec<_> = spans.iter().filter(|span| span.kind == Kind::Server).collect();
        assert_eq!(servers.iter().map(|span| span.parent).collect::<Vec<_>>(), [named_parent.then(|| id(20))]);
    }
}
