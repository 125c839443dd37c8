//! Connections that begin.

use super::build::*;
use super::*;
use crate::phase::{Phase, PhaseKind};

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

/// The phases since the last look, one line each: times in calls.
fn phases(wire: &mut Wire) -> Vec<String> {
    let told = |phase: Phase| {
        assert_eq!(phase.actor, Actor { pid: 1, tid: 2, context: 3 });
        let (from, to) = (phase.start_ns / STEP, phase.end_ns / STEP);
        let kind = match phase.kind {
            PhaseKind::EncryptionRequest { accepted } => format!("encryption {accepted}"),
            PhaseKind::Authentication(one) => {
                assert!(!one.encrypted);
                format!("authentication {} in {}", one.method.unwrap_or("-"), one.round_trips)
            }
            PhaseKind::Tls(_) | PhaseKind::Preface(_) => panic!(),
        };
        format!("{from}-{to} {kind}{}", phase.error.map_or_else(String::new, |error| format!(" {error}")))
    };
    wire.out.phases.drain(..).map(told).collect()
}

#[test]
fn encryption_requests_are_phases() {
    let mut wire = Wire::new(true);
    wire.client(&GSS[..3]).client(&GSS[3..]).server(b"N").client(&SSL).server(b"N");
    assert_eq!(phases(&mut wire), ["1-3 encryption false", "4-5 encryption false"]);
    wire.client(&startup(&[("user", "bob")])).server(&welcome());
    assert_eq!(phases(&mut wire), ["6-7 authentication trust in 1"]);
    for (request, answer, tls) in [(SSL, b"S", true), (GSS, b"G", false)] {
        let mut wire = Wire::new(true);
        wire.client(&request).server(answer);
        assert_eq!((wire.out.left, wire.out.to_tls), (true, tls));
        assert_eq!(phases(&mut wire), ["1-2 encryption true"]);
        wire.close(Close::Reset);
        assert!(phases(&mut wire).is_empty());
    }
    let mut wire = Wire::new(true);
    wire.client(&SSL).server(&error_of("FATAL", "0A000", ""));
    assert_eq!(phases(&mut wire), ["1-2 encryption false 0A000"]);
    let mut wire = Wire::new(true);
    wire.client(&SSL).close(Close::Reset);
    assert_eq!(phases(&mut wire), ["1-2 encryption false connection_reset"]);
}

#[test]
fn authentication_is_a_phase() {
    let asks = |code: u32, more: &[u8]| message(b'R', &[&code.to_be_bytes()[..], more].concat());
    let proof = message(b'p', b"secret\0");
    let granted = [asks(0, b""), ready(b'I')].concat();
    for (rounds, expected) in [
        (vec![asks(3, b"")], "1-4 authentication password in 2"),
        (vec![asks(5, b"salt")], "1-4 authentication md5 in 2"),
        (vec![asks(7, b""), asks(8, b"token")], "1-6 authentication gss in 3"),
        (
            vec![asks(10, b"SCRAM-SHA-256\0\0"), asks(11, b"r=nonce,s=salt,i=4096")],
            "1-6 authentication scram-sha-256 in 3",
        ),
        (vec![asks(10, b"OAUTHBEARER\0\0")], "1-4 authentication oauthbearer in 2"),
        (vec![asks(10, b"FUTURE\0\0")], "1-4 authentication - in 2"),
        (vec![], "1-2 authentication trust in 1"),
    ] {
        let mut wire = Wire::new(true);
        wire.client(&startup(&[("user", "bob")]));
        for round in &rounds {
            wire.server(round).client(&proof);
        }
        assert!(wire.out.phases.is_empty());
        wire.server(&granted);
        assert_eq!(phases(&mut wire), [expected]);
        // Not again for each ReadyForQuery.
        wire.client(&query("SELECT 1")).server(&[rows(1), ready(b'I')].concat()).close(Close::Orderly);
        assert!(phases(&mut wire).is_empty());
    }
}

#[test]
fn authentication_that_fails_is_a_phase_with_an_error() {
    let begun = |bytes: &[u8]| {
        let mut wire = Wire::new(true);
        wire.client(&startup(&[("user", "bob")]))
            .server(&message(b'R', &[0, 0, 0, 3]))
            .client(&message(b'p', b"wrong\0"));
        if !bytes.is_empty() {
            wire.server(bytes);
        }
        wire
    };
    let mut wire = begun(&error_of("FATAL", "28P01", ""));
    assert_eq!(phases(&mut wire), ["1-4 authentication password in 2 28P01"]);
    wire.close(Close::Orderly);
    assert!(phases(&mut wire).is_empty());
    let mut wire = begun(&[message(b'R', &[0; 4]), error_of("FATAL", "3D000", "")].concat());
    assert_eq!(phases(&mut wire), ["1-4 authentication password in 2 3D000"]);
    let mut wire = begun(b"");
    wire.close(Close::Orderly);
    assert_eq!(phases(&mut wire), ["1-4 authentication password in 2 connection_closed"]);
    // What was lost may have been a part of it.
    for direction in [Direction::ToServer, Direction::ToClient] {
        let mut wire = begun(b"");
        wire.gap(direction, 40).server(&[message(b'R', &[0; 4]), ready(b'I')].concat()).close(Close::Orderly);
        assert!(phases(&mut wire).is_empty(), "{direction:?}");
    }
    let mut wire = Wire::new(false);
    wire.server(&welcome()).close(Close::Orderly);
    assert!(phases(&mut wire).is_empty());
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
