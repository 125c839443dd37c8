//! Captures of real TLS through the tracker. What is expected was read from tshark, not from the agent.
#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of test functions")]

use std::collections::BTreeMap;
use std::path::Path;

use wirespan::conn::fact::{Fact, SetUp, Use};
use wirespan::conn::{Limits, Tracker};
use wirespan::recording;
use wirespan_protocols::exchange::Exchange;
use wirespan_protocols::phase::{Phase, PhaseKind, TlsHandshake};
use wirespan_protocols::tls::OpaqueExchange;

/// What one connection tells.
#[derive(Default)]
struct Told {
    set_up: Option<SetUp>,
    exchanges: Vec<(Exchange, Use)>,
}

impl Told {
    fn phases(&self) -> &[Phase] {
        &self.set_up.as_ref().unwrap().phases
    }

    /// The TLS handshake, its beginning and its duration in µs, and its error.
    fn tls(&self) -> (&TlsHandshake, u64, u64, Option<&str>) {
        let mut found = self.phases().iter().filter_map(|phase| match &phase.kind {
            PhaseKind::Tls(tls) => {
                let took = phase.end_ns - phase.start_ns;
                Some((&**tls, phase.start_ns / 1000, took / 1000, phase.error.as_deref()))
            }
            _ => None,
        });
        found.next().unwrap()
    }

    /// Plaintext bytes of requests and responses.
    fn sizes(&self) -> Vec<(u64, u64)> {
        let sizes = |opaque: &OpaqueExchange| (opaque.request_bytes.unwrap(), opaque.response_bytes.unwrap());
        let opaque = |exchange: &Exchange| sizes(exchange.detail.downcast().unwrap());
        self.exchanges.iter().map(|(exchange, _)| opaque(exchange)).collect()
    }
}

/// What the connections of a capture tell, in the order of their beginnings.
fn told(capture: &str) -> Vec<Told> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/replay/captures").join(capture);
    let mut source = recording::open(&path).unwrap();
    let mut tracker: Tracker<()> = Tracker::new(Limits::default());
    let mut all: BTreeMap<(u64, u64), Told> = BTreeMap::new();
    while let Some(event) = source.next().unwrap() {
        tracker.handle(&event, &mut |connection, fact| {
            let told = all.entry((connection.open.at_ns, connection.open.connection)).or_default();
            match fact {
                Fact::SetUp(set_up) => told.set_up = Some(*set_up),
                Fact::Exchange(exchange, usage) => told.exchanges.push((exchange, usage)),
                _ => {}
            }
        });
    }
    assert_eq!(tracker.counts().foreign, 0);
    all.into_values().collect()
}

const AES_256: &str = "TLS_AES_256_GCM_SHA384";
const ECDSA_AES_256: &str = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";

/// `s_client` and `s_server`: full and resumed with TLS 1.3, the same with TLS 1.2, and one with a HelloRetryRequest.
#[test]
fn openssl() {
    let all = told("tls-openssl.pcap");
    let hello = TlsHandshake {
        version: Some("1.3"),
        cipher: Some(AES_256.into()),
        server_name: Some("server.test".into()),
        resumed: Some(false),
        client_certificate_asked: Some(false),
        ..TlsHandshake::default()
    };
    let older = TlsHandshake { version: Some("1.2"), cipher: Some(ECDSA_AES_256.into()), ..hello.clone() };
    let expected = [
        (
            TlsHandshake { offered_protocols: vec!["h2".into(), "http/1.1".into()], ..hello.clone() },
            1_795_261_783_233_732,
            15_664,
        ),
        (TlsHandshake { resumed: Some(true), ..hello.clone() }, 1_795_261_783_821_830, 448),
        (TlsHandshake { offered_protocols: vec!["http/1.1".into()], ..older.clone() }, 1_795_261_784_445_323, 1784),
        (TlsHandshake { resumed: Some(true), ..older }, 1_795_261_785_051_859, 4706),
        (TlsHandshake { retried: true, ..hello }, 1_795_261_786_068_605, 28_612),
    ];
    assert_eq!(all.len(), expected.len());
    for (told, (tls, start, took)) in all.iter().zip(&expected) {
        assert_eq!(told.tls(), (tls, *start, *took, None));
        // `hello` and `world`, and what a server that reverses lines makes of them.
        assert_eq!(told.sizes(), [(6, 6), (6, 6)]);
        assert_eq!(told.exchanges.iter().map(|(_, usage)| *usage).collect::<Vec<_>>(), [Use::First, Use::Again]);
    }
}

