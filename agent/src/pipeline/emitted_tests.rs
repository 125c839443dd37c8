//! Nothing is emitted that the telemetry registry does not have. Every capture goes through the engine three times: as the
//! wire, as its servers' sockets and as its clients'; whatever comes out is looked up.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use wirespan_protocols::describe::headers::Headers;
use wirespan_protocols::describe::options::Options;
use wirespan_protocols::describe::route::Routes;
use wirespan_protocols::phase::{Phase, PhaseKind, TlsHandshake};
use wirespan_protocols::stream::{Actor, Direction};
use wirespan_semconv as semconv;
use wirespan_semconv::attribute::{self, Type};
use wirespan_semconv::check::{self, Emitted, Shape};
use wirespan_semconv::group::SpanKind;
use wirespan_semconv::registry::attributes::ATTRIBUTES;

use super::engine::Engine;
use super::own::{Outside, readings};
use crate::conn::Limits;
use crate::conn::fact::{Lookup, SetUp};
use crate::enrich::{self, Host, Resources};
use crate::event::{Change, Data, Endpoint, Event, Flow, Listener, Open, Role, Stats, Transport, Vantage};
use crate::export::counts::Counts;
use crate::metrics::catalog::CATALOG;
use crate::metrics::record::Metrics;
use crate::metrics::settings::{Reading, Settings};
use crate::metrics::snapshot::{Snapshot, Value as Number};
use crate::process::container::Pod;
use crate::process::table::ProcessTable;
use crate::process::{Container, Group, Process, Program, Selectors};
use crate::recording;
use crate::trace::connection::ConnectionFacts;
use crate::trace::ids::Ids;
use crate::trace::peers::{Claim, Claims, Name, Worth};
use crate::trace::span::{Kind, Resource, Span, Value};
use crate::trace::{Config, Tracer};

/// What is not made here: the tests of PostgreSQL, of its spans, of stages and end to end, have it; spans of the agent's own work are
/// looked up end to end.
const ELSEWHERE: &[&str] = &[
    semconv::WIRESPAN_DB_STATEMENT_UNKNOWN,
    semconv::WIRESPAN_DB_STATEMENT_TRUNCATED,
    semconv::WIRESPAN_PARENT_OVER,
    semconv::WIRESPAN_SCAN_PROCESSES,
    semconv::WIRESPAN_DRAIN_EVENTS,
    semconv::WIRESPAN_EXPORTER,
    semconv::WIRESPAN_EXPORT_ITEMS,
];

/// An attribute as the registry asks for it.
pub(super) fn emitted<'a>((name, value): (&'a str, &'a Value)) -> Emitted<'a> {
    let kind = match value {
        Value::Static(_) | Value::Shared(_) | Value::Text(_) | Value::Short(_) => Type::String,
        Value::Int(_) => Type::Int,
        Value::Double(_) => Type::Double,
        Value::Bool(_) => Type::Bool,
        Value::List(_) => Type::StringList,
    };
    Emitted { name, kind, text: value.as_str() }
}

/// Names that were seen, each as the registry has it.
#[derive(Default)]
struct Seen {
    attributes: BTreeSet<&'static str>,
    metrics: BTreeSet<&'static str>,
}

impl Seen {
    fn add(&mut self, emitted: &[Emitted<'_>]) {
        self.attributes.extend(emitted.iter().filter_map(|one| Some(attribute::find(one.name)?.name)));
    }

    fn span(&mut self, span: &Span) {
        let kind = match span.kind {
            Kind::Internal => SpanKind::Internal,
            Kind::Server => SpanKind::Server,
            Kind::Client => SpanKind::Client,
        };
        let attributes: Vec<_> = span.attributes.iter().map(|(key, value)| emitted((key, value))).collect();
        check::span(kind, &span.name, &attributes).unwrap();
        self.add(&attributes);
        self.resource(&span.resource);
    }

    fn resource(&mut self, resource: &Resource) {
        let attributes: Vec<_> = resource.attributes.iter().map(|(key, value)| emitted((key, value))).collect();
        check::resource(&attributes).unwrap();
        self.add(&attributes);
    }

    fn snapshot(&mut self, snapshot: &Snapshot) {
        for group in &snapshot.groups {
            self.resource(&group.resource);
            for family in &group.families {
                let one = family.instrument;
                for point in &family.points {
                    let attributes: Vec<_> =
                        point.attributes.iter().map(|(key, value)| emitted((key, value))).collect();
                    let is_integer = matches!(point.value, Number::Number(_)).then_some(one.is_integer);
                    check::metric(one.name, one.unit, Shape::from(one.kind), is_integer, &attributes).unwrap();
                    self.add(&attributes);
                }
                self.metrics.insert(one.name);
            }
        }
    }
}

/// From where a capture is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seat {
    Wire,
    Server,
    Client,
}

