//! Connections that fail while they are set up, each by one cause; both ends are traced.

use std::time::Duration;

use serde_json::json;
use wirespan_tests::network::{Network, SERVER};
use wirespan_tests::spans::Spans;

use crate::harness::certificates::Authority;
use crate::harness::process::{free_port, settle};
use crate::harness::servers::{self, nginx_tls, nginx_tls_with};
use crate::harness::setups::{SetUp, client_setups, server_setups};
use crate::harness::{run, skipped, trace, workload};

const LOCALHOST: &str = "127.0.0.1";

/// Runs a case of `trouble_client.py`; every span.
#[track_caller]
fn spans_of(case: &str, address: &str, port: u16, authority: Option<&Authority>) -> Spans {
    let (spans, ()) = trace(&[format!("port={port}")], || {
        let mut client = workload("trouble_client.py");
        client.args([case, address, &port.to_string()]);
        client.args(authority.map(Authority::certificate));
        println!("{}", run(&mut client));
        settle();
    });
    spans
}

/// The only set-up of a client, which failed.
#[track_caller]
fn client(spans: &Spans, error: &str) -> SetUp {
    let mut setups = client_setups(spans);
    assert_eq!(setups.len(), 1, "{spans:#?}");
    let setup = setups.remove(0);
    setup.root.failed(true).has(&json!({ "error.type": error }));
    setup
}

/// The only set-up that a server told of, which failed.
#[track_caller]
fn server(spans: &Spans, error: &str) -> SetUp {
    let mut setups = server_setups(spans);
    assert_eq!(setups.len(), 1, "{spans:#?}");
    let setup = setups.remove(0);
    setup.root.failed(true).has(&json!({ "error.type": error }));
    setup
}

#[test]
fn refused() {
    let port = free_port();
    let spans = spans_of("plain", LOCALHOST, port, None);
    let setup = client(&spans, "connection_refused");
    setup.has_phase("socket connect").failed(true).has(&json!({
        "error.type": "connection_refused",
        "network.peer.address": LOCALHOST,
        "network.peer.port": port,
    }));
    assert_eq!(spans.len(), 2, "{spans:#?}");
}

/// Nothing answers; the application gives up, or the kernel does.
#[test]
fn black_hole() {
    let network = match Network::controlled(Duration::from_millis(1)) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    network.rules().black_hole(true);
    // The kernel gives up after a few seconds.
    run(network.client.command("sysctl").args(["-q", "-w", "net.ipv4.tcp_syn_retries=1"]));
    for (case, error, took) in [("impatient", "aborted", 300..2000), ("plain", "timeout", 1900..8000)] {
        let before = network.rules().lost_syns();
        let spans = network.client.inside(|| spans_of(case, SERVER, free_port(), None));
        let again = network.rules().lost_syns() - before - 1;
        let setup = client(&spans, error);
        let connect = setup.has_phase("socket connect").failed(true).took(took);
        let again = if again == 0 { json!(null) } else { json!(again) };
        connect.has(&json!({ "network.peer.address": SERVER, "wirespan.tcp.syn_retransmits": again }));
    }
}

/// A SYN that is lost costs a second, and the span says why.
#[test]
fn a_lost_syn() {
    let network = match Network::controlled(Duration::from_millis(1)) {
        Ok(network) => network,
        Err(why) => return skipped(&why),
    };
    let authority = Authority::new();
    let nginx = network.server.inside(|| nginx_tls(SERVER, &authority.sign(), "1.3"));
    let (spans, ()) = trace(&nginx.select_port(), || {
        network.rules().lose_syns(1);
        let mut curl = network.client.command("curl");
        curl.args(["-s", "--noproxy", "*", "--cacert"]).arg(authority.certificate());
        run(curl.arg(format!("https://{SERVER}:{}/", nginx.port)));
    });
    let setups = client_setups(&spans);
    assert_eq!(setups.len(), 1, "{spans:#?}");
    setups[0].root.failed(false);
    setups[0].has_phase("socket connect").took(1000..1300).has(&json!({ "wirespan.tcp.syn_retransmits": 1 }));
}

#[test]
fn reset_in_the_handshake() {
    let trouble = servers::program("trouble_server.py", &["reset"]);
    let authority = Authority::new();
    let spans = spans_of("tls13", LOCALHOST, trouble.port, Some(&authority));
    for (setup, name) in [
        (client(&spans, "connection_reset"), "TLS client handshake"),
        (server(&spans, "connection_reset"), "TLS server handshake"),
    ] {
        setup.has_phase(name).failed(true).has(&json!({ "error.type": "connection_reset" }));
    }
    let setup = client(&spans, "connection_reset");
    setup.has_phase("socket connect").failed(false);
    setup.has_phase("TLS client handshake").has(&json!({ "server.address": "shop.test" }));
}

/// The client does not trust who signed.
#[test]
fn unknown_authority() {
    let (authority, other) = (Authority::new(), Authority::new());
    let nginx = nginx_tls(LOCALHOST, &authority.sign(), "1.2 TLSv1.3");
    rejected(nginx.port, &other, "unknown_ca");
}

#[test]
fn expired_certificate() {
    let authority = Authority::new();
    let nginx = nginx_tls(LOCALHOST, &authority.sign_expired(), "1.2 TLSv1.3");
    rejected(nginx.port, &authority, "certificate_expired");
}

