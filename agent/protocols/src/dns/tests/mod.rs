//! Conversations of messages, and what should come out of them.

mod build;
mod datagram;
mod names;
mod property;
mod stream;

use super::{DATAGRAMS, DnsExchange, PROTOCOL};
use crate::exchange::{Ending, Exchange};
use crate::session::{Close, Output, Reason, Session};
use crate::stream::{Actor, Chunk, Direction, Stamp};

/// A socket under test: each call of `ask` or `answer` is one system call, 1 µs after the one before.
pub struct Talk {
    pub session: Box<dyn Session>,
    pub out: Output,
    pub now: u64,
    pub pos: [u64; 2],
}

pub const STEP: u64 = 1_000;
pub const SECOND: u64 = 1_000_000_000;

impl Talk {
    pub fn udp() -> Self {
        Self { session: DATAGRAMS.session(true), out: Output::default(), now: SECOND, pos: [100, 900] }
    }

    pub fn tcp(from_start: bool) -> Self {
        Self { session: PROTOCOL.session(from_start), ..Self::udp() }
    }

    pub fn stamp(&mut self) -> Stamp {
        self.now += STEP;
        let actor = Actor { pid: 1, tid: 2, context: 3 };
        Stamp { first_ns: self.now, last_ns: self.now + 10, actor, arrived_ns: self.now - 5 }
    }

    pub fn call(&mut self, direction: Direction, bytes: &[u8]) -> &mut Self {
        let stamp = self.stamp();
        self.piece(direction, bytes, true, stamp)
    }

    pub fn piece(&mut self, direction: Direction, bytes: &[u8], ends_call: bool, stamp: Stamp) -> &mut Self {
        let pos = &mut self.pos[usize::from(direction == Direction::ToClient)];
        self.session.data(direction, &Chunk { pos: *pos, bytes, ends_call, stamp }, &mut self.out);
        *pos += bytes.len() as u64;
        self
    }

    pub fn gap(&mut self, direction: Direction, len: usize, stamp: Stamp) -> &mut Self {
        self.session.gap(direction, len as u64, stamp, &mut self.out);
        self.pos[usize::from(direction == Direction::ToClient)] += len as u64;
        self
    }

    /// A call of which only the first `head` bytes are captured.
    pub fn cut(&mut self, direction: Direction, bytes: &[u8], head: usize) -> &mut Self {
        let stamp = self.stamp();
        if head > 0 {
            self.piece(direction, &bytes[..head], false, stamp);
        }
        self.gap(direction, bytes.len() - head, stamp)
    }

    pub fn ask(&mut self, bytes: &[u8]) -> &mut Self {
        self.call(Direction::ToServer, bytes)
    }

    pub fn answer(&mut self, bytes: &[u8]) -> &mut Self {
        self.call(Direction::ToClient, bytes)
    }

    pub fn close(&mut self, how: Close) -> &mut Self {
        self.now += STEP;
        self.session.close(how, self.now, &mut self.out);
        self
    }

    pub fn take(&mut self) -> Vec<Exchange> {
        std::mem::take(&mut self.out.exchanges)
    }

    pub fn lines(&mut self) -> Vec<String> {
        self.take().iter().map(line).collect()
    }

    /// What was counted, by name.
    pub fn counted(&self) -> Vec<(&'static str, u64)> {
        Reason::ALL.iter().zip(self.out.counts).filter(|(_, n)| *n > 0).map(|(reason, n)| (reason.name(), n)).collect()
    }
}

pub fn detail(exchange: &Exchange) -> &DnsExchange {
    exchange.detail.downcast().unwrap()
}

/// `name type code addresses`, then what is out of the ordinary.
pub fn line(exchange: &Exchange) -> String {
    let detail = detail(exchange);
    let code = detail.response_code.map_or("-".to_owned(), |code| code.to_string());
    let mut line = format!("{} {} {code}", detail.name, detail.question);
    for address in &detail.addresses {
        line += &format!(" {address}");
    }
    if exchange.ending != Ending::Answered {
        line += &format!(" {:?}", exchange.ending);
    }
    line
}
