//! Events in, spans and observations out, through the whole engine.

use crate::conn::Limits;
use crate::conn::fact::Fact;
use crate::enrich::{Host, Resources};
use crate::event::{
    Change, Data, Endpoint, Event, Flow, Open, Process, ProcessChange, Role, State, Transport, Vantage,
};
use crate::pipeline::engine::Engine;
use crate::process::Selectors;
use crate::process::table::ProcessTable;
use crate::trace::ids::Ids;
use crate::trace::observation::{Observation, Observer};
use crate::trace::span::{Kind, Span, Status, Value};
use crate::trace::{Config, Tracer};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use wirespan_protocols::stream::Actor;

#[path = "callers_tests.rs"]
mod callers;
#[path = "sdk_tests.rs"]
mod sdk;

const MS: u64 = 1_000_000;

/// What an observer was told, one line a fact.
#[derive(Default)]
struct Notes(Vec<String>);

impl Observer for Notes {
    fn observe(&mut self, observation: &Observation<'_>) {
        let fact = match observation.fact {
            Fact::Opened => "opened".to_owned(),
            Fact::Request(_) => "request".to_owned(),
            Fact::SetUp(set_up) => format!("set up {:?} {}", set_up.error, set_up.lookups.len()),
            Fact::Exchange(_, usage) => format!("exchange {usage:?}"),
            Fact::Stats(_) => "stats".to_owned(),
            Fact::Ended(end) => format!("ended {:?} {}", end.change, end.exchanges),
        };
        let owner = observation.owner.map_or_else(String::new, |owner| format!(" for {}", owner.request.connection));
        let span = if observation.span.is_some() { " span" } else { "" };
        self.0.push(format!("{} {fact}{owner}{span}", observation.id));
    }
}

/// An engine that is fed by hand.
struct Bench {
    engine: Engine,
    notes: Rc<RefCell<Notes>>,
    positions: HashMap<(u64, bool), u64>,
    /// Who uses a connection, if not the process 7.
    actors: HashMap<u64, Actor>,
}

impl Bench {
    fn new() -> Self {
        Self::selecting(Selectors::default())
    }

    fn selecting(selectors: Selectors) -> Self {
        let notes = Rc::new(RefCell::new(Notes::default()));
        let engine = Engine::new(
            Limits::default(),
            Tracer::new(Config::default(), Ids::seeded(0)),
            ProcessTable::replay(selectors),
            Resources::new(Host::default()),
        )
        .with_observer(Rc::clone(&notes));
        Self { engine, notes, positions: HashMap::new(), actors: HashMap::new() }
    }

    fn open(&mut self, connection: u64, role: Role, transport: Transport, at_ms: u64, established_ms: Option<u64>) {
        self.engine.handle(&Event::Open(opened(connection, role, transport, at_ms, established_ms)));
    }

    fn data(&mut self, connection: u64, flow: Flow, bytes: &[u8], at_ms: u64, arrived_ms: Option<u64>) {
        let position = self.positions.entry((connection, flow == Flow::Sent)).or_default();
        let data = Data {
            shed: Default::default(),
            connection,
            flow,
            position: *position,
            len: u32::try_from(bytes.len()).unwrap(),
            head: bytes,
            tail: &[],
            first_ns: at_ms * MS,
            last_ns: at_ms * MS,
            arrived_ns: arrived_ms.map(|at| at * MS),
            actor: self.actors.get(&connection).copied().unwrap_or(Actor { pid: 7, tid: 8, context: 0 }),
        };
        *position += bytes.len() as u64;
        self.engine.handle(&Event::Data(data));
    }

    fn end(&mut self, connection: u64, change: Change, error: u32, at_ms: u64) {
        self.engine.handle(&Event::State(State { connection, change, error, at_ns: at_ms * MS }));
    }

    fn spans(&mut self) -> Vec<Span> {
        self.engine.finish();
        self.engine.take_spans()
    }

    fn notes(&self) -> Vec<String> {
        self.notes.borrow().0.clone()
    }
}