impl Seat {
    /// The event as it would look from there.
    fn view<'a>(self, event: Event<'a>) -> Event<'a> {
        match event {
            Event::Open(open) => Event::Open(self.open(open)),
            Event::Data(mut data) => {
                data.actor.pid = if self == Self::Wire { 0 } else { 7 };
                if self == Self::Client {
                    data.flow = if data.flow == Flow::Sent { Flow::Received } else { Flow::Sent };
                }
                if self == Self::Server && data.flow == Flow::Received {
                    data.arrived_ns = Some(data.first_ns.saturating_sub(1000));
                }
                Event::Data(data)
            }
            Event::State(mut state) => {
                if self == Self::Client {
                    state.change = match state.change {
                        Change::SentFin => Change::ReceivedFin,
                        Change::ReceivedFin => Change::SentFin,
                        Change::ResetByPeer => Change::ResetBySelf,
                        Change::ResetBySelf => Change::ResetByPeer,
                        other => other,
                    };
                }
                Event::State(state)
            }
            other => other,
        }
    }

    fn open(self, mut open: Open) -> Open {
        if self == Self::Wire {
            return open;
        }
        (open.vantage, open.pid) = (Vantage::Socket, 7);
        // DNS is observed at its client's end already.
        if self == Self::Client && open.transport != Transport::Udp {
            std::mem::swap(&mut open.local, &mut open.remote);
            std::mem::swap(&mut open.first_sent, &mut open.first_received);
            open.role = open.role.map(|role| if role == Role::Server { Role::Client } else { Role::Server });
        }
        if self == Self::Server {
            open.accepted_ns = open.established_ns.map(|at| at + 1000);
        }
        open
    }
}

fn captures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/replay/captures");
    let folders = [root.clone(), root.join("cases")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let mut captures: Vec<_> = files.filter(|path| path.to_string_lossy().contains(".pcap")).collect();
    captures.sort();
    assert!(captures.len() > 20, "{captures:?}");
    captures
}

fn engine(settings: Settings) -> (Engine, Rc<RefCell<Metrics>>) {
    let mut routes = Routes::new();
    routes.guess();
    let mut headers = Headers::default();
    assert!(headers.want(Direction::ToClient, "Content-Length"));
    let options = Options { routes, returned_rows: true, headers: headers.into(), ..Options::default() };
    let config = Config { options, exchange_ids: true, ..Config::default() };
    let own = enrich::agent(&host(), &|_| None);
    let metrics = Rc::new(RefCell::new(Metrics::new(settings, config.clone(), Arc::new(own))));
    let tracer = Tracer::new(config, Ids::seeded(0));
    let processes = ProcessTable::replay(Selectors::default());
    let engine = Engine::new(Limits::default(), tracer, processes, Resources::new(host()));
    (engine.with_observer(Rc::clone(&metrics)), metrics)
}

fn host() -> Host {
    Host { name: Some("web1".into()), id: Some("3d12".into()), boot_id: None }
}

/// What the kernel tells of a connection that fares badly.
fn stats(connection: u64, at_ns: u64) -> Event<'static> {
    Event::Stats(Stats {
        connection,
        at_ns,
        rtt_us: Some(100),
        bytes_sent: Some(1000),
        bytes_received: Some(1000),
        segments_sent: Some(10),
        segments_received: Some(10),
        retransmits: Some(1),
        zero_window: true,
        ..Stats::default()
    })
}

