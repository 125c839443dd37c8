//! Whole connections.

use super::*;
use crate::exchange::{Ending, Exchange};
use crate::http::foreign::{Foreign, Header};
use crate::session::{Close, Output, Reason};
use crate::stream::{Actor, Chunk, Stamp};
use Direction::{ToClient, ToServer};

fn record(kind: u8, id: u8, content: &[u8], padding: u8) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[1, kind, 0, id, high, low, padding, 0], content, &vec![0; usize::from(padding)]].concat()
}

fn pair(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| match u8::try_from(text.len()) {
        Ok(short @ ..128) => vec![short],
        _ => (u32::try_from(text.len()).unwrap() | 0x8000_0000).to_be_bytes().to_vec(),
    };
    [length(name), length(value), name.into(), value.into()].concat()
}

/// A request as nginx sends it.
fn request(id: u8, uri: &str, body: &[u8]) -> Vec<u8> {
    let params = [
        ("QUERY_STRING", "id=7"),
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", uri),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REMOTE_ADDR", "10.0.0.9"),
        ("HTTP_HOST", "shop.test"),
        ("HTTP_USER_AGENT", "curl/8"),
        ("HTTP_X_REQUEST_ID", "7b1f"),
        ("HTTP_TRACEPARENT", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    let params: Vec<u8> = params.iter().flat_map(|(name, value)| pair(name, value)).collect();
    let body = if body.is_empty() { Vec::new() } else { record(5, id, body, 3) };
    let begin = record(1, id, &[0, 1, 0, 0, 0, 0, 0, 0], 0);
    [begin, record(4, id, &params, 5), record(4, id, b"", 0), body, record(5, id, b"", 0)].concat()
}

fn answer(id: u8, text: &[u8]) -> Vec<u8> {
    [record(6, id, text, 2), record(6, id, b"", 0), end(id)].concat()
}

fn end(id: u8) -> Vec<u8> {
    record(3, id, &[0; 8], 0)
}

/// A connection, its positions and its clock.
struct Talk {
    session: Box<dyn Session>,
    out: Output,
    ends: [u64; 2],
    now: u64,
}

impl Talk {
    fn new() -> Self {
        Self { session: PROTOCOL.session(true), out: Output::default(), ends: [1000, 5000], now: 0 }
    }

    fn stamp(&mut self) -> Stamp {
        self.now += 100;
        let actor = Actor { pid: 7, tid: 8, context: self.now };
        Stamp { first_ns: self.now, last_ns: self.now, actor, ..Stamp::default() }
    }

    fn say(&mut self, direction: Direction, bytes: &[u8]) {
        let stamp = self.stamp();
        let pos = self.ends[direction as usize];
        self.session.data(direction, &Chunk { pos, bytes, ends_call: true, stamp }, &mut self.out);
        self.ends[direction as usize] += bytes.len() as u64;
    }

    fn lose(&mut self, direction: Direction, len: u64) {
        let stamp = self.stamp();
        self.session.gap(direction, len, stamp, &mut self.out);
        self.ends[direction as usize] += len;
    }

    fn take(&mut self) -> Vec<Exchange> {
        std::mem::take(&mut self.out.exchanges)
    }
}

fn said(exchange: &Exchange) -> &FastCgiExchange {
    exchange.detail.downcast().unwrap()
}

#[test]
fn a_request_and_its_answer() {
    let mut talk = Talk::new();
    let (asks, answers) = (request(1, "/shop/7?id=7", b"a=1"), answer(1, b"Status: 404 Not Found\r\nX: y\r\n\r\nbody"));
    talk.say(ToServer, &asks);
    let start = talk.out.requests[0].clone();
    assert_eq!((start.pos, start.at_ns, start.read_ns, start.actor.context), (1000, 100, 100, 100));
    assert_eq!(start.print, Some(crate::phase::Print::of("POST", "/shop/7?id=7")));
    talk.say(ToClient, &answers);
    let exchange = &talk.take()[0];
    assert_eq!((exchange.request.bytes, exchange.response.unwrap().bytes), (asks.len() as u64, answers.len() as u64));
    assert_eq!((exchange.ending, exchange.end_ns), (Ending::Answered, 200));
    let mut foreign = Foreign::default();
    foreign.keep(Header::named(b"x-request-id").unwrap(), b"7b1f");
    let expected = FastCgiExchange {
        foreign: Some(Box::new(foreign)),
        method: "POST".into(),
        target: "/shop/7?id=7".into(),
        status: Some(404),
        host: Some("shop.test".into()),
        user_agent: Some("curl/8".into()),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        forwarded_for: Some("10.0.0.9".into()),
        request_body: Some(3),
        response_body: Some(4),
        ..FastCgiExchange::default()
    };
    assert_eq!(*said(exchange), expected);
}

#[test]
fn whatever_the_segments_the_same_comes_out() {
    let asks = request(1, &format!("/{}?id=7", "long".repeat(100)), &[b'x'; 300]);
    let answers = answer(1, b"Content-type: text/html\n\nhello");
    for size in [1, 2, 7, 16, 100, 4096] {
        let mut talk = Talk::new();
        for _ in 0..2 {
            asks.chunks(size).for_each(|part| talk.say(ToServer, part));
            answers.chunks(size).for_each(|part| talk.say(ToClient, part));
        }
        let exchanges = talk.take();
        assert_eq!((exchanges.len(), talk.out.requests.len()), (2, 2), "{size}");
        for exchange in &exchanges {
            let said = said(exchange);
            assert_eq!((said.status, said.request_body, said.response_body), (Some(200), Some(300), Some(5)), "{size}");
            assert_eq!(exchange.request.bytes, asks.len() as u64);
        }
    }
}

#[test]
fn requests_at_once_are_told_apart_by_their_ids() {
    let mut talk = Talk::new();
    talk.say(ToServer, &[request(1, "/a", b""), request(2, "/b", b"")].concat());
    talk.say(ToClient, &answer(2, b"Status: 500\r\n\r\n"));
    talk.say(ToClient, &answer(1, b"Location: /c\r\n\r\n"));
    let told: Vec<_> = talk.take().iter().map(|one| (said(one).target.clone(), said(one).status)).collect();
    assert_eq!(told, [("/b".into(), Some(500)), ("/a".into(), Some(302))]);
}

#[test]
fn a_large_answer_of_which_most_was_not_copied_ends_where_it_ends() {
    let mut talk = Talk::new();
    talk.say(ToServer, &request(1, "/a", b""));
    let page = [b"X-A: b\r\n\r\n".as_slice(), &[b'x'; 8000]].concat();
    talk.say(ToClient, &record(6, 1, &page, 0)[..100]);
    talk.lose(ToClient, 100_000);
    assert!(talk.take().is_empty());
    talk.say(ToClient, &[&[b'x'; 50], &*end(1)].concat());
    let exchange = &talk.take()[0];
    assert_eq!(
        (said(exchange).status, said(exchange).response_body, exchange.ending),
        (Some(200), None, Ending::Answered)
    );
    talk.say(ToServer, &request(1, "/b", b""));
    talk.say(ToClient, &answer(1, b"\r\nhi"));
    assert_eq!(said(&talk.take()[0]).response_body, Some(2), "all is known again");
    assert_eq!(talk.out.counts[Reason::Resync as usize], 1);
}

#[test]
fn a_body_that_was_not_copied_costs_nothing() {
    let mut talk = Talk::new();
    let asks = request(1, "/a", &[b'x'; 5000]);
    talk.say(ToServer, &asks[..1000]);
    talk.lose(ToServer, 4000);
    talk.say(ToServer, &asks[5000..]);
    let page = record(6, 1, &[b"\r\n".as_slice(), &[b'x'; 9000]].concat(), 0);
    talk.say(ToClient, &page[..500]);
    talk.lose(ToClient, 8000);
    talk.say(ToClient, &[&page[8500..], &*end(1)].concat());
    let exchange = &talk.take()[0];
    assert_eq!((said(exchange).request_body, said(exchange).response_body), (Some(5000), Some(9000)));
    assert_eq!(talk.out.counts, Output::default().counts);
}

#[test]
fn a_connection_that_ends_before_the_answer() {
    for (how, ending) in [(Close::Orderly, Ending::Closed), (Close::Reset, Ending::Reset)] {
        let mut talk = Talk::new();
        talk.say(ToServer, &request(1, "/a", b""));
        talk.say(ToClient, &record(7, 1, b"PHP Fatal error", 1));
        talk.session.close(how, 900, &mut talk.out);
        let exchange = &talk.take()[0];
        assert_eq!((exchange.ending, exchange.end_ns, said(exchange).status), (ending, 900, None));
    }
}

#[test]
fn it_is_recognised_by_the_first_record() {
    let context = Context { direction: None, from_start: true };
    let asks = request(1, "/a", b"");
    assert_eq!(probe(&asks, context), Probe::Yes(ToServer));
    assert_eq!((probe(&asks[..1], context), probe(&asks[..12], context)), (Probe::Maybe, Probe::Maybe));
    assert_eq!(probe(&answer(1, b"\r\n"), context), Probe::Yes(ToClient));
    // A message of DNS over TCP, a body's records, and others.
    for other in
        [b"\x01\x06\x00\x07\x81\x80\x00\x01\x00".as_slice(), &record(4, 1, b"", 0), b"GET / HTTP/1.1", b"\x01\x01\x00"]
    {
        let expected = if other.len() == 3 { Probe::Maybe } else { Probe::No };
        assert_eq!(probe(other, context), expected, "{other:?}");
    }
}

#[test]
fn odd_bytes_end_it_and_are_counted() {
    let mut talk = Talk::new();
    for _ in 0..4 {
        talk.say(ToServer, &record(1, 1, &[0, 1, 0, 0, 0, 0, 0, 0], 0));
        talk.say(ToServer, b"GET / HTTP/1.1\r\n\r\n");
    }
    assert!(talk.out.left);
    let mut talk = Talk::new();
    talk.say(ToClient, &answer(9, b"\r\n"));
    assert_eq!(talk.out.counts[Reason::UnmatchedResponse as usize], 1);
    for id in 0..200 {
        talk.say(ToServer, &request(id + 1, "/a", b""));
    }
    talk.session.abandon(Reason::UnderWay, &mut talk.out);
    assert_eq!(talk.out.counts[Reason::TooManyPending as usize] + talk.out.counts[Reason::UnderWay as usize], 200);
}

proptest::proptest! {
    /// Whatever comes, cut, lost or made up, nothing panics, and what is held is bounded.
    #[test]
    fn anything_may_come(steps in proptest::collection::vec((0u8..6, 0usize..400, proptest::collection::vec(proptest::num::u8::ANY, 1..60)), 1..60)) {
        let mut talk = Talk::new();
        let (asks, answers) = (request(1, "/a?id=1", b"abc"), answer(1, b"Status: 204 x\r\n\r\nbody"));
        for (step, at, noise) in steps {
            match step {
                0 => talk.say(ToServer, &asks[at % asks.len()..]),
                1 => talk.say(ToServer, &asks[..1 + at % (asks.len() - 1)]),
                2 => talk.say(ToClient, &answers[at % answers.len()..]),
                3 => talk.say(if at % 2 == 0 { ToServer } else { ToClient }, &noise),
                4 => talk.lose(if at % 2 == 0 { ToServer } else { ToClient }, at as u64 + 1),
                _ => talk.say(ToClient, &answers[..1 + at % (answers.len() - 1)]),
            }
            proptest::prop_assert!(talk.session.heap_bytes() < 8 << 20);
        }
        talk.session.close(Close::Reset, talk.now + 1, &mut talk.out);
        talk.session.abandon(Reason::UnderWay, &mut talk.out);
        let ends: Vec<_> = talk.take().iter().map(|one| (one.request.first_ns, one.end_ns)).collect();
        proptest::prop_assert!(ends.iter().all(|(first, end)| first <= end));
    }
}
