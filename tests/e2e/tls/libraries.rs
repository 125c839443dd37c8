//! Clients of many libraries and a server of nginx: every request is told at both ends, as in plain text.

use std::time::Duration;

use serde_json::json;
use wirespan_tests::network::{Network, SERVER};
use wirespan_tests::spans::Spans;

use crate::connections::clients::{self, Library, Plan};
use crate::harness::certificates::Authority;
use crate::harness::servers::nginx_tls;
use crate::harness::{Agent, skipped};

/// Connections of a cell of the matrix.
const COUNT: usize = 8;

#[test]
fn openssl() {
    matrix(Library::OpenSsl, true);
}

#[test]
fn gnutls() {
    matrix(Library::GnuTls, true);
}

#[test]
fn curl() {
    matrix(Library::Curl, true);
}

#[test]
fn python() {
    matrix(Library::Python, true);
}

#[test]
fn node() {
    matrix(Library::Node, true);
}

#[test]
fn go() {
    matrix(Library::Go, true);
}

/// Its secrets are in no function's arguments: the server's end is told.
#[test]
fn java() {
    matrix(Library::Java, false);
}

#[test]
fn rustls() {
    matrix(Library::Rustls, true);
}

/// A library with both versions, full and resumed. `is_read`: whether its own secrets are seen.
#[track_caller]
fn matrix(library: Library, is_read: bool) {
    if let Some(program) = library.missing() {
        return skipped(&format!("{program} is missing"));
    }
    let network = match Network::controlled(Duration::ZERO) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    clients::prepare(library);
    let authority = Authority::new();
    let identity = authority.sign();
    for version in ["1.2", "1.3"] {
        let server = network.server.inside(|| nginx_tls(SERVER, &identity, version));
        for resumed in [false, true] {
            let certificate = authority.certificate();
            let plan = Plan { port: server.port, authority: &certificate, version, resumed, count: COUNT };
            let mut agent = Agent::run("sockets", &[format!("port={}", server.port)], &["--tls"]);
            network.client.inside(|| library.connect(plan));
            let spans = agent.finish();
            println!("{library:?} {version} {resumed}: {}", agent.stderr());
            check(&spans, library, is_read, version);
        }
    }
}

#[track_caller]
fn check(spans: &Spans, library: Library, is_read: bool, version: &str) {
    let handshakes = spans.pick(|span| span.name == "TLS server handshake").len();
    assert!(handshakes >= COUNT, "TLS {version}: {handshakes} handshakes in {:?}", spans.names());
    let (clients, servers) = (spans.pick(|span| span.kind == "CLIENT"), spans.pick(|span| span.kind == "SERVER"));
    // `gnutls-cli` closes at the end of its input, whether it was answered, or even heard, or not.
    if library == Library::GnuTls {
        return assert!(!servers.is_empty() && clients.len() >= servers.len(), "TLS {version}: {:?}", spans.names());
    }
    assert_eq!(servers.len(), handshakes, "TLS {version}: servers of {:?}", spans.names());
    if is_read {
        assert_eq!(clients.len(), handshakes, "TLS {version}: clients of {:?}", spans.names());
    }
    for span in servers.iter().chain(clients.iter()) {
        span.failed(false).has(&json!({ "http.request.method": "GET", "http.response.status_code": 200 }));
    }
    for span in servers.iter() {
        span.has(&json!({ "url.scheme": "https", "url.path": "/" }));
        assert!(!is_read || span.parent.is_some(), "no parent: {span:?}");
    }
}