fn run(capture: &Path, seat: Seat, settings: Settings, seen: &mut Seen) {
    let (mut engine, metrics) = engine(settings);
    let mut source = recording::open(capture).unwrap();
    let (mut known, mut now_ns) = (Vec::new(), 0);
    let collect = |engine: &mut Engine, seen: &mut Seen| {
        let outside = Outside {
            kernel: [0; wirespan_common::counters::Counter::COUNT],
            undecodable: 0,
            ring_fill: 0.0,
            exporters: vec![("otlp", Counts::default().snapshot())],
            governor: Some(crate::pipeline::governor::Standing::default()),
            advice: Some(std::collections::BTreeMap::new()),
        };
        let (standing, own) = (engine.standing(), readings(engine, &outside));
        let clock = engine.tracer().clock();
        seen.snapshot(&metrics.borrow_mut().collect(clock, Reading::Cumulative, &standing, &own));
        engine.take_spans().iter().for_each(|span| seen.span(span));
    };
    while let Ok(Some(event)) = source.next() {
        let event = seat.view(event);
        if let Event::Data(data) = &event {
            now_ns = data.last_ns;
        }
        engine.handle(&event);
        match event {
            Event::Open(open) => known.push(open.connection),
            Event::Data(_) => known.drain(..).for_each(|connection| engine.handle(&stats(connection, now_ns))),
            Event::State(_) => collect(&mut engine, seen),
            _ => {}
        }
    }
    let listener = Listener { port: 80, network_namespace: 5, at_ns: now_ns, queued: 3, limit: 128, drops: 9 };
    engine.handle(&Event::Listener(listener));
    collect(&mut engine, seen);
    engine.finish();
    collect(&mut engine, seen);
}

/// Requests, each with its response, as one of both ends sees them.
fn converse(role: Role, exchanges: &[[&[u8]; 2]], seen: &mut Seen) {
    let (mut engine, metrics) = engine(Settings::default());
    let address = |text: &str| Endpoint::Inet(text.parse().unwrap());
    engine.handle(&Event::Open(Open {
        connection: 1,
        sock: 1,
        peer_sock: 0,
        pid: 7,
        role: Some(role),
        vantage: Vantage::Socket,
        from_start: true,
        at_ns: 1,
        established_ns: Some(2),
        accepted_ns: None,
        syn_retransmits: 0,
        context: 0,
        tid: 8,
        transport: Transport::Tcp,
        first_sent: 0,
        first_received: 0,
        local: address("10.0.0.2:8080"),
        remote: address("10.0.0.1:50000"),
        network_namespace: 0,
    }));
    let name = Name { name: "shop".into(), namespace: Some("retail".into()) };
    let claim = Claim { address: [10, 0, 0, 1].into(), port: None, name: Arc::new(name), worth: Worth::Owns };
    engine.peers().learn(Claims { source: "pod/1".into(), claims: vec![claim], since_ns: 0, now_ns: 1 });
    let mut positions = [0; 2];
    for (turn, bytes) in exchanges.as_flattened().iter().enumerate() {
        let at_ns = 10 * (turn as u64 + 1);
        engine.handle(&Event::Data(Data {
            shed: Default::default(),
            connection: 1,
            flow: if (turn % 2 == 0) == (role == Role::Server) { Flow::Received } else { Flow::Sent },
            position: positions[turn % 2],
            len: u32::try_from(bytes.len()).unwrap(),
            head: bytes,
            tail: &[],
            first_ns: at_ns,
            last_ns: at_ns,
            arrived_ns: None,
            actor: Actor { pid: 7, tid: 8, context: 0 },
        }));
        positions[turn % 2] += bytes.len() as u64;
    }
    engine.finish();
    engine.take_spans().iter().for_each(|span| seen.span(span));
    let clock = engine.tracer().clock();
    seen.snapshot(&metrics.borrow_mut().collect(clock, Reading::Cumulative, &[], &[]));
}

/// A call of gRPC, whose method the server does not have.
const CALL: [&[u8]; 2] = [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\
      \0\0\x2c\x01\x04\0\0\0\x01\x83\x86\x04\x04/a/b\x0f\x10\x10application/grpc\0\x0cgrpc-timeout\x021S\
      \0\0\x06\0\x01\0\0\0\x01\0\0\0\0\x01x",
    b"\0\0\0\x04\0\0\0\0\0\0\0\x24\x01\x05\0\0\0\x01\x88\x0f\x10\x10application/grpc\0\x0bgrpc-status\x0212",
];