/// OpenSSL sends an alert about a certificate in the clear with either version. A client that closes at once may reset
/// the connection before the server has read it.
#[track_caller]
fn rejected(port: u16, authority: &Authority, error: &str) {
    for (case, version) in [("tls12", "1.2"), ("tls13", "1.3")] {
        let spans = spans_of(case, LOCALHOST, port, Some(authority));
        let setup = client(&spans, error);
        let phase = setup.has_phase("TLS client handshake").failed(true);
        phase.has(&json!({ "error.type": error, "tls.protocol.version": version }));
        let setups = server_setups(&spans);
        assert_eq!(setups.len(), 1, "{spans:#?}");
        let phase = setups[0].has_phase("TLS server handshake").failed(true);
        assert!([error, "connection_reset"].contains(&phase.text("error.type").as_str()), "{phase:#?}");
    }
}

/// With TLS 1.3, Go encrypts its alert: that the handshake failed can be seen, not why.
#[test]
fn an_encrypted_alert_has_no_name() {
    if servers::which("go").is_none() {
        return skipped("go is missing");
    }
    let (authority, other) = (Authority::new(), Authority::new());
    let nginx = nginx_tls(LOCALHOST, &authority.sign(), "1.3");
    let mut go = workload("tls_client.go");
    go.args([LOCALHOST, &nginx.port.to_string(), "shop.test"]).arg(other.certificate()).args(["1.3", "full", "1"]);
    let (spans, ()) = trace(&nginx.select_port(), || {
        let output = go.output().unwrap();
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("unknown authority"));
        settle();
    });
    let (clients, servers) = (client_setups(&spans), server_setups(&spans));
    assert_eq!((clients.len(), servers.len()), (1, 1), "{spans:#?}");
    for (setup, name) in [(&clients[0], "TLS client handshake"), (&servers[0], "TLS server handshake")] {
        setup.root.failed(true);
        let phase = setup.has_phase(name).failed(true).has(&json!({ "tls.protocol.version": "1.3" }));
        let error = phase.text("error.type");
        assert!(!error.contains("certificate") && error != "unknown_ca", "nobody could read {error}");
    }
}

/// The server has no such name.
#[test]
fn unrecognised_name() {
    let authority = Authority::new();
    let nginx = nginx_tls_with(LOCALHOST, &authority.sign(), "1.2 TLSv1.3", "ssl_reject_handshake on;");
    for case in ["tls12", "tls13"] {
        let spans = spans_of(case, LOCALHOST, nginx.port, Some(&authority));
        let setup = client(&spans, "unrecognized_name");
        setup.has_phase("TLS client handshake").failed(true).has(&json!({ "server.address": "shop.test" }));
        server(&spans, "unrecognized_name");
    }
}

#[test]
fn versions_that_do_not_meet() {
    let authority = Authority::new();
    let nginx = nginx_tls(LOCALHOST, &authority.sign(), "1.2");
    let spans = spans_of("tls13", LOCALHOST, nginx.port, Some(&authority));
    client(&spans, "protocol_version").has_phase("TLS client handshake").failed(true);
    server(&spans, "protocol_version").has_phase("TLS server handshake").failed(true);
}

/// A client of TLS meets a server of HTTP, which answers in the clear.
#[test]
fn tls_to_a_server_without() {
    let nginx = servers::nginx(None);
    let spans = spans_of("tls13", LOCALHOST, nginx.port, Some(&Authority::new()));
    let clients = client_setups(&spans);
    assert_eq!(clients.len(), 1, "{spans:#?}");
    clients[0].root.failed(true);
    clients[0].has_phase("socket connect").failed(false);
    clients[0].has_phase("TLS client handshake").failed(true);
}

/// A client of HTTP meets a server of TLS, which knows what to answer.
#[test]
fn http_to_a_server_with_tls() {
    let authority = Authority::new();
    let nginx = nginx_tls(LOCALHOST, &authority.sign(), "1.3");
    let spans = spans_of("http", LOCALHOST, nginx.port, None);
    for requests in [spans.clients(), spans.servers()] {
        requests.only().has(&json!({ "http.request.method": "GET", "http.response.status_code": 400 }));
    }
    let setups = client_setups(&spans);
    assert_eq!(setups.len(), 1);
    setups[0].root.failed(false);
    assert!(setups[0].phase("TLS client handshake").is_none(), "{setups:#?}");
}

/// A queue of two places, one taken, and six who come: the rest try again and again.
#[test]
fn listen_queue_overflow() {
    let trouble = servers::program("trouble_server.py", &["deaf"]);
    let spans = spans_of("crowd", LOCALHOST, trouble.port, None);
    let setups = client_setups(&spans);
    assert_eq!(setups.len(), 6, "{spans:#?}");
    let waited: Vec<_> = setups.iter().filter(|setup| setup.root.error).collect();
    assert!(waited.len() >= 4, "{setups:#?}");
    for setup in waited {
        let again = setup.has_phase("socket connect").failed(true).attributes["wirespan.tcp.syn_retransmits"].as_i64();
        assert!(again.is_some_and(|again| (1..=3).contains(&again)), "{setup:#?}");
    }
}