/// First sight of a connection from 10.0.0.2.
fn opened(connection: u64, role: Role, transport: Transport, at_ms: u64, established_ms: Option<u64>) -> Open {
    let address = |text: &str| Endpoint::Inet(text.parse().unwrap());
    let port = if transport == Transport::Udp { 53 } else { 80 };
    Open {
        connection,
        sock: connection,
        peer_sock: 0,
        pid: 7,
        role: Some(role),
        vantage: Vantage::Socket,
        from_start: true,
        at_ns: at_ms * MS,
        established_ns: established_ms.map(|at| at * MS),
        accepted_ns: None,
        syn_retransmits: 0,
        context: 0,
        tid: 8,
        transport,
        first_sent: 0,
        first_received: 0,
        local: address("10.0.0.2:50000"),
        remote: address(&format!("10.0.0.1:{port}")),
        network_namespace: 0,
    }
}

const REQUEST: &[u8] = b"GET /cart HTTP/1.1\r\nHost: shop\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn named<'a>(spans: &'a [Span], name: &str, kind: Kind) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name && span.kind == kind).collect()
}

#[test]
fn a_request_its_call_and_the_connection_that_it_paid_for() {
    let mut bench = Bench::new();
    bench.open(1, Role::Server, Transport::Tcp, 100, Some(100));
    bench.data(1, Flow::Received, REQUEST, 110, Some(104));
    bench.open(2, Role::Client, Transport::Tcp, 120, Some(150));
    // The thread waits for what it asks.
    let waiting = Actor { pid: 7, tid: 8, context: wirespan_common::context::WAITS };
    bench.actors.insert(2, waiting);
    bench.data(2, Flow::Sent, REQUEST, 151, None);
    bench.data(2, Flow::Received, RESPONSE, 160, None);
    bench.data(2, Flow::Sent, REQUEST, 170, None);
    bench.data(2, Flow::Received, RESPONSE, 180, None);
    bench.data(1, Flow::Sent, RESPONSE, 190, None);
    bench.data(2, Flow::Sent, REQUEST, 200, None);
    bench.data(2, Flow::Received, RESPONSE, 210, None);
    bench.end(2, Change::Closed, 0, 220);
    let spans = bench.spans();
    let server = named(&spans, "GET", Kind::Server)[0];
    let clients = named(&spans, "GET", Kind::Client);
    let parents: Vec<_> = clients.iter().map(|span| span.parent).collect();
    assert_eq!(parents, [Some(server.span_id); 3]);
    assert!(clients.iter().all(|span| span.trace_id == server.trace_id));
    let late: Vec<_> = clients.iter().map(|span| span.attribute("wirespan.parent.over").is_some()).collect();
    assert_eq!(late, [false, false, true], "the last one came after the response");
    let set_up = named(&spans, "connection_setup", Kind::Internal);
    assert_eq!(set_up.len(), 1, "a server's plain TCP is none");
    assert_ne!(set_up[0].trace_id, server.trace_id);
    assert_eq!(clients[0].links.iter().map(|link| link.span_id).collect::<Vec<_>>(), [set_up[0].span_id]);
    assert_eq!(clients[0].attribute("wirespan.connection.setup.duration"), Some(&Value::Double(0.03)));
    let reused: Vec<_> = clients.iter().map(|span| span.attribute("wirespan.connection.reused").cloned()).collect();
    assert_eq!(reused, [false, true, true].map(|reused| Some(Value::Bool(reused))));
    assert_eq!(server.attribute("wirespan.queue.duration"), Some(&Value::Double(0.006)));
    let notes = [
        "1 opened",
        "1 set up None 0",
        "1 request",
        "2 opened",
        "2 set up None 0 for 1 span",
        "2 request",
        "2 exchange First for 1 span",
        "2 request",
        "2 exchange Again for 1 span",
        "1 exchange First span",
        "2 request",
        "2 exchange Again for 1 span",
        "2 ended Closed 3",
    ];
    assert_eq!(bench.notes(), notes);
}

/// A question for db.internal, and its answer.
fn dns(answer: bool) -> Vec<u8> {
    let mut bytes = vec![0x12, 0x34, if answer { 0x81 } else { 0x01 }, if answer { 0x80 } else { 0 }, 0, 1];
    bytes.extend([0, u8::from(answer), 0, 0, 0, 0]);
    bytes.extend(b"\x02db\x08internal\x00\x00\x01\x00\x01");
    if answer {
        bytes.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1]);
    }
    bytes
}

