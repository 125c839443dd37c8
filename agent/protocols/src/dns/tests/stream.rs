//! Look-ups over TCP.

use super::build::*;
use super::*;
use crate::protocol::{Context, Probe, Verdict};
use crate::registry::PROTOCOLS;

#[test]
fn look_ups_of_one_connection() {
    let mut talk = Talk::tcp(true);
    let asks = framed(&query(1, "x.test", A));
    talk.ask(&asks).ask(&framed(&query(2, "y.test", AAAA)));
    talk.answer(&framed(&reply(2, "y.test", AAAA, 0, &[aaaa(1)])));
    talk.answer(&framed(&reply(1, "x.test", A, 0, &[a(1)])));
    let exchanges = talk.take();
    assert_eq!(exchanges.iter().map(line).collect::<Vec<_>>(), ["y.test AAAA 0 2001:db8::1", "x.test A 0 192.0.2.1"]);
    assert_eq!((exchanges[1].request.pos, exchanges[1].request.bytes), (100, asks.len() as u64));
    assert_ne!(exchanges[1].request.arrived_ns, 0);
    assert!(talk.counted().is_empty());
}

#[test]
fn several_in_one_call_and_one_in_several() {
    let mut talk = Talk::tcp(true);
    talk.ask(&[framed(&query(1, "x.test", A)), framed(&query(2, "y.test", A))].concat());
    let answers = [framed(&reply(2, "y.test", A, 0, &[a(2)])), framed(&reply(1, "x.test", A, 0, &[a(1)]))].concat();
    let first = talk.now + STEP;
    for byte in &answers {
        talk.answer(&[*byte]);
    }
    let exchanges = talk.take();
    assert_eq!(exchanges.iter().map(line).collect::<Vec<_>>(), ["y.test A 0 192.0.2.2", "x.test A 0 192.0.2.1"]);
    assert_eq!(exchanges[0].response.unwrap().first_ns, first);
    assert_eq!(exchanges[1].end_ns, talk.now + 10);
    // Only the first byte of a call is known to have arrived then.
    assert_eq!((exchanges[1].request.arrived_ns != 0, exchanges[0].request.arrived_ns), (true, 0));
}

#[test]
fn the_end_of_a_connection() {
    for (how, expected) in [(Close::Orderly, "x.test A - Closed"), (Close::Reset, "x.test A - Reset")] {
        let mut talk = Talk::tcp(true);
        talk.ask(&framed(&query(1, "x.test", A)));
        talk.now += 5 * SECOND;
        assert_eq!(talk.close(how).lines(), [expected]);
    }
}

#[test]
fn losses() {
    let (asks, answers) = (framed(&query(1, "x.test", A)), framed(&reply(1, "x.test", A, 0, &[a(1), a(2)])));
    let next = |talk: &mut Talk| {
        talk.ask(&framed(&query(9, "z.test", A))).answer(&framed(&reply(9, "z.test", A, 0, &[a(9)])));
        talk.lines()
    };
    for head in 0..answers.len() {
        let mut talk = Talk::tcp(true);
        talk.ask(&asks).cut(Direction::ToClient, &answers, head);
        let expected: &[&str] = match head {
            0..26 => &[],
            26..42 => &["x.test A 0"],
            42..58 => &["x.test A 0 192.0.2.1"],
            _ => &["x.test A 0 192.0.2.1 192.0.2.2"],
        };
        assert_eq!(talk.lines(), expected, "{head}");
        if head >= 2 {
            talk.session.data(
                Direction::ToClient,
                &Chunk { pos: 0, bytes: &answers, ends_call: true, stamp: Stamp::default() },
                &mut Output::default(),
            );
        }
        assert_eq!(talk.close(Close::Orderly).lines(), [""; 0], "{head}: not known to be unanswered");
    }
    // A whole answer is lost: framing is found again at a call that begins with a message.
    let mut talk = Talk::tcp(true);
    talk.ask(&asks).cut(Direction::ToClient, &answers, 0);
    talk.answer(&answers[..10]).answer(&answers[10..]);
    assert!(talk.lines().is_empty());
    assert_eq!(next(&mut talk), ["z.test A 0 192.0.2.9"]);
    // A part of a query is lost.
    let mut talk = Talk::tcp(true);
    talk.cut(Direction::ToServer, &asks, 9).answer(&answers);
    assert_eq!(next(&mut talk), ["z.test A 0 192.0.2.9"]);
    // More is lost than the message: when it ended is not known.
    let mut talk = Talk::tcp(true);
    let stamp = talk.stamp();
    talk.ask(&asks).piece(Direction::ToClient, &answers[..30], false, stamp).gap(Direction::ToClient, 4, stamp);
    assert!(talk.lines().is_empty());
}

#[test]
fn joined_midway() {
    let mut talk = Talk::tcp(false);
    let answers = framed(&reply(1, "x.test", A, 0, &[a(1)]));
    talk.answer(&answers[20..]).answer(&answers);
    talk.ask(&framed(&query(2, "y.test", A))).answer(&framed(&reply(2, "y.test", A, 0, &[a(2)])));
    assert_eq!(talk.lines(), ["y.test A 0 192.0.2.2"]);
}

#[test]
fn what_never_was_dns_is_left() {
    let mut talk = Talk::tcp(true);
    talk.ask(&framed(&query(1, "x.test", A)));
    for _ in 0..4 {
        talk.answer(&[&[0, 20][..], &[0xaa; 20]].concat()).answer(&framed(&reply(5, "x.test", A, 0, &[])));
    }
    // What follows a broken message is looked for anew, and found.
    assert!(!talk.out.left);
    talk.ask(&[&[0, 20][..], &[0xaa; 20]].concat().repeat(2));
    assert!(talk.lines().is_empty());
}

#[test]
fn recognition() {
    let start = |bytes: &[u8]| (PROTOCOL.probe)(bytes, Context { direction: None, from_start: true });
    let middle = |bytes: &[u8]| (PROTOCOL.probe)(bytes, Context { direction: None, from_start: false });
    let asks = framed(&query(0xabcd, "db.shop.test", A));
    let answers = framed(&reply(0xabcd, "db.shop.test", A, 0, &[a(1)]));
    for len in 0..asks.len() {
        assert_eq!(start(&asks[..len]), Probe::Maybe, "{len}");
        assert_eq!(middle(&asks[..len]), Probe::No, "{len}");
        assert!(matches!(
            PROTOCOLS.detect(&asks[..len], Context { direction: None, from_start: true }),
            Verdict::Unsure
        ));
    }
    let to_server = Probe::Yes(Direction::ToServer);
    assert_eq!((start(&asks), middle(&asks)), (to_server, to_server));
    assert_eq!((start(&answers), middle(&answers)), (Probe::Yes(Direction::ToClient), Probe::Yes(Direction::ToClient)));
    assert_eq!(start(&[&asks[..], &asks[..7]].concat()), to_server);
    for other in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\0\0\0\x13\0\x03\0\0user\0bob\0\0",
        b"\0\0\0\x08\x04\xd2\x16\x2f",
        b"*1\r\n$4\r\nPING\r\n",
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ] {
        assert_eq!((start(other), middle(other)), (Probe::No, Probe::No), "{other:?}");
    }
}
