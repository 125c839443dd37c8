//! Conversations in, exchanges out.

mod calls;
mod framing;
mod loss;
mod order;
mod property;
mod shed;
mod trial;
mod unsent;

use super::{HttpExchange, PROTOCOL};
use crate::exchange::{Ending, Exchange};
use crate::phase::RequestStart;
use crate::session::{Close, Output, Reason, Session, Shedding};
use crate::stream::{Actor, Chunk, Direction, Stamp};
use std::collections::BTreeMap;

/// A connection under test. Each call takes one tick of 1000 ns.
pub(super) struct Talk {
    session: Box<dyn Session>,
    pub(super) out: Output,
    ends: [u64; 2],
    pub(super) now: u64,
    /// Beginnings of requests, by position.
    pub(super) begun: BTreeMap<u64, RequestStart>,
}

impl Talk {
    pub(super) fn new() -> Self {
        Self::open(true)
    }

    pub(super) fn open(from_start: bool) -> Self {
        Self {
            session: PROTOCOL.session(from_start),
            out: Output::default(),
            ends: [1000, 5000],
            now: 0,
            begun: BTreeMap::new(),
        }
    }

    fn tick(&mut self) -> Stamp {
        self.now += 1000;
        self.stamp()
    }

    fn stamp(&self) -> Stamp {
        let actor = Actor { pid: 7, tid: 8, context: 0 };
        Stamp { first_ns: self.now, last_ns: self.now + 10, actor, arrived_ns: self.now - 300, rejected: 0 }
    }

    fn chunk(&mut self, direction: Direction, bytes: &[u8], ends_call: bool) {
        let stamp = self.stamp();
        let end = &mut self.ends[usize::from(direction == Direction::ToClient)];
        let chunk = Chunk { pos: *end, bytes, ends_call, stamp };
        *end += bytes.len() as u64;
        if !bytes.is_empty() {
            self.session.data(direction, &chunk, &mut self.out);
            self.check();
        }
    }

    /// What was reported was told before, once each.
    fn check(&mut self) {
        for start in self.out.requests.drain(..) {
            assert!(self.begun.insert(start.pos, start).is_none(), "told twice");
        }
        for exchange in &self.out.exchanges {
            let start = self.begun.get(&exchange.request.pos).unwrap();
            assert_eq!((start.at_ns, start.actor), (exchange.request.first_ns, exchange.actor));
            // A field that was cut off by the answer is in the exchange only.
            assert_eq!(start.traceparent, http(exchange).traceparent);
        }
    }

    /// The client sends, in one call.
    pub(super) fn ask(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.tick();
        self.chunk(Direction::ToServer, bytes.as_ref(), true);
        self
    }

    /// The server sends, in one call.
    pub(super) fn answer(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.tick();
        self.chunk(Direction::ToClient, bytes.as_ref(), true);
        self
    }

    /// A call beyond the budget: only its ends are captured.
    pub(super) fn beyond(&mut self, direction: Direction, bytes: &[u8], head: usize, tail: usize) -> &mut Self {
        if head + tail >= bytes.len() {
            self.tick();
            self.chunk(direction, bytes, true);
            return self;
        }
        self.tick();
        self.chunk(direction, &bytes[..head], false);
        self.skip(direction, (bytes.len() - head - tail) as u64);
        self.chunk(direction, &bytes[bytes.len() - tail..], true);
        self
    }

    fn skip(&mut self, direction: Direction, len: u64) {
        let stamp = self.stamp();
        self.ends[usize::from(direction == Direction::ToClient)] += len;
        self.session.gap(direction, len, stamp, &mut self.out);
        self.check();
    }

    /// Whole calls are lost.
    pub(super) fn lose(&mut self, direction: Direction, len: u64) -> &mut Self {
        self.tick();
        self.skip(direction, len);
        self
    }

    /// Whole turns were left out on purpose.
    pub(super) fn left_out(&mut self, direction: Direction, len: usize) -> &mut Self {
        self.tick();
        let stamp = self.stamp();
        self.ends[usize::from(direction == Direction::ToClient)] += len as u64;
        self.session.skip(direction, len as u64, stamp, &mut self.out);
        self.check();
        self
    }

    pub(super) fn shedding(&self) -> Shedding {
        self.session.shedding()
    }

    pub(super) fn fin(&mut self, direction: Direction) -> &mut Self {
        self.tick();
        self.session.half_close(direction, self.now, &mut self.out);
        self.check();
        self
    }

    pub(super) fn close(&mut self, how: Close) -> &mut Self {
        self.tick();
        self.session.close(how, self.now, &mut self.out);
        self.check();
        self
    }

    pub(super) fn expire(&mut self, before_ns: u64) -> &mut Self {
        self.session.expire(before_ns, &mut self.out);
        self.check();
        self
    }

    pub(super) fn exchanges(&mut self) -> Vec<Exchange> {
        std::mem::take(&mut self.out.exchanges)
    }

    /// `GET /path 200`, one for each exchange since the last look.
    pub(super) fn seen(&mut self) -> Vec<String> {
        self.exchanges().iter().map(line).collect()
    }

    pub(super) fn one(&mut self) -> Exchange {
        let mut all = self.exchanges();
        assert_eq!(all.len(), 1, "{all:?} {:?}", self.out.counts);
        all.remove(0)
    }

    pub(super) fn count(&self, reason: Reason) -> u64 {
        self.out.counts[reason as usize]
    }
}

pub(super) fn http(exchange: &Exchange) -> &HttpExchange {
    exchange.detail.downcast().unwrap()
}

pub(super) fn line(exchange: &Exchange) -> String {
    let http = http(exchange);
    let status = http.status.map_or("-".to_owned(), |status| status.to_string());
    let ending = if exchange.ending == Ending::Answered { String::new() } else { format!(" {:?}", exchange.ending) };
    format!("{} {} {status}{ending}", http.method, http.target)
}

pub(super) fn bodies(exchange: &Exchange) -> (Option<u64>, Option<u64>) {
    (http(exchange).request_body, http(exchange).response_body)
}

pub(super) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")
}

pub(super) fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
