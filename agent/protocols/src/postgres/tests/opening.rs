//! Connections that begin.

use super::build::*;
use super::*;

const SSL: [u8; 8] = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f];
const GSS: [u8; 8] = [0, 0, 0, 8, 4, 0xd2, 0x16, 0x30];

#[test]
fn encryption_refused_or_taken() {
    let mut wire = Wire::new(true);
    wire.client(&GSS).server(b"N").client(&SSL).server(b"N");
    wire.client(&startup(&[("user", "bob")])).server(&welcome());
    wire.client(&query("SELECT 1")).server(&[rows(1), ready(b'I')].concat());
    let exchange = &wire.take()[0];
    assert_eq!(detail(exchange).database.as_deref(), Some("bob"));
    for (request, answer) in [(SSL, b"S"), (GSS, b"G")] {
        let mut wire = Wire::new(true);
        wire.client(&request).server(answer);
        assert!(wire.out.left);
    }
    let mut wire = Wire::new(true);
    wire.client(&SSL).server(&error_of("FATAL", "0A000", ""));
    assert_eq!(wire.lines(), ["-|-|-|0A000 Startup"]);
}

#[test]
fn authentication_of_every_kind() {
    let secret = b"SCRAM-SHA-256\0\0\0\0\x20n,,n=,r=secret-secret-secret-secr";
    for (request, answer) in [(3u32, &b"secret\0"[..]), (5, b"md5secret\0"), (10, secret), (7, b"\x60\x82")] {
        let mut wire = Wire::new(true);
        wire.client(&startup_of((3 << 16) + 2, &[("user", "bob"), ("_pq_.x", "1")]));
        wire.server(&message(b'v', &[0, 3, 0, 0, 0, 0, 0, 0]));
        wire.server(&message(b'R', &[&request.to_be_bytes()[..], b"salt"].concat()));
        wire.client(&message(b'p', answer));
        // Keys have any length in protocol 3.2.
        wire.server(&[message(b'R', &[0; 4]), message(b'K', &[7; 36]), notice(), ready(b'I')].concat());
        assert!(wire.lines().is_empty());
        wire.client(&query("SELECT 1")).server(&[rows(1), ready(b'I')].concat());
        assert_eq!(wire.lines(), ["SELECT ?|SELECT|1|-"]);
    }
}

#[test]
fn a_start_up_that_fails() {
    let mut wire = Wire::new(true);
    wire.client(&startup(&[("user", "bob"), ("database", "none")]));
    let sent = wire.now;
    wire.server(&message(b'R', &[0, 0, 0, 3])).client(&message(b'p', b"wrong\0"));
    wire.server(&error_of("FATAL", "28P01", "")).close(Close::Orderly);
    let exchange = &wire.take()[0];
    assert_eq!(line(exchange), "-|-|-|28P01 Startup");
    assert_eq!(exchange.request.first_ns, sent);
    assert_eq!(detail(exchange).database.as_deref(), Some("none"));
}

#[test]
fn cancel_requests_are_nothing() {
    let mut wire = Wire::new(true);
    wire.client(&[&[0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e][..], &[1; 8]].concat()).close(Close::Orderly);
    assert!(wire.lines().is_empty() && !wire.out.left);
    assert_eq!(wire.out.counts, [0; Reason::ALL.len()]);
}

#[test]
fn what_is_no_start_up_is_not_ours() {
    let mut wire = Wire::new(true);
    wire.client(b"GET / HTTP/1.1\r\n\r\n");
    assert!(wire.out.left);
}
