use super::*;
use crate::conn::fact::PreambleStep;
use crate::trace::Config;
use crate::trace::ids::Ids;
use crate::trace::sampler::Sampler;
use crate::trace::testing::{get, listed, tcp};
use wirespan_protocols::phase::Authentication;
use wirespan_protocols::stream::Actor;

fn phase(kind: PhaseKind, start_ns: u64, end_ns: u64) -> Phase {
    Phase { start_ns, end_ns, actor: Actor::default(), error: None, spoken: None, goes_on: false, kind }
}

/// DNS 10 to 20, TCP 20 to 50, TLS 50 to 90, authentication 90 to 120, preamble 120 to 140.
fn whole() -> SetUp {
    let tls = TlsHandshake {
        version: Some("1.3"),
        cipher: Some("TLS_AES_128_GCM_SHA256".into()),
        server_name: Some("db.internal".into()),
        resumed: Some(false),
        ..TlsHandshake::default()
    };
    let authentication = Authentication { method: Some("scram-sha-256"), round_trips: 3, encrypted: true };
    let lookup = |question: &str, error: Option<&str>| Lookup {
        start_ns: 10,
        end_ns: 20,
        name: "db".into(),
        question: question.into(),
        error: error.map(Into::into),
    };
    SetUp {
        start_ns: 10,
        end_ns: 140,
        actor: Actor::default(),
        lookups: vec![lookup("A", None), lookup("AAAA", Some("servfail"))],
        tcp: Some(TcpConnect { start_ns: 20, end_ns: 50, retransmits: 1, error: 0 }),
        accept_wait_ns: None,
        phases: vec![
            phase(PhaseKind::Tls(Box::new(tls)), 50, 90),
            phase(PhaseKind::Authentication(Box::new(authentication)), 90, 120),
        ],
        preamble: vec![PreambleStep { start_ns: 120, end_ns: 140, what: "SET search_path".into() }],
        error: None,
    }
}

fn bare() -> SetUp {
    SetUp { lookups: Vec::new(), tcp: None, phases: Vec::new(), preamble: Vec::new(), ..whole() }
}

fn spans(config: Config, set_up: &SetUp, facts: &ConnectionFacts) -> (Paid, Vec<Span>) {
    Tracer::new(config, Ids::seeded(1)).set_up(set_up, facts, &Arc::default())
}

#[test]
fn a_whole_set_up() {
    let (paid, spans) = spans(Config::default(), &whole(), &tcp(Role::Client, 5432));
    let shown: Vec<_> = spans.iter().map(|span| (&*span.name, span.start_unix_ns, span.end_unix_ns)).collect();
    let expected = [
        ("connection_setup", 10, 140),
        ("DNS lookup", 10, 20),
        ("DNS lookup", 10, 20),
        ("socket connect", 20, 50),
        ("TLS client handshake", 50, 90),
        ("authentication", 90, 120),
        ("preamble", 120, 140),
    ];
    assert_eq!(shown, expected);
    let (root, children) = spans.split_first().unwrap();
    assert_eq!(root.parent, None);
    assert!(children.iter().all(|span| span.parent == Some(root.span_id) && span.trace_id == root.trace_id));
    assert!(children.iter().all(is_part) && !is_part(root) && spans.iter().all(|span| span.kind == Kind::Internal));
    assert_eq!(paid.link, Some(Link { trace_id: root.trace_id, span_id: root.span_id }));
    assert_eq!(paid.duration_ns, 130);
    let attributes = [
        "network.peer.address=\"10.0.0.1\"",
        "network.peer.port=5432",
        "network.transport=\"tcp\"",
        "server.address=\"db.internal\"",
        "tls.cipher=\"TLS_AES_128_GCM_SHA256\"",
        "tls.protocol.name=\"tls\"",
        "tls.protocol.version=\"1.3\"",
        "tls.resumed=false",
        "wirespan.connection.authentication.duration=0.00000003",
        "wirespan.connection.dns.duration=0.00000001",
        "wirespan.connection.preamble.duration=0.00000002",
        "wirespan.connection.tcp.duration=0.00000003",
        "wirespan.connection.tls.duration=0.00000004",
        "wirespan.tcp.syn_retransmits=1",
    ];
    assert_eq!(listed(root), attributes, "look-ups at once count once");
    assert_eq!(get(&children[1], "error.type"), "servfail", "the other one helped");
    assert_eq!(root.status, Status::Unset);
    assert_eq!(get(&children[4], "wirespan.authentication.method"), "scram-sha-256");
}

#[test]
fn a_failure_is_that_of_its_phase_and_of_the_whole() {
    let refused = SetUp {
        tcp: Some(TcpConnect { start_ns: 10, end_ns: 30, retransmits: 0, error: 111 }),
        error: Some("connection_refused".into()),
        ..bare()
    };
    let (_, spans_) = spans(Config::default(), &refused, &tcp(Role::Client, 80));
    let errors: Vec<_> = spans_.iter().map(|span| (&*span.name, get(span, "error.type"))).collect();
    let expected = ["connection_setup", "socket connect"].map(|name| (name, "connection_refused".to_owned()));
    assert_eq!(errors, expected);
    assert!(spans_.iter().all(|span| span.status != Status::Unset));

    let mut alert = SetUp { error: Some("unknown_ca".into()), ..whole() };
    alert.phases.truncate(1);
    alert.phases[0].error = Some("unknown_ca".into());
    let (_, spans_) = spans(Config::default(), &alert, &tcp(Role::Client, 80));
    let failed = spans_.iter().filter(|span| span.status != Status::Unset && span.name != LOOKUP);
    assert_eq!(failed.map(|span| &*span.name).collect::<Vec<_>>(), [NAME, "TLS client handshake"]);
}

#[test]
fn a_server_s_set_up_is_told_when_it_did_something() {
    let server = tcp(Role::Server, 443);
    let plain = SetUp { accept_wait_ns: Some(5), ..bare() };
    assert_eq!(spans(Config::default(), &plain, &server).1.len(), 0);
    let failed = SetUp { error: Some("connection_reset".into()), ..bare() };
    assert_eq!(spans(Config::default(), &failed, &server).1.len(), 1);
    let tls = SetUp { accept_wait_ns: Some(5), phases: whole().phases, ..bare() };
    let (_, spans) = spans(Config::default(), &tls, &server);
    assert_eq!(
        spans.iter().map(|span| &*span.name).collect::<Vec<_>>(),
        [NAME, "TLS server handshake", "authentication"]
    );
    assert_eq!(get(&spans[0], "wirespan.tcp.accept.duration"), "0.000000005");
    assert_eq!(get(&spans[0], "network.peer.port"), "50000");
    assert_eq!(get(&spans[0], "server.address"), "-");
    assert_eq!(get(&spans[0], "client.address"), get(&spans[0], "network.peer.address"));
}

#[test]
fn without_spans_the_duration_stays() {
    let off = Config { connection_spans: false, ..Config::default() };
    let never = Config { sampler: Sampler::parse("always_off", None).unwrap(), ..Config::default() };
    for config in [off, never] {
        let (paid, spans) = spans(config, &whole(), &tcp(Role::Client, 80));
        assert_eq!((paid, spans.len()), (Paid { link: None, duration_ns: 130 }, 0));
    }
}
