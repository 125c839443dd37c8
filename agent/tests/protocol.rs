//! A protocol is one folder and one line: a toy protocol passes through all stages, to spans, metrics and advice, although
//! nothing but its folder (`echo`) and the line below knows of it.

mod echo;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use wirespan::advise::Advisor;
use wirespan::conn::{Command, Limits};
use wirespan::enrich::{Host, Resources};
use wirespan::event::{Change, Data, Endpoint, Event, Flow, Open, Role, State, Transport, Vantage};
use wirespan::metrics::record::Metrics;
use wirespan::metrics::settings::{Reading, Settings};
use wirespan::pipeline::engine::Engine;
use wirespan::process::Selectors;
use wirespan::process::table::ProcessTable;
use wirespan::trace::clock::Clock;
use wirespan::trace::ids::Ids;
use wirespan::trace::span::{Kind, Resource, Span, Status, Value};
use wirespan::trace::{Config, Tracer};
use wirespan_protocols::protocol::Registry;
use wirespan_protocols::session::{EVERYTHING, Shedding};
use wirespan_protocols::stream::Actor;

static PROTOCOLS: Registry = Registry::new(&[&echo::PROTOCOL]);

const MS: u64 = 1_000_000;

struct Bench {
    engine: Engine,
    metrics: Rc<RefCell<Metrics>>,
    advisor: Rc<RefCell<Advisor>>,
    positions: HashMap<(u64, bool), u64>,
    now_ns: u64,
}

impl Bench {
    fn new() -> Self {
        let own = Arc::new(Resource { service_name: "wirespan".into(), ..Resource::default() });
        let metrics = Rc::new(RefCell::new(Metrics::new(Settings::default(), Config::default(), own)));
        let advisor = Rc::new(RefCell::new(Advisor::new()));
        let tracer = Tracer::new(Config::default(), Ids::seeded(0));
        let processes = ProcessTable::replay(Selectors::default());
        let engine = Engine::of(PROTOCOLS, Limits::default(), tracer, processes, Resources::new(Host::default()))
            .with_observer(Rc::clone(&metrics))
            .with_observer(Rc::clone(&advisor));
        Self { engine, metrics, advisor, positions: HashMap::new(), now_ns: 1_000 * MS }
    }

    fn open(&mut self, connection: u64, role: Role) {
        self.now_ns += MS;
        let end = |host, port| Endpoint::Inet(SocketAddr::from(([10, 0, 0, host], port)));
        let (server, client) = (end(1, 7), end(2, 50_000));
        let (local, remote) = if role == Role::Server { (server, client) } else { (client, server) };
        self.engine.handle(&Event::Open(Open {
            connection,
            sock: connection,
            peer_sock: 0,
            pid: 7,
            role: Some(role),
            vantage: Vantage::Socket,
            from_start: true,
            at_ns: self.now_ns,
            established_ns: Some(self.now_ns + MS),
            accepted_ns: None,
            syn_retransmits: 0,
            context: 0,
            tid: 8,
            transport: Transport::Tcp,
            first_sent: 0,
            first_received: 0,
            local,
            remote,
            network_namespace: 0,
        }));
        self.now_ns += MS;
    }

    fn data(&mut self, connection: u64, flow: Flow, text: &str) {
        self.now_ns += MS;
        let position = self.positions.entry((connection, flow == Flow::Sent)).or_default();
        let data = Data {
            shed: Default::default(),
            connection,
            flow,
            position: *position,
            len: text.len() as u32,
            head: text.as_bytes(),
            tail: &[],
            first_ns: self.now_ns,
            last_ns: self.now_ns,
            arrived_ns: None,
            actor: Actor { pid: 7, tid: 8, context: 0 },
        };
        *position += text.len() as u64;
        self.engine.handle(&Event::Data(data));
    }

    fn close(&mut self, connection: u64) {
        self.now_ns += MS;
        let state = State { connection, change: Change::Closed, error: 0, at_ns: self.now_ns };
        self.engine.handle(&Event::State(state));
    }
}

fn text<'a>(span: &'a Span, key: &str) -> &'a str {
    span.attribute(key).and_then(Value::as_str).unwrap_or("-")
}

