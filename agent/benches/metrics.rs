//! What measuring costs: time for each exchange, and series and memory when attributes explode.
//!
//! `cargo bench --package wirespan --bench metrics`

use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use wirespan::conn::fact::{Fact, Use};
use wirespan::event::{Endpoint, Role, Transport, Vantage};
use wirespan::metrics::catalog::Metric;
use wirespan::metrics::label::Text;
use wirespan::metrics::record::Metrics;
use wirespan::metrics::settings::{Reading, Settings};
use wirespan::metrics::store::Store;
use wirespan::trace::clock::Clock;
use wirespan::trace::connection::ConnectionFacts;
use wirespan::trace::observation::{Observation, Observer};
use wirespan::trace::span::{Resource, Value};
use wirespan_protocols::exchange::detail::Detail;
use wirespan_protocols::exchange::{Ending, Exchange, Window};
use wirespan_protocols::http1::HttpExchange;
use wirespan_protocols::redis::{Group, RedisExchange};
use wirespan_protocols::registry::PROTOCOLS;
use wirespan_protocols::stream::Actor;

const EXCHANGES: u64 = 2_000_000;
/// Connections and shapes of exchanges that take turns: more than what a processor's first cache holds.
const CONNECTIONS: usize = 64;

/// Processor time of this process, which other programs do not lengthen.
struct Instant(Duration);

impl Instant {
    fn now() -> Self {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Self(Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32))
    }

    fn elapsed(&self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

fn resource(name: &str) -> Arc<Resource> {
    let attributes = vec![("service.name".into(), Value::Text(name.into()))];
    Arc::new(Resource { service_name: name.into(), attributes, ..Resource::default() })
}

fn http(status: u16) -> Box<dyn Detail> {
    Box::new(HttpExchange {
        method: "GET".into(),
        target: "/users/42/orders?page=2".into(),
        target_truncated: false,
        version_minor: 1,
        status: Some(status),
        host: Some("shop.example:8080".into()),
        user_agent: None,
        traceparent: None,
        tracestate: None,
        forwarded_for: None,
        request_body: Some(0),
        response_body: Some(5120),
        ..HttpExchange::default()
    })
}

fn redis(command: &str) -> Box<dyn Detail> {
    Box::new(RedisExchange {
        command: command.into(),
        text: "GET k".into(),
        database: Some(0),
        error: None,
        group: Group::Single,
        batch_size: None,
        stored_procedure: None,
    })
}

fn exchange(detail: Box<dyn Detail>) -> Fact {
    let window = Window {
        first_ns: 1_000_000_000,
        last_ns: 1_000_000_000,
        pos: 0,
        bytes: 100,
        arrived_ns: 999_990_000,
        rejected: 0,
    };
    let exchange = Exchange {
        stream: 0,
        request: window,
        response: Some(window),
        actor: Actor::default(),
        ending: Ending::Answered,
        end_ns: 1_003_000_000,
        detail,
    };
    Fact::Exchange(exchange, Use::Again)
}

fn endpoint(host: u8, port: u16) -> Endpoint {
    Endpoint::Inet(std::net::SocketAddr::from(([10, 0, 0, host], port)))
}

fn cost(name: &str, role: Role, protocol: &'static str, facts: &[Fact]) {
    let mut metrics = Metrics::new(Settings::default(), wirespan::trace::Config::default(), resource("wirespan"));
    let services = ["shop", "blog", "search", "mail"].map(resource);
    let connections: Vec<ConnectionFacts> = (0..CONNECTIONS)
        .map(|number| {
            let (own, peer) = (endpoint(1, 80), endpoint(2, 5000 + number as u16));
            let (local, remote) = if role == Role::Server { (own, peer) } else { (peer, own) };
            ConnectionFacts::new(role, Vantage::Socket, &local, &remote)
        })
        .collect();
    let start = Instant::now();
    for number in 0..EXCHANGES as usize {
        let at = number % CONNECTIONS;
        metrics.observe(&Observation {
            fact: &facts[number % facts.len()],
            id: at as u64,
            connection: &connections[at],
            transport: Transport::Tcp,
            network_namespace: 1,
            opened_ns: 0,
            from_start: true,
            pid: 1,
            resource: &services[at % services.len()],
            protocol: PROTOCOLS.named(protocol).map(|protocol| protocol.spoken),
            encrypted: false,
            owner: None,
            is_measured: false,
            route: None,
            name: None,
            paid_ns: 0,
            span: None,
        });
    }
    let each = start.elapsed().as_nanos() as f64 / EXCHANGES as f64;
    println!("metrics of {name}: {each:.0} ns/exchange, {} series", metrics.counts().series);
}

/// Resident memory, bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0) * 1024
}

/// A million distinct paths, peers and statements, each for a metric of its own.
fn explosion(exponential: bool) {
    let settings = Settings { exponential, ..Settings::default() };
    let mut store = Store::new(settings, resource("wirespan"));
    let shop = resource("shop");
    let before = resident();
    let start = Instant::now();
    for number in 0..1_000_000_u64 {
        let value = (number % 1000) as f64 / 100.0;
        let texts = [format!("/path/{number}"), format!("10.{}", number), format!("SELECT table_{number}")];
        let keys = ["http.route", "network.peer.address", "db.query.summary"];
        let metrics = [Metric::HttpServerDuration, Metric::TcpRtt, Metric::DbOperationDuration];
        for ((text, name), metric) in texts.iter().zip(keys).zip(metrics) {
            let labels = [(name, Text::Str(text))];
            let mut key = store.key(&shop, &labels);
            store.record(metric, &mut key, value, number * 1000, None);
        }
    }
    let each = start.elapsed().as_nanos() / 3_000_000;
    let grown = resident().saturating_sub(before);
    let kind = if exponential { "exponential" } else { "explicit" };
    let counts = store.counts();
    println!(
        "metrics explosion, {kind} buckets: {} series, {:.1} MiB more, {each} ns/measurement, {} to overflow series",
        counts.series,
        grown as f64 / f64::from(1 << 20),
        counts.overflows
    );
    let start = Instant::now();
    let snapshot = store.collect(2_000_000_000, Clock::default(), Reading::Cumulative);
    println!("metrics collection: {:.1} ms for {} points", start.elapsed().as_secs_f64() * 1e3, snapshot.points());
}

fn main() {
    cost("HTTP servers", Role::Server, "http", &[200, 200, 200, 404, 503].map(|status| exchange(http(status))));
    cost("HTTP clients", Role::Client, "http", &[200, 200, 200, 404, 503].map(|status| exchange(http(status))));
    cost("Redis clients", Role::Client, "redis", &["GET", "SET", "HGETALL"].map(|command| exchange(redis(command))));
    explosion(false);
    explosion(true);
}
