//! Look-ups over UDP.

use super::build::*;
use super::*;
use crate::protocol::{Context, Probe};

#[test]
fn a_look_up_with_its_times() {
    let mut talk = Talk::udp();
    let (asks, answers) = (query(7, "db.shop.test", A), reply(7, "db.shop.test", A, 0, &[a(1)]));
    talk.ask(&asks);
    let asked = talk.now;
    talk.answer(&answers);
    let exchange = &talk.take()[0];
    assert_eq!(line(exchange), "db.shop.test A 0 192.0.2.1");
    let (request, response) = (exchange.request, exchange.response.unwrap());
    assert_eq!((request.first_ns, request.last_ns, request.arrived_ns), (asked, asked + 10, asked - 5));
    assert_eq!((request.pos, request.bytes), (100, asks.len() as u64));
    assert_eq!((response.first_ns, response.last_ns), (talk.now, talk.now + 10));
    assert_eq!((response.pos, response.bytes), (900, answers.len() as u64));
    assert_eq!((exchange.end_ns, exchange.actor), (talk.now + 10, Actor { pid: 1, tid: 2, context: 3 }));
    assert!(talk.counted().is_empty());
}

#[test]
fn answers_come_in_any_order() {
    let mut talk = Talk::udp();
    // What a stub resolver does: both families at once, from one socket; and one id for two questions.
    talk.ask(&query(1, "x.test", A)).ask(&query(2, "x.test", AAAA)).ask(&query(1, "y.test", A));
    talk.answer(&reply(1, "y.test", A, 0, &[a(3)]));
    talk.answer(&reply(2, "X.test", AAAA, 0, &[aaaa(2)])).answer(&reply(1, "x.test", A, 0, &[a(1)]));
    assert_eq!(talk.lines(), ["y.test A 0 192.0.2.3", "x.test AAAA 0 2001:db8::2", "x.test A 0 192.0.2.1"]);
    assert!(talk.counted().is_empty());
}

#[test]
fn failures_have_their_code() {
    let mut talk = Talk::udp();
    talk.ask(&query(1, "no.test", A)).answer(&reply(1, "no.test", A, 3, &[]));
    // A server that does not understand may leave the question out.
    talk.ask(&query(2, "x.test", A)).answer(&header(2, 0x8181, [0; 4]));
    assert_eq!(talk.lines(), ["no.test A 3", "x.test A 1"]);
    // Two questions may be meant.
    talk.ask(&query(3, "x.test", A)).ask(&query(3, "y.test", A)).answer(&header(3, 0x8182, [0; 4]));
    assert!(talk.lines().is_empty());
}

#[test]
fn a_query_sent_again_is_the_same_look_up() {
    let mut talk = Talk::udp();
    talk.ask(&query(1, "x.test", A));
    let asked = talk.now;
    // Five seconds are the usual patience of stub resolvers.
    talk.now += 5 * SECOND;
    talk.ask(&query(1, "x.test", A));
    let again = talk.now;
    talk.answer(&reply(1, "x.test", A, 0, &[a(1)]));
    let exchanges = talk.take();
    assert_eq!(exchanges.len(), 1);
    let request = exchanges[0].request;
    assert_eq!((request.first_ns, request.last_ns), (asked, again + 10));
    talk.answer(&reply(1, "x.test", A, 0, &[a(1)]));
    talk.close(Close::Orderly);
    assert_eq!((talk.lines(), talk.counted()), (vec![], vec![("unmatched_response", 1)]));
}

#[test]
fn what_is_not_answered_is_given_up_when_time_passes() {
    let mut talk = Talk::udp();
    talk.ask(&query(1, "x.test", A));
    let asked = talk.now;
    talk.now += 7 * SECOND;
    talk.ask(&query(2, "y.test", A));
    let exchange = &talk.take()[0];
    assert_eq!(line(exchange), "x.test A - Unanswered");
    assert_eq!(exchange.end_ns, asked + 10 + 6 * SECOND);
    talk.answer(&reply(1, "x.test", A, 0, &[a(1)])).answer(&reply(2, "y.test", A, 0, &[]));
    assert_eq!(talk.lines(), ["y.test A 0"]);
    // Nothing more on this socket: the common limit.
    talk.ask(&query(3, "z.test", A));
    talk.session.expire(talk.now + 11, &mut talk.out);
    assert_eq!(talk.lines(), ["z.test A - Unanswered"]);
    talk.close(Close::Orderly);
    assert_eq!(talk.counted(), [("unmatched_response", 1), ("unanswered", 2)]);
}

#[test]
fn a_socket_that_is_closed() {
    for (waited, how, expected) in [
        (0, Close::Orderly, "x.test A - Closed"),
        (5, Close::Orderly, "x.test A - Unanswered"),
        (5, Close::Reset, "x.test A - Reset"),
    ] {
        let mut talk = Talk::udp();
        talk.ask(&query(1, "x.test", A));
        talk.now += waited * SECOND;
        talk.close(how);
        let exchange = &talk.take()[0];
        assert_eq!((line(exchange), exchange.end_ns), (expected.to_owned(), talk.now));
    }
}

