//! Durations of TCP connects and TLS handshakes against a packet capture and the clients' own clocks, for many libraries,
//! both versions, full and resumed.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use wirespan_tests::network::{INTERFACE, Network, SERVER};

use super::clients::{self, Library, Plan, Told};
use crate::harness::capture::{Capture, Wire};
use crate::harness::certificates::Authority;
use crate::harness::servers::nginx_tls;
use crate::harness::setups::{SetUp, client_setups, server_setups};
use crate::harness::{Agent, skipped};

/// How far the median may be off a packet capture, in seconds. Less than half of one way, so that no wrong packet passes for
/// the first or the last one. What is measured where nothing else runs (below 100 µs) is in `docs/benchmarks.md`: a
/// program that waits for a packet gets it later on a slow machine, which is no fault.
const GOAL: f64 = 400e-6;
/// How far it may be off a program's own clock: that one runs while the program makes the keys of its `ClientHello`, and
/// goes on when it has read the last record.
const OWN_CLOCK: f64 = 900e-6;

/// A limit on a machine that has other work. Where more programs want a processor than there are, those that wait for a
/// packet get one later: the limit grows with that.
fn limit(goal: f64) -> f64 {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0_f64);
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    goal * (load / processors as f64).max(1.0)
}

/// Connections of a cell of the matrix.
const COUNT: usize = 16;
/// One way.
const DELAY: Duration = Duration::from_millis(1);

#[test]
fn openssl() {
    matrix(Library::OpenSsl);
}

#[test]
fn openssl_s_time() {
    matrix(Library::OpenSslTime);
}

#[test]
fn gnutls() {
    matrix(Library::GnuTls);
}

#[test]
fn curl() {
    matrix(Library::Curl);
}

#[test]
fn python() {
    matrix(Library::Python);
}

#[test]
fn go() {
    matrix(Library::Go);
}

#[test]
fn java() {
    matrix(Library::Java);
}

#[test]
fn node() {
    matrix(Library::Node);
}

#[test]
fn rustls() {
    matrix(Library::Rustls);
}