/// GnuTLS with a client's certificate in TLS 1.3 and 1.2, Java twice (its records are padded), Go with a post-quantum key
/// share.
#[test]
fn other_libraries() {
    let all = told("tls-clients.pcap");
    let expected = [
        ("1.3", AES_256, false, true, 55_900),
        ("1.2", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", false, true, 2435),
        ("1.3", AES_256, false, false, 256_304),
        ("1.3", AES_256, true, false, 54_625),
        ("1.3", "TLS_AES_128_GCM_SHA256", false, false, 1310),
    ];
    assert_eq!(all.len(), expected.len());
    for (told, (version, cipher, resumed, asked, took)) in all.iter().zip(expected) {
        let (tls, _, duration, error) = told.tls();
        assert_eq!((tls.version, tls.cipher.as_deref()), (Some(version), Some(cipher)));
        assert_eq!((tls.resumed, tls.client_certificate_asked), (Some(resumed), Some(asked)));
        assert_eq!((duration, error), (took, None));
        let sizes = told.sizes();
        assert_eq!((sizes.len(), sizes[0].0, sizes[1]), (2, 6, (6, 6)));
    }
    // Tickets came after the request: 233 bytes in one record, 217 in each of two.
    let tickets = all.iter().map(|told| told.sizes()[0].1).collect::<Vec<_>>();
    assert_eq!(tickets, [6, 6, 6, 239, 440]);
}

/// TLS 1.2 to a server that wants 1.3; a certificate that the client does not trust, in both; a certificate that the
/// client does not have, in both; a server of HTTP; a reset; an end.
#[test]
fn failures() {
    let all = told("tls-failures.pcap");
    let told: Vec<_> = all.iter().map(|told| (told.tls().3.unwrap(), told.tls().2)).collect();
    assert_eq!(
        told,
        [
            ("protocol_version", 123),
            ("unknown_ca", 1805),
            ("unknown_ca", 1518),
            ("encrypted_alert", 21_394),
            ("handshake_failure", 3785),
            ("protocol_mismatch", 2397),
            ("connection_reset", 6420),
            ("connection_closed", 102_273),
        ]
    );
    assert!(all.iter().all(|told| told.exchanges.is_empty()));
}

/// psql: SCRAM over TLS 1.3, MD5 over TLS 1.2, and a wrong password.
#[test]
fn postgres() {
    let all = told("postgres-tls.pcap");
    let phases = |told: &Told| {
        let phases = told.phases().iter().map(|phase| match &phase.kind {
            PhaseKind::Preface(kind) => (*kind).to_owned(),
            PhaseKind::EncryptionRequest { accepted } => format!("encryption {accepted}"),
            PhaseKind::Tls(tls) => format!("tls {} {}", tls.version.unwrap(), tls.retried),
            PhaseKind::Authentication(authentication) => format!(
                "{} {} {} {:?}",
                authentication.method.unwrap(),
                authentication.round_trips,
                (phase.end_ns - phase.start_ns) / 1000,
                phase.error
            ),
        });
        phases.collect::<Vec<_>>()
    };
    assert_eq!(phases(&all[0]), ["encryption true", "tls 1.3 true", "scram-sha-256 3 11127 None"]);
    assert_eq!(phases(&all[1]), ["encryption true", "tls 1.2 false", "md5 2 2009 None"]);
    assert_eq!(
        phases(&all[2]),
        ["encryption true", "tls 1.3 true", "scram-sha-256 3 8334 Some(\"connection_closed\")"]
    );
    // `select 1` and its answer.
    assert_eq!(all.iter().map(Told::sizes).collect::<Vec<_>>(), [vec![(14, 66)], vec![(14, 66)], vec![]]);
    assert_eq!(all[0].exchanges[0].1, Use::First);
}