#[test]
fn an_answer_that_was_handed_over_first() {
    let mut talk = Talk::udp();
    let early = talk.stamp();
    let late = talk.stamp();
    talk.piece(Direction::ToClient, &reply(1, "x.test", A, 0, &[a(1)]), true, late);
    talk.piece(Direction::ToServer, &query(1, "x.test", A), true, early);
    assert_eq!(talk.lines(), ["x.test A 0 192.0.2.1"]);
    // The send was seen at its end only, after the answer: when it began is not known.
    talk.piece(Direction::ToClient, &reply(2, "x.test", A, 0, &[a(1)]), true, early);
    talk.piece(Direction::ToServer, &query(2, "x.test", A), true, late);
    talk.close(Close::Orderly);
    assert_eq!((talk.lines(), talk.counted()), (vec![], vec![("unmatched_response", 1)]));
}

#[test]
fn lost_datagrams() {
    let mut talk = Talk::udp();
    talk.ask(&query(1, "x.test", A)).ask(&query(2, "y.test", A));
    let stamp = talk.stamp();
    talk.gap(Direction::ToClient, 80, stamp);
    talk.answer(&reply(2, "y.test", A, 0, &[a(2)]));
    talk.ask(&query(3, "z.test", A)).close(Close::Orderly);
    // The first one's answer may be what was lost.
    assert_eq!(talk.lines(), ["y.test A 0 192.0.2.2", "z.test A - Closed"]);
    assert_eq!(talk.counted(), [("lost_response", 2)]);
    let mut talk = Talk::udp();
    talk.gap(Direction::ToServer, 40, stamp).answer(&reply(1, "x.test", A, 0, &[]));
    talk.close(Close::Orderly);
    assert_eq!((talk.lines(), talk.counted()), (vec![], vec![("unmatched_response", 1), ("lost_request", 1)]));
}

#[test]
fn datagrams_of_which_the_end_was_not_captured() {
    let (asks, answers) = (query(1, "x.test", A), reply(1, "x.test", A, 0, &[a(1), a(2)]));
    for head in 0..answers.len() {
        let mut talk = Talk::udp();
        talk.cut(Direction::ToServer, &asks, 24).cut(Direction::ToClient, &answers, head);
        let expected: &[&str] = match head {
            0..24 => &[],
            24..40 => &["x.test A 0"],
            40..56 => &["x.test A 0 192.0.2.1"],
            _ => &["x.test A 0 192.0.2.1 192.0.2.2"],
        };
        let exchanges = talk.take();
        assert_eq!(exchanges.iter().map(line).collect::<Vec<_>>(), expected, "{head}");
        for exchange in exchanges {
            assert_eq!(exchange.response.unwrap().bytes, answers.len() as u64);
        }
        // The next one is read from its beginning.
        talk.ask(&query(2, "y.test", A)).answer(&reply(2, "y.test", A, 0, &[]));
        assert_eq!(talk.lines(), ["y.test A 0"]);
    }
    // A tail was captured too: it is no datagram of its own.
    let mut talk = Talk::udp();
    talk.ask(&asks);
    let stamp = talk.stamp();
    talk.piece(Direction::ToClient, &answers[..50], false, stamp).gap(Direction::ToClient, 5, stamp);
    talk.piece(Direction::ToClient, &answers[55..], true, stamp);
    assert_eq!((talk.lines(), talk.counted()), (vec!["x.test A 0 192.0.2.1".to_owned()], vec![]));
    // Head and tail are all of it.
    talk.ask(&asks).piece(Direction::ToClient, &answers[..50], false, stamp);
    talk.piece(Direction::ToClient, &answers[50..], true, stamp);
    assert_eq!(talk.lines(), ["x.test A 0 192.0.2.1 192.0.2.2"]);
}

#[test]
fn waiting_queries_are_bounded() {
    let mut talk = Talk::udp();
    for id in 0..70 {
        talk.ask(&query(id, "x.test", A));
    }
    assert!(talk.session.heap_bytes() < 64 << 10);
    talk.close(Close::Orderly);
    assert_eq!((talk.lines().len(), talk.counted()), (64, vec![("too_many_pending", 6)]));
}

#[test]
fn other_messages_are_no_look_ups() {
    let mut talk = Talk::udp();
    let mut update = query(1, "zone.test", SOA);
    update[2] = 5 << 3;
    let mut notify = query(2, "zone.test", SOA);
    notify[2] = 4 << 3;
    talk.ask(&update).ask(&notify).ask(&query(3, "zone.test", 251)).close(Close::Orderly);
    assert_eq!((talk.lines(), talk.counted()), (vec![], vec![]));
}

#[test]
fn what_never_was_dns_is_left() {
    let mut talk = Talk::udp();
    for _ in 0..8 {
        assert!(!talk.out.left);
        talk.ask(b"\x16\xfe\xfd\0\0 this is something else");
    }
    assert!(talk.out.left);
}

#[test]
fn the_first_datagram_tells_the_roles() {
    let context = Context { direction: None, from_start: false };
    let probe = |bytes: &[u8]| (crate::dns::DATAGRAMS.probe)(bytes, context);
    assert_eq!(probe(&query(1, "x.test", A)), Probe::Yes(Direction::ToServer));
    assert_eq!(probe(&reply(1, "x.test", A, 0, &[a(1)])), Probe::Yes(Direction::ToClient));
    assert_eq!(probe(&[0; 12]), Probe::No);
    assert_eq!(probe(b""), Probe::No);
}
