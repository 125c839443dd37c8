//! Recorders over observations made by hand.

mod again;
mod graph;

use super::*;
use crate::conn::fact::{End, SetUp, TcpConnect, Use};
use crate::event::{Change, Endpoint, Transport};
use crate::metrics::snapshot::{Point, Value};
use crate::trace::connection::{ConnectionFacts, Site};
use crate::trace::span::Kind;
use wirespan_protocols::describe::spoken::Spoken;
use wirespan_protocols::dns::DnsExchange;
use wirespan_protocols::exchange::detail::Detail;
use wirespan_protocols::exchange::{Ending, Window};
use wirespan_protocols::http1::HttpExchange;
use wirespan_protocols::phase::{Phase, PhaseKind, TlsHandshake};
use wirespan_protocols::redis::{Group, RedisExchange};
use wirespan_protocols::registry::PROTOCOLS;
use wirespan_protocols::stream::Actor;

const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

fn resource(name: &str) -> Arc<Resource> {
    Arc::new(Resource { service_name: name.into(), attributes: Vec::new(), ..Resource::default() })
}

fn spoken(name: &str) -> Spoken {
    PROTOCOLS.named(name).unwrap().spoken
}

/// A process at one end of a connection.
struct Seat {
    id: u64,
    resource: Arc<Resource>,
    facts: ConnectionFacts,
    protocol: Option<&'static str>,
    /// Its SDK measures what it does.
    is_measured: bool,
}

impl Seat {
    fn new(id: u64, service: &str, role: Role, local: &str, remote: &str, protocol: &'static str) -> Self {
        let end = |text: &str| Endpoint::Inet(text.parse().unwrap());
        let facts = ConnectionFacts::new(role, Vantage::Socket, &end(local), &end(remote));
        Self { id, resource: resource(service), facts, protocol: Some(protocol), is_measured: false }
    }

    fn tell(&self, metrics: &mut Metrics, fact: &Fact) {
        self.tell_with(metrics, fact, None);
    }

    fn tell_with(&self, metrics: &mut Metrics, fact: &Fact, span: Option<&Span>) {
        metrics.observe(&Observation {
            fact,
            id: self.id,
            connection: &self.facts,
            transport: Transport::Tcp,
            network_namespace: 1,
            opened_ns: SECOND,
            from_start: true,
            pid: 7,
            resource: &self.resource,
            protocol: self.protocol.map(spoken),
            encrypted: false,
            owner: None,
            is_measured: self.is_measured,
            route: None,
            name: None,
            paid_ns: 0,
            span,
        });
    }
}

fn metrics() -> Metrics {
    Metrics::new(Settings::default(), crate::trace::Config::default(), resource("wirespan"))
}

fn exchange(detail: Box<dyn Detail>, milliseconds: u64) -> Fact {
    let first_ns = 2 * SECOND;
    let request =
        Window { first_ns, last_ns: first_ns, pos: 0, bytes: 10, arrived_ns: first_ns - 20 * MILLISECOND, rejected: 0 };
    Fact::Exchange(
        Exchange {
            stream: 0,
            request,
            response: None,
            actor: Actor::default(),
            ending: Ending::Answered,
            end_ns: first_ns + milliseconds * MILLISECOND,
            detail,
        },
        Use::First,
    )
}

fn http(method: &'static str, target: &str, status: u16) -> Box<dyn Detail> {
    Box::new(HttpExchange {
        method: method.into(),
        target: target.into(),
        target_truncated: false,
        version_minor: 1,
        status: Some(status),
        host: Some("shop.example".into()),
        user_agent: None,
        traceparent: None,
        tracestate: None,
        forwarded_for: None,
        request_body: Some(0),
        response_body: Some(1234),
        ..HttpExchange::default()
    })
}

fn redis(command: &str, error: Option<&str>) -> Box<dyn Detail> {
    Box::new(RedisExchange {
        command: command.into(),
        text: "GET k".into(),
        database: Some(0),
        error: error.map(Into::into),
        group: Group::Single,
        batch_size: None,
        stored_procedure: None,
    })
}

/// `key=value,…` and the point, for every series of a metric.
fn series(metrics: &mut Metrics, metric: Metric) -> Vec<(String, Point)> {
    let snapshot = metrics.collect(Clock::default(), Reading::Cumulative, &[], &[]);
    find(&snapshot, metric)
}

