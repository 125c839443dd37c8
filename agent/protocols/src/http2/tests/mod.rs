//! Conversations over one connection: what is told of them, whole, cut and with losses.

mod build;
mod calls;
mod ends;
mod loss;
mod properties;
mod real;

use std::fmt::Write as _;

use build::{DOWN, Peer, UP};

use super::{Http2Exchange, PROTOCOL};
use crate::exchange::{Ending, Exchange};
use crate::session::{Close, Output, Reason, Session};
use crate::stream::{Actor, Chunk, Direction, Stamp};

/// A call: which way, and its bytes. `Err`: so many that nobody saw.
type Call = (Direction, Result<Vec<u8>, usize>);

fn stamp(ns: u64) -> Stamp {
    let actor = Actor { pid: 1, tid: 2, context: 0 };
    Stamp { first_ns: ns, last_ns: ns, actor, arrived_ns: 0, rejected: 0 }
}

/// A session, and what it told.
struct Run {
    session: Box<dyn Session>,
    out: Output,
    now: u64,
    pos: [u64; 2],
}

impl Run {
    fn new(from_start: bool) -> Self {
        Self { session: PROTOCOL.session(from_start), out: Output::default(), now: 0, pos: [1000, 5000] }
    }

    fn bytes(&mut self, direction: Direction, bytes: &[u8], ends_call: bool, now: u64) {
        let pos = &mut self.pos[direction as usize];
        let chunk = Chunk { pos: *pos, bytes, ends_call, stamp: stamp(now) };
        *pos += bytes.len() as u64;
        if !bytes.is_empty() {
            self.session.data(direction, &chunk, &mut self.out);
        }
    }

    fn call(&mut self, (direction, bytes): &Call) {
        self.now += 10;
        match bytes {
            Ok(bytes) => self.bytes(*direction, bytes, true, self.now),
            Err(len) => {
                self.pos[*direction as usize] += *len as u64;
                self.session.gap(*direction, *len as u64, stamp(self.now), &mut self.out);
            }
        }
    }

    fn play(from_start: bool, calls: &[Call]) -> Self {
        let mut run = Self::new(from_start);
        calls.iter().for_each(|call| run.call(call));
        run
    }

    fn close(mut self) -> Self {
        self.session.close(Close::Orderly, self.now + 5, &mut self.out);
        self
    }

    fn count(&self, reason: Reason) -> u64 {
        self.out.counts[reason as usize]
    }

    fn told(&self) -> String {
        self.out.exchanges.iter().map(line).collect()
    }
}

fn detail(exchange: &Exchange) -> &Http2Exchange {
    exchange.detail.downcast().unwrap()
}

/// An exchange in a line: stream, method, target, status, bodies, and what is unusual; times as `request-end`.
fn line(exchange: &Exchange) -> String {
    let detail = detail(exchange);
    let size = |size: Option<u64>| size.map_or("?".to_owned(), |size| size.to_string());
    let status = detail.status.map_or("-".to_owned(), |status| status.to_string());
    let mut text = format!("{} {} {} {status}", exchange.stream, detail.method, detail.target);
    let _ = write!(text, " {}/{}", size(detail.request_body), size(detail.response_body));
    if let Some(call) = &detail.call {
        let code = call.status.map_or("-".to_owned(), |code| code.to_string());
        let _ = write!(text, " grpc={code} {}/{}", size(call.request_messages), size(call.response_messages));
    }
    if exchange.ending != Ending::Answered {
        let _ = write!(text, " {:?}", exchange.ending);
    }
    if let Some(code) = detail.reset {
        let _ = write!(text, " reset={code}");
    }
    let _ = writeln!(text, " {}-{}", exchange.request.first_ns, exchange.end_ns);
    text
}

/// Both ends of a connection from its start.
fn peers() -> (Peer, Peer, Vec<Call>) {
    let (client, server) = (Peer::new(), Peer::new());
    let calls = vec![(UP, Ok(build::opening())), (DOWN, Ok(build::settings()))];
    (client, server, calls)
}

#[test]
fn two_streams_at_once() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok([client.get(1, "/a"), client.post(3, "/b", b"hello")].concat())));
    calls.push((DOWN, Ok(server.respond(3, 200, b"ok!"))));
    calls.push((DOWN, Ok(server.respond(1, 404, b""))));
    let run = Run::play(true, &calls);
    assert_eq!(run.told(), "3 POST /b 200 5/3 30-40\n1 GET /a 404 0/0 30-50\n");
    let starts: Vec<_> = run.out.requests.iter().map(|start| (start.stream, start.pos)).collect();
    let at = 1000 + build::opening().len() as u64;
    assert_eq!(starts[0], (1, at));
    assert_eq!(starts.len(), 2);
    assert_eq!(run.out.exchanges[1].request.pos, at);
    let detail = detail(&run.out.exchanges[0]);
    assert_eq!((detail.host.as_deref(), &*detail.scheme), (Some("shop.example"), "http"));
    assert_eq!(run.out.exchanges[0].response.unwrap().bytes, calls[3].1.as_ref().unwrap().len() as u64);
}

#[test]
fn an_exchange_ends_with_its_response() {
    let (mut client, mut server, mut calls) = peers();
    calls.push((UP, Ok(client.get(1, "/a"))));
    calls.push((DOWN, Ok(server.head(1, &[(":status", "103"), ("link", "</x>")], false))));
    calls.push((DOWN, Ok(server.head(1, &[(":status", "200")], false))));
    calls.push((DOWN, Ok(build::data(1, b"one", false))));
    calls.push((DOWN, Ok(build::padded(1, b"two", 7, false))));
    calls.push((DOWN, Ok(server.head(1, &[("x-checksum", "7")], true))));
    let run = Run::play(true, &calls);
    assert_eq!(run.told(), "1 GET /a 200 0/6 30-80\n");
    assert_eq!(run.out.exchanges[0].response.unwrap().first_ns, 50);
}

#[test]
fn a_response_may_come_before_its_request() {
    let (mut client, mut server, mut calls) = peers();
    let request = client.get(1, "/a");
    calls.push((DOWN, Ok(server.respond(1, 200, b"x"))));
    calls.push((UP, Ok(request)));
    let mut run = Run::play(true, &calls);
    assert_eq!(run.told(), "1 GET /a 200 0/1 40-40\n");
    run.call(&(DOWN, Ok(server.respond(9, 200, b""))));
    run.call(&(UP, Ok(client.get(11, "/b"))));
    assert_eq!((run.count(Reason::UnmatchedResponse), run.out.exchanges.len()), (1, 1));
}

#[test]
fn blocks_in_pieces() {
    let (mut client, mut server, mut calls) = peers();
    let long = "v".repeat(3000);
    calls
        .push((UP, Ok(build::split(&client.head(1, &[(":method", "GET"), (":path", "/a"), ("x", &long)], true), 700))));
    calls.push((DOWN, Ok(build::split(&server.respond(1, 200, b""), 1))));
    assert_eq!(Run::play(true, &calls).told(), "1 GET /a 200 0/0 30-40\n");
}
