//! Handshakes that succeed.

use super::build::*;
use super::*;

/// First and last time of a handshake from the first call to the call at `tick`.
fn times(phase: &Phase) -> (u64, u64) {
    (phase.start_ns / 1000, (phase.end_ns - 10) / 1000)
}

#[test]
fn full_of_tls12() {
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight12(GCM12, 3000, false)).up(client_flight12());
    assert_eq!(talk.phases(), []);
    talk.down([record(22, &message(4, &[3; 200])), change(), encrypted()].concat());
    let phase = talk.phase();
    assert_eq!((times(&phase), phase.error.as_deref(), phase.actor.tid), ((1, 4), None, 8));
    assert_eq!(
        *tls(&phase),
        TlsHandshake {
            version: Some("1.2"),
            cipher: Some("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".into()),
            server_name: Some("shop.test".into()),
            offered_protocols: vec!["h2".into(), "http/1.1".into()],
            chosen_protocol: Some("h2".into()),
            resumed: Some(false),
            client_certificate_asked: Some(false),
            retried: false,
        }
    );
    assert_eq!(talk.budget(), Some(4096));
}

#[test]
fn a_certificate_is_asked_for_in_tls12() {
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight12(GCM12, 900, true)).up(client_flight12());
    talk.down([change(), encrypted()].concat());
    assert_eq!(tls(&talk.phase()).client_certificate_asked, Some(true));
}

#[test]
fn resumed_of_tls12_ends_with_the_client() {
    let mut talk = Talk::new();
    let ticket = record(22, &message(4, &[3; 200]));
    talk.up(client_hello()).down([server_hello12(GCM12), ticket, change(), encrypted()].concat());
    assert_eq!(talk.phases(), []);
    talk.up([change(), encrypted()].concat());
    let phase = talk.phase();
    assert_eq!(times(&phase), (1, 3));
    assert_eq!((tls(&phase).resumed, tls(&phase).client_certificate_asked), (Some(true), Some(false)));
}

#[test]
fn full_of_tls13_with_either_hash() {
    for suite in [SHA256, SHA384] {
        let mut talk = Talk::new();
        talk.up(client_hello()).down(server_flight13(suite));
        assert_eq!(talk.phases(), []);
        talk.up([change(), finished13(suite), data(90)].concat());
        let phase = talk.phase();
        assert_eq!((times(&phase), phase.error.as_deref()), ((1, 3), None));
        let tls = tls(&phase);
        assert_eq!((tls.version, tls.resumed, tls.retried), (Some("1.3"), Some(false), false));
        assert_eq!((tls.client_certificate_asked, tls.chosen_protocol.as_deref()), (Some(false), None));
        talk.down(data(500));
        talk.close(Close::Orderly);
        assert_eq!(talk.exchanges().len(), 1, "what came with the Finished is a request");
    }
}

#[test]
fn resumed_and_retried_in_tls13() {
    let mut talk = Talk::new();
    talk.up(client_hello()).down([resuming13(SHA256), change(), data(30), finished13(SHA256)].concat());
    talk.up([change(), finished13(SHA256)].concat());
    assert_eq!(tls(&talk.phase()).resumed, Some(true));

    let mut talk = Talk::new();
    talk.up(client_hello()).down([retry(), change()].concat()).up([change(), client_hello()].concat());
    talk.down(server_flight13(SHA256)).up(finished13(SHA256));
    let phase = talk.phase();
    assert_eq!(times(&phase), (1, 5));
    assert!(tls(&phase).retried && tls(&phase).resumed == Some(false), "{phase:?}");
}

#[test]
fn early_data_is_no_finished() {
    for taken in [true, false] {
        let mut talk = Talk::new();
        // One record of early data is as long as a Finished, one passes after the ServerHello.
        talk.up([client_hello(), change(), finished13(SHA256), data(700)].concat());
        talk.down([resuming13(SHA256), change(), data(30), finished13(SHA256)].concat());
        talk.up(data(900));
        assert_eq!(talk.phases(), []);
        let end = if taken { data(4 + 17) } else { Vec::new() };
        talk.up([end, finished13(SHA256)].concat());
        assert_eq!(times(&talk.phase()), (1, 4), "{taken}");
    }
}

#[test]
fn early_data_that_a_server_reads_late_is_no_certificate() {
    // Read in pieces, after the server's flight, as a busy server does.
    for early in [&[700][..], &[30], &[16_000, 16_000, 900]] {
        let mut talk = Talk::new();
        talk.up(early_hello()).down([resuming13(SHA256), change(), data(30), finished13(SHA256)].concat());
        talk.up(change());
        for len in early {
            talk.up(data(*len));
        }
        talk.up(data(4 + 17));
        assert_eq!(talk.phases(), []);
        talk.up(finished13(SHA256));
        let phase = talk.phase();
        assert_eq!((tls(&phase).resumed, tls(&phase).client_certificate_asked), (Some(true), Some(false)));
        assert_eq!(phase.error, None);
    }
    // What the server did not take may hide a certificate.
    let mut talk = Talk::new();
    talk.up(early_hello()).down(server_flight13(SHA256)).up([change(), data(700), finished13(SHA256)].concat());
    assert_eq!(tls(&talk.phase()).client_certificate_asked, None);
}

