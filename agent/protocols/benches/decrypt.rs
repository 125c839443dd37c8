//! Cost of decrypting TLS on one core: a record of 1 KiB and of 16 KiB, one call each; one of which only 256 bytes and its end were
//! copied; what a connection costs once, with a handshake and its secrets. The goal: at most 1.5 µs more than in clear for 1 KiB.

use std::hint::black_box;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, KeyLog, RootCertStore, ServerConfig, ServerConnection, SupportedCipherSuite,
};
use wirespan_protocols::plain::{Secret, SecretKind};
use wirespan_protocols::protocol::Opening;
use wirespan_protocols::registry::PROTOCOLS;
use wirespan_protocols::session::{Output, Session};
use wirespan_protocols::stream::{Chunk, Direction, Stamp};
use wirespan_protocols::tls::PROTOCOL;

/// Records a connection.
const RECORDS: usize = 200;

#[derive(Debug, Default)]
struct Log(Mutex<Vec<Secret>>);

impl KeyLog for Log {
    fn log(&self, label: &str, _random: &[u8], secret: &[u8]) {
        let secret = SecretKind::labelled(label.as_bytes()).and_then(|kind| Secret::new(kind, secret));
        if let Ok(mut all) = self.0.lock() {
            all.extend(secret);
        }
    }
}

/// A connection: the calls of its handshake, its secrets, records of the server.
struct Spoken {
    handshake: Vec<(Direction, Vec<u8>)>,
    secrets: Vec<Secret>,
    records: Vec<Vec<u8>>,
}

fn speak(suite: SupportedCipherSuite, len: usize) -> anyhow::Result<Spoken> {
    let provider = Arc::new(CryptoProvider { cipher_suites: vec![suite], ..ring::default_provider() });
    let made = rcgen::generate_simple_self_signed(vec!["shop.test".to_owned()])?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let server = server.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)?;
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut client = client.with_root_certificates(roots).with_no_client_auth();
    let log = Arc::new(Log::default());
    client.key_log = Arc::clone(&log) as Arc<dyn KeyLog>;
    let mut client = ClientConnection::new(Arc::new(client), ServerName::try_from("shop.test")?)?;
    let mut server = ServerConnection::new(Arc::new(server))?;
    let mut handshake = Vec::new();
    loop {
        let (mut up, mut down) = (Vec::new(), Vec::new());
        while client.wants_write() {
            client.write_tls(&mut up)?;
        }
        if !up.is_empty() {
            server.read_tls(&mut &up[..])?;
            server.process_new_packets()?;
            handshake.push((Direction::ToServer, up));
        }
        while server.wants_write() {
            server.write_tls(&mut down)?;
        }
        if down.is_empty() {
            break;
        }
        client.read_tls(&mut &down[..])?;
        client.process_new_packets()?;
        handshake.push((Direction::ToClient, down));
    }
    let mut records = Vec::new();
    for _ in 0..RECORDS {
        let mut record = Vec::new();
        server.writer().write_all(&vec![b'x'; len])?;
        while server.wants_write() {
            server.write_tls(&mut record)?;
        }
        records.push(record);
    }
    let secrets = log.0.lock().map_err(|_| anyhow::Error::msg("poisoned"))?.clone();
    Ok(Spoken { handshake, secrets, records })
}

/// ns of the handshake with its secrets, and of a record of which `copied` bytes are copied.
fn run(spoken: &Spoken, copied: usize) -> (f64, f64) {
    let (mut out, stamp, mut ends) = (Output::default(), Stamp::default(), [0; 2]);
    let opening = Opening { from_start: true, before: None, may_decrypt: true, registry: PROTOCOLS };
    let start = Instant::now();
    let mut session = (PROTOCOL.open)(&opening);
    let mut call =
        |session: &mut dyn Session, direction: Direction, bytes: &[u8], ends_call: bool, out: &mut Output| {
            let pos = &mut ends[direction as usize];
            session.data(direction, &Chunk { pos: *pos, bytes: black_box(bytes), ends_call, stamp }, out);
            *pos += bytes.len() as u64;
            *pos
        };
    for (direction, bytes) in &spoken.handshake {
        call(&mut *session, *direction, bytes, true, &mut out);
        for secret in spoken.secrets.iter().filter(|_| *direction == Direction::ToClient) {
            session.secret(secret, 0, &mut out);
        }
    }
    let handshake = start.elapsed().as_nanos() as f64;
    let (start, mut shown) = (Instant::now(), 0);
    let handshake_bytes = |(direction, bytes): &(Direction, Vec<u8>)| match direction {
        Direction::ToServer => 0,
        Direction::ToClient => bytes.len() as u64,
    };
    let mut down: u64 = spoken.handshake.iter().map(handshake_bytes).sum();
    for record in &spoken.records {
        if copied >= record.len() {
            call(&mut *session, Direction::ToClient, record, true, &mut out);
        } else {
            let chunk = |at: usize, len: usize| Chunk {
                pos: down + at as u64,
                bytes: &record[at..at + len],
                ends_call: at > 0,
                stamp,
            };
            session.data(Direction::ToClient, &chunk(0, copied), &mut out);
            session.gap(Direction::ToClient, (record.len() - copied - 32) as u64, stamp, &mut out);
            session.data(Direction::ToClient, &chunk(record.len() - 32, 32), &mut out);
        }
        down += record.len() as u64;
        shown += out.plain.bytes.len();
        out.plain.clear();
    }
    let records = start.elapsed().as_nanos() as f64 / spoken.records.len() as f64;
    assert!(shown >= RECORDS * copied.min(900), "all is decrypted: {shown}");
    (handshake, records)
}

fn best(spoken: &Spoken, copied: usize) -> (f64, f64) {
    let runs = (0..30).map(|_| run(spoken, copied));
    runs.fold((f64::MAX, f64::MAX), |best, one| (best.0.min(one.0), best.1.min(one.1)))
}

fn main() -> anyhow::Result<()> {
    use rustls::crypto::ring::cipher_suite as suites;
    for suite in [
        suites::TLS13_AES_128_GCM_SHA256,
        suites::TLS13_AES_256_GCM_SHA384,
        suites::TLS13_CHACHA20_POLY1305_SHA256,
        suites::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ] {
        let (small, large) = (speak(suite, 1024)?, speak(suite, 16_384)?);
        let ((handshake, small), (_, whole), (_, cut)) =
            (best(&small, usize::MAX), best(&large, usize::MAX), best(&large, 256));
        println!(
            "tls: {:?}: handshake and keys {handshake:.0} ns; a record of 1 KiB {small:.0} ns, of 16 KiB {whole:.0} ns, 256 bytes of it {cut:.0} ns",
            suite.suite()
        );
    }
    Ok(())
}