fn find(snapshot: &Snapshot, metric: Metric) -> Vec<(String, Point)> {
    let mut all = Vec::new();
    for family in snapshot.groups.iter().flat_map(|group| &group.families) {
        if family.instrument != metric.instrument() {
            continue;
        }
        for point in &family.points {
            let text = |(key, value): &crate::trace::span::Attribute| match value {
                crate::trace::span::Value::Int(number) => format!("{key}={number}"),
                crate::trace::span::Value::Bool(truth) => format!("{key}={truth}"),
                other => format!("{key}={}", other.as_str().unwrap()),
            };
            all.push((point.attributes.iter().map(text).collect::<Vec<_>>().join(","), point.clone()));
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn number(point: &Point) -> f64 {
    match &point.value {
        Value::Number(value) => *value,
        Value::Distribution(distribution) => distribution.sum,
    }
}

fn told(series: &[(String, Point)]) -> Vec<(&str, f64)> {
    series.iter().map(|(labels, point)| (labels.as_str(), (number(point) * 1e6).round() / 1e6)).collect()
}

#[test]
fn http_at_both_ends() {
    let mut metrics = metrics();
    let server = Seat::new(1, "shop", Role::Server, "10.0.0.1:80", "10.0.0.2:5000", "http");
    let client = Seat::new(2, "web", Role::Client, "10.0.0.2:5000", "10.0.0.1:80", "http");
    for (method, status) in [("GET", 200), ("GET", 200), ("BREW", 404), ("GET", 503)] {
        server.tell(&mut metrics, &exchange(http(method, "/users/1?a=b", status), 30));
        client.tell(&mut metrics, &exchange(http(method, "/users/1?a=b", status), 40));
    }
    let at_server = series(&mut metrics, Metric::HttpServerDuration);
    assert_eq!(
        told(&at_server),
        [
            (
                "http.request.method=GET,url.scheme=http,http.response.status_code=200,network.protocol.version=1.1",
                0.06
            ),
            (
                "http.request.method=GET,url.scheme=http,http.response.status_code=503,error.type=503,network.protocol.version=1.1",
                0.03
            ),
            (
                "http.request.method=_OTHER,url.scheme=http,http.response.status_code=404,network.protocol.version=1.1",
                0.03
            ),
        ]
    );
    let at_client = series(&mut metrics, Metric::HttpClientDuration);
    assert_eq!(
        told(&at_client)[0],
        (
            "http.request.method=GET,server.address=shop.example,server.port=80,http.response.status_code=200,network.protocol.version=1.1",
            0.08
        )
    );
    assert!(at_client[2].0.contains("error.type=404"), "a client minds 4xx: {at_client:?}");
    let bodies: f64 = series(&mut metrics, Metric::HttpServerResponseBody).iter().map(|(_, point)| number(point)).sum();
    assert_eq!(bodies, 4.0 * 1234.0);
    let queue = series(&mut metrics, Metric::QueueDuration);
    assert_eq!(told(&queue), [("network.protocol.name=http,server.port=80", 0.08)]);
}

#[test]
fn a_sampled_span_is_an_exemplar_and_an_unsampled_one_is_measured() {
    let mut metrics = metrics();
    let server = Seat::new(1, "shop", Role::Server, "10.0.0.1:80", "10.0.0.2:5000", "http");
    let fact = exchange(http("GET", "/", 200), 30);
    let span = Span { kind: Kind::Server, ..crate::export::testing::bare_span(&server.resource) };
    server.tell(&mut metrics, &fact);
    server.tell_with(&mut metrics, &fact, Some(&span));
    let points = series(&mut metrics, Metric::HttpServerDuration);
    let Value::Distribution(distribution) = &points[0].1.value else { panic!() };
    assert_eq!(distribution.count, 2);
    let exemplars = &points[0].1.exemplars;
    assert_eq!(exemplars.iter().map(|one| one.span_id).collect::<Vec<_>>(), [span.span_id]);
}

#[test]
fn databases_as_clients_and_as_servers_see_them() {
    let mut metrics = metrics();
    let client = Seat::new(1, "web", Role::Client, "10.0.0.2:5000", "10.0.0.1:6380", "redis");
    let server = Seat::new(2, "redis", Role::Server, "10.0.0.1:6380", "10.0.0.2:5000", "redis");
    client.tell(&mut metrics, &exchange(redis("GET", None), 2));
    client.tell(&mut metrics, &exchange(redis("GET", Some("WRONGTYPE")), 2));
    server.tell(&mut metrics, &exchange(redis("GET", None), 1));
    let ends = "server.address=10.0.0.1,server.port=6380,network.peer.address=10.0.0.1,network.peer.port=6380";
    let start = "db.system.name=redis,db.namespace=0,db.operation.name=GET";
    let at_client = series(&mut metrics, Metric::DbOperationDuration);
    let expected = [
        (format!("{start},db.response.status_code=WRONGTYPE,error.type=WRONGTYPE,{ends}"), 0.002),
        (format!("{start},{ends}"), 0.002),
    ];
    assert_eq!(told(&at_client), expected.each_ref().map(|(labels, value)| (labels.as_str(), *value)));
    let at_server = series(&mut metrics, Metric::DbServerOperationDuration);
    assert_eq!(told(&at_server), [(format!("{start},server.port=6380").as_str(), 0.001)]);
}

#[test]
fn what_an_sdk_measures_is_not_measured_again_but_shows_who_calls_whom() {
    let mut metrics = metrics();
    let mut seat = Seat::new(1, "shop", Role::Client, "10.0.0.2:50000", "10.0.0.1:80", "http");
    seat.is_measured = true;
    seat.tell(&mut metrics, &exchange(http("GET", "/a", 200), 5));
    assert_eq!(series(&mut metrics, Metric::HttpClientDuration).len(), 0);
    assert_eq!(series(&mut metrics, Metric::GraphRequests).len(), 1);
    assert_eq!(told(&series(&mut metrics, Metric::Deferred))[0].1, 1.0);
    seat.is_measured = false;
    seat.tell(&mut metrics, &exchange(http("GET", "/a", 200), 5));
    assert_eq!(series(&mut metrics, Metric::HttpClientDuration).len(), 1);
}

#[test]
fn lookups_by_name() {
    let mut metrics = metrics();
    let client = Seat::new(1, "web", Role::Client, "10.0.0.2:5000", "10.0.0.53:53", "dns");
    let detail = DnsExchange { name: "db.example".into(), response_code: Some(3), ..DnsExchange::default() };
    client.tell(&mut metrics, &exchange(Box::new(detail), 5));
    let lookups = series(&mut metrics, Metric::DnsLookupDuration);
    assert_eq!(told(&lookups), [("dns.question.name=db.example,error.type=nxdomain", 0.005)]);
    assert!(series(&mut metrics, Metric::GraphRequests).is_empty(), "a resolver is no node");
}

#[test]
fn a_set_up_and_its_parts() {
    let mut metrics = metrics();
    let client = Seat::new(1, "web", Role::Client, "10.0.0.2:5000", "10.0.0.1:5432", "postgresql");
    let ms = |milliseconds: u64| SECOND + milliseconds * MILLISECOND;
    let handshake = TlsHandshake { version: Some("1.3"), resumed: Some(false), ..TlsHandshake::default() };
    let phase = |error: Option<&str>| Phase {
        start_ns: ms(20),
        end_ns: ms(60),
        actor: Actor::default(),
        error: error.map(Into::into),
        spoken: None,
        goes_on: false,
        kind: PhaseKind::Tls(Box::new(handshake.clone())),
    };
    let set_up = |error: Option<&str>, connect_error: u32, phases: Vec<Phase>| SetUp {
        start_ns: ms(0),
        end_ns: ms(100),
        actor: Actor::default(),
        lookups: Vec::new(),
        tcp: Some(TcpConnect { start_ns: ms(0), end_ns: ms(20), retransmits: 2, error: connect_error }),
        accept_wait_ns: None,
        phases,
        preamble: Vec::new(),
        error: error.map(Into::into),
    };
    for one in [
        set_up(None, 0, vec![phase(None)]),
        set_up(Some("bad_certificate"), 0, vec![phase(Some("bad_certificate"))]),
        set_up(Some("connection_refused"), 111, Vec::new()),
    ] {
        client.tell(&mut metrics, &Fact::Opened);
        client.tell(&mut metrics, &Fact::SetUp(Box::new(one)));
    }
    let peer = "network.peer.address=10.0.0.1,network.peer.port=5432,wirespan.role=client";
    let connects = series(&mut metrics, Metric::TcpConnectDuration);
    let refused = format!("{peer},error.type=connection_refused");
    assert_eq!(told(&connects), [(peer, 0.04), (refused.as_str(), 0.02)]);
    assert_eq!(told(&series(&mut metrics, Metric::TcpSynRetransmits)), [(peer, 6.0)]);
    let handshakes = series(&mut metrics, Metric::TlsHandshakeDuration);
    let good = format!("{peer},tls.protocol.version=1.3,tls.resumed=false");
    let bad = format!("{good},error.type=bad_certificate");
    assert_eq!(told(&handshakes), [(good.as_str(), 0.04), (bad.as_str(), 0.04)]);
    assert_eq!(series(&mut metrics, Metric::SetUpDuration).len(), 3);
    let created = series(&mut metrics, Metric::DbConnectionCreateTime);
    assert_eq!(told(&created), [("db.client.connection.pool.name=10.0.0.1:5432", 0.1)], "what failed was not created");
    assert_eq!(told(&series(&mut metrics, Metric::TcpOpened)), [(peer, 3.0)]);
}

#[test]
fn quality_is_the_growth_between_two_looks() {
    let mut metrics = metrics();
    let server = Seat::new(1, "shop", Role::Server, "10.0.0.1:80", "10.0.0.2:5000", "http");
    let look = |at_ns, bytes, again, last| {
        Fact::Stats(Stats {
            at_ns,
            last,
            rtt_us: Some(500),
            bytes_sent: Some(bytes),
            retransmits: Some(again),
            zero_window: last,
            ..Stats::default()
        })
    };
    server.tell(&mut metrics, &look(2 * SECOND, 1000, 1, false));
    server.tell(&mut metrics, &look(3 * SECOND, 5000, 1, true));
    assert_eq!(told(&series(&mut metrics, Metric::TcpRetransmits)), [("server.port=80,wirespan.role=server", 1.0)]);
    let io = series(&mut metrics, Metric::TcpIo);
    assert_eq!(told(&io), [("server.port=80,wirespan.role=server,network.io.direction=transmit", 5000.0)]);
    assert_eq!(told(&series(&mut metrics, Metric::TcpRtt))[0].1, 0.001);
    assert_eq!(told(&series(&mut metrics, Metric::TcpZeroWindow))[0].1, 1.0);
}

#[test]
fn who_ended_it_and_how_long_it_lived() {
    let mut metrics = metrics();
    let client = Seat::new(1, "web", Role::Client, "10.0.0.2:5000", "10.0.0.1:80", "http");
    let end = |change, peer_first| {
        Fact::Ended(End { change, at_ns: 4 * SECOND, error: 0, peer_first, exchanges: 1, forgotten: false })
    };
    for (change, peer_first) in
        [(Change::Closed, true), (Change::Closed, false), (Change::ResetByPeer, false), (Change::Failed, false)]
    {
        client.tell(&mut metrics, &end(change, peer_first));
    }
    let by = |series: &[(String, Point)]| -> Vec<(String, f64)> {
        let last = |labels: &str| labels.rsplit('=').next().unwrap_or_default().to_owned();
        told(series).iter().map(|(labels, value)| (last(labels), *value)).collect()
    };
    let closed = series(&mut metrics, Metric::TcpClosed);
    assert_eq!(by(&closed), [("error".into(), 1.0), ("peer".into(), 2.0), ("self".into(), 1.0)]);
    assert_eq!(by(&series(&mut metrics, Metric::TcpResets)), [("error".into(), 1.0), ("peer".into(), 1.0)]);
    let lives = series(&mut metrics, Metric::HttpConnectionDuration);
    assert_eq!(told(&lives), [("server.address=10.0.0.1,server.port=80", 12.0)]);
    assert!(metrics.connections.is_empty());
}

#[test]
fn open_connections_are_counted_anew_each_time() {
    let mut metrics = metrics();
    let web = resource("web");
    let site = |text: &str| Site::from(&Endpoint::Inet(text.parse().unwrap()));
    let standing = |protocol, is_used| Standing {
        resource: Arc::clone(&web),
        role: Role::Client,
        local: site("10.0.0.2:5000"),
        remote: site("10.0.0.1:5432"),
        protocol: Some(spoken(protocol)),
        transport: Transport::Tcp,
        is_used: Some(is_used),
    };
    let all = [standing("postgresql", true), standing("postgresql", false), standing("http", false)];
    let mut count = |standing: &[Standing]| {
        let snapshot = metrics.collect(Clock::default(), Reading::Cumulative, standing, &[]);
        let of = |metric| find(&snapshot, metric).iter().map(|(_, point)| number(point)).collect::<Vec<_>>();
        (of(Metric::DbConnectionCount), of(Metric::HttpOpenConnections), of(Metric::TcpOpen))
    };
    assert_eq!(count(&all), (vec![1.0, 1.0], vec![1.0], vec![3.0]));
    assert_eq!(count(&all[..1]), (vec![0.0, 1.0], vec![0.0], vec![1.0]), "idle sorts before used");
}

#[test]
fn what_is_read_of_the_agent_and_of_listeners() {
    let mut metrics = metrics();
    metrics.listener(&Listener { port: 80, network_namespace: 5, at_ns: SECOND, queued: 3, limit: 128, drops: 9 });
    let reading = OwnReading { metric: Metric::Filtered, labels: vec![("reason", "sampler")], value: 4.0 };
    let snapshot = metrics.collect(Clock::default(), Reading::Cumulative, &[], &[reading]);
    assert_eq!(told(&find(&snapshot, Metric::Filtered)), [("reason=sampler", 4.0)]);
    let drops = find(&snapshot, Metric::ListenQueueDrops);
    assert_eq!(told(&drops), [("server.port=80,wirespan.network.namespace=5", 9.0)]);
    assert_eq!(told(&find(&snapshot, Metric::Series))[0].1, 3.0, "those of the listener");
    assert_eq!(&*snapshot.groups[0].resource.service_name, "wirespan");
}