#[test]
fn bytes_become_spans() {
    let mut bench = Bench::new();
    bench.open(1, Role::Client);
    bench.data(1, Flow::Sent, "ECHO 0 ping\n");
    bench.data(1, Flow::Received, "OK 0 ping\n");
    bench.data(1, Flow::Sent, "ECHO 0 hello you\nECHO 0 nonsense\n");
    bench.data(1, Flow::Received, "OK 0 hello you\nNO 0 nonsense\n");
    let budget = Command::Direct { sock: 1, connection: 1, budget: Some(EVERYTHING), shedding: Shedding::Never };
    assert_eq!(bench.engine.take_commands(), [budget], "it needs every byte");
    let spans = bench.engine.take_spans();
    let set_up = spans.iter().find(|span| span.name == "connection_setup").unwrap();
    assert!(set_up.attribute("wirespan.connection.preamble.duration").is_some(), "{set_up:?}");
    let calls: Vec<_> = spans.iter().filter(|span| span.name == "echo").collect();
    assert_eq!(
        calls.iter().map(|span| text(span, "db.query.text")).collect::<Vec<_>>(),
        ["ping", "hello you", "nonsense"]
    );
    assert!(calls.iter().all(|span| span.kind == Kind::Client && text(span, "server.address") == "10.0.0.1"));
    assert_eq!((text(calls[2], "error.type"), &calls[2].status), ("refused", &Status::Error("".into())));
    assert_eq!(bench.engine.exchanges().collect::<Vec<_>>(), [("echo", 3)]);
    assert_eq!(bench.engine.totals().requests(), 3);
}

#[test]
fn streams_end_in_any_order() {
    let mut bench = Bench::new();
    bench.open(1, Role::Server);
    bench.data(1, Flow::Received, "ECHO 1 slow\n");
    bench.data(1, Flow::Received, "ECHO 3 fast\n");
    bench.data(1, Flow::Sent, "OK 3 fast\n");
    bench.data(1, Flow::Sent, "OK 1 slow\n");
    let spans = bench.engine.take_spans();
    let calls: Vec<_> = spans.iter().filter(|span| span.kind == Kind::Server).collect();
    let took = |span: &Span| (span.end_unix_ns - span.start_unix_ns) / MS;
    let told: Vec<_> = calls.iter().map(|span| (text(span, "db.query.text"), took(span))).collect();
    assert_eq!(told, [("fast", 1), ("slow", 3)]);
    assert_ne!(calls[0].span_id, calls[1].span_id);
}

#[test]
fn and_metrics() {
    let mut bench = Bench::new();
    bench.open(1, Role::Client);
    for request in ["hello", "invented"] {
        bench.data(1, Flow::Sent, &format!("ECHO 0 {request}\n"));
        bench.data(1, Flow::Received, &format!("OK 0 {request}\n"));
    }
    let standing = bench.engine.standing();
    let snapshot = bench.metrics.borrow_mut().collect(Clock::default(), Reading::default(), &standing, &[]);
    let families: HashMap<_, _> = snapshot
        .groups
        .iter()
        .flat_map(|group| &group.families)
        .map(|family| (family.instrument.name, family))
        .collect();
    let labels = |name: &str, key: &str| -> Vec<String> {
        let points = families[name].points.iter();
        let found = points.filter_map(|point| point.attributes.iter().find(|(own, _)| *own == key));
        let mut found: Vec<String> = found.filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect();
        found.sort();
        found
    };
    assert_eq!(labels("db.client.operation.duration", "db.operation.name"), ["_OTHER", "hello"]);
    assert_eq!(labels("db.client.operation.duration", "db.system.name"), ["echo", "echo"]);
    assert_eq!(labels("db.client.connection.count", "db.client.connection.pool.name"), ["10.0.0.1:7"]);
    assert_eq!(labels("traces_service_graph_request_total", "connection_type"), ["database"]);
}

#[test]
fn and_advice() {
    let mut bench = Bench::new();
    for connection in 1..100 {
        bench.open(connection, Role::Client);
        bench.data(connection, Flow::Sent, "ECHO 0 hello\n");
        bench.data(connection, Flow::Received, "OK 0 hello\n");
        bench.close(connection);
    }
    let report = bench.advisor.borrow_mut().take();
    let peer = &report.connections[0];
    assert_eq!((peer.peer.label(), peer.opened, peer.operations), ("10.0.0.1:7 (echo)".to_owned(), 99, 99));
    let advice: Vec<_> = report.findings.iter().map(|finding| &*finding.advice).collect();
    assert!(matches!(advice[..], [one] if one.starts_with("Use a connection pool")), "{advice:?}");
}