#[test]
fn a_look_up_belongs_to_the_connect_that_follows_even_if_that_fails() {
    let mut bench = Bench::new();
    for (connection, at_ms) in [(1, 100), (2, 5_000)] {
        bench.open(connection, Role::Client, Transport::Udp, at_ms, None);
        bench.data(connection, Flow::Sent, &dns(false), at_ms + 1, None);
        bench.data(connection, Flow::Received, &dns(true), at_ms + 11, None);
    }
    // The connect of 120 is told when it fails; the second look-up is another one's.
    bench.open(3, Role::Client, Transport::Tcp, 120, None);
    bench.end(3, Change::Failed, 110, 4_120);
    let spans = bench.spans();
    let set_up = named(&spans, "connection_setup", Kind::Internal)[0];
    assert_eq!((set_up.start_unix_ns, set_up.end_unix_ns), (101 * MS, 4_120 * MS));
    assert_eq!(set_up.attribute("error.type").and_then(Value::as_str), Some("timeout"));
    assert_ne!(set_up.status, Status::Unset);
    let lookups = named(&spans, "DNS lookup", Kind::Internal);
    assert_eq!(lookups.iter().map(|span| span.parent).collect::<Vec<_>>(), [Some(set_up.span_id), None]);
    assert!(bench.notes().contains(&"3 set up Some(\"timeout\") 1 span".to_owned()), "{:?}", bench.notes());
}

#[test]
fn what_is_forgotten_has_an_end_too() {
    let mut bench = Bench::new();
    bench.open(1, Role::Client, Transport::Tcp, 100, Some(150));
    bench.engine.handle(&Event::Tick { at_ns: 10_149 * MS });
    assert_eq!(bench.notes(), ["1 opened"], "a late handshake would be a part of it");
    bench.engine.handle(&Event::Tick { at_ns: 11_150 * MS });
    assert_eq!(bench.notes(), ["1 opened", "1 set up None 0 span"]);
    // TCP tells its end; a unix socket may be gone unseen.
    bench.open(2, Role::Client, Transport::Unix, 12_000, None);
    bench.engine.handle(&Event::Tick { at_ns: u64::MAX });
    assert_eq!(bench.notes()[2..], ["2 opened", "2 ended Closed 0"]);
}

#[test]
fn what_a_process_does_that_is_not_selected_is_counted_and_not_exported() {
    for (selector, expected) in [("comm=shop", (1, 0)), ("comm=other", (0, 1))] {
        let mut bench = Bench::selecting([selector.parse().unwrap()].into_iter().collect());
        bench.engine.handle(&Event::Process(Process {
            pid: 7,
            change: ProcessChange::Exec { file: "/usr/bin/shop".into() },
            comm: "shop".into(),
            user: 0,
            at_ns: MS,
        }));
        bench.open(1, Role::Server, Transport::Tcp, 10, Some(10));
        bench.data(1, Flow::Received, REQUEST, 20, None);
        bench.data(1, Flow::Sent, RESPONSE, 30, None);
        bench.end(1, Change::Closed, 0, 40);
        let spans = bench.spans().len();
        assert_eq!((spans, bench.engine.totals().not_selected), expected, "{selector}");
        assert_eq!(bench.notes().is_empty(), expected.0 == 0, "{selector}: {:?}", bench.notes());
    }
}

#[test]
fn a_process_that_is_gone_leaves_no_resource() {
    let mut bench = Bench::new();
    let change = |change, at_ms: u64| {
        Event::Process(Process { pid: 7, change, comm: "shop".into(), user: 0, at_ns: at_ms * MS })
    };
    bench.engine.handle(&change(ProcessChange::Exec { file: "/usr/bin/shop".into() }, 1));
    bench.open(1, Role::Server, Transport::Tcp, 10, Some(10));
    bench.data(1, Flow::Received, REQUEST, 20, None);
    bench.data(1, Flow::Sent, RESPONSE, 30, None);
    bench.end(1, Change::Closed, 0, 40);
    let spans = bench.engine.take_spans();
    let resource = Arc::downgrade(&spans[0].resource);
    drop(spans);
    bench.engine.handle(&change(ProcessChange::Exit, 50));
    bench.engine.handle(&Event::Tick { at_ns: 9_000 * MS });
    assert!(resource.upgrade().is_some(), "what comes late has it still");
    bench.engine.handle(&Event::Tick { at_ns: 60_000 * MS });
    assert!(resource.upgrade().is_none());
}