/// A set-up of which everything is known.
fn set_up(seen: &mut Seen) {
    let tls = TlsHandshake { chosen_protocol: Some("http/1.1".into()), ..TlsHandshake::default() };
    let phase = Phase {
        start_ns: 3,
        end_ns: 4,
        actor: Actor::default(),
        error: None,
        spoken: None,
        goes_on: false,
        kind: PhaseKind::Tls(Box::new(tls)),
    };
    let lookup = Lookup { start_ns: 1, end_ns: 2, name: "db".into(), question: "A".into(), error: None };
    let set_up =
        SetUp { end_ns: 4, lookups: vec![lookup], phases: vec![phase], ..SetUp::beginning(1, Actor::default()) };
    let end = |text: &str| Endpoint::Inet(text.parse().unwrap());
    let facts = ConnectionFacts::new(Role::Client, Vantage::Socket, &end("10.0.0.2:50000"), &end("10.0.0.1:443"));
    let mut tracer = Tracer::new(Config::default(), Ids::seeded(0));
    tracer.set_up(&set_up, &facts, &Arc::default()).1.iter().for_each(|span| seen.span(span));
}

/// A container, and its pod, of which everything is known.
fn container() -> Container {
    let kinds = ["ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"];
    let pod = Pod {
        namespace: "retail".into(),
        name: "shop-1".into(),
        uid: "1-2".into(),
        node: Some("node-1".into()),
        cluster_uid: Some("2-1".into()),
        owners: kinds.map(|kind| (kind.into(), "shop".into())).into(),
        ..Pod::default()
    };
    let (name, image) = (Some("main".into()), Some("example.org/shop:2".into()));
    Container { name, image, pod: Some(Arc::new(pod)), ..Container::default() }
}

/// A process of which everything is known.
fn process() -> Process {
    let environment = [("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=retail,service.version=2,team=shop")];
    Process {
        pid: 7,
        exe: Some("/usr/bin/java".into()),
        start_time: Some(99),
        group: Arc::new(Group { container_id: Some("8be5".into()), ..Group::default() }),
        container: Some(Arc::new(container())),
        program: Arc::new(Program { runtime_version: Some("21.0.5".into()), ..Program::default() }),
        environment: environment.map(|(name, value)| (name.into(), value.into())).into(),
        ..Process::default()
    }
}

#[test]
fn nothing_is_emitted_outside_of_the_registry_and_all_of_it_is() {
    let mut seen = Seen::default();
    for capture in captures() {
        for seat in [Seat::Wire, Seat::Server, Seat::Client] {
            run(&capture, seat, Settings::default(), &mut seen);
        }
    }
    let full = Settings { cardinality_limit: 1, ..Settings::default() };
    run(&captures()[0], Seat::Server, full, &mut seen);
    let long = ["PURGE /", &"x".repeat(6000), " HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
    let (request, response) = (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    converse(Role::Server, &[[request, response], [long.as_bytes(), response]], &mut seen);
    converse(Role::Server, &[[b"*3\r\n$5\r\nFCALL\r\n$2\r\nmy\r\n$1\r\n0\r\n", b"+OK\r\n"]], &mut seen);
    for role in [Role::Server, Role::Client] {
        converse(role, &[CALL], &mut seen);
    }
    set_up(&mut seen);
    seen.resource(&Resources::new(host()).of(&process()));
    // Those of log records: see `advising`.
    let attributes = ATTRIBUTES.iter().map(|one| one.name).filter(|name| !name.starts_with("wirespan.advice."));
    let metrics = CATALOG.iter().map(|one| one.name).filter(|name| !seen.metrics.contains(name));
    let unseen: BTreeSet<_> = attributes.filter(|name| !seen.attributes.contains(name)).chain(metrics).collect();
    let expected: BTreeSet<_> = ELSEWHERE.iter().copied().collect();
    assert_eq!(unseen, expected, "left: what was not emitted here");
}