#[test]
fn drafts_are_left_out() {
    // The last drafts, Facebook's, Google's; and one whose ServerHello has another layout.
    let mut hellos: Vec<Vec<u8>> = [0x7f1c, 0x7f17, 0xfb17, 0x7e02]
        .map(|version| record(22, &server_hello_message(version, SHA256, &[4; 32], &[])))
        .into();
    let body = [&[0x7f, 0x12][..], &[4; 32], &SHA256.to_be_bytes(), &[0, 0]].concat();
    hellos.push(record(22, &message(2, &body)));
    for hello in hellos {
        let mut talk = Talk::new();
        talk.up(client_hello()).down([hello, data(40), data(900), finished13(SHA256)].concat());
        talk.up(finished13(SHA256)).up(data(100)).down(data(200));
        talk.close(Close::Orderly);
        assert_eq!(talk.phases(), []);
        assert_eq!(talk.exchanges().len(), 0);
    }
}

#[test]
fn a_client_certificate_in_tls13() {
    let certificates = [&data(25)[..], &data(1200)];
    for certificate in certificates {
        let mut talk = Talk::new();
        talk.up(client_hello()).down(server_flight13(SHA256));
        talk.up([&change(), certificate, &data(101), &finished13(SHA256)].concat());
        assert_eq!(talk.phases(), [], "the server may still refuse it");
        talk.down(data(250));
        let phase = talk.phase();
        assert_eq!((times(&phase), phase.error.as_deref()), ((1, 3), None));
        assert_eq!(tls(&phase).client_certificate_asked, Some(true));
    }
}

#[test]
fn java_pads() {
    for suite in [SHA256, SHA384] {
        let padded = || data(finished13(suite).len() - 5 + 16);
        let flight = [server_hello13(suite), change(), data(56), data(1516), data(316), padded()].concat();
        let mut talk = Talk::new();
        talk.up(client_hello()).down(flight).up([change(), padded()].concat());
        assert_eq!(tls(&talk.phase()).client_certificate_asked, Some(false));
        talk.up(data(18 + 17 + 16))
            .down(data(300 + 17 + 16))
            .down(data(35))
            .up(data(35))
            .up(data(35))
            .fin(Direction::ToClient);
        let all = talk.exchanges();
        assert_eq!(all.len(), 1, "farewells are no round");
        assert_eq!((opaque(&all[0]).request_bytes, opaque(&all[0]).response_bytes), (Some(18), Some(300)));
    }
}

#[test]
fn a_last_flight_in_one_record() {
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight13(SHA256)).up([change(), data(1300)].concat()).down(data(250));
    let phase = talk.phase();
    assert_eq!((times(&phase), tls(&phase).client_certificate_asked), ((1, 3), None));
}

#[test]
fn a_hello_across_records_and_calls() {
    let message = client_hello_message("a.test", &["h2"], 1800);
    let hello = [record(22, &message[..700]), record(22, &message[700..])].concat();
    let mut talk = Talk::new();
    for part in hello.chunks(500) {
        talk.up(part);
    }
    talk.down(server_flight13(SHA256)).up(finished13(SHA256));
    let phase = talk.phase();
    assert_eq!(times(&phase), (1, 6));
    assert_eq!((tls(&phase).server_name.as_deref(), tls(&phase).offered_protocols.len()), (Some("a.test"), 1));
}

#[test]
fn long_certificates_pass_unseen() {
    let flight = server_flight12(GCM12, 64_000, false);
    let mut talk = Talk::new();
    talk.up(client_hello());
    // In four calls, each beyond the budget; a record begins in none of the unseen parts.
    let mut at = 0;
    for len in [3000, 16_000, 20_000, flight.len() - 39_000] {
        let call = &flight[at..at + len];
        at += len;
        talk.beyond(Direction::ToClient, call, 2900, 2000);
    }
    assert!(talk.session.heap_bytes() < 2048, "{}", talk.session.heap_bytes());
    talk.up(client_flight12()).down([change(), encrypted()].concat());
    assert_eq!((talk.phases().len(), talk.out.left), (0, true), "record headers were lost");
    assert_eq!(talk.count(Reason::Resync), 1);
}

#[test]
fn skipped_bodies_cost_nothing() {
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight12(GCM12, 0, false)[..].split_at(100).0);
    // A server of TLS 1.3 whose certificate was not copied.
    let mut talk = Talk::new();
    talk.up(client_hello()).down([server_hello13(SHA256), change()].concat());
    talk.beyond(Direction::ToClient, &data(9000), 64, 192);
    talk.down(data(300));
    talk.down(&finished13(SHA256)[..5]);
    // A whole call is lost, and it held nothing but the body.
    talk.now += 1000;
    talk.skip(Direction::ToClient, 53);
    talk.up(finished13(SHA256));
    assert_eq!(times(&talk.phase()), (1, 7));
}

#[test]
fn a_handshake_whose_last_byte_has_no_time_is_not_told() {
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight13(SHA256)).up(&finished13(SHA256)[..5]);
    talk.now += 1_000_000;
    talk.skip(Direction::ToServer, 53);
    assert_eq!((talk.phases(), talk.out.left), (Vec::new(), true));
}

#[test]
fn unknown_suites_have_a_number() {
    let mut talk = Talk::new();
    talk.up(client_hello()).down(server_flight12(0x1a2b, 800, false)).up(client_flight12());
    talk.down([change(), encrypted()].concat());
    assert_eq!(tls(&talk.phase()).cipher.as_deref(), Some("0x1a2b"));
}