/// A library with both versions, full and resumed.
#[track_caller]
fn matrix(library: Library) {
    if let Some(program) = library.missing() {
        return skipped(&format!("{program} is missing"));
    }
    let network = match Network::controlled(DELAY) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    clients::prepare(library);
    let authority = Authority::new();
    let identity = authority.sign();
    let mut wrong = String::new();
    for version in ["1.2", "1.3"] {
        let server = network.server.inside(|| nginx_tls(SERVER, &identity, version));
        for resumed in [false, true] {
            let certificate = authority.certificate();
            let plan = Plan { port: server.port, authority: &certificate, version, resumed, count: COUNT };
            // Whatever else the machine does may come between; not three times.
            for attempt in 1..=3 {
                let mut told = String::new();
                Cell::run(&network, library, plan).check(library, plan, &mut told);
                if told.is_empty() {
                    break;
                }
                println!("attempt {attempt}: {told}");
                if attempt == 3 {
                    wrong.push_str(&told);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{library:?}:\n{wrong}");
}

/// The same connections, told by everybody.
struct Cell {
    clients: Vec<SetUp>,
    servers: Vec<SetUp>,
    at_client: Vec<Wire>,
    at_server: Vec<Wire>,
    told: Vec<Told>,
}

impl Cell {
    #[track_caller]
    fn run(network: &Network, library: Library, plan: Plan<'_>) -> Self {
        let captures =
            [&network.client, &network.server].map(|namespace| Capture::start(namespace, INTERFACE, plan.port));
        let mut agent = Agent::run("sockets", &[format!("port={}", plan.port)], &[]);
        let told = network.client.inside(|| library.connect(plan));
        let [at_client, at_server] = captures.map(Capture::finish);
        let spans = agent.finish();
        println!("{}", agent.stderr());
        Self { clients: client_setups(&spans), servers: server_setups(&spans), at_client, at_server, told }
    }

    #[track_caller]
    fn check(&self, library: Library, plan: Plan<'_>, wrong: &mut String) {
        let count = self.at_client.len();
        assert!(count >= plan.count, "{count} connections in the capture");
        assert_eq!(self.clients.len(), count, "client set-ups: {:#?}", self.clients.first());
        assert_eq!(self.servers.len(), count, "server set-ups: {:#?}", self.servers.first());
        for (setup, wire) in self.clients.iter().zip(&self.at_client) {
            same(setup.has_phase("TLS client handshake"), wire);
        }
        for (setup, wire) in self.servers.iter().zip(&self.at_server) {
            same(setup.has_phase("TLS server handshake"), wire);
        }
        let resumed = self.at_client.iter().filter(|wire| wire.resumed == Some(true)).count();
        assert_eq!(resumed > 0, plan.resumed, "{resumed} of {count} resumed");

        // What `gnutls-cli` sends last waits for the acknowledgement of what it sent before (Nagle): the packets only tell
        // between which two moments it was sent.
        let is_late = library == Library::GnuTls && plan.version == "1.3";
        for (setup, wire) in self.clients.iter().zip(&self.at_client).filter(|_| is_late) {
            let took = setup.took("TLS client handshake").unwrap();
            let sent_before = wire.client_cipher_spec.unwrap() - wire.hello.unwrap();
            assert!(
                took + 100_000 >= sent_before && took <= wire.handshake_ns().unwrap() + 100_000,
                "{setup:#?} {wire:?}"
            );
        }
        let ours = |name| move |setup: &SetUp| setup.took(name);
        let at_client = |truth: &dyn Fn(&Wire) -> Option<u64>| seconds(self.at_client.iter().map(truth));
        let at_server = |truth: &dyn Fn(&Wire) -> Option<u64>| seconds(self.at_server.iter().map(truth));
        let clients = |name| seconds(self.clients.iter().map(ours(name)));
        let servers = |name| seconds(self.servers.iter().map(ours(name)));
        let told = |truth: fn(&Told) -> f64| self.told.iter().map(truth).collect::<Vec<_>>();
        let mut cell = Comparison { plan, library, wrong };
        cell.within("connect, capture", &clients("socket connect"), &at_client(&Wire::connect_ns), Some(GOAL));
        let handshakes = clients("TLS client handshake");
        // Java reads the server's last two records in four calls, and works between them.
        let in_pieces = library == Library::Java && plan.version == "1.2" && !plan.resumed;
        let goal = (!is_late && !in_pieces).then_some(GOAL);
        cell.within("handshake, capture", &handshakes, &at_client(&Wire::handshake_ns), goal);
        // A server that is busy reads a ClientHello later than it comes: its span begins then. The ends have to agree.
        let ends = self.servers.iter().map(|setup| Some(setup.has_phase("TLS server handshake").end));
        cell.within("end at the server, capture", &seconds(ends), &at_server(&|wire| wire.finished), Some(GOAL));
        let whole = at_server(&Wire::handshake_ns);
        cell.within("handshake, server's capture", &servers("TLS server handshake"), &whole, None);
        let close = library.clock_is_close().then_some(OWN_CLOCK);
        cell.within("connect, own clock", &clients("socket connect"), &told(|t| t.connect), close);
        cell.within("handshake, own clock", &handshakes, &told(|t| t.handshake), close);
    }
}

/// What the packets show of a handshake is what its span says.
#[track_caller]
fn same(span: &wirespan_tests::span::Span, wire: &Wire) {
    assert!(!span.error, "{span:#?}");
    assert_eq!(Some(span.text("tls.protocol.version").as_str()), wire.version, "{span:#?}");
    assert_eq!(span.attributes.get("tls.resumed").and_then(Value::as_bool), wire.resumed, "{span:#?}");
    assert_eq!(span.text("server.address"), wire.server_name.as_deref().unwrap_or_default(), "{span:#?}");
    assert_eq!(span.text("tls.cipher"), cipher(wire.cipher.unwrap()), "{span:#?}");
}

/// Names of IANA's registry of TLS cipher suites.
fn cipher(number: u16) -> &'static str {
    match number {
        0x1301 => "TLS_AES_128_GCM_SHA256",
        0x1302 => "TLS_AES_256_GCM_SHA384",
        0x1303 => "TLS_CHACHA20_POLY1305_SHA256",
        0xc02f => "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        0xc030 => "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        0xcca8 => "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        _ => panic!("cipher suite {number:#x}"),
    }
}

fn seconds(times: impl Iterator<Item = Option<u64>>) -> Vec<f64> {
    times.map(|time| time.map_or(f64::NAN, |time| time as f64 / 1e9)).collect()
}

struct Comparison<'a> {
    plan: Plan<'a>,
    library: Library,
    wrong: &'a mut String,
}

impl Comparison<'_> {
    /// Compares one by one and notes the median of the differences; those with a goal have to meet it.
    fn within(&mut self, what: &str, ours: &[f64], truth: &[f64], goal: Option<f64>) {
        if truth.is_empty() {
            return;
        }
        let mut differences: Vec<f64> = ours.iter().zip(truth).map(|(a, b)| (a - b).abs()).collect();
        differences.sort_by(f64::total_cmp);
        let median = differences[differences.len() / 2];
        let Plan { version, resumed, .. } = self.plan;
        let mode = if resumed { "resumed" } else { "full" };
        let text = format!(
            "{:?} TLS {version} {mode}: {what}: off by {:.0} µs (median of {})",
            self.library,
            median * 1e6,
            differences.len()
        );
        println!("{text}");
        // Not a number is no answer.
        if goal.is_some_and(|goal| median.is_nan() || median > limit(goal)) {
            let pairs: Vec<_> = ours.iter().zip(truth).take(4).collect();
            _ = writeln!(self.wrong, "{text}: {pairs:?}");
        }
    }
}
